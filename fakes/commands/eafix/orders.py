"""`eafix-cli orders cleanup`: orders of which nobody knows yet, or that stand in the database without their execution."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fakes.commands.eafix.platform import BROKER, EXECUTION, Check, Platform, SqlFailed, attempt, report
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed

CLEANUP_FLAGS = (Flag("stuck", "", "switch"),)
SETTLE_S, _POLL_S = 10.0, 0.05  # wall; the engine asks the broker again every 0.1 s
_NO_EXECUTION = "NOT EXISTS (SELECT FROM executions e WHERE e.client_order_id = o.client_order_id)"
# In hex: a client may choose any characters.
_STUCK = f"SELECT encode(convert_to(client_order_id, 'UTF8'), 'hex') FROM orders o WHERE {_NO_EXECUTION} ORDER BY placed_at_s"


def cleanup(line: Parsed, platform: Platform) -> int:
    """0 when no order is stuck any more. What the broker filled is never removed."""
    if not line.on("stuck"):
        raise Failure("eafix-cli: orders cleanup needs --stuck", 2)
    return report(_clean(platform))


def _clean(platform: Platform) -> Iterator[Check]:
    yield attempt("orders in doubt", lambda: _settled(platform))
    try:
        stuck = [bytes.fromhex(row[0]).decode() for row in platform.sql(_STUCK)]
    except SqlFailed as error:
        yield Check("orders without execution", False, f"cannot be read: {error}")
        return
    yield Check("orders without execution", True, str(len(stuck)))
    for client_order_id in stuck:
        yield attempt(f"order {client_order_id}", lambda name=client_order_id: _removed(platform, name))


def _settled(platform: Platform) -> Check:
    """The engine settles these itself, as soon as broker and database answer: it cancels at the broker, or books the fill."""
    first = left = _in_doubt(platform)
    deadline = time.monotonic() + SETTLE_S
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        left = _in_doubt(platform)
    if not left:
        return Check("orders in doubt", True, f"{first} settled" if first else "0")
    down = [f"{name} {state}" for name, state in sorted(platform.health(EXECUTION)[1].items()) if state != "ok"]
    return Check(
        "orders in doubt",
        False,
        f"{left} of {first} not settled in {SETTLE_S:g} s; {', '.join(down) or 'its dependencies are ok'}",
    )


def _in_doubt(platform: Platform) -> int:
    found = platform.scraped(EXECUTION, "trading_orders_in_doubt")
    if not found:
        raise Failure(f"eafix-cli: {EXECUTION} does not tell how many orders are in doubt")
    return round(sum(found.values()))


def _removed(platform: Platform, client_order_id: str) -> Check:
    """First at the broker, so that it can't be filled afterwards; then here."""
    from urllib.parse import quote

    title = f"order {client_order_id}"
    reply = platform.ask(BROKER, "POST", f"/orders/{quote(client_order_id, safe='')}/cancel", {})
    body = reply.json()
    if reply.status >= 400 or not isinstance(body, dict) or "fill" not in body:
        return Check(title, False, f"left: the {BROKER} did not cancel it, HTTP status {reply.status}")
    if body["fill"] is not None:
        return Check(
            title,
            False,
            f"left: the {BROKER} filled it ({body['fill']['fill_id']}) and it is not booked; reconcile the positions",
        )
    name = f"convert_from(decode('{client_order_id.encode().hex()}', 'hex'), 'UTF8')"
    gone = platform.sql(f"DELETE FROM orders o WHERE client_order_id = {name} AND {_NO_EXECUTION} RETURNING 1")
    return Check(title, True, "never filled: cancelled at the broker and removed" if gone else "gone meanwhile")
