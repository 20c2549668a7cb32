"""Claims about what the control API does to a real stack, booted once for all of them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from fakes.clock import ClockPage
from fakes.commands.control import Control as Client
from fakes.commands.control import Refused
from harness.ports import Ports
from harness.stack.control import Control
from harness.stack.embedded import EmbeddedStack, Folders
from harness.stack.postgres import PostgresServer
from harness.stack.topology import CONTROL_PORT
from harness.tools import find_tools
from harness.toxiproxy_server import find_toxiproxy
from scenarios.model import Stack
from scenarios.stacks import load_stack

pytestmark = [pytest.mark.real, pytest.mark.slow]
GREEN = {"program": "gui-gateway", "port": 8099, "deployment": "eafix-green", "standby-for": "gui-gateway",
         "labels": {"app": "eafix-gateway", "version": "green"}}  # fmt: skip


def stack_with_green() -> Stack:
    """The EAFIX stack, with a green gateway to bring up."""
    stack = load_stack("eafix")
    services = {name: model for name, model in stack.services.items() if not model.standby}
    green = type(stack.services["gui-gateway"]).model_validate(GREEN)
    return stack.model_copy(update={"services": {**services, "green": green}})


@contextmanager
def booted(folder: Path) -> Iterator[EmbeddedStack]:
    """A stack with its control API, on free ports, driven by a loop in a thread of its own."""
    clock, ports, model = ClockPage(folder / "clock.page", speed=1.0), Ports(own_network=False), stack_with_green()
    stack = EmbeddedStack(
        model, model.settings, tools=find_tools(), toxiproxy=find_toxiproxy(), ports=ports,
        folders=Folders(folder, folder / "logs", folder / "clock.page"), clock=clock, seed=7,
    )  # fmt: skip
    (folder / "logs").mkdir()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    control = Control(stack, ports[CONTROL_PORT])
    try:
        asyncio.run_coroutine_threadsafe(stack.start(), loop).result(60)
        asyncio.run_coroutine_threadsafe(control.start(), loop).result(10)
        yield stack
    finally:
        asyncio.run_coroutine_threadsafe(control.stop(), loop).result(30)
        asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def stack() -> Iterator[EmbeddedStack]:
    folder = Path(tempfile.mkdtemp(prefix="gameday-"))
    folder.chmod(0o711)
    try:
        with booted(folder) as found:
            yield found
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def client(stack: EmbeddedStack) -> Client:
    return Client(stack.ports.address(CONTROL_PORT))


def gateway(stack: EmbeddedStack) -> dict[str, str]:
    """Who answers at the gateway's service address."""
    port = stack.ports[stack.model.services["gui-gateway"].port]
    with httpx.Client(trust_env=False) as http:
        found: dict[str, str] = http.get(f"http://127.0.0.1:{port}/healthz", timeout=5).json()
    return found


def test_a_new_version_runs_and_can_be_undone(stack: EmbeddedStack, client: Client) -> None:
    """Version, variables and process are new; undo brings the version before back."""
    unit = client.state().unit("gui-gateway")
    assert unit is not None
    assert client.configure(unit, version="2.0.0", environment={"RATE_LIMIT": "1000"}, cause="test") == unit.revision + 1
    asyncio.run(eventually_version(stack, "2.0.0"))
    changed = client.state().unit("gui-gateway")
    assert changed is not None
    assert (changed.version, dict(changed.environment), changed.pid != unit.pid) == ("2.0.0", {"RATE_LIMIT": "1000"}, True)
    client.undo(unit)
    asyncio.run(eventually_version(stack, "1.0.0"))


async def eventually_version(stack: EmbeddedStack, version: str) -> None:
    """The gateway restarts; it answers when it is up."""
    for _ in range(400):
        try:
            if gateway(stack)["version"] == version:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.02)
    raise AssertionError(f"the gateway never became {version}")


def test_a_standby_is_not_there_until_it_is_created_and_takes_the_traffic(stack: EmbeddedStack, client: Client) -> None:
    """Blue and green: the service address goes where its selector says, and nowhere when that is nobody."""
    green = client.state().unit("green")
    assert green is not None
    assert (green.present, green.running) == (False, False)
    assert client.point("gui-gateway", {"version": "green"}) is None
    with pytest.raises(httpx.HTTPError):
        gateway(stack)
    client.create(green)
    asyncio.run(eventually_name(stack, "green"))
    assert scraped(stack, "gui-gateway") == "green"  # otherwise blue, which may stop now, would page somebody
    assert stack.metrics_port("risk-manager") == stack.services["risk-manager"].port
    client.point("gui-gateway", {"version": None})
    client.delete(green)
    asyncio.run(eventually_name(stack, "gui-gateway"))
    with pytest.raises(Refused, match="part of the platform"):
        client.delete(client.state().unit("gui-gateway"))  # type: ignore[arg-type]


def scraped(stack: EmbeddedStack, service: str) -> str:
    """Who answers where the monitor scrapes a service."""
    with httpx.Client(trust_env=False) as http:
        found: str = http.get(f"http://127.0.0.1:{stack.metrics_port(service)}/healthz", timeout=5).json()["service"]
    return found


async def eventually_name(stack: EmbeddedStack, name: str) -> None:
    for _ in range(400):
        try:
            if gateway(stack)["service"] == name:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.02)
    raise AssertionError(f"the gateway's address never led to {name}")


def test_scaling_to_nothing_stops_and_anything_else_starts(client: Client) -> None:
    """One process runs, however many were asked for; how many is remembered."""
    unit = client.state().unit("indicator-engine")
    assert unit is not None
    client.scale(unit, 0)
    stopped = client.state().unit("indicator-engine")
    assert stopped is not None
    assert (stopped.running, stopped.wanted) == (False, 0)
    client.scale(unit, 3)
    started = client.state().unit("indicator-engine")
    assert started is not None
    assert (started.running, started.wanted) == (True, 3)


def test_objects_and_events_are_told(client: Client) -> None:
    """What was put is there once, and gone when it was deleted."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits"}, "data": {"a": "1"}}
    assert client.put_object(manifest) == (True, True)
    assert client.put_object(manifest) == (False, False)
    assert {each["metadata"]["name"]: each["data"] for each in client.objects("ConfigMap", "default")}["limits"] == {"a": "1"}
    client.delete_object("ConfigMap", "default", "limits")
    with pytest.raises(Refused, match="no ConfigMap limits"):
        client.delete_object("ConfigMap", "default", "limits")
    assert {"Scheduled"} <= {each["reason"] for each in client.events()}


def test_a_wiped_datastore_starts_empty(stack: EmbeddedStack, client: Client) -> None:
    """Last of all: what stood in it is gone, and the platform's tables are there again."""
    state = client.state()
    replica, primary = state.unit("postgres-replica"), state.unit("postgres-primary")
    assert replica is not None
    assert primary is not None
    server = stack.datastores["postgres-primary"]
    assert isinstance(server, PostgresServer)
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE of_before ()")
    client.act(replica, "wipe", wait=True)
    client.act(primary, "wipe", wait=True)
    client.act(primary, "start", wait=True)
    client.act(replica, "start", wait=True)
    with psycopg.connect(server.dsn()) as connection:
        found = connection.execute("SELECT to_regclass('of_before'), to_regclass('orders')").fetchone()
    assert found == (None, "orders")
    again = client.state().unit("postgres-replica")
    assert again is not None
    assert again.running
