"""Who runs Prometheus and Alertmanager: processes of this machine, or whatever else offers the same two verbs."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

from harness.monitor.prometheus.config import ALERTMANAGER, PROMETHEUS, alertmanager_arguments, prometheus_arguments
from harness.stack.process import Process
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
        self, prometheus: Tool, alertmanager: Tool, *, config: Path, data: Path, logs: Path, ports: tuple[int, int], speed: float
    ) -> None:
        """`ports` are Prometheus' and Alertmanager's. Folders for their data are made inside `data`."""
        self._logs, self._data = logs, data
        self._commands = {
            PROMETHEUS: [str(prometheus.path), *prometheus_arguments(config, data / PROMETHEUS, ports[0], speed=speed)],
            ALERTMANAGER: [str(alertmanager.path), *alertmanager_arguments(config, data / ALERTMANAGER, ports[1])],
        }
        self._started: list[Process] = []

    async def start(self, name: str) -> None:
        (self._data / name).mkdir(parents=True, exist_ok=True)
        self._started.append(await Process.start(name, self._commands[name], log=self._logs / f"{name}.log"))

    async def stop(self) -> None:
        async with AsyncExitStack() as steps:  # each step runs even if another fails
            while self._started:
                steps.push_async_callback(self._started.pop().stop)
