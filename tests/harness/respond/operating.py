"""A whole stack on free ports, and workstations of each platform at it: for tests of what their programs truly do."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fakes.clock import ClockPage
from harness.ports import Ports
from harness.respond.shell import Ran, run_block
from harness.respond.standing import Standing
from harness.respond.workstation import Endpoints, Workstation, build_workstation
from harness.stack.cloud import Cloud
from harness.stack.control import Control
from harness.stack.embedded import EmbeddedStack, Folders
from harness.stack.topology import CONTROL_PORT, PROMETHEUS_PORT
from harness.tools import find_tools
from harness.toxiproxy_server import find_toxiproxy
from scenarios.model import Stack
from scenarios.stacks import load_stack

T = TypeVar("T")
PLATFORMS = ("eafix", "trading-engine", "ai-trading")


@dataclass
class Operator:
    """Somebody at a workstation."""

    station: Workstation
    cloud: Cloud

    def runs(self, block: str, *, limit_s: float = 60.0) -> Ran:
        """Run a block as a step of a procedure is run."""
        environment, folder = self.station.environment, self.station.checkout
        return asyncio.run(run_block(self.station.translated(block), environment=environment, folder=folder, limit_s=limit_s))

    def does(self, block: str) -> str:
        """Run a block that must succeed; what it printed."""
        ran = self.runs(block)
        assert ran.exit_code == 0, ran.output
        return ran.output


class Site:
    """The stack, and the loop that drives it in a thread of its own."""

    def __init__(self, folder: Path, stack: str = "eafix") -> None:
        self.folder = folder
        self.model: Stack = load_stack(stack)
        self.ports = Ports(own_network=False)
        (folder / "logs").mkdir()
        self.stack = EmbeddedStack(
            self.model, self.model.settings, tools=find_tools(), toxiproxy=find_toxiproxy(), ports=self.ports,
            folders=Folders(folder, folder / "logs", folder / "clock.page"), clock=ClockPage(folder / "clock.page"), seed=7,
        )  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._stops: list[Coroutine[Any, Any, None]] = []

    def _setting(self, name: str) -> str:
        return str(self.model.settings[f"postgres.{name}"])

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def start(self) -> None:
        self._stops.append(self.stack.stop())
        self.run(self.stack.start())
        control = Control(self.stack, self.ports[CONTROL_PORT])
        self._stops.append(control.stop())
        self.run(control.start())

    def operator(self, platform: str) -> Operator:
        """Somebody of this platform, after the first night."""
        model = self.model.model_copy(update={"checkout": platform})
        folder = self.folder / platform
        cloud = Cloud(0, platform, seeds=folder / "cloud", log=self.folder / "logs" / f"{platform}-cloud.log")
        self._stops.append(cloud.stop())
        self.run(cloud.start())
        endpoints = Endpoints(
            control=self.ports.address(CONTROL_PORT), prometheus=self.ports.address(PROMETHEUS_PORT), database=self._setting("database"),
            user=self._setting("user"), ports=self.ports.mapped(), cloud=f"127.0.0.1:{cloud.port}", clock=self.folder / "clock.page",
            folders={"/var/lib/redis": self.stack.datastores["redis"].data},
        )  # fmt: skip
        station = build_workstation(folder, model, endpoints, programs=find_tools().commands)
        environment = {"DATABASE_URL": f"postgresql://postgres@127.0.0.1:{self.ports[5432]}/{self._setting('database')}"}
        station = Workstation(station.folder, {**station.environment, **environment}, station.ports)
        standing = Standing(station, model, logs=self.folder / "logs")
        self._stops.append(standing.stop())
        self.run(standing.start())
        self.run(standing.ready())
        return Operator(station, cloud)

    def stop(self) -> None:
        for stop in reversed(self._stops):
            self.run(stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def operating(stack: str = "eafix") -> Iterator[Site]:
    """The stack, booted, in a folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="gameday-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        site = Site(folder, stack)
        try:
            site.start()
            yield site
        finally:
            site.stop()
