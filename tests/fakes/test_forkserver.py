"""Claims about the fork server, on a live one that starts brokers: the service that needs nothing but the clock."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.clock import ClockPage
from tests.fakes.services.live import eventually, free_ports
from tests.fakes.services.stack import ForkServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forks")


@pytest.fixture(scope="module")
def forks(home: Path) -> Iterator[ForkServer]:
    server = ForkServer(home)
    yield server
    server.stop()


def broker(folder: Path, **changes: Any) -> dict[str, Any]:
    """A request to start one."""
    ClockPage(folder / "clock.page")
    [port] = free_ports(1)
    config = {"name": "broker", "program": "broker", "port": port, "clock": str(folder / "clock.page"), "state_dir": str(folder)}
    return {"start": {"name": "broker", "program": "broker", "config": config, "log": str(folder / "broker.log"), **changes}}


def of_proc(pid: int, what: str) -> str:
    return Path(f"/proc/{pid}/{what}").read_text(encoding="utf-8").strip()


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or of_proc(pid, "stat").rpartition(")")[2].split()[0] == "Z"


def test_answers_a_ping(forks: ForkServer) -> None:
    """Whoever waits for the server can ask it."""
    assert forks.ask({"ping": 1}) == {"pong": 1}


def test_a_service_runs_under_its_name_in_its_own_session(forks: ForkServer, home: Path, tmp_path: Path) -> None:
    """The child leads a session of its own, is named after the service, and writes to its own log only."""
    pid = forks.ask(broker(tmp_path, name="broker-of-the-east"))["pid"]
    eventually(lambda: of_proc(pid, "comm") == "broker-of-the-e" or None)
    eventually(lambda: "listens on port" in (tmp_path / "broker.log").read_text(encoding="utf-8") or None)
    assert os.getsid(pid) == pid
    assert (home / "forkserver.log").read_text(encoding="utf-8") == ""


def test_a_log_is_appended_to(forks: ForkServer, tmp_path: Path) -> None:
    """A restarted service goes on in the log of its earlier life."""
    (tmp_path / "broker.log").write_text("an earlier life\n", encoding="utf-8")
    forks.ask(broker(tmp_path))
    log = eventually(lambda: re.search(r"\A(.*\n)*.*listens on", (tmp_path / "broker.log").read_text(encoding="utf-8")))
    assert log[0].startswith("an earlier life\n")


def test_tells_how_a_service_ended(forks: ForkServer, tmp_path: Path) -> None:
    """Killed is -9, asked to stop is 0, unable to start is 1 and says why in the log."""
    killed = forks.ask(broker(tmp_path))["pid"]
    os.kill(killed, signal.SIGKILL)
    assert forks.exit_of(killed) == {"pid": killed, "name": "broker", "status": -9}

    (tmp_path / "broker.log").unlink()
    stopped = forks.ask(broker(tmp_path))["pid"]
    eventually(lambda: "listens on" in (tmp_path / "broker.log").read_text(encoding="utf-8") or None)
    os.kill(stopped, signal.SIGTERM)
    assert forks.exit_of(stopped)["status"] == 0

    failed = forks.ask(broker(tmp_path, config={"name": "broker"}))["pid"]
    assert forks.exit_of(failed)["status"] == 1
    assert "KeyError: 'program'" in (tmp_path / "broker.log").read_text(encoding="utf-8")


def test_every_client_hears_of_an_exit_also_late(forks: ForkServer, home: Path, tmp_path: Path) -> None:
    """A client that only listens is told, and one that asks afterwards too."""
    listener = ForkServer.connect(home / "fork.sock")
    pid = forks.ask(broker(tmp_path))["pid"]
    os.kill(pid, signal.SIGKILL)
    with listener, listener.makefile("r") as lines:
        assert json.loads(lines.readline())["exited"]["pid"] == pid
    with ForkServer.connect(home / "fork.sock") as late, late.makefile("r") as lines:
        late.sendall(json.dumps({"wait": pid}).encode() + b"\n")
        assert json.loads(lines.readline())["exited"]["status"] == -9


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"start": {"name": "x", "program": "no-such", "config": {}, "log": "/dev/null"}}, "no program named 'no-such'"),
        ({"start": {"name": "x", "program": "broker", "config": {}, "log": "/no/such/folder/log"}}, "No such file or directory"),
        ({"wait": 1}, "1 is no service of this fork server"),
        ({"dance": 1}, "unknown request"),
    ],
)
def test_a_wrong_request_is_answered_and_harms_nothing(forks: ForkServer, request_: dict[str, Any], error: str) -> None:
    """The error is told, and the next request is served."""
    assert error in forks.ask(request_)["error"]
    assert forks.ask({"ping": 1}) == {"pong": 1}


def test_no_service_outlives_the_server(tmp_path: Path) -> None:
    """When the fork server is killed, the kernel kills its services."""
    forks = ForkServer(tmp_path)
    pid = forks.ask(broker(tmp_path))["pid"]
    forks.process.kill()
    eventually(lambda: gone(pid) or None)
    forks.stop()


def test_services_share_the_memory_of_the_server(forks: ForkServer, tmp_path: Path) -> None:
    """What a service has for itself is less than half of what it uses: the rest is shared with the server."""
    pid = forks.ask(broker(tmp_path))["pid"]
    eventually(lambda: "listens on" in (tmp_path / "broker.log").read_text(encoding="utf-8") or None)
    memory = dict(re.findall(r"^(\w+): +(\d+) kB$", of_proc(pid, "smaps_rollup"), re.MULTILINE))
    assert int(memory["Private_Dirty"]) + int(memory["Private_Clean"]) < int(memory["Rss"]) / 2
