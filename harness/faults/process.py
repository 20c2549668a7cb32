"""Faults of processes: killed, paused."""

from __future__ import annotations

import asyncio
import signal

from harness.errors import FaultError
from harness.faults.base import Fault
from harness.stack.embedded import EmbeddedStack
from scenarios.faults import Fault as FaultModel
from scenarios.faults.process import ProcessKill, ProcessPause


class KillProcess:
    """kill -9 of a service or of a datastore instance with all its backends. Healing starts nothing: the runbook must."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str) -> None:
        self.name = name
        self._target, self._process = stack.process(process), process

    async def inject(self) -> None:
        if not self._target.running:
            raise FaultError(f"{self.name}: {self._process} was not running, so there was nothing to kill")
        self._killed = self._target.incarnation
        await self._target.signal(signal.SIGKILL)
        try:
            await asyncio.wait_for(self._target.gone(), 5)
        except TimeoutError as error:
            raise FaultError(f"{self.name}: {self._process} ({self._killed}) still runs 5 s after kill -9") from error

    async def heal(self) -> None:
        return

    async def bitten(self) -> str | None:
        return f"{self._killed} of {self._process} is gone" if self._target.incarnation != self._killed else None


class PauseProcess:
    """SIGSTOP of a process and its children: it keeps its connections and answers nothing. Healed by SIGCONT."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str) -> None:
        self.name = name
        self._target, self._process = stack.process(process), process

    async def inject(self) -> None:
        if not self._target.running:
            raise FaultError(f"{self.name}: {self._process} was not running, so there was nothing to pause")
        await self._target.signal(signal.SIGSTOP)

    async def heal(self) -> None:
        await self._target.signal(signal.SIGCONT)

    async def bitten(self) -> str | None:
        return f"{self._target.incarnation} of {self._process} is stopped" if await self._target.paused() else None


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case ProcessKill():
            return KillProcess(name, stack, model.process)
        case ProcessPause():
            return PauseProcess(name, stack, model.process)
        case _:
            return None
