"""Faults of backups: of the role that takes them, of their files, of the way off site, of the key."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from pathlib import Path

import psycopg

from harness.errors import FaultError, HarnessError
from harness.faults.base import Fault
from harness.faults.sql import asking, scalar
from harness.stack.backup_taking import ROLE
from harness.stack.backups import Backups, BaseBackup, Source
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer
from scenarios.faults import Fault as FaultModel
from scenarios.faults import backup as models

_FLIPPED = 64  # bytes


def backups_of(name: str, stack: EmbeddedStack) -> Backups:
    """Those that a fault strikes. Raises FaultError where none are taken."""
    if stack.backups is None:
        raise FaultError(f"{name}: this stack takes no backups; set backup.enabled")
    return stack.backups


class JobsFail:
    """The role that takes the backups may not log in."""

    def __init__(self, name: str, stack: EmbeddedStack) -> None:
        self.name, self._stack = name, stack
        self._locked = False

    async def inject(self) -> None:
        backups_of(self.name, self._stack)
        await self._may("NOLOGIN")
        self._locked = True

    async def heal(self) -> None:
        """Of a server that does not run, or is a replica, nothing is changed: whoever is written to now has the role as it was."""
        if self._locked:
            await self._may("LOGIN")
        self._locked = False

    async def bitten(self) -> str | None:
        """What the server answers to whoever takes the backups."""
        if not self._locked:
            return None
        try:
            dsn = self._server.dsn(user=ROLE, database="postgres")
            await (await psycopg.AsyncConnection.connect(dsn)).close()
        except psycopg.OperationalError as error:
            return str(error).strip().splitlines()[-1]
        return None

    async def _may(self, what: str) -> None:
        server = self._server
        if not server.running and what == "LOGIN":
            return
        async with asking(self.name, server) as connection:
            if what == "LOGIN" and await scalar(connection, "SELECT pg_is_in_recovery()"):
                return
            await connection.execute(f"ALTER ROLE {ROLE} {what}".encode())

    @property
    def _server(self) -> PostgresServer:
        found = self._stack.current("postgres") if "postgres" in self._stack.pointing else None
        if not isinstance(found, PostgresServer):
            raise FaultError(f"{self.name}: the stack has no address postgres")
        return found


class _NewestBase:
    """A fault of the newest base backup at a place. Healing mends nothing."""

    def __init__(self, name: str, stack: EmbeddedStack, place: Source) -> None:
        self.name, self._stack, self._place = name, stack, place
        self._said: str | None = None

    async def heal(self) -> None:
        return

    async def bitten(self) -> str | None:
        return self._said

    async def inject(self) -> None:
        if self._said is not None:
            return
        backups = backups_of(self.name, self._stack)
        base = next((each for each in reversed(backups.bases) if each.lies(self._place)), None)
        if base is None:
            raise FaultError(f"{self.name}: there is no base backup {self._place}")
        try:
            self._said = await (self._here(backups, base) if self._place == "on-site" else self._there(backups, base))
        except OSError as error:
            raise FaultError(f"{self.name}: {base.name}: {error}") from error

    async def _here(self, backups: Backups, base: BaseBackup) -> str:
        files = [path for path in (backups.place("on-site") / base.name / "base").rglob("*") if path.is_file()]
        path = max(files, key=lambda each: (each.stat().st_size, each.name))
        return await asyncio.to_thread(self._spoil, path, f"{path.name} of {base.name}, on site")

    async def _there(self, backups: Backups, base: BaseBackup) -> str:
        sealed = backups.vault.sealed_folder(base.name)
        path = backups.place("on-site").parent / f".{sealed}.spoilt"
        try:
            await backups.vault.store.get(sealed, path)
            said = await asyncio.to_thread(self._spoil, path, f"{sealed}, off site")
            await backups.vault.store.put(sealed, path)
        finally:
            path.unlink(missing_ok=True)
        return said

    def _spoil(self, path: Path, called: str) -> str:
        """Do it to a file; what was done."""
        raise NotImplementedError


class Truncate(_NewestBase):
    """Half of a file is gone."""

    def _spoil(self, path: Path, called: str) -> str:
        before = path.stat().st_size
        with path.open("r+b") as file:
            file.truncate(before // 2)
        return f"{called}, has {before // 2} of {before} bytes"


class FlipBits(_NewestBase):
    """Bytes in the middle of a file are others."""

    def _spoil(self, path: Path, called: str) -> str:
        middle = max(path.stat().st_size // 2 - _FLIPPED, 0)
        with path.open("r+b") as file:
            file.seek(middle)
            found = file.read(_FLIPPED)
            file.seek(middle)
            file.write(bytes(each ^ 0xFF for each in found))
        return f"{called}: {len(found)} bytes from {middle} on are others"


class CutOff:
    """Off site can't be reached."""

    def __init__(self, name: str, stack: EmbeddedStack) -> None:
        self.name, self._stack = name, stack
        self._cut = False

    async def inject(self) -> None:
        await backups_of(self.name, self._stack).vault.store.cut()
        self._cut = True

    async def heal(self) -> None:
        if self._cut:
            await backups_of(self.name, self._stack).vault.store.mend()
        self._cut = False

    async def bitten(self) -> str | None:
        """What whoever asks the store for a list is answered."""
        if not self._cut:
            return None
        try:
            await backups_of(self.name, self._stack).vault.store.names()
        except HarnessError as error:
            return str(error)
        return None


class LoseKey:
    """The key of what lies off site is gone, or another one lies in its place."""

    def __init__(self, name: str, stack: EmbeddedStack, *, another: bool) -> None:
        self.name, self._stack, self._another = name, stack, another
        self._was: str | None = None

    async def inject(self) -> None:
        key = backups_of(self.name, self._stack).vault.key
        if self._was is not None:
            return
        try:
            self._was = key.read_text()
            if self._another:
                key.write_text(secrets.token_hex(32) + "\n")
            else:
                key.unlink()
        except OSError as error:
            raise FaultError(f"{self.name}: the key of the backups: {error.strerror}") from error

    async def heal(self) -> None:
        if self._was is None:
            return
        key = backups_of(self.name, self._stack).vault.key
        with suppress(FileNotFoundError):
            key.unlink()
        key.touch(mode=0o600)
        key.write_text(self._was)
        self._was = None

    async def bitten(self) -> str | None:
        if self._was is None:
            return None
        key = backups_of(self.name, self._stack).vault.key
        if not key.exists():
            return "the key of the backups off site is gone"
        return "another key lies where that of the backups off site lay" if key.read_text() != self._was else None


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """None for a fault of another theme."""
    match model:
        case models.BackupFailing():
            return JobsFail(name, stack)
        case models.BackupTruncated():
            return Truncate(name, stack, model.place)
        case models.BackupUnshipped():
            return CutOff(name, stack)
        case models.BackupUnreadable():
            if model.how == "bits-flipped":
                return FlipBits(name, stack, model.place)
            return LoseKey(name, stack, another=model.how == "wrong-key")
    return None
