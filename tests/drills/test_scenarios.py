"""Whole drills: what each of the four scenarios, its what-if and its trap come to."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.history import History
from tests.conftest import missing
from tests.drills.cli import THOROUGH, Run, gameday
from tests.drills.conftest import Drill

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]
HERE = Path(__file__).parent
TOXIPROXIES = pytest.mark.parametrize("toxiproxy", ["embedded", pytest.param("real", marks=pytest.mark.toxiproxy)])


def on(toxiproxy: str, scenario: str, drill: Drill) -> Run:
    """The scenario's drill on that Toxiproxy. The real one is taken unasked where it is, so that other tests share the drill."""
    run = drill(scenario) if toxiproxy == "real" else drill(scenario, GAMEDAY_TOXIPROXY=toxiproxy)
    assert f"({toxiproxy})" in run.result["versions"]["toxiproxy"]
    return run


@TOXIPROXIES
def test_asynchronous_replication_loses_acknowledged_writes_and_says_so(toxiproxy: str, drill: Drill) -> None:
    """RTO met, RPO of 0 missed: exit code 1, lost orders counted, and never a PASS."""
    run = on(toxiproxy, "primary-database-failure", drill)
    verdicts = run.verdicts()
    assert run.code == 1, run.printed
    assert verdicts["service-failure-rto"] == "pass", run.printed
    assert verdicts["service-failure-lost-writes"] == "fail"
    assert run.result["measures"]["lost_writes"] >= 1
    assert "lost" in run.printed


def test_synchronous_replication_is_the_what_if_that_mends_it(tmp_path: Path) -> None:
    """With remote_apply nothing that was acknowledged is lost, on the same night: exit code 0."""
    arguments = [
        "run",
        "primary-database-failure",
        "--speed",
        "20",
        "--seed",
        "2",
        "--set",
        "postgres.synchronous_commit=remote_apply",
    ]
    run = gameday(arguments, tmp_path)
    assert run.code == 0, run.printed
    assert set(run.verdicts().values()) == {"pass"}


def test_a_procedure_that_leaves_the_synchronous_standby_shows_blocked_writes(tmp_path: Path) -> None:
    """The verification says what is wrong, the procedure stops there, and the drill fails its RTO."""
    run = gameday(["run", str(HERE / "as-documented.yaml"), "--speed", "60", "--seed", "2"], tmp_path)
    commands = list(History.read(run.folder).of_kind("command.finished"))
    assert "writes blocked" in commands[-1].data["output"], run.printed
    assert "SyncRep" in commands[-1].data["output"]
    assert run.verdicts()["service-failure-rto"] == "fail"
    assert run.code == 1


OTHERS = ("service-failure", "market-data-feed-interruption", "redis-outage")


@pytest.mark.parametrize(
    ("scenario", "toxiproxy"),
    [
        *(pytest.param(each, "real", marks=pytest.mark.toxiproxy) for each in OTHERS),
        *((each, "embedded") for each in (OTHERS if THOROUGH else OTHERS[:1])),
    ],
)
def test_the_other_scenarios_meet_their_targets(scenario: str, toxiproxy: str, drill: Drill) -> None:
    """On the embedded Toxiproxy and on the real one."""
    run = on(toxiproxy, scenario, drill)
    assert run.code == 0, run.printed


def test_the_simulation_foretells_these_drills(
    drill: Drill, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """At least two thirds of what they measured lie in the predicted 90 % intervals: the same drills, none is run for this."""
    toxiproxy = "embedded" if missing("toxiproxy") else "real"
    chosen = ("primary-database-failure", *(OTHERS if THOROUGH or toxiproxy == "real" else OTHERS[:1]))
    drills = tmp_path / "drills"
    drills.mkdir()
    for scenario in chosen:
        (drills / scenario).symlink_to(on(toxiproxy, scenario, drill).folder)
    found = gameday(["simulate", *chosen, "--validate", str(drills), "--runs", "1000"], tmp_path)
    assert found.code == 0, found.printed
    inside, seen = map(int, re.findall(r"^(\d+) of (\d+) live measures", found.printed, re.MULTILINE)[0])
    record_property("shown", f"{inside} of {seen} measures of {len(chosen)} drills lie in the predicted 90 % intervals")
    assert seen >= 5 * len(chosen)
    assert inside >= seen * 2 / 3, found.printed


def test_without_namespaces_the_same_drill_runs_on_free_ports(tmp_path: Path) -> None:
    """Nothing listens on a documented port, addresses in commands are mapped, and a warning says so."""
    run = gameday(["run", "service-failure", "--speed", "20", "--seed", "2"], tmp_path, GAMEDAY_SANDBOX="ports")
    assert run.code == 0, run.printed
    history = History.read(run.folder)
    started = history.first("drill.started")
    assert started is not None
    assert started.data["sandbox"] == "ports"
    assert "free ports are used" in started.data["warnings"][0]
    assert "free ports are used" in run.printed
