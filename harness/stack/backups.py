"""Backups of a stack's Postgres, made with its own tools: base backups and the transaction log, kept on site and shipped off site.

On site are the base backups and the archive that every server of the stack writes its finished log into. Off site is what was
shipped: copies of both, of which the last few minutes of the log are always missing. Each backup is read back, here and there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import psycopg

from fakes.clock import Clock
from harness.errors import HarnessError
from harness.ports import free_port
from harness.stack.postgres import PostgresServer, one
from harness.stack.restore import Restored, Restoring
from harness.waiting import wait_until

Source = Literal["on-site", "off-site"]
SOURCES: tuple[Source, ...] = get_args(Source)
_ARCHIVED_WITHIN_S = 20.0  # wall
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_SEGMENT_BYTES = 16 * 1024 * 1024
_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """What a scenario may set of backups (`backup.*` in a stack's settings)."""

    enabled: bool
    log_every_s: float  # documented

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> BackupSettings:
        """Raises HarnessError."""
        chosen = cls(bool(settings.get("backup.enabled")), float(settings.get("backup.log_every_s", 300.0)))
        if chosen.log_every_s <= 0:
            raise HarnessError("backup.log_every_s: the log can't be shipped all the time; use a number above 0")
        return chosen


@dataclass(slots=True)
class BaseBackup:
    """A base backup. `copies` says for each place that it lies at whether it was read back there."""

    name: str
    server: str
    at_s: float  # documented: when it was begun
    finished: datetime  # of Postgres's own time of day: what is restored from it reaches at least so far
    size_mb: float
    copies: dict[Source, bool] = field(default_factory=dict)


class Backups:
    """Takes them from `start` to `stop`, and restores from them. Every step is told: `backup.taken`, `backup.shipped`, `backup.failed`."""

    def __init__(
        self, folder: Path, settings: BackupSettings, *, archive: Path, clock: Clock, primary: Callable[[], PostgresServer],
        tell: Callable[..., object],
    ) -> None:  # fmt: skip
        """`archive` is where all servers' finished log arrives; `primary` is the one to back up; `tell` records an event."""
        self.settings, self._folder, self._archive = settings, folder, archive
        self._clock, self._primary, self._tell = clock, primary, tell
        self.bases: list[BaseBackup] = []
        self.reaches_s: float | None = None  # documented: up to when everything that was committed lies off site
        self._busy = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take last night's base backup, ship it and try it out; from then on the log follows. Raises HarnessError: then nothing is saved."""
        await self.take()
        await self.ship()
        await self.try_out("off-site")
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Safe to repeat."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        self._keeping = None

    async def _keep(self) -> None:
        due_s = self._clock.now()
        while True:
            due_s = max(due_s + self.settings.log_every_s, self._clock.now())  # one that took too long is not made up for
            await self._clock.sleep(due_s - self._clock.now())
            with contextlib.suppress(HarnessError):  # it was told; the next one comes all the same
                await self.ship()

    # --- taking and shipping ----------------------------------------------------------------------------------

    async def take(self) -> BaseBackup:
        """Take a base backup of the primary, read it back, ship it, and read the copy back. Raises HarnessError."""
        async with self._busy:
            server = self._primary()
            with self._telling("take", server.name):
                base = await self._take(server)
            self._tell(
                "backup.taken", server.name, base=base.name, began_s=round(base.at_s, 6), size_mb=base.size_mb, verified=True
            )
            with self._telling("ship", server.name):
                began = time.monotonic()
                await asyncio.to_thread(_copy_folder, self.place("on-site") / base.name, self.place("off-site") / base.name)
                server.give(self.place("off-site") / base.name)
                base.copies["off-site"] = False
                await server.run("pg_verifybackup", "--quiet", str(self.place("off-site") / base.name))
                base.copies["off-site"] = True
            self._tell("backup.shipped", server.name, base=base.name, verified=True, took_s=_since(began))
            return base

    async def _take(self, server: PostgresServer) -> BaseBackup:
        for source in SOURCES:
            self.place(source).mkdir(mode=0o711, parents=True, exist_ok=True)
            self.log_of(source).mkdir(mode=0o711, exist_ok=True)
        server.give(self.place("on-site"))
        name, at_s = f"base-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}", self._clock.now()
        place = self.place("on-site") / name
        copying = (
            "pg_basebackup",
            "-d",
            server.dsn(database="postgres"),
            "-D",
            str(place),
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        )
        try:
            await server.run(*copying)
        except HarnessError:  # it leaves what it has copied where it found damage
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
            raise
        base = BaseBackup(name, server.name, at_s, datetime.now(UTC), _size_mb(place), {"on-site": False})
        self.bases.append(base)
        await server.run("pg_verifybackup", "--quiet", str(place))
        base.copies["on-site"] = True
        return base

    async def ship(self) -> float:
        """Have the log up to now archived, and bring off site what is new; the documented time that is safe there. Raises HarnessError."""
        async with self._busy:
            return await self._ship(self._primary())

    async def _ship(self, server: PostgresServer) -> float:
        reaches_s = self._clock.now()
        with self._telling("archive", server.name):
            await self._archived(server)
        with self._telling("ship", server.name):
            shipped = await asyncio.to_thread(self._copy_log)
            for name in shipped:
                server.give(self.log_of("off-site") / name)
        self.reaches_s = reaches_s
        self._tell("backup.shipped", server.name, log=shipped, reaches_s=round(reaches_s, 6))
        return reaches_s

    async def _archived(self, server: PostgresServer) -> None:
        """Finish the segment that is being written, and wait until the server says that it is archived."""
        async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as connection:
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

    def _copy_log(self) -> list[str]:
        """Copy what the archive has and the other place lacks; what that was."""
        there = self.log_of("off-site")
        new = [path for path in sorted(self._archive.iterdir()) if _complete(path) and not (there / path.name).exists()]
        for path in new:
            copy_file(path, there / path.name)
        return [path.name for path in new]

    async def try_out(self, source: Source) -> float:
        """Restore the newest backup into a server of its own, read every row of it, and delete that; seconds. Raises HarnessError."""
        async with self._busy:
            server, folder, began = self._primary(), self._folder / "trial", time.monotonic()
            with self._telling("try", server.name):
                base = await self._usable(server, source, None)
                scratch = server.beside("trial", folder, await asyncio.to_thread(free_port))
                try:
                    scratch.data.parent.mkdir(mode=0o711, parents=True)
                    server.give(scratch.data.parent)
                    place = self.place(source) / base.name
                    await Restoring(scratch, base=place, log=self.log_of(source), aside=folder, trial=True).run(
                        None, with_tail=False
                    )
                    await server.run("pg_dump", "-d", scratch.dsn(), "-f", "/dev/null")
                finally:
                    await scratch.stop()
                    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            self._tell("backup.tried", server.name, source=source, base=base.name, took_s=(took_s := _since(began)))
            return took_s

    # --- restoring --------------------------------------------------------------------------------------------

    async def restore(self, server: PostgresServer, *, source: Source, to: str = "latest") -> Restored:
        """Bring a server back as it was at a time (ISO 8601, of its own time of day; without a zone it is UTC), or as late as can be.

        What it has now is kept aside, in place of what was kept before. On site also the log that it had not archived yet is
        used, as far as it can be read. Raises HarnessError; then the server is stopped.
        """
        async with self._busy:
            with self._telling("restore", server.name):
                until = None if to == "latest" else _moment(to)
                base = await self._usable(server, source, until)
                restoring = Restoring(
                    server, base=self.place(source) / base.name, log=self.log_of(source), aside=self._folder / "damaged"
                )
                found = await restoring.run(until, with_tail=source == "on-site")
            facts: dict[str, Any] = {"source": source, "base": base.name, "to": to, **found.to_json()}
            self._tell("backup.restored", server.name, **facts)
            with contextlib.suppress(HarnessError):  # it was told; the server is back all the same
                await self._ship(server)  # its new timeline: the next restore has to know of it
            return found

    async def _usable(self, server: PostgresServer, source: Source, until: datetime | None) -> BaseBackup:
        """The newest base backup there that was finished by then and can be read. Raises HarnessError."""
        held = [base for base in self.bases if source in base.copies]
        early = [base for base in held if until is None or base.finished <= until]
        for base in reversed(early):
            try:
                await server.run("pg_verifybackup", "--quiet", str(self.place(source) / base.name))
            except HarnessError as error:
                base.copies[source] = False
                self._failed("verify", server.name, error, base=base.name, source=source)
            else:
                return base
        if early:
            raise HarnessError(f"no base backup {source} can be read any more; try the other place")
        oldest = f"; the oldest there was finished at {held[0].finished.isoformat(timespec='milliseconds')}" if held else ""
        raise HarnessError(f"there is no base backup {source}{' of before that time' if until else ''}{oldest}")

    # --- what there is ----------------------------------------------------------------------------------------

    def place(self, source: Source) -> Path:
        """Where base backups lie."""
        return self._folder / source

    def log_of(self, source: Source) -> Path:
        """Where finished log lies."""
        return self._archive if source == "on-site" else self._folder / "off-site" / "wal"

    def listing(self) -> dict[str, Any]:
        """What the control API says of them."""
        return {
            "bases": [
                {
                    "name": base.name, "server": base.server, "at_s": base.at_s, "finished": base.finished.isoformat(timespec="milliseconds"),
                    "size_mb": base.size_mb, "verified": dict(base.copies), "shipped": "off-site" in base.copies,
                }
                for base in self.bases
            ],
            "log": {source: sum(map(_complete, self.log_of(source).iterdir())) for source in SOURCES},
            "reaches_s": self.reaches_s,
            "log_every_s": self.settings.log_every_s,
        }  # fmt: skip

    # --- telling ----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _telling(self, step: str, server: str) -> Iterator[None]:
        """A step that fails is told of, whatever broke it. Raises HarnessError."""
        try:
            yield
        except (HarnessError, OSError, shutil.Error, psycopg.Error) as error:
            self._failed(step, server, error)
            raise error if isinstance(error, HarnessError) else HarnessError(f"backups of {server}, {step}: {error}") from error

    def _failed(self, step: str, server: str, error: Exception, **facts: Any) -> None:
        self._tell("backup.failed", server, step=step, error=str(error).strip(), **facts)


class _Wall:
    """For deadlines of programs that know nothing of the documented clock."""

    now = wall = staticmethod(time.monotonic)

    async def sleep(self, documented_s: float) -> None:
        await asyncio.sleep(documented_s)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file such that it is there whole or not at all, with holes for zeros: an early switched segment is mostly nothing."""
    part = target.with_name(f".{target.name}.part")
    with source.open("rb") as read, part.open("wb") as written:
        while block := read.read(_BLOCK):
            if block.count(0) == len(block):
                written.seek(len(block), os.SEEK_CUR)
            else:
                written.write(block)
        written.truncate()
    part.chmod(source.stat().st_mode & 0o777)
    part.replace(target)


def _copy_folder(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part, copy_function=lambda here, there: copy_file(Path(here), Path(there)))
    part.replace(target)


def _complete(path: Path) -> bool:
    """Whether a file of the archive is there as a whole: they are copied into it under their own names."""
    return path.stat().st_size == _SEGMENT_BYTES or (not _SEGMENT.match(path.name[:24]) and path.stat().st_size > 0)


def _size_mb(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1024 / 1024, 1)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise HarnessError(f"'{text}' is no time; write it as 2026-11-21T09:30:00Z, or latest") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
