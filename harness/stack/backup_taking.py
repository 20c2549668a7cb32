"""The steps of a backup, each one of Postgres's own programs: base backups full and incremental, the log, reading back, putting together."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from harness.errors import HarnessError
from harness.stack import backup_manifest
from harness.stack.backup_programs import BackupPrograms
from harness.stack.postgres import PostgresServer, one
from harness.waiting import wait_until

ROLE = "backup"  # who all backups are taken as
_ARCHIVED_WITHIN_S = 20.0  # wall
_ONTO = ("-X", "stream", "-c", "fast", "--no-sync", "--manifest-checksums=SHA256")


class Taking:
    """What is done at a server. Raises HarnessError, psycopg.Error."""

    def __init__(self, programs: BackupPrograms, archive: Path) -> None:
        """`archive` is where all servers' finished log arrives."""
        self.programs, self._archive = programs, archive

    async def prepare(self, server: PostgresServer) -> None:
        """Make the role that takes backups; where there are incremental ones, have the server note what changes. Safe to repeat."""
        async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as connection:
            await connection.execute("SET synchronous_commit = local")
            if not await one(connection, f"SELECT to_regrole('{ROLE}')::text"):
                await connection.execute(f"CREATE ROLE {ROLE} LOGIN REPLICATION")
                await connection.execute(f"GRANT pg_monitor TO {ROLE}")
                await connection.execute(f"GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {ROLE}")
            if self.programs.incremental:
                await connection.execute("ALTER SYSTEM SET summarize_wal = on")
                await connection.execute("SELECT pg_reload_conf()")

    async def full(self, server: PostgresServer, place: Path) -> None:
        """A whole base backup, into a folder that is not there yet."""
        await self._base(server, place)

    async def incremental(self, server: PostgresServer, place: Path, since: Path) -> None:
        """What has changed since another base backup of the same server."""
        await self._base(server, place, f"--incremental={since / backup_manifest.NAME}")

    async def _base(self, server: PostgresServer, place: Path, *more: str) -> None:
        try:
            await server.run("pg_basebackup", "-d", server.dsn(user=ROLE, database="postgres"), "-D", str(place), *_ONTO, *more)
        except HarnessError:  # it leaves what it has copied where it found damage
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
            raise

    async def verify(self, server: PostgresServer, place: Path) -> None:
        """Read a base backup back: every file against its manifest, and the log that it needs."""
        if self.programs.verifies:
            await server.run("pg_verifybackup", "--quiet", str(place))
            return
        if found := await asyncio.to_thread(backup_manifest.problems, place):
            raise HarnessError(f"{place.name} can't be restored from: {'; '.join(found)}")
        for each in await asyncio.to_thread(backup_manifest.ranges, place):
            span = ("-t", str(each.timeline), "-s", each.start, "-e", each.end)
            await server.run("pg_waldump", "-q", "-p", str(place / "pg_wal"), *span)

    async def combine(self, server: PostgresServer, chain: Sequence[Path], target: Path) -> None:
        """Make one whole base backup of a full one and what came upon it."""
        await server.run("pg_combinebackup", *map(str, chain), "-o", str(target), "--no-sync", "--manifest-checksums=SHA256")

    async def archived(self, server: PostgresServer) -> None:
        """Finish the segment that is being written, and wait until the server says that it is archived."""
        async with await psycopg.AsyncConnection.connect(server.dsn(user=ROLE), autocommit=True) as connection:
            failures = int(await one(connection, "SELECT failed_count FROM pg_stat_archiver"))
            segment = str(await one(connection, "SELECT pg_walfile_name(pg_switch_wal() - 1)"))

            async def said() -> str | None:
                row = await (
                    await connection.execute("SELECT last_archived_wal, failed_count, last_failed_wal FROM pg_stat_archiver")
                ).fetchone()
                assert row is not None
                if (row[0] or "")[:24] >= segment:
                    return ""
                return f"archive_command fails for {row[2]}" if row[1] > failures else None

            what = f"the archive's copy of {segment}"
            trouble = await wait_until(said, what=what, within_s=_ARCHIVED_WITHIN_S, every_s=0.02, clock=_Wall())
        if trouble:
            raise HarnessError(f"{trouble}; see the log of {server.name}, and what stands at {self._archive}")


class _Wall:
    """For deadlines of programs that know nothing of the documented clock."""

    now = wall = staticmethod(time.monotonic)

    async def sleep(self, documented_s: float) -> None:
        await asyncio.sleep(documented_s)
