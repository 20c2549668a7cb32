"""A whole platform for tests: a stack of `scenarios/stacks`, booted on free ports, with its control API."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
import redis

from fakes.clock import ClockPage
from harness.ports import Ports
from harness.stack.control import Control
from harness.stack.embedded import EmbeddedStack, Folders
from harness.stack.topology import CONTROL_PORT
from harness.tools import find_tools
from harness.toxiproxy_server import find_toxiproxy
from scenarios.stacks import load_stack

T = TypeVar("T")


async def _drained() -> None:
    """Let what is closing close: tasks that are left are cancelled, and connections have their last callbacks."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for _ in range(10):
        await asyncio.sleep(0)


class Platform:
    """A booted stack. Its loop runs in a thread of its own, so tests are plain functions."""

    def __init__(self, name: str, folder: Path, settings: dict[str, Any] | None = None) -> None:
        model = load_stack(name)
        (folder / "logs").mkdir()
        self.clock = ClockPage(folder / "clock.page", speed=20)
        ports = Ports(own_network=False)
        self.stack = EmbeddedStack(
            model, {**model.settings, **(settings or {})}, tools=find_tools(), toxiproxy=find_toxiproxy({"GAMEDAY_TOXIPROXY": "embedded"}),
            ports=ports, folders=Folders(folder, folder / "logs", folder / "clock.page"), clock=self.clock, seed=7,
        )  # fmt: skip
        self.logs = folder / "logs"
        self.control = f"http://{ports.address(CONTROL_PORT)}"
        self._control = Control(self.stack, ports[CONTROL_PORT])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.client = httpx.Client(trust_env=False, timeout=10)
        self.boot_s = 0.0
        self.debug_port = ports[6060]

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def start(self) -> None:
        self.boot_s = self.call(self.stack.start())
        self.call(self._control.start())

    def stop(self) -> None:
        """End everything.

        A connection to a process that is killed just while it is being made (a probe's, a proxy's) is lost by asyncio without
        being closed; it ends here, where it belongs, and not in some later test.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "unclosed", ResourceWarning)
            self.call(self._control.stop())
            self.call(self.stack.stop())
            self.call(_drained())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self.client.close()
            gc.collect()

    def port(self, name: str) -> int:
        """Where clients of a service, or of a service address, go."""
        model = self.stack.model
        return self.stack.ports[(model.services[name] if name in model.services else model.addresses[name]).port]

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.port(name)}{path}"

    def get(self, name: str, path: str) -> httpx.Response:
        return self.client.get(self.url(name, path))

    def post(self, name: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return self.client.post(self.url(name, path), json=body or {})

    def order(self, order_id: str, *, side: str = "buy", quantity: int = 100, symbol: str = "EURUSD") -> httpx.Response:
        wanted = {"client_order_id": order_id, "symbol": symbol, "side": side, "quantity": quantity}
        return self.post("gui-gateway", "/api/orders", wanted)

    def sql(self, query: str, *, user: str = "postgres") -> list[tuple[Any, ...]]:
        """Through the service address, as an operator."""
        name = self.stack.settings["postgres.database"]
        with psycopg.connect(host="127.0.0.1", port=self.port("postgres"), user=user, dbname=name, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def redis(self) -> redis.Redis:
        return redis.Redis(port=self.port("redis"), decode_responses=True)

    def metric(self, name: str, series: str) -> float | None:
        """A series of a service's own page, as it stands there."""
        text = self.client.get(f"http://127.0.0.1:{self.stack.services[name].port}/metrics").text
        found = [float(line.rpartition(" ")[2]) for line in text.splitlines() if line.rpartition(" ")[0] == series]
        return found[0] if found else None


@contextmanager
def booted(name: str, folder: Path, settings: dict[str, Any] | None = None, **services: dict[str, Any]) -> Iterator[Platform]:
    """Boot a platform; `services` are changes of the services' own settings."""
    platform = Platform(name, folder, settings)
    if "debug.port" in platform.stack.services["gui-gateway"].config["settings"]:
        platform.stack.services["gui-gateway"].config["settings"]["debug.port"] = platform.debug_port
    for service, change in services.items():
        platform.stack.services[service.replace("_", "-")].config["settings"].update(change)
    if "ingress" in platform.stack.services:
        control = platform.control.removeprefix("http://")
        platform.stack.services["ingress"].config["addresses"]["control"] = control
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()
