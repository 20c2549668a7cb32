"""kubectl and helm on a real stack, booted once for all of them: what they say they did has been done."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.clock import ClockPage
from fakes.commands.install import install_commands
from fakes.commands.wire import request
from harness.ports import Ports
from harness.stack.control import Control
from harness.stack.embedded import EmbeddedStack, Folders
from harness.stack.topology import CONTROL_PORT
from harness.tools import find_tools
from harness.toxiproxy_server import find_toxiproxy
from scenarios.stacks import load_stack

pytestmark = [pytest.mark.real, pytest.mark.slow]
CHECKOUT = Path(__file__).parents[3] / "fakes/workstation/eafix/checkout"
Shell = Callable[[str], str]


@pytest.fixture(scope="module")
def stack() -> Iterator[EmbeddedStack]:
    """The EAFIX stack as a helm release, with its control API, on free ports, driven by a loop in a thread of its own."""
    fast = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="gameday-", dir=fast if fast.is_dir() else None))
    folder.chmod(0o755)  # the datastores may run as another user
    (folder / "logs").mkdir()
    clock, ports = ClockPage(folder / "clock.page", speed=1.0), Ports(own_network=False)
    model = load_stack("eafix").model_copy(update={"helm": "eafix"})
    found = EmbeddedStack(
        model, model.settings, tools=find_tools(), toxiproxy=find_toxiproxy(), ports=ports,
        folders=Folders(folder, folder / "logs", folder / "clock.page"), clock=clock, seed=7,
    )  # fmt: skip
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    control = Control(found, ports[CONTROL_PORT])
    try:
        asyncio.run_coroutine_threadsafe(found.start(), loop).result(60)
        asyncio.run_coroutine_threadsafe(control.start(), loop).result(10)
        programs = Path(find_tools().postgres.path)
        clients = {name: programs / name for name in ("psql", "pg_dump") if (programs / name).is_file()}
        install_commands(folder / "bin", sys.executable, clients)
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(control.stop(), loop).result(10)
        asyncio.run_coroutine_threadsafe(found.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shell(stack: EmbeddedStack) -> Shell:
    """Runs a command in the operator's checkout; what it printed."""
    environment = {
        "PATH": f"{stack.folders.run}/bin:/usr/bin:/bin", "GAMEDAY_CONTROL": f"127.0.0.1:{stack.ports[CONTROL_PORT]}",
        "PGUSER": str(stack.settings["postgres.user"]), "PGDATABASE": str(stack.settings["postgres.database"]),
    }  # fmt: skip

    def run(line: str) -> str:
        command = ["bash", "-c", line]
        return subprocess.run(
            command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    return run


def version(stack: EmbeddedStack, name: str = "gui-gateway") -> str:
    """What answers at a service's address says it is; `nobody` when nothing does."""
    reply = request(f"127.0.0.1:{stack.ports[stack.model.services[name].port]}", "GET", "/healthz")
    return str(reply.json()["version"])


def test_blue_to_green_and_back(stack: EmbeddedStack, shell: Shell) -> None:
    """Runbook 002:70 to 002:116: green comes into being, answers at the gateway's address, and blue takes over again."""
    before = version(stack)
    shell("kubectl apply -f deploy/kubernetes/green/")
    assert "condition met" in shell("kubectl wait --for=condition=ready pod -l version=green --timeout=30s")
    shell("""kubectl patch service eafix-gateway -p '{"spec":{"selector":{"version":"green"}}}'""")
    shell("kubectl scale deployment eafix-blue --replicas=0")
    green = version(stack)
    shell("kubectl scale deployment eafix-blue --replicas=3")
    shell("kubectl rollout status deployment/eafix-blue --timeout=30s")
    shell("""kubectl patch service eafix-gateway -p '{"spec":{"selector":{"version":"blue"}}}'""")
    assert (version(stack), green != before) == (before, True)
    shell("kubectl delete deployment eafix-green")
    assert shell("kubectl get pods -l version=green -o name") == ""


@pytest.mark.parametrize("back", ["helm rollback eafix --wait", "kubectl rollout undo deployment/eafix-risk-manager"])
def test_a_bad_version_is_taken_back(stack: EmbeddedStack, shell: Shell, back: str) -> None:
    """What the fault `service.version` deploys is a revision, and going back ends it."""
    good = version(stack, "risk-manager")
    shell("helm history eafix")
    bad = {"version": "9.9.9", "defect": "errors", "cause": "deployment"}
    request(f"127.0.0.1:{stack.ports[CONTROL_PORT]}", "POST", "/services/risk-manager/configure", bad, timeout_s=30)
    shell("kubectl rollout status deployment/eafix-risk-manager --timeout=30s")
    assert version(stack, "risk-manager") == "9.9.9"
    assert "deployed" in shell("helm history eafix").splitlines()[-1]
    shell(back)
    shell("kubectl rollout status deployment/eafix-risk-manager --timeout=30s")
    assert version(stack, "risk-manager") == good
    assert stack.services["risk-manager"].config["defect"] == ""


def test_a_dump_goes_out_of_a_pod_and_a_query_in(stack: EmbeddedStack, shell: Shell) -> None:
    """Runbooks 003:415 and 003:432: the real clients on the real store, with standard input."""
    assert shell("kubectl exec statefulset/eafix-postgres -- pg_dump --schema-only | grep -c 'CREATE TABLE'").strip() != "0"
    assert shell("echo 'SELECT 41 + 1;' | kubectl exec -i statefulset/eafix-postgres -- psql -At") == "42\n"
