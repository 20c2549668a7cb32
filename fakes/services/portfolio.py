"""Positions, the halt and the reconciliation: what the gateway reads from and writes to Postgres."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from fakes.clock import PageClock
from fakes.services.bus import Bus
from fakes.services.calls import Peer
from fakes.services.database import Database
from fakes.services.errors import DependencyDown

_HALT_S, _HALT_LEAST_S = 5.0, 2.0  # orders that a halt waits for end before
_READINGS, _BETWEEN_S = 3, 0.05  # of a reconciliation, wall seconds between them


@dataclass(frozen=True, slots=True)
class Difference:
    """A symbol on which the three accounts disagree."""

    symbol: str
    position: int
    executions: int
    broker: int


async def positions(database: Database, bus: Bus) -> list[dict[str, object]]:
    """All positions, with the latest price where Redis can tell it. Raises DependencyDown."""
    rows = await database.rows("SELECT symbol, quantity, updated_at_s FROM positions ORDER BY symbol")
    prices: dict[str, float | None] = {}
    with suppress(DependencyDown):
        prices = await _prices(bus, [symbol for symbol, _, _ in rows])
    return [
        {
            "symbol": symbol,
            "quantity": quantity,
            "status": "open" if quantity else "flat",
            "price": prices.get(symbol),
            "updated_at_s": updated_at_s,
        }
        for symbol, quantity, updated_at_s in rows
    ]


async def _prices(bus: Bus, symbols: list[str]) -> dict[str, float | None]:
    async with bus.redis.pipeline(transaction=False) as commands:
        for symbol in symbols:
            commands.hget(f"price:{symbol}", "price")
        async with bus.asking():
            found = await commands.execute()
    return {symbol: float(price) if price else None for symbol, price in zip(symbols, found, strict=True)}


async def reconcile(database: Database, broker: Peer) -> list[Difference]:
    """Where positions, the sum of the executions and the broker's positions differ. Raises DependencyDown.

    An order in flight is at the broker before it is in the book, so a difference counts when several readings agree on it.
    """
    lasting = await _differences(database, broker)
    for _ in range(_READINGS - 1):
        if not lasting:
            break
        await asyncio.sleep(_BETWEEN_S)
        lasting &= await _differences(database, broker)
    return sorted(lasting, key=lambda difference: difference.symbol)


async def _differences(database: Database, broker: Peer) -> set[Difference]:
    there = (await broker.get("/positions", within_s=1.0)).body
    rows = await database.rows(
        "SELECT symbol, coalesce(p.quantity, 0), coalesce(e.quantity, 0) FROM positions p FULL JOIN"
        " (SELECT symbol, sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END)::bigint AS quantity"
        " FROM executions GROUP BY symbol) e USING (symbol)"
    )
    ours = {symbol: (position, executions) for symbol, position, executions in rows}
    accounts = (Difference(symbol, *ours.get(symbol, (0, 0)), int(there.get(symbol, 0))) for symbol in {*ours, *there})
    return {each for each in accounts if not each.position == each.executions == each.broker}


async def set_halt(database: Database, clock: PageClock, *, halted: bool, reason: str) -> dict[str, object]:
    """Stop trading, or let it go on, for everybody and across restarts. Raises DependencyDown.

    When this returns for a halt, every execution that will ever commit without being in doubt has committed.
    """
    committing = False
    try:
        async with database.session(clock.wall_for(_HALT_S, least_s=_HALT_LEAST_S)) as session:
            # Waits for the orders that hold the halt FOR SHARE, and goes before those that come after.
            await session.batch([("BEGIN", ()), ("LOCK TABLE trading_halt IN EXCLUSIVE MODE", ())])
            at_s = clock.now()
            committing = True
            await session.batch(
                [
                    ("UPDATE trading_halt SET halted = %s, reason = %s, changed_at_s = %s", (halted, reason, at_s)),
                    ("INSERT INTO trading_halt_log (at_s, halted, reason) VALUES (%s, %s, %s)", (at_s, halted, reason)),
                    ("COMMIT", ()),
                ]
            )
    except DependencyDown as down:
        raise DependencyDown(down.dependency, down.why, "unknown" if committing else "failed") from down
    return {"status": "halted" if halted else "trading", "halted": halted, "reason": reason, "changed_at_s": at_s}
