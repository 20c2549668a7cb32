"""Backups of a stack's Redis: its RDB snapshot and its append-only file, each read back, sealed and shipped, and tried out."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from redis.asyncio import Redis
from redis.exceptions import RedisError

from harness.errors import HarnessError
from harness.ports import free_port
from harness.stack.backup_vault import Vault
from harness.stack.process import Process
from harness.stack.redis import RedisServer
from harness.waiting import wait_until

Form = Literal["rdb", "aof"]
FORMS: tuple[Form, ...] = get_args(Form)
_SAYS_WITHIN_S = 60.0  # wall
_UP_WITHIN_S = 20.0  # documented


@dataclass(frozen=True, slots=True)
class RedisBackup:
    """One backup in both forms. `keys` is how many Redis held when it was begun."""

    name: str
    server: str
    at_s: float  # documented: when it was begun
    keys: int
    size_mb: float


class RedisBackups:
    """Takes one at a time, keeps it on site, and ships it sealed. Raises HarnessError."""

    def __init__(self, server: RedisServer, cli: Path, folder: Path, vault: Vault, log: Path) -> None:
        """`cli` is redis-cli; `folder` is on site; `log` is for servers that are started to read a backup."""
        self.server, self._cli, self._folder, self._vault, self._log = server, cli, folder, vault, log
        self.taken: list[RedisBackup] = []

    async def take(self, name: str, at_s: float) -> RedisBackup:
        """A snapshot as a replica would get it, a copy of the append-only file, and both read back by Redis's own checks."""
        place = self._folder / name
        place.mkdir(mode=0o700, parents=True)
        try:
            keys = await self._keys(self.server.port)
            await _run([str(self._cli), "-p", str(self.server.port), "--rdb", str(place / "dump.rdb")])
            await asyncio.to_thread(self._copy_append_only, place / "aof")
            await self.verify(place)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
            raise
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        made = RedisBackup(name, self.server.name, at_s, keys, round(size / 1024 / 1024, 3))
        self.taken.append(made)
        return made

    async def ship(self, made: RedisBackup) -> None:
        """Bring it off site."""
        await self._vault.put_folder(f"redis/{made.name}", self._folder / made.name)

    def _copy_append_only(self, target: Path) -> None:
        """What is only ever appended to can be copied while it is written: at worst the last command is cut, which Redis leaves out."""
        files = self.server.append_only_files
        if not files:
            raise HarnessError(f"{self.server.name} has no append-only file")
        for path in files:
            copy = target / path.relative_to(self.server.data)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)

    async def verify(self, place: Path) -> None:
        """The snapshot by redis-check-rdb; the append-only file by a server that starts on it, which reads all of it."""
        if trouble := await self.server.check_snapshot(place / "dump.rdb"):
            raise HarnessError(f"the snapshot can't be read back: {trouble}")
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            data = Path(folder) / "data"
            await asyncio.to_thread(shutil.copytree, place / "aof", data)
            await self._counted(data, "aof")

    async def try_out(self, made: RedisBackup, form: Form, *, off_site: bool) -> int:
        """Start a server of its own on a backup, count its keys, and delete it: how many there are."""
        folder = self._folder / "trial"
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        try:
            if off_site:
                await self._vault.get_folder(f"redis/{made.name}", folder / "fetched")
            source = folder / "fetched" if off_site else self._folder / made.name
            data = folder / "data"
            if form == "aof":
                await asyncio.to_thread(shutil.copytree, source / "aof", data)
            else:
                data.mkdir()
                await asyncio.to_thread(shutil.copyfile, source / "dump.rdb", data / "dump.rdb")
            return await self._counted(data, form)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _counted(self, data: Path, form: Form) -> int:
        port = await asyncio.to_thread(free_port)
        options: dict[str, Any] = {
            "port": port, "bind": "127.0.0.1", "dir": data, "appendonly": "yes" if form == "aof" else "no", "save": "",
        }  # fmt: skip
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        process = await Process.start("redis trial", [str(self.server.program), *words], log=self._log)
        try:

            async def loaded() -> int | None:
                if not process.running:
                    return -1
                return await self._keys(port)

            found = await wait_until(
                loaded, what=f"Redis on its {form} backup", within_s=_UP_WITHIN_S, every_s=0.01, clock=self.server.clock
            )
        finally:
            await process.stop()
        if found < 0:
            raise HarnessError(f"Redis does not start on its {form} backup; see {self._log}")
        return found

    async def _keys(self, port: int) -> int:
        client = Redis(host="127.0.0.1", port=port, socket_timeout=2)
        try:
            return int(await client.dbsize())
        except (RedisError, OSError) as error:
            raise HarnessError(f"{self.server.name} does not answer: {error}") from error
        finally:
            await client.aclose()


async def _run(command: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), _SAYS_WITHIN_S)
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise HarnessError(f"{Path(command[0]).name} says nothing for {_SAYS_WITHIN_S:.0f} s") from error
    if process.returncode:
        raise HarnessError(
            f"{Path(command[0]).name} ended with exit code {process.returncode}: {printed.decode(errors='replace')[-200:]}"
        )
