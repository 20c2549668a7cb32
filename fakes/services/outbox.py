"""The outbox: executions on their way from Postgres to the bus.

An execution's entry is written in the transaction that books it and deleted in one that ends after the bus has it. So each
execution reaches the stream `executions`, at least once; `execution_id` tells a repeated one.
"""

from __future__ import annotations

import asyncio
from typing import LiteralString

from fakes.services.bus import Bus, append
from fakes.services.database import Database
from fakes.services.errors import DependencyDown

STREAM = "executions"
_PAUSE_S = 0.1  # wall: what comes meanwhile goes together
_AGAIN_S = 0.1  # wall, after a failure

_TAKE: LiteralString = (
    "WITH taken AS (DELETE FROM outbox WHERE entry IN (SELECT entry FROM outbox ORDER BY entry LIMIT 100) RETURNING *)"
    " SELECT e.execution_id, e.client_order_id, e.symbol, e.side, e.quantity, e.price, e.executed_at_s"
    " FROM taken JOIN executions e USING (execution_id) ORDER BY entry"
)
_FIELDS = ("execution_id", "client_order_id", "symbol", "side", "quantity", "price", "executed_at_s")


class Outbox:
    """Empties the outbox in the background."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._news = asyncio.Event()
        self._news.set()  # an earlier life may have left some

    def told(self) -> None:
        """Something was committed."""
        self._news.set()

    async def run(self) -> None:
        """Publish for ever what is committed."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                while await self._publish():
                    pass
            except DependencyDown:
                self._news.set()
                await asyncio.sleep(_AGAIN_S)
            await asyncio.sleep(_PAUSE_S)

    async def _publish(self) -> int:
        async with self._database.session() as session:
            # A deletion that a failover forgets publishes again, which does no harm: it need not wait for a replica.
            *_, rows = await session.batch([("BEGIN", ()), ("SET LOCAL synchronous_commit = off", ()), (_TAKE, ())])
            if not rows:
                return 0
            async with self._bus.redis.pipeline(transaction=True) as transaction:
                for row in rows:
                    append(transaction, STREAM, dict(zip(_FIELDS, map(str, row), strict=True)))
                async with self._bus.asking():
                    await transaction.execute()
            await session.rows("COMMIT")
        return len(rows)
