"""The same scenarios on containers, with the real Toxiproxy, Prometheus and Alertmanager: the same verdicts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.history import History
from tests.drills.cli import PROJECT, THOROUGH, gameday, start
from tests.drills.conftest import SEED, Drill

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
SCENARIOS = ("service-failure", "primary-database-failure", "market-data-feed-interruption", "redis-outage")
# An evaluation and a scrape of 5 s each: the two monitors look at phases of their own.
DETECTION_DIFFERS_S = 10.0


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def left_of(drill: str) -> list[str]:
    """Everything on the engine that carries the drill's label."""
    label = f"label=gameday.drill={drill}"
    asked = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
    return [name for kind in asked for name in docker(*kind, "--quiet", "--filter", label).splitlines()]


@pytest.mark.prometheus
@pytest.mark.namespaces
@pytest.mark.parametrize("scenario", SCENARIOS if THOROUGH else SCENARIOS[:2])
def test_containers_and_the_embedded_stack_come_to_the_same_verdicts(scenario: str, drill: Drill) -> None:
    """Unchanged, and on real parts throughout; nothing of the drill is left on the engine."""
    embedded = drill(scenario)
    containers = drill(scenario, "--stack", "containers", "--monitor", "prometheus")
    assert containers.result["status"] == "completed", containers.printed
    assert containers.verdicts() == embedded.verdicts(), containers.printed
    assert "unknown" not in containers.verdicts().values(), "two drills that tested nothing are equal too"
    assert containers.code == embedded.code
    measured = [run.result["measures"]["time_to_detect_s"] for run in (embedded, containers)]
    assert abs(measured[0] - measured[1]) <= DETECTION_DIFFERS_S, measured
    started = History.read(containers.folder).first("drill.started")
    booted = History.read(containers.folder).first("stack.booted")
    assert started is not None
    assert booted is not None
    assert (started.data["stack"], started.data["sandbox"], started.data["monitor"]) == ("containers", "containers", "prometheus")
    assert booted.data["servers"].keys() >= {"postgres-primary", "postgres-replica", "redis", "toxiproxy"}
    assert left_of(containers.folder.name) == []


@pytest.fixture
def foreign() -> Iterator[str]:
    """A container that no drill has made."""
    image = os.environ.get("GAMEDAY_IMAGE_DRILL", "debian:12-slim")
    container = docker("run", "--detach", "--network", "none", "--entrypoint", "sleep", image, "120")
    yield container
    docker("rm", "--force", container)


def test_after_kill_9_clean_removes_the_drill_and_nothing_else(tmp_path: Path, foreign: str) -> None:
    """While it runs `clean` leaves it alone. Its network has no way out, and what it publishes is on the loopback."""
    process = start(["run", "service-failure", "--speed", "20", "--seed", "5", "--stack", "containers"], tmp_path)
    try:
        name = _running_drill(tmp_path)
        parts = docker("ps", "--quiet", "--filter", f"label=gameday.drill={name}").split()
        assert "still runs: left alone" in _clean()
        assert docker("exec", f"{name}-drill", "ip", "route", "show", "default") == ""
        published = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Ports}}", f"{name}-toxiproxy"))
        assert {place["HostIp"] for places in published.values() for place in places or []} == {"127.0.0.1"}
        assert len(parts) >= 5
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert name in _clean()
    assert left_of(name) == []
    assert docker("inspect", "--format", "{{.State.Running}}", foreign) == "true"
    assert gameday(["judge", str(tmp_path / name)], tmp_path).code in (1, 3), "its history can be judged"


def _running_drill(out: Path) -> str:
    """The name of the drill in `out`, once its stack is up."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        for folder in out.iterdir() if out.is_dir() else ():
            if (folder / "history.jsonl").is_file() and "stack.booted" in (folder / "history.jsonl").read_text():
                return folder.name
        time.sleep(0.1)  # polling for what must become true
    raise AssertionError("no stack came up")


def _clean() -> str:
    command = [sys.executable, "-m", "gameday.cli", "clean"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def composed(tmp_path: Path) -> Iterator[str]:
    """A stack made from the compose file; its project."""
    project, run = f"gameday{os.getpid()}", tmp_path / "run"
    run.mkdir()
    compose = ["docker-compose", "--project-name", project, "--file", str(PROJECT / "docker-compose.test.yml")]
    environment = {**os.environ, "GAMEDAY_COMPOSE_RUN": str(run)}
    subprocess.run([*compose, "up", "--detach"], env=environment, capture_output=True, check=True)
    yield project
    subprocess.run([*compose, "down", "--volumes"], env=environment, capture_output=True, check=True)


def test_a_compose_stack_is_attached_to_and_left_as_it_was(composed: str, tmp_path: Path) -> None:
    """One drill after another begins with new data; the containers are the same ones, healthy again afterwards."""
    before = _containers_of(composed)
    arguments = ["run", "service-failure", "--speed", "60", "--seed", str(SEED), "--stack", "compose", "--monitor", "embedded"]
    for number in ("first", "second"):
        run = gameday(arguments, tmp_path / number, GAMEDAY_COMPOSE_PROJECT=composed)
        assert run.code == 0, run.printed
        assert left_of(run.folder.name) == []
    assert _containers_of(composed) == before
    until = time.monotonic() + 60
    while "starting" in (
        states := docker("ps", "--filter", f"label=com.docker.compose.project={composed}", "--format", "{{.Status}}")
    ):
        assert time.monotonic() < until, states
        time.sleep(0.5)  # polling for what must become true
    assert states.count("(healthy)") == len(before)


def _containers_of(project: str) -> list[str]:
    return sorted(docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}").split())
