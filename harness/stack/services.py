"""The fake services of a stack, each its own process forked from one preloaded server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from fakes.clock import Clock
from harness.errors import HarnessError
from harness.sandbox.warm import Warm
from harness.stack.process import Process, is_stopped, signal_tree
from harness.stack.releases import Releases, Revision
from harness.waiting import wait_until

_STOP_WITHIN_S = 3.0  # wall


class ForkServer:
    """Speaks the protocol of `fakes.forkserver`: starts services, hears of their ends."""

    def __init__(self, socket: Path, log: Path, warm: Warm | None = None) -> None:
        self._socket, self._log, self._warm = socket, log, warm
        self._process: Process | None = None
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._ended: dict[int, asyncio.Event] = {}
        self._turn = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None

    async def start(self, clock: Clock) -> None:
        """Start it and connect. Raises NotReady, HarnessError."""
        self._process = await Process.python("fork server", "fakes.forkserver", str(self._socket), log=self._log, warm=self._warm)

        async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
            if self._process and not self._process.running:
                raise HarnessError(f"it ended with exit code {self._process.exit_code}; see {self._log}")
            return await asyncio.open_unix_connection(str(self._socket))

        reader, self._writer = await wait_until(connected, what="fork server", within_s=20, every_s=0.005, clock=clock)
        self._listening = asyncio.create_task(self._listen(reader))

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            if (ended := message.get("exited")) is not None:
                self._ended.setdefault(int(ended["pid"]), asyncio.Event()).set()
            else:
                self._answers.put_nowait(message)
        self._answers.put_nowait({"error": "the fork server ended"})

    async def fork(self, config: Mapping[str, Any], log: Path) -> int:
        """Start a service with this configuration; its pid. Raises HarnessError."""
        request = {"start": {"name": config["name"], "program": config["program"], "config": dict(config), "log": str(log)}}
        async with self._turn:
            self._writer.write(json.dumps(request).encode() + b"\n")
            await self._writer.drain()
            answer = await asyncio.wait_for(self._answers.get(), 10)
        if "pid" not in answer:
            raise HarnessError(f"{config['name']} could not be forked: {answer.get('error', answer)}")
        pid = int(answer["pid"])
        self._ended.setdefault(pid, asyncio.Event())
        return pid

    def has_ended(self, pid: int) -> bool:
        return self._ended[pid].is_set()

    async def ended(self, pid: int) -> None:
        """Wait until the process has ended."""
        await self._ended[pid].wait()

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._writer.close()
            with contextlib.suppress(OSError):  # it went first
                await self._writer.wait_closed()
        if self._process is not None:
            await self._process.stop()


@dataclass
class RunningService:
    """A service of the stack and what is known of it now."""

    name: str
    config: dict[str, Any]
    log: Path
    server: ForkServer
    clock: Clock
    pid_or_none: int | None = None
    restarts: int = 0
    replicas: int = 0  # how many are wanted: 0 after somebody stopped it, whatever killed it otherwise
    started_s: float = 0.0
    present: bool = True  # False: a standby that nobody has created
    releases: Releases = field(default_factory=lambda: Releases.of("1.0.0"))
    mounted: Callable[[], Mapping[str, str]] = dict  # variables that the cluster gives it when it starts
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def pid(self) -> int | None:
        return self.pid_or_none if self.running else None

    @property
    def running(self) -> bool:
        return self.pid_or_none is not None and not self.server.has_ended(self.pid_or_none)

    @property
    def port(self) -> int:
        return int(self.config["port"])

    async def start(self) -> None:
        async with self._turn:
            self.replicas = 1
            if not self.running:
                environment = {**self.mounted(), **self.config.get("environment", {})}
                self.pid_or_none = await self.server.fork({**self.config, "environment": environment}, self.log)
                self.started_s = self.clock.now()

    async def scale(self, replicas: int) -> None:
        """0 stops it. More than one starts one process: `replicas` remembers what was asked for."""
        if replicas == 0:
            await self.stop()
            return
        await self.start()
        self.replicas = replicas

    async def configure(self, change: Mapping[str, Any]) -> None:
        """A new revision of it; it is restarted when it runs. Raises HarnessError."""
        await self._become(self.releases.configure(change, self.clock.now()))

    async def undo(self, revision: int | None) -> None:
        """Back to a revision, or to the one before; it is restarted when it runs or should. Raises HarnessError."""
        await self._become(self.releases.undo(revision, self.clock.now()))

    async def _become(self, made: Revision) -> None:
        self.config |= {"version": made.version, "environment": dict(made.environment), "defect": made.defect}
        if (wanted := self.replicas) > 0:
            await self.restart()
            self.replicas = wanted

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when it hasn't ended after 3 s."""
        async with self._turn:
            self.replicas = 0
            if (pid := self.pid) is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            try:
                await asyncio.wait_for(self.server.ended(pid), _STOP_WITHIN_S)
            except TimeoutError:
                signal_tree(pid, signal.SIGKILL)
                await self.server.ended(pid)

    async def restart(self) -> None:
        await self.stop()
        await self.start()
        self.restarts += 1

    @property
    def incarnation(self) -> str | None:
        """Which run of it this is, in words; None while it does not run."""
        return f"process {self.pid}" if self.running else None

    async def signal(self, sent: signal.Signals) -> None:
        if (pid := self.pid) is not None:
            signal_tree(pid, sent)

    async def paused(self) -> bool:
        return (pid := self.pid) is not None and is_stopped(pid)

    async def gone(self) -> None:
        if self.pid_or_none is not None:
            await self.server.ended(self.pid_or_none)

    async def answers(self, http: httpx.AsyncClient) -> int | None:
        """The status of its health check, or None when nothing answers."""
        try:
            return (await http.get(f"http://127.0.0.1:{self.port}/healthz", timeout=1)).status_code
        except httpx.HTTPError:
            return None

    async def wait_healthy(self, http: httpx.AsyncClient, *, within_s: float) -> None:
        """Wait until the health check says 200. Raises NotReady with its last answer."""

        async def healthy() -> bool | None:
            if not self.running:
                raise HarnessError(f"its process ended; see {self.log}")
            answer = await http.get(f"http://127.0.0.1:{self.port}/healthz", timeout=1)
            if answer.status_code != 200:
                raise HarnessError(f"{answer.status_code} {answer.text[:300]}")
            return True

        await wait_until(healthy, what=self.name, within_s=within_s, every_s=0.02, clock=self.clock)
