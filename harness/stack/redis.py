"""The Redis of a stack: append-only file on, one server."""

from __future__ import annotations

import signal
from pathlib import Path

from redis.asyncio import Redis

from fakes.clock import Clock
from harness.stack.process import Process, signal_tree
from harness.waiting import wait_until


class RedisServer:
    """One server with its own folder and port."""

    def __init__(self, name: str, *, program: Path, folder: Path, port: int, log: Path, clock: Clock) -> None:
        self.name, self.port = name, port
        self._program, self._folder, self._log, self._clock = program, folder / name, log, clock
        self._process: Process | None = None
        self.replicas = 0  # how many are wanted: 0 after somebody stopped it

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.running else None

    async def start(self) -> None:
        """Start it and wait until it answers. Raises NotReady, HarnessError."""
        self.replicas = 1
        if self.running:
            return
        self._folder.mkdir(exist_ok=True)
        command = [
            str(self._program), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--appendonly", "yes",
            "--appendfsync", "everysec", "--save", "", "--daemonize", "no", "--protected-mode", "yes",
        ]  # fmt: skip
        self._process = await Process.start(self.name, command, log=self._log)

        async def answers() -> bool | None:
            client = Redis(host="127.0.0.1", port=self.port, socket_timeout=1)
            try:
                return True if await client.ping() else None
            finally:
                await client.aclose()

        await wait_until(answers, what=self.name, within_s=10, every_s=0.005, clock=self._clock)

    def signal(self, sent: signal.Signals) -> None:
        if self.pid is not None:
            signal_tree(self.pid, sent)

    async def stop(self) -> None:
        self.replicas = 0
        if self._process is not None:
            await self._process.stop()

    async def gone(self) -> None:
        if self._process is not None:
            await self._process.stop(within_s=2)
