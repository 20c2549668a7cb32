"""The stack behind the pytest plugin's fixtures `stack` and `toxiproxy`."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.clock import ClockPage
from harness.ports import Ports
from harness.stack.embedded import EmbeddedStack, Folders
from harness.tools import find_tools
from harness.toxiproxy import Toxiproxy
from harness.toxiproxy_server import find_toxiproxy
from scenarios.stacks import load_stack

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the datastores' data are faster there; the folder itself has a name of its own
_STARTS_WITHIN_S, _STOPS_WITHIN_S = 90.0, 60.0
_SEED = 1


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack that is up. Addresses are `host:port` of this machine; they lead through Toxiproxy."""

    name: str
    toxiproxy: Toxiproxy
    settings: Mapping[str, Any]
    _ports: Ports
    _documented: Mapping[str, int]

    def address(self, name: str) -> str:
        """Where a service or a datastore's service address answers. Raises KeyError, which names those there are."""
        if name not in self._documented:
            raise KeyError(f"{self.name} has no {name}; it has {', '.join(sorted(self._documented))}")
        return self._ports.address(self._documented[name])


@contextmanager
def running(name: str) -> Iterator[RunningStack]:
    """Boot this stack of `scenarios/stacks`, and stop it afterwards. Raises InvalidInput, HarnessError."""
    model = load_stack(name)
    folder = Path(tempfile.mkdtemp(prefix="gameday-", dir=_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None))
    folder.chmod(0o755)  # the datastores may run as another user
    (folder / "logs").mkdir()
    ports = Ports(own_network=False)
    clock = ClockPage(folder / "clock.page", speed=1.0)
    found = EmbeddedStack(
        model, model.settings, tools=find_tools(), toxiproxy=find_toxiproxy(), ports=ports,
        folders=Folders(folder, folder / "logs", folder / "clock.page"), clock=clock, seed=_SEED,
    )  # fmt: skip
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"stack {name}", daemon=True)
    thread.start()
    documented = {each: service.port for each, service in model.services.items()}
    documented |= {each: address.port for each, address in model.addresses.items()}
    try:
        asyncio.run_coroutine_threadsafe(found.start(), loop).result(_STARTS_WITHIN_S)
        yield RunningStack(name, found.toxiproxy, found.settings, ports, documented)
    finally:
        asyncio.run_coroutine_threadsafe(found.stop(), loop).result(_STOPS_WITHIN_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def restored(toxiproxy: Toxiproxy) -> Iterator[Toxiproxy]:
    """Afterwards no toxic is left, proxies that were made are gone, and those that were there are as they were. Raises ProxyError."""
    before = toxiproxy.proxies()
    try:
        yield toxiproxy
    finally:
        toxiproxy.reset()
        for name, proxy in toxiproxy.proxies().items():
            if name not in before:
                toxiproxy.destroy(name)
            elif (was := before[name]).upstream != proxy.upstream:
                toxiproxy.set_upstream(name, was.upstream)
        for name, was in before.items():
            if not was.enabled:
                toxiproxy.disable(name)
