"""Faults of processes: killed once or whenever they come up, paused."""

from __future__ import annotations

import asyncio
import signal

from harness.errors import FaultError
from harness.faults.base import Fault
from harness.faults.ongoing import Ongoing
from harness.stack.embedded import EmbeddedStack, Instance
from harness.stack.services import RunningService
from scenarios.faults import Fault as FaultModel
from scenarios.faults.process import ProcessCrashLoop, ProcessKill, ProcessPause

_GONE_WITHIN_S = 5.0  # wall


async def kill(target: RunningService | Instance, called: str) -> str | None:
    """kill -9 of it and all its children; which run of it that was. Raises FaultError when it is still there."""
    killed = target.incarnation
    await target.signal(signal.SIGKILL)
    try:
        await asyncio.wait_for(target.gone(), _GONE_WITHIN_S)
    except TimeoutError as error:
        raise FaultError(f"{called} ({killed}) still runs {_GONE_WITHIN_S:g} s after kill -9") from error
    return killed


class KillProcess:
    """kill -9 of a service or of a datastore instance with all its backends. Healing starts nothing: the runbook must."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str) -> None:
        self.name = name
        self._target, self._process = stack.process(process), process

    async def inject(self) -> None:
        if not self._target.running:
            raise FaultError(f"{self.name}: {self._process} was not running, so there was nothing to kill")
        self._killed = await kill(self._target, f"{self.name}: {self._process}")

    async def heal(self) -> None:
        return

    async def bitten(self) -> str | None:
        return f"{self._killed} of {self._process} is gone" if self._target.incarnation != self._killed else None


class CrashLoop:
    """kill -9 whenever it comes up. A service is started again by the fault, as a cluster would, unless somebody stopped it."""

    def __init__(self, name: str, stack: EmbeddedStack, model: ProcessCrashLoop) -> None:
        self.name, self._process = name, model.process
        self._target, self._restart_after_s = stack.process(model.process), model.restart_after_s
        self._clock, self._ongoing = stack.clock, Ongoing(stack.clock)
        self._killed: str | None = None

    async def inject(self) -> None:
        if self._ongoing.going:
            return
        if not self._target.running:
            raise FaultError(f"{self.name}: {self._process} was not running, so it cannot begin to crash")
        self._killed = await self._kill()
        self._ongoing.begin(self._loop())

    async def heal(self) -> None:
        if self._ongoing.going:
            await self._ongoing.end()
            await self._restart()

    async def bitten(self) -> str | None:
        gone = self._killed is not None and self._target.incarnation != self._killed
        return f"{self._killed} of {self._process} is gone" if gone else None

    async def _loop(self) -> None:
        ended_s = self._clock.now()
        while await self._ongoing.rests():
            if self._target.running:
                await self._kill()
                ended_s = self._clock.now()
            elif self._restart_after_s is not None and self._clock.now() >= ended_s + self._restart_after_s:
                await self._restart()

    async def _kill(self) -> str | None:
        return await kill(self._target, f"{self.name}: {self._process}")

    async def _restart(self) -> None:
        service = self._target
        if not isinstance(service, RunningService) or self._restart_after_s is None or service.running:
            return
        if (wanted := service.replicas) > 0:
            await service.start()
            service.replicas = wanted
            service.restarts += 1


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
        case ProcessCrashLoop():
            return CrashLoop(name, stack, model)
        case ProcessPause():
            return PauseProcess(name, stack, model.process)
        case _:
            return None
