"""`eafix-cli data-feed`, `data` and `cache`: the market data, where it comes from and what is kept of it."""

from __future__ import annotations

from typing import Any

from fakes.commands.eafix.platform import INGESTOR, Check, Platform, report
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.wire import Unreachable, request

TEST_FLAGS = (Flag("provider"),)
SWITCH_FLAGS = (Flag("to"),)
LATEST_FLAGS = (Flag("symbol"),)
CLEAR_FLAGS = (Flag("pattern"),)
STALE_S = 60.0  # runbook 002:188: market_data_age_seconds > 60 is a data feed failure


def status(_line: Parsed, platform: Platform) -> int:
    """0 when prices are fresh and come from a provider that is up."""
    feed = _feed(platform)
    print(f"active provider: {feed['active']}")
    for name, row in sorted(feed["providers"].items()):
        print(f"{name} ({row['service']}): {row['state']}")
    print(f"newest price: {feed['age_s']:.1f} s old")
    healthy = feed["age_s"] <= STALE_S and feed["providers"][feed["active"]]["state"] == "ok"
    print(f"data feed: {'ok' if healthy else 'INTERRUPTED'}")
    return 0 if healthy else 1


def test(line: Parsed, platform: Platform) -> int:
    """Ask each provider itself, and the ingestor what it gets from it: a provider can be well and its link down."""
    feed = _feed(platform)
    wanted = line.text("provider", "all")
    if wanted not in ("all", *feed["providers"]):
        raise Failure(f"eafix-cli: no provider {wanted!r}; there are {', '.join(sorted(feed['providers']))}")
    return report(
        check
        for name, row in sorted(feed["providers"].items())
        if wanted in ("all", name)
        for check in (_itself(platform, name, row), Check(f"{name} to {INGESTOR}", row["state"] == "ok", row["state"]))
    )


def _itself(platform: Platform, name: str, row: dict[str, Any]) -> Check:
    try:
        reply = request(f"127.0.0.1:{platform.service(row['service']).port}", "GET", "/healthz", timeout_s=3.0)
    except Unreachable as error:
        return Check(name, False, str(error))
    return Check(name, reply.status == 200, f"{row['service']} answers with HTTP status {reply.status}")


def switch(line: Parsed, platform: Platform) -> int:
    if not line.text("to"):
        raise Failure("eafix-cli: data-feed switch needs --to=PROVIDER", 2)
    feed = _feed(platform, {"action": "switch", "to": line.text("to")})
    print(f"data feed reads from {feed['active']}")
    return 0


def restart(line: Parsed, platform: Platform) -> int:
    """Open a new connection to the provider that is read."""
    wanted, active = line.text("provider"), _feed(platform)["active"]
    if wanted not in ("", "all", active):
        raise Failure(f"eafix-cli: {wanted} is not read now ({active} is); use data-feed switch --to={wanted}")
    _feed(platform, {"action": "restart"})
    print(f"connection to {active} restarted")
    return 0


def latest(line: Parsed, platform: Platform) -> int:
    """The newest price of a symbol; 1 when it is stale or unknown."""
    symbol = line.text("symbol")
    if not symbol:
        raise Failure("eafix-cli: data latest needs --symbol=SYMBOL", 2)
    known = _feed(platform)["latest"]
    if symbol not in known:
        raise Failure(f"eafix-cli: no price of {symbol}; there are {', '.join(sorted(known)) or 'none'}")
    row = known[symbol]
    price = "price unknown" if row["price"] is None else f"{row['price']}"
    print(f"{symbol} {price}, {row['age_s']:.1f} s old")
    return 0 if row["age_s"] <= STALE_S else 1


def clear(line: Parsed, platform: Platform) -> int:
    """Delete the keys of Redis that match."""
    pattern = line.text("pattern")
    if not pattern:
        raise Failure("eafix-cli: cache clear needs --pattern=PATTERN", 2)
    with platform.redis() as redis:
        cursor, found = "0", set[str]()
        while True:
            cursor, keys = redis.call("SCAN", cursor, "MATCH", pattern, "COUNT", "500")
            found |= set(keys)
            if cursor == "0":
                break
        deleted = redis.call("UNLINK", *sorted(found)) if found else 0
    print(f"{deleted} keys deleted that match {pattern}")
    return 0


def fresh(platform: Platform) -> Check:
    feed = _feed(platform)
    return Check("market data", feed["age_s"] <= STALE_S, f"newest price {feed['age_s']:.1f} s old, from {feed['active']}")


def _feed(platform: Platform, change: dict[str, str] | None = None) -> dict[str, Any]:
    """The ingestor's account of its feed, after the change if there is one. Raises Failure, Unreachable."""
    reply = platform.ask(INGESTOR, "POST" if change else "GET", "/admin/feed", change)
    body = reply.json()
    if reply.status >= 400 or not isinstance(body, dict):
        raise Failure(f"eafix-cli: {INGESTOR} refused: {body.get('error') if isinstance(body, dict) else reply.text}")
    return body
