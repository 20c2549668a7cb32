"""Faults of Postgres' sessions: the connections are used up, a lock is not given back."""

from __future__ import annotations

import asyncio
import select
from contextlib import suppress

import psycopg
from psycopg import sql

from harness.errors import FaultError
from harness.faults.sql import Connection, asking, first_line, relation, scalar, server_of
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer
from scenarios.faults.postgres import ConnectionsUsedUp, LockPileUp

_TRIES_EVERY_S = 0.1  # wall
_FULL = ("too many clients", "connection slots")
_END_IDLE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND state = 'idle' AND usename = %s"
)
_LEFT = (  # to ordinary users
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - count(*)"
    " FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


class UseUpConnections:
    """Takes the connections that ordinary users may have, and keeps them until healed or until somebody ends one."""

    def __init__(self, name: str, stack: EmbeddedStack, model: ConnectionsUsedUp) -> None:
        self.name, self._server = name, server_of(name, stack, model.process)
        self._user, self._free = str(stack.settings["postgres.user"]), model.free
        self._sessions: list[Connection] = []
        self._keeping: asyncio.Task[None] | None = None

    async def inject(self) -> None:
        if self._keeping is not None:
            return
        async with asking(self.name, self._server) as connection:
            if not self._free:
                await connection.execute(_END_IDLE.encode(), [self._user])
            self._keeping = asyncio.create_task(self._keep())
            try:
                async with asyncio.timeout(10):
                    while (not self._free or await self._left(connection) > self._free) and await self._take():
                        pass
            except (TimeoutError, psycopg.Error) as error:
                await self.heal()
                raise FaultError(f"{self.name}: {self._server.name}: {first_line(error)}") from error

    async def heal(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        self._keeping = None
        while self._sessions:
            await self._sessions.pop().close()

    async def bitten(self) -> str | None:
        """How many sessions of the fault there are; and what an ordinary user is told who connects now, or how many still can."""
        held = len([each for each in self._sessions if not _ended(each)])
        if not held:
            return None
        if self._free:
            async with asking(self.name, self._server) as connection:
                return f"{held} sessions idle in transaction; {await self._left(connection)} connections are left"
        try:
            async with await _connect(self._server, self._user):
                return None
        except psycopg.OperationalError as error:
            return f"{held} sessions idle in transaction; a client is told: {first_line(error)}" if _is_full(error) else None

    async def _keep(self) -> None:
        """Take what becomes free, until somebody ends one of the sessions: from then on he has the upper hand."""
        while True:
            await asyncio.sleep(_TRIES_EVERY_S)
            if any(_ended(each) for each in self._sessions):
                return
            with suppress(psycopg.Error):
                while not self._free and await self._take():
                    pass

    async def _left(self, connection: Connection) -> int:
        """How many more sessions of ordinary users the server would let in."""
        return int(await scalar(connection, _LEFT))

    async def _take(self) -> bool:
        """One more session; False when there is no room. Raises psycopg.Error when the server is not there."""
        try:
            session = await _connect(self._server, self._user)
        except psycopg.OperationalError as error:
            if _is_full(error):
                return False
            raise
        self._sessions.append(session)
        await session.execute("BEGIN")
        await session.execute("SELECT count(*) FROM pg_class")
        return True


class HoldLock:
    """One session that holds a table in ACCESS EXCLUSIVE mode. Who ends it has ended the fault."""

    def __init__(self, name: str, stack: EmbeddedStack, model: LockPileUp) -> None:
        self.name, self._server, self._table = name, server_of(name, stack, model.process), model.table
        self._user = str(stack.settings["postgres.user"])
        self._session: Connection | None = None

    async def inject(self) -> None:
        if self._session is not None and not _ended(self._session):
            return
        async with asking(self.name, self._server) as connection:
            table = await relation(self.name, connection, self._table, "rp")
        await self.heal()
        try:
            self._session = await _connect(self._server, self._user)
            await self._session.execute("BEGIN")
            await self._session.execute("SET LOCAL lock_timeout = '5s'")
            await self._session.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
        except psycopg.Error as error:
            await self.heal()
            raise FaultError(f"{self.name}: {self._server.name}: {first_line(error)}") from error

    async def heal(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def bitten(self) -> str | None:
        """How many wait for the session, and which it is."""
        if self._session is None or _ended(self._session):
            return None
        holder = self._session.info.backend_pid
        async with asking(self.name, self._server) as connection:
            waiting = await scalar(
                connection, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s)", [self._table]
            )
        return f"{waiting} sessions wait for {self._table}, which session {holder} holds" if waiting else None


async def _connect(server: PostgresServer, user: str) -> Connection:
    """As a program of the platform's own that nobody thought of."""
    return await psycopg.AsyncConnection.connect(server.dsn(user=user), application_name="reporting", autocommit=True)


def _ended(session: Connection) -> bool:
    """Whether the server has ended a session: an idle one has nothing else to say."""
    if session.closed:
        return True
    poll = select.poll()
    poll.register(session.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _is_full(error: psycopg.Error) -> bool:
    return any(words in str(error) for words in _FULL)
