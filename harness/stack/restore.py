"""One restore of a Postgres server: a base backup is laid in place of its data, and the log is played upon it."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from harness.errors import HarnessError
from harness.stack.postgres import PostgresServer, one

_BACK_WITHIN_S = 300.0  # wall
_LOOK_EVERY_S = 0.02  # wall
_SUMMARIES_FROM = 17  # the first Postgres that has summarize_wal
_ITS_OWN: tuple[LiteralString, ...] = (
    "restore_command",
    "recovery_target_timeline",
    "recovery_target_action",
    "recovery_target_time",
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it. `last_commit` is the time of day of the newest transaction that is there; None: none beyond the base."""

    last_commit: str | None
    tail: tuple[str, ...]  # segments of log that nobody had archived, from the damaged data
    unreadable: tuple[str, ...]  # those of them that could not be read
    timeline: int
    took_s: float  # wall

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "tail": list(self.tail), "unreadable": list(self.unreadable)}


class Restoring:
    """The steps, in their order. `aside` is where the damaged data are kept: one copy, of the newest damage."""

    def __init__(self, server: PostgresServer, *, base: Path, log: Path, aside: Path, trial: bool = False) -> None:
        """A `trial` leaves no trace in the archive: its timeline is nobody's."""
        self._server, self._base, self._log, self._aside, self._trial = server, base, log, aside / server.name, trial

    async def run(self, until: datetime | None, *, with_tail: bool) -> Restored:
        """Raises HarnessError, OSError; the server is stopped then."""
        server, began = self._server, time.monotonic()
        await server.stop()
        await asyncio.to_thread(self._keep_aside)
        await asyncio.to_thread(shutil.copytree, self._base, server.data)
        tail, unreadable = await asyncio.to_thread(self._take_tail) if with_tail else ((), ())
        self._configure(until)
        await asyncio.to_thread(server.give, server.data)
        server.wiped = False
        await server.launch()
        try:
            last_commit, timeline = await self._back()
        except HarnessError:
            await server.stop()
            raise
        return Restored(last_commit, tail, unreadable, timeline, round(time.monotonic() - began, 3))

    def _keep_aside(self) -> None:
        data = self._server.data
        if not data.exists():
            return
        unfinished = (data / "recovery.signal").exists()  # a restore that failed left it: the damage is kept already
        if unfinished and self._aside.exists():
            shutil.rmtree(data)
            return
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        shutil.move(data, self._aside)

    def _take_tail(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Bring over the log that the damaged server had not archived, as far as it can be read."""
        taken, unreadable = [], []
        folder = self._aside / "pg_wal"
        for path in sorted(folder.glob("0*")) if folder.is_dir() else ():
            if not path.is_file() or (self._log / path.name).exists():
                continue
            try:
                shutil.copyfile(path, self._server.data / "pg_wal" / path.name)
            except OSError:
                unreadable.append(path.name)
            else:
                taken.append(path.name)
        return tuple(taken), tuple(unreadable)

    def _configure(self, until: datetime | None) -> None:
        values = {
            "restore_command": f'cp "{self._log}/%f" "%p"',
            "recovery_target_timeline": "latest",
            "recovery_target_action": "promote",
        }
        if self._trial:
            values |= {"archive_mode": "off", "synchronous_standby_names": ""}
        if until is not None:
            values["recovery_target_time"] = until.isoformat(sep=" ")
        data = self._server.data
        if int((data / "PG_VERSION").read_text()) >= _SUMMARIES_FROM:
            # What is fetched from the archive is removed before it is summarized, and then the end of recovery waits in vain.
            values["summarize_wal"] = "off"
        with (data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in values.items())
        (data / "recovery.signal").touch()

    async def _back(self) -> tuple[str | None, int]:
        """Wait until it takes writes; the newest transaction's time and the timeline. Raises HarnessError."""
        server, deadline = self._server, time.monotonic() + _BACK_WITHIN_S
        while time.monotonic() < deadline:
            if not server.running:
                raise HarnessError(f"{server.name} ended while it played the log: {server.last_words()}")
            try:
                async with await psycopg.AsyncConnection.connect(server.dsn(database="postgres"), autocommit=True) as connection:
                    if not await one(connection, "SELECT pg_is_in_recovery()"):
                        return await _finish(connection)
            except psycopg.OperationalError:
                pass  # it does not listen yet
            await asyncio.sleep(_LOOK_EVERY_S)
        raise HarnessError(f"{server.name} was still playing the log after {_BACK_WITHIN_S:.0f} s: {server.last_words()}")


async def _finish(connection: psycopg.AsyncConnection[Any]) -> tuple[str | None, int]:
    """Forget what was for the restore only: a replica that is copied from it would stop at the same target, and promote itself."""
    for setting in _ITS_OWN:
        await connection.execute(f"ALTER SYSTEM RESET {setting}")
    last = await one(connection, "SELECT pg_last_xact_replay_timestamp()")
    name = str(await one(connection, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())"))
    return (last.isoformat(timespec="milliseconds") if last else None), int(name[:8], 16)
