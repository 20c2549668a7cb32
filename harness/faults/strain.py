"""Faults that wear a service down while it runs: memory, processor, descriptors, and starts that take long."""

from __future__ import annotations

import contextlib
import json
import os
import resource
from collections.abc import Mapping
from pathlib import Path
from signal import SIGUSR2
from typing import Any

from fakes.services.strain import ORDER
from harness.errors import FaultError
from harness.faults.base import Fault
from harness.stack.embedded import EmbeddedStack
from harness.stack.services import RunningService
from scenarios.faults import Fault as FaultModel
from scenarios.faults.process import ProcessCpuHog, ProcessFileDescriptors, ProcessMemoryLeak, ProcessSlowStart

_BUSY = 0.5  # share of a core that a service wants, from which on it counts as hogged
_LONG_ENOUGH_S = 0.3  # wall: a share of less is no share
_MB = 1_000_000


class StrainService:
    """An order to a service to strain itself (`fakes.services.strain`). Healing takes it back."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str, order: str) -> None:
        self.name = name
        if process not in stack.services:
            raise FaultError(f"{name}: {process} is no service; only services can be strained")
        self._service, self._order, self._stack = stack.services[process], order, stack

    async def _give(self, facts: Mapping[str, float]) -> None:
        _write(self._service, {**_orders(self._service), self._order: facts})
        _tell(self._service)

    async def heal(self) -> None:
        orders = _orders(self._service)
        if orders.pop(self._order, None) is not None:
            _write(self._service, orders)
            _tell(self._service)

    def _running_pid(self) -> int:
        if (pid := self._service.pid) is None:
            raise FaultError(f"{self.name}: {self._service.name} was not running, so there was nothing to strain")
        return pid


class LeakMemory(StrainService):
    """Its memory grows, in this run of it and in those to come."""

    def __init__(self, name: str, stack: EmbeddedStack, model: ProcessMemoryLeak) -> None:
        super().__init__(name, stack, model.process, "memory")
        self._mb_per_s, self._most_mb = model.mb_per_s, model.most_mb
        self._before: float | None = None

    async def inject(self) -> None:
        pid = self._running_pid()
        if self._order not in _orders(self._service):
            self._before = _resident_mb(pid)
            await self._give({"mb_per_s": self._mb_per_s, "most_mb": self._most_mb})

    async def bitten(self) -> str | None:
        if self._before is None or (pid := self._service.pid) is None:
            return None
        grown = _resident_mb(pid) - self._before
        return f"{self._service.name} has grown by {grown:.0f} MB" if grown >= min(self._mb_per_s, self._most_mb / 2) else None


class HogProcessor(StrainService):
    """Threads of it spin, in this run of it only."""

    def __init__(self, name: str, stack: EmbeddedStack, model: ProcessCpuHog) -> None:
        super().__init__(name, stack, model.process, "cpu")
        self._threads = model.threads
        self._since: tuple[int, float, float] | None = None  # pid, wall, processor time wanted

    async def inject(self) -> None:
        pid = self._running_pid()
        if _orders(self._service).get(self._order, {}).get("pid") != pid:
            self._since = (pid, self._stack.clock.wall(), _wanted_s(pid))
            await self._give({"threads": self._threads, "pid": pid})

    async def bitten(self) -> str | None:
        if self._since is None or self._service.pid != self._since[0]:
            return None
        pid, wall_s, used_s = self._since
        passed_s = self._stack.clock.wall() - wall_s
        share = (_wanted_s(pid) - used_s) / passed_s if passed_s >= _LONG_ENOUGH_S else 0.0
        return f"threads of {self._service.name} ran or waited to run {share:.1f} s of each second" if share >= _BUSY else None


class UseUpDescriptors(StrainService):
    """It has as many files open as it may have, in this run of it only."""

    def __init__(self, name: str, stack: EmbeddedStack, model: ProcessFileDescriptors) -> None:
        super().__init__(name, stack, model.process, "descriptors")

    async def inject(self) -> None:
        await self._give({"pid": self._running_pid()})

    async def bitten(self) -> str | None:
        if (pid := self._service.pid) is None:
            return None
        opened, (limit, _) = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), resource.prlimit(pid, resource.RLIMIT_NOFILE)
        return f"{self._service.name} has {opened} of {limit} files open" if opened >= limit > 0 else None


class SlowStart(StrainService):
    """It is restarted, and each start takes long. Healing ends also a start that is under way."""

    def __init__(self, name: str, stack: EmbeddedStack, model: ProcessSlowStart) -> None:
        super().__init__(name, stack, model.process, "start")
        self._takes_s = model.takes_s
        self._before: str | None = None

    async def inject(self) -> None:
        if self._order in _orders(self._service):
            return
        self._running_pid()
        self._before = self._service.incarnation
        wanted = self._service.replicas
        await self._give({"takes_s": self._takes_s})
        await self._service.restart()
        self._service.replicas = wanted

    async def bitten(self) -> str | None:
        service = self._service
        if self._before is None or not service.running or service.incarnation == self._before:
            return None
        answer = await service.answers(self._stack.http)
        return f"{service.incarnation} of {service.name} runs and answers nothing" if answer is None else None


def _path(service: RunningService) -> Path:
    return Path(service.config["state_dir"]) / ORDER


def _orders(service: RunningService) -> dict[str, dict[str, Any]]:
    """All that this service is ordered, by whichever fault."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(_path(service).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def _write(service: RunningService, orders: Mapping[str, Mapping[str, float]]) -> None:
    """In one stroke: the service may read it at any time."""
    path = _path(service)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(orders), encoding="utf-8")
    fresh.rename(path)


def _tell(service: RunningService) -> None:
    """Have it read its orders. One that does not listen for the signal yet, and would die of it, reads them when it does."""
    if (pid := service.pid) is None:
        return
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1], 16)
        if caught >> (SIGUSR2 - 1) & 1:
            os.kill(pid, SIGUSR2)
    except (FileNotFoundError, ProcessLookupError, StopIteration):  # it ended meanwhile
        return


def _resident_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / _MB
    except OSError:  # it has ended
        return 0.0


def _wanted_s(pid: int) -> float:
    """Processor time that its threads had or waited for: on a busy machine what they get says little."""
    wanted_ns = 0
    with contextlib.suppress(OSError):  # it has ended, or a thread of it
        for thread in Path(f"/proc/{pid}/task").iterdir():
            had, waited, _ = (thread / "schedstat").read_text(encoding="ascii").split()
            wanted_ns += int(had) + int(waited)
    return wanted_ns / 1e9


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case ProcessMemoryLeak():
            return LeakMemory(name, stack, model)
        case ProcessCpuHog():
            return HogProcessor(name, stack, model)
        case ProcessFileDescriptors():
            return UseUpDescriptors(name, stack, model)
        case ProcessSlowStart():
            return SlowStart(name, stack, model)
        case _:
            return None
