"""The Redis of a stack: append-only file on, one server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from redis.asyncio import Redis

from fakes.clock import Clock
from harness.errors import HarnessError
from harness.stack.process import Process, Program
from harness.stack.server import DatastoreServer
from harness.waiting import wait_until


class RedisServer(DatastoreServer):
    """One server with its own folder and port."""

    def __init__(self, name: str, *, program: Path, folder: Path, port: int, log: Path, clock: Clock) -> None:
        super().__init__(name, port)
        self._program, self._folder, self._log, self._clock = program, folder / name, log, clock

    @property
    def program(self) -> Path:
        """Its redis-server, which is also its redis-check-rdb and redis-check-aof under those names."""
        return self._program

    @property
    def clock(self) -> Clock:
        return self._clock

    async def start(self) -> None:
        """Start it and wait until it answers. Raises NotReady, HarnessError."""
        self.replicas = 1
        if self.running:
            return
        self._process = await self._launch()
        self.started_s = self._clock.now()

        async def answers() -> bool | None:
            if not self.running:
                raise HarnessError(
                    f"{self.name} ended with exit code {self._process and self._process.exit_code}; see {self._log}"
                )
            client = Redis(host="127.0.0.1", port=self.port, socket_timeout=1)
            try:
                return True if await client.ping() else None
            finally:
                await client.aclose()

        await wait_until(answers, what=self.name, within_s=10, every_s=0.005, clock=self._clock)

    @property
    def data(self) -> Path:
        """Where it keeps its data."""
        return self._folder

    @property
    def append_only_file(self) -> Path | None:
        """The one that it appends to: of Redis 7 the newest of several; None before there is any."""
        several = [*self._folder.glob("appendonlydir/*.incr.aof")]
        found = max(several, key=lambda file: int(file.name.split(".")[-3])) if several else self._folder / "appendonly.aof"
        return found if found.is_file() else None

    @property
    def append_only_files(self) -> list[Path]:
        """All files that its append-only file is made of: of Redis 7 a folder with a manifest, before it one."""
        several = sorted(self._folder.glob("appendonlydir/*"))
        return several or [path for path in (self._folder / "appendonly.aof",) if path.is_file()]

    async def check_append_only_file(self, file: Path) -> str | None:
        """What redis-check-aof finds wrong with such a file, in a line; None when it finds nothing."""
        return await self._checked("redis-check-aof", file)

    async def check_snapshot(self, file: Path) -> str | None:
        """What redis-check-rdb finds wrong with a snapshot, in a line; None when it finds nothing."""
        return await self._checked("redis-check-rdb", file)

    async def _checked(self, name: str, file: Path) -> str | None:
        check = await asyncio.create_subprocess_exec(  # the server's own program, under that name
            name, str(file), executable=self._program,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await check.communicate()
        lines = [line.strip() for line in printed.decode(errors="replace").splitlines() if line.strip()]
        return " ".join(lines)[:300] or f"exit code {check.returncode}" if check.returncode else None

    async def _launch(self) -> Program:
        self._folder.mkdir(exist_ok=True)
        command = [str(self._program), *(word for line in self.configuration(self._folder) for word in (f"--{line[0]}", line[1]))]
        return await Process.start(self.name, command, log=self._log)

    def configuration(self, folder: Path) -> list[tuple[str, str]]:
        """Its settings, by the names of redis.conf. `folder` is where it keeps its data."""
        return [
            ("port", str(self.port)), ("bind", "127.0.0.1"), ("dir", str(folder)), ("appendonly", "yes"), ("appendfsync", "everysec"),
            ("save", ""), ("daemonize", "no"), ("protected-mode", "yes"),
        ]  # fmt: skip
