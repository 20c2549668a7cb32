"""One Postgres server of a stack: made from nothing, or copied from another as its streaming replica."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from fakes.clock import Clock
from harness.errors import HarnessError, NotReady
from harness.stack.disk import Disk
from harness.stack.process import Process, Program
from harness.stack.server import DatastoreServer
from harness.waiting import wait_until

SUPERUSER = "postgres"
SLOT = "replica"
_SYNCHRONOUS = ("remote_write", "remote_apply")


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """What a scenario may set of Postgres (`postgres.*` in a stack's settings)."""

    database: str
    user: str
    synchronous_commit: str
    synchronous_standby: bool
    wal_retrieve_retry_interval_ms: int
    max_connections: int
    disk_mb: int  # of a disk of its own; 0: it has none

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> PostgresSettings:
        commit = str(settings["postgres.synchronous_commit"]).lower()
        commit = {"true": "on", "false": "off"}.get(commit, commit)  # YAML reads `on` as a truth value
        return cls(
            database=str(settings["postgres.database"]),
            user=str(settings["postgres.user"]),
            synchronous_commit=commit,
            synchronous_standby=bool(settings.get("postgres.synchronous_standby")) or commit in _SYNCHRONOUS,
            wal_retrieve_retry_interval_ms=int(settings["postgres.wal_retrieve_retry_interval_ms"]),
            max_connections=int(settings["postgres.max_connections"]),
            disk_mb=int(settings.get("postgres.disk_mb", 0)),
        )


class PostgresServer(DatastoreServer):
    """A server with its own data folder and port. Times in documented seconds unless named otherwise."""

    _stopped_by = signal.SIGINT  # a fast shutdown

    def __init__(
        self,
        name: str,
        *,
        programs: Path,
        folder: Path,
        port: int,
        log: Path,
        settings: PostgresSettings,
        clock: Clock,
        uid: int | None,
    ) -> None:
        super().__init__(name, port)
        self._folder = folder / "postgres"  # of all servers: one archive, one place for sockets
        self._programs, self._log = programs, log
        self._settings, self._clock, self._uid = settings, clock, uid
        self.disk: Disk | None = None
        if settings.disk_mb:
            self.disk = Disk(name, self._folder / f"{name}.disk", settings.disk_mb, log=log, clock=clock, uid=uid)

    @property
    def programs(self) -> Path:
        """The folder of Postgres's own programs that it runs on."""
        return self._programs

    @property
    def data(self) -> Path:
        """Its data folder: while it has a disk of its own, there."""
        return (self.disk.place if self.disk else self._folder) / self.name

    @property
    def clock(self) -> Clock:
        """The drill's."""
        return self._clock

    def dsn(self, *, user: str = SUPERUSER, database: str | None = None) -> str:
        """Straight to this server, past every proxy: for the harness itself, not for the stack."""
        name = database or self._settings.database
        return f"host=127.0.0.1 port={self.port} user={user} dbname={name} connect_timeout=2 application_name=gameday"

    async def create(self, *, replica: str) -> None:
        """Make the primary's data folder. `replica` is the name its synchronous standby will report."""
        for path in (self._folder, self._folder / "archive"):
            path.mkdir(mode=0o700, exist_ok=True)
            if self._uid is not None:
                os.chown(path, self._uid, self._uid)
        if self.disk is not None:
            await self.disk.start()
        await self.run("initdb", "-D", str(self.data), "-U", SUPERUSER, "--auth=trust", "--no-sync", "--data-checksums",
                        "--locale=C", "--encoding=UTF8", "--no-instructions")  # fmt: skip
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(self.configuration(replica, sockets=self._folder, archive=self._folder / "archive"))
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write("host replication all 127.0.0.1/32 trust\n")

    def configuration(self, replica: str, *, sockets: Path, archive: Path) -> str:
        """What stands in postgresql.conf. `replica` is the name its synchronous standby will report."""
        chosen = self._settings
        values = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": str(sockets), "max_connections": chosen.max_connections,
            "shared_buffers": "32MB", "wal_level": "replica", "hot_standby": "on", "max_wal_senders": 8, "max_replication_slots": 8,
            "wal_keep_size": "64MB", "max_wal_size": "256MB", "archive_mode": "on", "wal_log_hints": "on",
            # A promoted replica archives what its primary had archived already: the same file is well, another one is not.
            "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f || cmp -s %p {archive}/%f",
            "archive_timeout": 300, "wal_retrieve_retry_interval": f"{chosen.wal_retrieve_retry_interval_ms}ms",
            "wal_receiver_status_interval": "1s", "synchronous_commit": chosen.synchronous_commit, "jit": "off",
            "synchronous_standby_names": f'"{replica}"' if chosen.synchronous_standby else "",
            "log_line_prefix": "%m [%p] %q%u@%d ", "log_checkpoints": "off", "timezone": "UTC", "log_timezone": "UTC",
        }  # fmt: skip
        if self._has_library("pg_stat_statements"):
            values["shared_preload_libraries"] = "pg_stat_statements"
        return "".join(f"{name} = '{value}'\n" for name, value in values.items())

    def _has_library(self, name: str) -> bool:
        root = self._programs.resolve().parent
        return any((root / lib / f"{name}.so").is_file() for lib in ("lib", "lib/postgresql"))

    async def copy_from(self, host_port: tuple[str, int]) -> None:
        """Make this data folder a streaming replica of the server at `host_port` (the replication link's proxy)."""
        host, port = host_port
        source = f"host={host} port={port} user={SUPERUSER} application_name={self.name}"
        if self.disk is not None:
            await self.disk.start()
        await self.run(
            "pg_basebackup", "-d", source, "-D", str(self.data), "-R", "-C", "-S", SLOT, "-X", "stream", "-c", "fast", "--no-sync"
        )

    async def start(self, *, within_s: float = 20.0) -> None:
        """Start the server and wait until it answers. Raises NotReady, HarnessError."""
        self.replicas = 1
        if self.running:
            return
        await self.launch()
        await self.wait_ready(within_s=within_s)

    async def launch(self) -> None:
        """Start the server, and wait for nothing."""
        self.replicas = 1
        self._process = await self._launch()
        self.started_s = self._clock.now()

    async def _launch(self) -> Program:
        command = [str(self._programs / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # left by a kill -9; its pid may be anybody's by now
        return await Process.start(self.name, command, log=self._log, uid=self._uid)

    async def wait_ready(self, *, within_s: float) -> None:
        async def answers() -> bool | None:
            if not self.running:
                raise HarnessError(
                    f"{self.name} ended with exit code {self._process and self._process.exit_code}; see {self._log}"
                )
            async with await psycopg.AsyncConnection.connect(self.dsn(database="postgres")) as connection:
                await connection.execute("SELECT 1")
            return True

        try:
            await wait_until(answers, what=self.name, within_s=within_s, every_s=0.005, clock=self._clock)
        except NotReady as error:
            raise NotReady(self.name, within_s, f"{error} -- log: {_tail(self._log)}") from error

    async def prepare(self, *schemas: str) -> None:
        """Create the application's role, database and tables. Never waits for a standby: there is none yet."""
        user, database = self._settings.user, self._settings.database
        local = "SET synchronous_commit = local"
        async with await psycopg.AsyncConnection.connect(self.dsn(database="postgres"), autocommit=True) as connection:
            await connection.execute(local)
            await connection.execute(f'CREATE ROLE "{user}" LOGIN')
            await connection.execute(f'CREATE DATABASE "{database}" OWNER "{user}"')
        async with await psycopg.AsyncConnection.connect(self.dsn(), autocommit=True) as connection:
            await connection.execute(local)
            if self._has_library("pg_stat_statements"):
                await connection.execute("CREATE EXTENSION pg_stat_statements")
            await connection.execute(f'GRANT pg_monitor TO "{user}"')
            await connection.execute(f'ALTER SCHEMA public OWNER TO "{user}"')
            await connection.execute(f'SET ROLE "{user}"')
            for schema in schemas:
                await connection.execute(schema)

    async def promote(self) -> None:
        """Make a replica a primary, and return when it takes writes. Nothing happens on a primary."""
        async with await psycopg.AsyncConnection.connect(self.dsn(), autocommit=True) as connection:
            if not await one(connection, "SELECT pg_is_in_recovery()"):
                return
            await connection.execute("SELECT pg_promote(false)")

        async def writable() -> bool | None:
            async with await psycopg.AsyncConnection.connect(self.dsn(), autocommit=True) as connection:
                return None if await one(connection, "SELECT pg_is_in_recovery()") else True

        await wait_until(writable, what=f"promotion of {self.name}", within_s=30, every_s=0.005, clock=self._clock)

    async def drop_slots(self) -> None:
        """Drop the replication slots that nobody uses: what a replica left that is made anew."""
        async with await psycopg.AsyncConnection.connect(self.dsn(), autocommit=True) as connection:
            await connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")

    async def streaming(self) -> None:
        """Wait until a replica streams from this primary."""

        async def attached() -> bool | None:
            async with await psycopg.AsyncConnection.connect(self.dsn()) as connection:
                return (
                    True if await one(connection, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") else None
                )

        await wait_until(attached, what=f"replication from {self.name}", within_s=20, every_s=0.005, clock=self._clock)

    def beside(self, name: str, folder: Path, port: int) -> PostgresServer:
        """Another server of the same programs and settings, below this folder, with nothing in it yet."""
        return PostgresServer(
            name, programs=self._programs, folder=folder, port=port, log=self._log.with_name(f"{name}.log"),
            settings=replace(self._settings, disk_mb=0), clock=self._clock, uid=self._uid,
        )  # fmt: skip

    def give(self, path: Path) -> None:
        """Make a file, or a folder with all that is in it, belong to whoever the server runs as."""
        if self._uid is not None:
            for each in (path, *path.rglob("*")):
                os.chown(each, self._uid, self._uid)

    def last_words(self) -> str:
        """The end of its log, in one line."""
        return _tail(self._log)

    async def run(self, program: str, *arguments: str) -> None:
        """Run one of Postgres's own programs as whoever the server runs as, its output in the log. Raises HarnessError with what it said."""
        process = await asyncio.create_subprocess_exec(
            str(self._programs / program), *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, user=self._uid, group=self._uid,
        )  # fmt: skip
        printed, _ = await process.communicate()
        with self._log.open("ab") as log:
            log.write(printed)
        if process.returncode != 0:
            said = _last_lines(printed.decode(errors="replace"))
            raise HarnessError(f"{program} for {self.name} ended with exit code {process.returncode}: {said}")


async def one(connection: psycopg.AsyncConnection[Any], query: str) -> Any:
    """The first value that a query gives; None when it gives no row."""
    row = await (await connection.execute(query)).fetchone()
    return row[0] if row else None


def _tail(log: Path) -> str:
    return _last_lines(log.read_text(errors="replace")) if log.is_file() else "no log"


def _last_lines(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-3:])
