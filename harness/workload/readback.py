"""After recovery everything is read back, straight from the current Postgres and the broker, past the stack's services.

The tables come from one snapshot, so they are judged against each other exactly. The broker is asked before and after it: an
order is at the broker before it is booked, so what was filled before the snapshot has had time to be booked, and what is
booked has its fill in the later answer. After an outage an engine has much to settle: it is given time for as long as it goes on.
"""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString

import httpx
import psycopg

from fakes.clock import Clock
from harness.history import Event, Recorder

_TABLES: dict[str, LiteralString] = {
    "executions": "SELECT execution_id, client_order_id, fill_id, symbol, side, quantity, executed_at_s, booked_at_s"
    " FROM executions ORDER BY booked_at_s, executed_at_s",
    "orders": "SELECT client_order_id, source, quantity, price_at_s, placed_at_s FROM orders ORDER BY placed_at_s",
    "positions": "SELECT symbol, quantity FROM positions ORDER BY symbol",
    "halts": "SELECT at_s, halted FROM trading_halt_log ORDER BY entry",
    "limits": "SELECT name, value FROM risk_settings ORDER BY name",
}
_FILL = ("fill_id", "client_order_id", "symbol", "side", "quantity", "at_s")
_BOOKED_WITHIN_S = 3.0  # wall, for fills that are being booked while we read
_LOOK_EVERY_S = 0.1
_ANSWER_WITHIN_S = 20.0
_YOUNG_S = 10.0  # documented: an older fill is waited for only while others of its age are being booked
_GOES_ON_S = 1.0  # wall between two of those: then nobody settles any more
_SETTLED_WITHIN_S = 60.0  # wall: a thousand of them

Rows = list[list[Any]]


async def read_back(recorder: Recorder, clock: Clock, *, dsn: str, broker: str, address: str = "postgres") -> Event:
    """Read all there is and record it as `readback.orders`; as `readback.failed`, with the error, when that is impossible.

    `dsn` leads to the instance behind the service address `address` now, `broker` is the broker's base URL. Call it when the
    observer has stopped.
    """
    began_s = clock.now()
    try:
        async with httpx.AsyncClient(base_url=broker, trust_env=False, timeout=_ANSWER_WITHIN_S) as http:
            early = await _fills(http)
            tables = await _read_until_booked(dsn, early)
            late = await _fills(http)
    except (psycopg.Error, httpx.HTTPError, OSError, ValueError, KeyError) as error:
        return recorder.record("readback.failed", address, error=f"{type(error).__name__}: {error}".strip())
    present = [row[1] for row in tables["executions"]]
    settled = sorted({fill[1] for fill in early})
    late_only = [fill for fill in late if fill[1] not in set(settled)]
    rows = {**tables, "fills": [fill for fill in late if fill[1] in set(settled)], "fills_meanwhile": late_only}
    return recorder.record("readback.orders", address, began_s=round(began_s, 6), present=present, rows=rows)


async def _fills(http: httpx.AsyncClient) -> Rows:
    answer = await http.get("/fills")
    answer.raise_for_status()
    return [[fill[key] for key in _FILL] for fill in answer.json()]


async def _read_until_booked(dsn: str, fills: Rows) -> dict[str, Rows]:
    """The tables, read again for a moment while a recent fill is not booked yet, and for as long as older ones still are booked."""
    loop = asyncio.get_running_loop()
    began_s = last_s = loop.time()
    newest_s = max((float(fill[-1]) for fill in fills), default=0.0)
    young = {str(fill[1]) for fill in fills if float(fill[-1]) > newest_s - _YOUNG_S}
    fewest = len(fills) + 1
    while True:
        tables = await _tables(dsn)
        missing = {str(fill[1]) for fill in fills} - {str(row[1]) for row in tables["executions"]}
        now_s = loop.time()
        if len(missing) < fewest:
            fewest, last_s = len(missing), now_s
        within_s = _SETTLED_WITHIN_S if now_s - last_s < _GOES_ON_S else _BOOKED_WITHIN_S if missing & young else 0.0
        if not missing or now_s - began_s >= within_s:
            return tables
        await asyncio.sleep(_LOOK_EVERY_S)


async def _tables(dsn: str) -> dict[str, Rows]:
    async with asyncio.timeout(_ANSWER_WITHIN_S):
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            found: dict[str, Rows] = {}
            for name, query in _TABLES.items():
                cursor = await connection.execute(query)
                found[name] = [list(row) for row in await cursor.fetchall()]
            return found
