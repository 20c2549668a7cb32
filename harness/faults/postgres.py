"""Faults of Postgres: its settings, its disk, and what operators and migrations do to it. All its faults are built here."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psycopg
from psycopg import sql

from harness.errors import FaultError
from harness.faults.base import Fault
from harness.faults.pages import CorruptHeap, CorruptIndex
from harness.faults.sessions import HoldLock, UseUpConnections
from harness.faults.sql import Connection, asking, first_line, identifier, relation, scalar, server_of
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer
from scenarios.faults import Fault as FaultModel
from scenarios.faults import postgres as models

_COPIES_TO_NOWHERE = "cp %p /mnt/archive-that-is-gone/%f"
_TRIGGER = sql.Identifier("looks_something_up")


class _Settings:
    """Settings of a server, changed as ALTER SYSTEM does. What stood there before comes back, unless somebody changed it since."""

    def __init__(self, name: str, stack: EmbeddedStack, server: PostgresServer, values: Mapping[str, str]) -> None:
        self._name, self._server, self._values = name, server, dict(values)
        self._embedded = stack.kind == "embedded"
        self._before: dict[str, str] | None = None

    async def put(self) -> None:
        """Raises FaultError."""
        async with asking(self._name, self._server) as connection:
            if self._before is None:
                self._before = await _altered(connection)
            for key, value in self._values.items():
                await connection.execute(_alter(key, value))
            await connection.execute("SELECT pg_reload_conf()")

    async def take_back(self) -> None:
        """Of a server that does not run they are taken out of its file. Raises FaultError."""
        if self._before is None:
            return
        if self._server.running:
            async with asking(self._name, self._server) as connection:
                now = await _altered(connection)
                for key in [key for key, value in self._values.items() if now.get(key) == value]:
                    await connection.execute(_alter(key, self._before.get(key)))
                await connection.execute("SELECT pg_reload_conf()")
        elif self._embedded:
            self._take_out(self._before)
        self._before = None

    def _take_out(self, before: Mapping[str, str]) -> None:
        file = self._server.data / "postgresql.auto.conf"
        if file.is_file():
            ours = {f"{key} = '{value}'": key for key, value in self._values.items()}
            found = [(line, ours.get(line)) for line in file.read_text().splitlines()]
            lines = [line if key is None else f"{key} = '{before[key]}'" for line, key in found if key is None or key in before]
            file.write_text("".join(f"{line}\n" for line in lines))


class LagBehind:
    """A replica replays nothing, or late."""

    def __init__(self, name: str, stack: EmbeddedStack, model: models.ReplicationLag) -> None:
        self.name, self._server = name, server_of(name, stack, model.process)
        delay = None if model.delay_s is None else {"recovery_min_apply_delay": f"{round(model.delay_s * 1000)}ms"}
        self._delay = None if delay is None else _Settings(name, stack, self._server, delay)
        self._lags = False

    async def inject(self) -> None:
        async with asking(self.name, self._server) as connection:
            if not await scalar(connection, "SELECT pg_is_in_recovery()"):
                raise FaultError(f"{self.name}: {self._server.name} is no replica, so it has nothing to replay")
            if self._delay is None:
                await connection.execute("SELECT pg_wal_replay_pause()")
        if self._delay is not None:
            await self._delay.put()
        self._lags = True

    async def heal(self) -> None:
        if self._delay is not None:
            await self._delay.take_back()
        elif self._lags and self._server.running:
            async with asking(self.name, self._server) as connection:
                if await scalar(connection, "SELECT pg_is_in_recovery()"):  # who promoted it has resumed it
                    await connection.execute("SELECT pg_wal_replay_resume()")
        self._lags = False

    async def bitten(self) -> str | None:
        """How much it has received and not replayed."""
        if not self._lags:
            return None
        async with asking(self.name, self._server) as connection:
            behind = await scalar(
                connection, "SELECT pg_is_in_recovery()::int * (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::bigint"
            )
        return f"{self._server.name} has received {behind} bytes of WAL that it does not replay" if behind else None


class DropTable:
    """The table is gone with all that depends on it. Healing brings nothing back."""

    def __init__(self, name: str, stack: EmbeddedStack, model: models.DroppedTable) -> None:
        self.name, self._server, self._table = name, server_of(name, stack, model.process), model.table
        self._rows: int | None = None

    async def inject(self) -> None:
        if await self.bitten():
            return
        async with asking(self.name, self._server) as connection:
            table = await relation(self.name, connection, self._table, "rp")
            async with connection.transaction():
                await connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
                rows = await scalar(connection, sql.SQL("SELECT count(*) FROM {}").format(table))
                await connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(table))
        self._rows = int(rows)

    async def heal(self) -> None:
        return

    async def bitten(self) -> str | None:
        if self._rows is None:
            return None
        async with asking(self.name, self._server) as connection:
            there = await scalar(connection, "SELECT to_regclass(%s)::text", [self._table])
        return None if there else f"{self._table} is gone, with {self._rows} rows"


class UpdateAll:
    """An UPDATE without a WHERE. Healing brings nothing back."""

    def __init__(self, name: str, stack: EmbeddedStack, model: models.WrongUpdate) -> None:
        self.name, self._model = name, model
        self._server = server_of(name, stack, model.process)
        self._rows = 0

    async def inject(self) -> None:
        if self._rows:
            return
        async with asking(self.name, self._server) as connection:
            table = await relation(self.name, connection, self._model.table, "rp")
            column, value = sql.Identifier(self._model.column), sql.Literal(self._model.value)
            done = await connection.execute(sql.SQL("UPDATE {} SET {} = {}").format(table, column, value))
        if not done.rowcount:
            raise FaultError(f"{self.name}: {self._model.table} has no rows, so the UPDATE changed nothing")
        self._rows = done.rowcount

    async def heal(self) -> None:
        return

    async def bitten(self) -> str | None:
        """How many rows it changed, and how many still have the value."""
        if not self._rows:
            return None
        table, column = identifier(self._model.table), sql.Identifier(self._model.column)
        query = sql.SQL("SELECT count(*) FROM {} WHERE {} = {}").format(table, column, sql.Literal(self._model.value))
        async with asking(self.name, self._server) as connection:
            wrong = await scalar(connection, query)
        what = f"{self._model.table}.{self._model.column}"
        return f"{self._rows} rows of {what} were set to {self._model.value}; {wrong} have it" if wrong else None


class SlowTrigger:
    """A trigger that takes its time, once a statement. It is dropped wherever it is found: a replica may be the primary by then."""

    def __init__(self, name: str, stack: EmbeddedStack, model: models.SlowQueries) -> None:
        self.name, self._model, self._stack = name, model, stack
        self._server = server_of(name, stack, model.process)
        self._there = False

    async def inject(self) -> None:
        async with asking(self.name, self._server) as connection:
            table = await relation(self.name, connection, self._model.table, "rp")
            async with connection.transaction():
                await connection.execute(
                    sql.SQL(
                        "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS"
                        " $$ BEGIN PERFORM pg_sleep({}); RETURN NULL; END $$"
                    ).format(_TRIGGER, sql.Literal(self._model.delay_s))
                )
                await connection.execute(
                    sql.SQL(
                        "CREATE OR REPLACE TRIGGER {0} AFTER INSERT OR UPDATE OR DELETE ON {1} FOR EACH STATEMENT EXECUTE FUNCTION {0}()"
                    ).format(_TRIGGER, table)
                )
        self._there = True

    async def heal(self) -> None:
        if not self._there:
            return
        for server in self._stack.datastores.values():
            if isinstance(server, PostgresServer) and server.running:
                async with asking(self.name, server) as connection:
                    if not await scalar(connection, "SELECT pg_is_in_recovery()"):
                        await connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(_TRIGGER))
        self._there = False

    async def bitten(self) -> str | None:
        """How long a statement takes that changes no row."""
        if not self._there:
            return None
        began = time.monotonic()
        async with asking(self.name, self._server) as connection:
            await connection.execute(sql.SQL("DELETE FROM {} WHERE false").format(identifier(self._model.table)))
        took_s = time.monotonic() - began
        return f"to delete no row of {self._model.table} takes {took_s:.3f} s" if took_s >= self._model.delay_s else None


class FailArchiving:
    """The archive command copies to a place that is not there."""

    def __init__(self, name: str, stack: EmbeddedStack, model: models.ArchiveFailing) -> None:
        self.name, self._server = name, server_of(name, stack, model.process)
        self._settings = _Settings(name, stack, self._server, {"archive_command": _COPIES_TO_NOWHERE})
        self._failed: int | None = None

    async def inject(self) -> None:
        async with asking(self.name, self._server) as connection:
            if await scalar(connection, "SELECT pg_is_in_recovery()"):
                raise FaultError(f"{self.name}: {self._server.name} is a replica: it archives nothing")
            self._failed = int(await scalar(connection, "SELECT failed_count FROM pg_stat_archiver"))
        await self._settings.put()
        async with asking(self.name, self._server) as connection:  # otherwise nothing may be finished for minutes
            await connection.execute("SELECT pg_logical_emit_message(true, 'gameday', ''), pg_switch_wal()")

    async def heal(self) -> None:
        await self._settings.take_back()
        self._failed = None

    async def bitten(self) -> str | None:
        """How many tries have failed since, and on what."""
        if self._failed is None:
            return None
        async with asking(self.name, self._server) as connection:
            found = await connection.execute("SELECT failed_count, last_failed_wal FROM pg_stat_archiver")
            row = await found.fetchone()
        if row is None or row[0] <= self._failed:
            return None
        return f"{row[0] - self._failed} tries to archive have failed, the last of {row[1]}"


class FillDisk:
    """The server's own small disk is filled, and kept full."""

    def __init__(self, name: str, stack: EmbeddedStack, model: models.DiskFull) -> None:
        self.name, self._model = name, model
        self._server = server_of(name, stack, model.process)
        if stack.kind != "embedded" or self._server.disk is None:
            raise FaultError(
                f"{name}: {model.process} has no disk of its own, and no other is filled; use an embedded stack with postgres.disk_mb"
            )
        self._disk, self._full = self._server.disk, False

    async def inject(self) -> None:
        self._full = True
        await self._disk.fill(leave_mb=self._model.free_mb)

    async def heal(self) -> None:
        await self._disk.clear()
        self._full = False

    async def bitten(self) -> str | None:
        """What Postgres says to whoever wants more room than there is."""
        if not self._full or self._disk.free_mb > self._model.free_mb + 1:
            return None
        said = None
        try:
            async with await psycopg.AsyncConnection.connect(self._server.dsn(), autocommit=True) as connection:
                said = await _no_room(connection, self._model.free_mb + 1)
        except psycopg.Error as error:  # it may have ended over its log, which has no room either
            said = first_line(error)
        return f"{self._disk.free_mb:.1f} of {self._disk.size_mb} MB are free: {said}" if said else None


async def _no_room(connection: Connection, megabytes: int) -> str | None:
    """What Postgres says when it is to put so much into a table that goes with the session; None when it does."""
    query = sql.SQL("CREATE TEMP TABLE too_much AS SELECT repeat(md5(n::text), 32) FROM generate_series(1, {}) n")
    try:
        await connection.execute("SET temp_buffers = '1MB'")
        await connection.execute(query.format(sql.Literal(2048 * megabytes)))
    except psycopg.errors.DiskFull as error:
        return first_line(error)
    return None


async def _altered(connection: Connection) -> dict[str, str]:
    """What ALTER SYSTEM has changed."""
    query = "SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf'"
    return dict(await (await connection.execute(query)).fetchall())


def _alter(key: str, value: str | None) -> sql.Composed:
    """None: what stands in its other files."""
    if value is None:
        return sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(key))
    return sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(key), sql.Literal(value))


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case models.ReplicationLag():
            return LagBehind(name, stack, model)
        case models.HeapCorruption():
            return CorruptHeap(name, stack, model)
        case models.IndexCorruption():
            return CorruptIndex(name, stack, model)
        case models.DroppedTable():
            return DropTable(name, stack, model)
        case models.WrongUpdate():
            return UpdateAll(name, stack, model)
        case models.ConnectionsUsedUp():
            return UseUpConnections(name, stack, model)
        case models.LockPileUp():
            return HoldLock(name, stack, model)
        case models.DiskFull():
            return FillDisk(name, stack, model)
        case models.SlowQueries():
            return SlowTrigger(name, stack, model)
        case models.ArchiveFailing():
            return FailArchiving(name, stack, model)
        case _:
            return None
