"""Who runs Prometheus and Alertmanager: processes of this machine, or whatever else offers the same two verbs."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

from harness.monitor.prometheus.config import ALERTMANAGER, PROMETHEUS, alertmanager_arguments, prometheus_arguments
from harness.stack.process import Process
from harness.stack.remote import Container, Remote
from harness.tools import Tool


class MonitorPrograms(Protocol):
    """Runs the two programs where they see the stack's loopback. `name` is PROMETHEUS or ALERTMANAGER."""

    async def start(self, name: str) -> None:
        """Start one, on the configuration that has been written. Raises HarnessError."""
        ...

    async def stop(self) -> None:
        """End both. Safe to repeat."""
        ...


class ProcessPrograms:
    """As processes that die with the conductor; their output goes to a log each."""

    def __init__(
        self, prometheus: Tool, alertmanager: Tool, *, config: Path, data: Path, logs: Path, listen: tuple[str, str], speed: float
    ) -> None:
        """`listen` is where Prometheus and Alertmanager do. Folders for their data are made inside `data`."""
        self._logs, self._data = logs, data
        self._commands = {
            PROMETHEUS: [str(prometheus.path), *prometheus_arguments(config, data / PROMETHEUS, listen[0], speed=speed)],
            ALERTMANAGER: [str(alertmanager.path), *alertmanager_arguments(config, data / ALERTMANAGER, listen[1])],
        }
        self._started: list[Process] = []

    async def start(self, name: str) -> None:
        (self._data / name).mkdir(parents=True, exist_ok=True)
        self._started.append(await Process.start(name, self._commands[name], log=self._logs / f"{name}.log"))

    async def stop(self) -> None:
        async with AsyncExitStack() as steps:  # each step runs even if another fails
            while self._started:
                steps.push_async_callback(self._started.pop().stop)


class ContainerPrograms:
    """As containers of the stack, which share its loopback (`harness/engine/entry/monitor.sh`)."""

    def __init__(self, remote: Remote, drill: str, *, seen: Path, config: Path, listen: tuple[str, str], speed: float) -> None:
        """`seen` is the folder that all containers see; `config` lies in it. A drill's data lie in the images' own folders."""
        self._remote = remote
        self._started: list[Container] = []
        arguments = {
            PROMETHEUS: prometheus_arguments(config, Path("/prometheus", drill), listen[0], speed=speed),
            ALERTMANAGER: alertmanager_arguments(config, Path("/alertmanager", drill), listen[1]),
        }
        for name, lines in arguments.items():
            (seen / f"{name}.args").write_text("\n".join(lines) + "\n")

    async def start(self, name: str) -> None:
        self._started.append(await self._remote.start(name))

    async def stop(self) -> None:
        async with AsyncExitStack() as steps:  # each step runs even if another fails
            while self._started:
                steps.push_async_callback(self._started.pop().stop)
