"""Backups of a stack's Postgres and Redis, made with their own tools: kept on site, and shipped off site sealed.

On site are the base backups, full and incremental, and the archive that every server of the stack writes its finished log into.
Off site is what was shipped: encrypted copies of both, of which the last few minutes of the log are always missing. Each backup is
read back when it is taken, here and there, and again at its cadence: what was good last night may not be any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from fakes.clock import Clock
from harness.errors import HarnessError
from harness.ports import free_port
from harness.stack import backup_manifest
from harness.stack.backup_catalogue import SOURCES, BackupSettings, BaseBackup, Source, complete, moment, size_mb, usable
from harness.stack.backup_programs import BackupPrograms
from harness.stack.backup_redis import FORMS, RedisBackups
from harness.stack.backup_status import Job, Status
from harness.stack.backup_store import FolderStore, Store
from harness.stack.backup_taking import Taking
from harness.stack.backup_vault import Vault
from harness.stack.postgres import PostgresServer
from harness.stack.restore import Restored, Restoring

__all__ = ["SOURCES", "BackupSettings", "Backups", "BaseBackup", "Source"]


class Backups:
    """Takes them from `start` to `stop`, and restores from them. Every step is told: `backup.taken`, `backup.shipped`, `backup.failed`."""

    def __init__(
        self, folder: Path, settings: BackupSettings, *, archive: Path, clock: Clock, primary: Callable[[], PostgresServer],
        tell: Callable[..., object], store: Store | None = None, status: Sequence[Path] = (),
    ) -> None:  # fmt: skip
        """`archive` is where all servers' finished log arrives; `primary` is the one to back up; `tell` records an event.

        `store` is what lies off site, by default a folder; `status` are folders in which is written how the backups stand.
        """
        self.settings, self._folder, self._archive = settings, folder, archive
        self._clock, self._primary, self._tell = clock, primary, tell
        self.vault = Vault(store or FolderStore(folder / "off-site"), folder)
        self.status = Status(status)
        self.redis: RedisBackups | None = None
        self.bases: list[BaseBackup] = []
        self.reaches_s: float | None = None  # documented: up to when everything that was committed lies off site
        self._shipped: set[str] = set()  # finished log that lies off site
        self._restored: set[str] = set()  # servers whose changes are not summarized any more: they get full backups alone
        self._taking = Taking(BackupPrograms.of(primary().programs), archive)
        self._busy = asyncio.Lock()
        self._keeping: list[asyncio.Task[None]] = []

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take last night's backups, ship them and try them out; from then on each follows at its cadence.

        Raises HarnessError: then nothing is saved.
        """
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        with self._telling("take", self._primary().name):
            await self.vault.start()
            await self._taking.prepare(self._primary())
        await self.take()
        await self.ship()
        await self.try_out("off-site")
        if self.redis is not None:
            await self.take_redis()
            await self.try_out_redis()
        chosen = self.settings
        jobs: list[tuple[float, Callable[[], Awaitable[object]]]] = [
            (chosen.log_every_s, self.ship), (chosen.full_every_s, self.take), (chosen.verify_every_s, self.verify),
        ]  # fmt: skip
        if self._taking.programs.incremental:
            jobs.append((chosen.incremental_every_s, self.take_incremental))
        if self.redis is not None:
            jobs.append((chosen.redis_every_s, self.take_redis))
        self._keeping = [asyncio.create_task(self._keep(every_s, work)) for every_s, work in jobs]

    async def stop(self) -> None:
        """Safe to repeat."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        self._keeping = []
        await self.vault.store.stop()

    async def _keep(self, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
        due_s = self._clock.now()
        while True:
            due_s = max(due_s + every_s, self._clock.now())  # one that took too long is not made up for
            await self._clock.sleep(due_s - self._clock.now())
            with contextlib.suppress(HarnessError):  # it was told; the next one comes all the same
                await work()

    @asynccontextmanager
    async def _job(self, job: Job) -> AsyncIterator[float]:
        """One job at a time; how it ended is written down. Gives the documented time that it reaches."""
        async with self._busy:
            reaches_s = self._clock.now()
            try:
                yield reaches_s
            except HarnessError:
                self.status.failed(job)
                raise
            self.status.succeeded(job, reaches_s)

    # --- taking and shipping ----------------------------------------------------------------------------------

    async def take(self) -> BaseBackup:
        """Take a full base backup of the primary, read it back, ship it, and read the copy back. Raises HarnessError."""
        async with self._job("full"):
            return await self._take(None)

    async def take_incremental(self) -> BaseBackup:
        """Take what has changed since the last full one, the same way; each stands upon that alone, so a damaged one costs itself.

        A full one instead where that is of another server, or the server was restored since: of what it fetched from the archive
        it kept nothing to summarize, and Postgres then waits a minute for summaries that never come. Raises HarnessError.
        """
        async with self._job("incremental"):
            full = next((base for base in reversed(self.bases) if base.upon is None), None)
            fits = full is not None and full.server == self._primary().name and full.server not in self._restored
            return await self._take(full if fits else None)

    async def _take(self, upon: BaseBackup | None) -> BaseBackup:
        server = self._primary()
        with self._telling("take", server.name):
            base = await self._taken(server, upon)
        self.status.read("on-site", readable=True)
        self._tell(
            "backup.taken", server.name, base=base.name, began_s=round(base.at_s, 6), size_mb=base.size_mb, verified=True,
            **({"upon": upon.name} if upon else {}),
        )  # fmt: skip
        with self._telling("ship", server.name):
            began = time.monotonic()
            await self.vault.put_folder(base.name, self.place("on-site") / base.name)
            base.copies["off-site"] = False
            async with self._scratch() as scratch:
                await self._lay(server, base, "off-site", scratch)
            base.copies["off-site"] = True
        self.status.read("off-site", readable=True)
        self._tell("backup.shipped", server.name, base=base.name, verified=True, took_s=_since(began))
        return base

    async def _taken(self, server: PostgresServer, upon: BaseBackup | None) -> BaseBackup:
        here = self.place("on-site")
        here.mkdir(mode=0o711, exist_ok=True)
        server.give(here)
        kind = "incremental" if upon else "base"
        name, at_s = f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}", self._clock.now()
        if upon is None:
            await self._taking.full(server, here / name)
        else:
            await self._taking.incremental(server, here / name, here / upon.name)
        finished = datetime.now(UTC)
        await self._taking.verify(server, here / name)
        first_log = backup_manifest.first_log(here / name)
        base = BaseBackup(name, server.name, at_s, finished, size_mb(here / name), {"on-site": False}, first_log, upon)
        self.bases.append(base)
        base.copies["on-site"] = True
        return base

    async def ship(self) -> float:
        """Have the log up to now archived, and bring off site what is new; the documented time that is safe there. Raises HarnessError."""
        async with self._job("log"):
            return await self._ship(self._primary())

    async def _ship(self, server: PostgresServer) -> float:
        reaches_s = self._clock.now()
        with self._telling("archive", server.name):
            await self._taking.archived(server)
        with self._telling("ship", server.name):
            there = {name.removeprefix("wal/") for name in await self.vault.names("wal/")}
            new = [path for path in sorted(self._archive.iterdir()) if complete(path) and path.name not in there]
            for path in new:
                await self.vault.put_file(f"wal/{path.name}", path)
            self._shipped = there | {path.name for path in new}
        self.reaches_s = reaches_s
        self._tell("backup.shipped", server.name, log=[path.name for path in new], reaches_s=round(reaches_s, 6))
        return reaches_s

    async def take_redis(self) -> None:
        """Take Redis's snapshot and its append-only file, read both back, and ship them. Raises HarnessError; without a Redis too."""
        redis = self._redis()
        async with self._job("redis") as at_s:
            name = f"redis-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
            with self._telling("take", redis.server.name):
                made = await redis.take(name, at_s)
            facts: dict[str, Any] = {"began_s": round(at_s, 6), "size_mb": made.size_mb, "keys": made.keys, "verified": True}
            self._tell("backup.taken", redis.server.name, base=name, **facts)
            with self._telling("ship", redis.server.name):
                began = time.monotonic()
                await redis.ship(made)
            self._tell("backup.shipped", redis.server.name, base=name, verified=False, took_s=_since(began))

    def _redis(self) -> RedisBackups:
        if self.redis is None:
            raise HarnessError("this stack has no Redis that is backed up")
        return self.redis

    # --- reading back -----------------------------------------------------------------------------------------

    async def verify(self) -> None:
        """Read the newest base backup of each place back, and hold everything off site against its checksum. Raises HarnessError."""
        async with self._job("verify"):
            server = self._primary()
            bad = [why for source in SOURCES if (why := await self._looked_at(server, source))]
            if bad:
                raise HarnessError("; ".join(bad))

    async def _looked_at(self, server: PostgresServer, source: Source) -> str | None:
        """Why a place's newest base backup can't be used; None when it can."""
        base = next((each for each in reversed(self.bases) if each.lies(source)), None)
        if base is None:
            return None
        try:
            with self._telling("verify", server.name, base=base.name, source=source):
                if source == "off-site":
                    await self._check_off_site(server, base)
                async with self._scratch() as scratch:
                    await self._lay(server, base, source, scratch)
        except HarnessError as error:
            base.copies[source] = False
            self.status.read(source, readable=False)
            return f"{source}: {error}"
        base.copies[source] = True
        self.status.read(source, readable=True)
        self._tell("backup.verified", server.name, base=base.name, source=source)
        return None

    async def _check_off_site(self, server: PostgresServer, base: BaseBackup) -> None:
        """All of it encrypted, and what a restore of the newest base backup needs as it was shipped. Raises HarnessError."""
        plain = await self.vault.unsealed()
        self.status.looked(encrypted=not plain)
        changed = await self.vault.changed()
        for older in self.bases:
            if older.name in changed and not base.needs(older.name) and older.copies.get("off-site"):
                older.copies["off-site"] = False
                self._failed("verify", server.name, HarnessError(changed[older.name]), base=older.name, source="off-site")
        wrong = [*(f"{name} is not encrypted" for name in plain), *(why for name, why in changed.items() if base.needs(name))]
        if wrong:
            raise HarnessError("; ".join(wrong[:5]))

    async def try_out(self, source: Source) -> float:
        """Restore the newest backup into a server of its own, read every row of it, and delete that; seconds. Raises HarnessError."""
        async with self._busy:
            server, folder, began = self._primary(), self._folder / "trial", time.monotonic()
            with self._telling("try", server.name):
                async with self._opened(server, source, None) as (base, place, log):
                    scratch = server.beside("trial", folder, await asyncio.to_thread(free_port))
                    try:
                        scratch.data.parent.mkdir(mode=0o711, parents=True)
                        server.give(scratch.data.parent)
                        await Restoring(scratch, base=place, log=log, aside=folder, trial=True).run(None, with_tail=False)
                        await server.run("pg_dump", "-d", scratch.dsn(), "-f", "/dev/null")
                    finally:
                        await scratch.stop()
                        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            self._tell("backup.tried", server.name, source=source, base=base.name, took_s=(took_s := _since(began)))
            return took_s

    async def try_out_redis(self) -> None:
        """Start a server of its own on each form of the newest backup of Redis, from off site, and count its keys. Raises HarnessError."""
        redis = self._redis()
        async with self._busy:
            began, made = time.monotonic(), redis.taken[-1]
            with self._telling("try", redis.server.name):
                keys = {form: await redis.try_out(made, form, off_site=True) for form in FORMS}
            self._tell("backup.tried", redis.server.name, source="off-site", base=made.name, keys=keys, took_s=_since(began))

    # --- restoring --------------------------------------------------------------------------------------------

    async def restore(self, server: PostgresServer, *, source: Source, to: str = "latest") -> Restored:
        """Bring a server back as it was at a time (ISO 8601, of its own time of day; without a zone it is UTC), or as late as can be.

        The newest base backup that can be read is used; an older one only takes more of the log. What the server has now is kept
        aside, in place of what was kept before. On site also the log that it had not archived yet is used, as far as it can be
        read. Raises HarnessError; then the server is stopped, or was left alone where nothing could be restored from.
        """
        async with self._busy:
            with self._telling("restore", server.name):
                until = None if to == "latest" else moment(to)
                async with self._opened(server, source, until) as (base, place, log):
                    restoring = Restoring(server, base=place, log=log, aside=self._folder / "damaged")
                    found = await restoring.run(until, with_tail=source == "on-site")
            self._restored.add(server.name)
            facts: dict[str, Any] = {"source": source, "base": base.name, "to": to, **found.to_json()}
            self._tell("backup.restored", server.name, **facts)
            with contextlib.suppress(HarnessError):  # it was told; the server is back all the same
                await self._ship(server)  # its new timeline: the next restore has to know of it
            return found

    @asynccontextmanager
    async def _opened(
        self, server: PostgresServer, source: Source, until: datetime | None
    ) -> AsyncIterator[tuple[BaseBackup, Path, Path]]:
        """The newest base backup there that was finished by then and can be read: itself, where it lies open, and the log beside it."""
        for newest, base in enumerate(usable(self.bases, source, until)):
            async with self._scratch() as scratch:
                try:
                    place = await self._lay(server, base, source, scratch)
                except HarnessError as error:
                    base.copies[source] = False
                    if newest == 0 and until is None:
                        self.status.read(source, readable=False)
                    self._failed("verify", server.name, error, base=base.name, source=source)
                    continue
                yield base, place, await self._log(server, source, scratch)
                return
        raise HarnessError(f"no base backup {source} can be read any more; try the other place")

    @asynccontextmanager
    async def _scratch(self) -> AsyncIterator[Path]:
        """A folder to open backups in, gone afterwards."""
        scratch = self._folder / "opened"
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        scratch.mkdir(mode=0o711)
        try:
            yield scratch
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def _lay(self, server: PostgresServer, base: BaseBackup, source: Source, scratch: Path) -> Path:
        """Open a base backup, read it back, and put it together: the folder in which it is whole. Raises HarnessError."""
        places = []
        for each in base.chain:
            place = self.place("on-site") / each.name if source == "on-site" else scratch / each.name
            if source == "off-site":
                await self.vault.get_folder(each.name, place)
            await asyncio.to_thread(server.give, scratch)
            await self._taking.verify(server, place)
            places.append(place)
        if len(places) == 1:
            return places[0]
        await self._taking.combine(server, places, scratch / "combined")
        return scratch / "combined"

    async def _log(self, server: PostgresServer, source: Source, scratch: Path) -> Path:
        """Where the finished log of a place lies open."""
        if source == "on-site":
            return self._archive
        log = scratch / "wal"
        log.mkdir(mode=0o711)
        for name in await self.vault.names("wal/"):
            await self.vault.get_file(name, scratch / name)
        await asyncio.to_thread(server.give, log)
        return log

    # --- what there is ----------------------------------------------------------------------------------------

    def place(self, source: Source) -> Path:
        """Where base backups lie: off site sealed, and only where the store is a folder."""
        return self._folder / source

    def log_of(self, source: Source) -> Path:
        """Where finished log lies: off site sealed, and only where the store is a folder."""
        return self._archive if source == "on-site" else self._folder / "off-site" / "wal"

    def listing(self) -> dict[str, Any]:
        """What the control API says of them."""
        return {
            "bases": [base.to_json() for base in self.bases],
            "log": {"on-site": sum(map(complete, self._archive.iterdir())), "off-site": len(self._shipped)},
            "reaches_s": self.reaches_s,
            "log_every_s": self.settings.log_every_s,
            "redis": [
                {"name": made.name, "at_s": made.at_s, "keys": made.keys} for made in (self.redis.taken if self.redis else ())
            ],
            "status": self.status.to_json(),
        }

    # --- telling ----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _telling(self, step: str, server: str, **facts: Any) -> Iterator[None]:
        """A step that fails is told of, whatever broke it. Raises HarnessError."""
        try:
            yield
        except (HarnessError, OSError, shutil.Error, psycopg.Error) as error:
            self._failed(step, server, error, **facts)
            raise error if isinstance(error, HarnessError) else HarnessError(f"backups of {server}, {step}: {error}") from error

    def _failed(self, step: str, server: str, error: Exception, **facts: Any) -> None:
        self._tell("backup.failed", server, step=step, error=str(error).strip(), **facts)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
