"""Which databases take writes, watched from outside for as long as a stack with two sites runs.

Each running Postgres is asked straight, past every proxy, whether it takes writes, on which timeline, and for the bookings that
came to it since. So a database that nobody should write to any more is seen to be written to, even where all that it took is
taken back before the drill ends.
"""

from __future__ import annotations

import asyncio
import contextlib

import psycopg

from fakes.clock import Clock
from harness.history import Recorder
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer

WROTE = "database.wrote"
_LOOK_EVERY_S = 0.5  # wall
_ANSWER_WITHIN_S = 2.0  # wall
_SEGMENT = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_insert_lsn()) END"


class Writers:
    """Records `database.wrote` for each look at which a database that takes writes had new bookings. `start` and `stop` are safe to repeat.

    What a database had when it was first seen to take writes is not its own: it came with the replication or the restore. So up
    to one look's length of its first writes may go unseen.
    """

    def __init__(self, stack: EmbeddedStack, clock: Clock, recorder: Recorder) -> None:
        self._stack, self._clock, self._recorder = stack, clock, recorder
        self._newest_s: dict[tuple[str, int], float] = {}  # booked, by server and timeline
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Nothing is watched where there is one site."""
        if self._stack.model.sites is not None and self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """After one more look."""
        if self._watching is None:
            return
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        self._watching = None
        await self.look()

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def look(self) -> None:
        """At all of them once. One that does not answer is looked at the next time."""
        servers = [each for each in self._stack.datastores.values() if isinstance(each, PostgresServer) and each.running]
        await asyncio.gather(*(self._look_at(server) for server in servers))

    async def _look_at(self, server: PostgresServer) -> None:
        with contextlib.suppress(psycopg.Error, OSError, TimeoutError):
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                await self._ask(server)

    async def _ask(self, server: PostgresServer) -> None:
        now_s = self._clock.now()
        async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as connection:
            row = await (await connection.execute(_SEGMENT)).fetchone()
            if row is None or row[0] is None:
                return  # a replica
            timeline = int(str(row[0])[:8], 16)
            since_s = self._newest_s.setdefault((server.name, timeline), now_s)
            found = await (
                await connection.execute(
                    "SELECT count(*), min(booked_at_s), max(booked_at_s) FROM executions WHERE booked_at_s > %s", (since_s,)
                )
            ).fetchone()
        if found is None or not found[0]:
            return
        self._newest_s[server.name, timeline] = float(found[2])
        facts = {"timeline": timeline, "bookings": int(found[0]), "first_s": float(found[1]), "last_s": float(found[2])}
        self._recorder.record(WROTE, server.name, **facts)
