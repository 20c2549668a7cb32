"""gameday simulate and gameday calibrate: tables, files, exit codes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gameday.cli import cli
from gameday.simulating import SimulateWishes, run_simulate
from harness.history import History
from harness.result import build_result
from reports.campaign_pictures import share_text
from reports.store import Store
from scenarios.errors import InvalidInput
from scenarios.loader import catalogue, find_scenarios
from sim.histories import simulate_night, write_history
from sim.store import Nights
from tests.sim.plans import plan_of

PROJECT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments], catch_exceptions=False)


def test_a_campaign_leaves_nights_summary_report_and_pictures(tmp_path: Path) -> None:
    """Everything that the command names is there, the summary is valid JSON, and the report answers the question first."""
    found = run(
        "simulate",
        "service-failure",
        "--runs",
        "300",
        "--workers",
        "1",
        "--out",
        str(tmp_path),
        "--what-if",
        "people.hands=2",
        "--tornado",
        "60",
    )
    assert found.exit_code == 0, found.output
    folder = tmp_path / "service-failure"
    assert Nights(folder / "nights.parquet").count == 300
    campaign = json.loads((folder / "campaign.json").read_text())
    assert campaign["what_if"][0]["change"] == "people.hands=2"
    report = (folder / "report.md").read_text()
    assert "**The target of 5 min is met in" in report.split("\n")[2]
    for name in ("distribution", "cumulative", "critical-path", "tornado", "what-if"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"({name}.png)" in report
    assert "critical path" in found.output


def test_the_same_command_leaves_the_same_bytes(tmp_path: Path) -> None:
    """Nights, summary and report of two runs with other numbers of workers are equal, byte for byte."""
    for workers in ("1", "2"):
        assert (
            run("simulate", "service-failure", "--runs", "600", "--workers", workers, "--out", str(tmp_path / workers)).exit_code
            == 0
        )
    for name in ("nights.parquet", "campaign.json", "report.md", "distribution.png"):
        one, two = ((tmp_path / workers / "service-failure" / name).read_bytes() for workers in ("1", "2"))
        assert one == two, name


def test_a_campaign_that_never_reached_a_declared_state_fails() -> None:
    """Nobody restores anything when a service dies: with --reached restored the exit code is 1, and the message names the state."""
    found = run("simulate", "service-failure", "--runs", "50", "--workers", "1", "--reached", "restored")
    assert found.exit_code == 1
    assert "no night reached 'restored'" in found.output


def test_a_night_alone_is_a_drill_that_can_be_judged(tmp_path: Path) -> None:
    """--night --trace leaves the folder of a live drill: history, ledger, result, report and picture; its measures are the campaign's."""
    found = run("simulate", "primary-database-failure", "--night", "47", "--trace", "--out", str(tmp_path))
    assert found.exit_code == 0, found.output
    folder = tmp_path / "primary-database-failure" / "night-47"
    assert {path.name for path in folder.iterdir()} >= {
        "history.jsonl",
        "ledger.jsonl",
        "result.json",
        "report.md",
        "timeline.png",
    }
    _, history = simulate_night(plan_of("primary-database-failure"), 47)
    assert build_result(folder).measures.time_to_recover_s == pytest.approx(
        next(event.data["recovered_at_s"] for event in history.of_kind("recovery.proven")) - history.first("fault.injected").at_s,  # type: ignore[union-attr]
        abs=1e-5,
    )
    assert "cutover" in found.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("service-failure", "--reached", "level-33"), "did you mean 'level-3'"),
        (("service-failure", "--people", "nobody"), "is no set of people"),
        (("service-failure", "--what-if", "people.hand=1"), "did you mean 'people.hands'"),
        (("service-failure", "--what-if", "settings.postgres.synchronous_comit=on"), "synchronous_comit"),
        (("service-failure", "--engine", "dask"), "dask"),
        (("service-failure", "--a-year", "often"), "not a number of incidents a year"),
        (("service-failure", "--a-year", "service-failur=2"), "did you mean 'service-failure'"),
    ],
)
def test_what_can_not_be_done_is_said_before_the_first_night(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Each mistake is one message that says what would be right, and nothing is written."""
    options = {"--reached": "reached", "--people": "people", "--what-if": "what_ifs", "--engine": "engine", "--a-year": "rates"}
    given = {
        options[key]: ((value,) if key in {"--reached", "--what-if", "--a-year"} else value)
        for key, value in zip(arguments[1::2], arguments[2::2], strict=True)
    }
    with pytest.raises(InvalidInput, match=said):
        run_simulate(SimulateWishes(arguments[:1], runs=10, out=tmp_path, **given))  # type: ignore[arg-type]
    assert not list(tmp_path.rglob("*.parquet"))


def test_usage_that_means_nothing_is_refused() -> None:
    """No scenario, and a trace of no night, are bad usage: exit code 2."""
    assert run("simulate").exit_code == 2
    assert run("simulate", "service-failure", "--trace").exit_code == 2


def live(folder: Path, seeds: range, name: str = "service-failure") -> None:
    """Drills that look as if they had been live, from a model whose figures are known."""
    for seed in seeds:
        _, history = simulate_night(plan_of(name, people="drill", procedures__restart=4.0, seed=seed), 0)
        events = [
            type(event)(event.at_s, event.wall_s, event.kind, event.subject, {**event.data, "stack": "embedded"})
            if event.kind == "drill.started"
            else event
            for event in history.events
        ]
        write_history(History(tuple(events)), folder / f"drill-{seed}")


def test_calibration_finds_the_figures_of_the_drills_it_is_given(tmp_path: Path) -> None:
    """Twelve drills whose restarts take 4 s: the fitted median's range holds 4 s, the samples are counted, and the file can be used."""
    live(tmp_path / "drills", range(12))
    written = tmp_path / "calibration.yaml"
    found = run("calibrate", "--drills", str(tmp_path / "drills"), "--output", str(written))
    assert found.exit_code == 0, found.output
    from sim.assumptions import load_assumptions, load_calibration

    figure = load_calibration(written, load_assumptions()).figures["procedures.restart"]
    assert figure.samples == 12
    assert figure.low <= 4.0 <= figure.high
    assert figure.fit is not None
    again = run("simulate", "service-failure", "--runs", "50", "--workers", "1", "--calibration", str(written))
    assert again.exit_code == 0


def test_calibrating_without_drills_is_unknown(tmp_path: Path) -> None:
    """Nothing to learn from is not a success: exit code 3, and nothing is written. Simulated nights teach nothing either."""
    _, history = simulate_night(plan_of("service-failure"), 0)
    write_history(history, tmp_path / "simulated")
    found = run("calibrate", "--drills", str(tmp_path), "--output", str(tmp_path / "out.yaml"))
    assert found.exit_code == 3
    assert not (tmp_path / "out.yaml").exists()


def test_validation_passes_what_was_foretold_and_fails_what_was_not(tmp_path: Path) -> None:
    """Drills of the model itself lie in its intervals; drills whose restart took ten minutes make recovery biased. None at all: unknown."""
    live(tmp_path / "drills", range(6))
    arguments = ("simulate", "service-failure", "--runs", "500", "--validate")
    assert run(*arguments, str(tmp_path / "drills")).exit_code == 0
    for seed in range(6):
        _, history = simulate_night(plan_of("service-failure", people="drill", procedures__restart=600.0, seed=seed), 0)
        events = [
            type(event)(event.at_s, event.wall_s, event.kind, event.subject, {**event.data, "stack": "embedded"})
            if event.kind == "drill.started"
            else event
            for event in history.events
        ]
        write_history(History(tuple(events)), tmp_path / "slow" / f"drill-{seed}")
    slow = run(*arguments, str(tmp_path / "slow"))
    assert slow.exit_code == 1
    assert "time_to_recover_s of service-failure" in slow.output
    (tmp_path / "none").mkdir()
    assert run(*arguments, str(tmp_path / "none")).exit_code == 3
    assert run(*arguments, str(tmp_path / "mistyped")).exit_code == 2


def test_what_the_model_can_not_judge_is_unknown_with_reason_and_line() -> None:
    """Planned work, and a fault that clients feel nothing of: exit code 3, never 0, and the place in the file; the others are judged."""
    found = run("simulate", "scheduled-maintenance", "service-failure", "redis-flushed", "--runs", "20", "--workers", "1")
    said = " ".join(found.output.split())
    assert found.exit_code == 3, found.output
    assert "catalogue/scheduled-maintenance.yaml:13:1: can't be simulated: it rehearses planned work" in said
    assert "catalogue/redis-flushed.yaml:16:12: in the model clients feel nothing of flushall" in said
    assert "3 scenarios: 1 judged, 2 unknown" in said


def test_a_report_of_what_is_unknown_says_so_first_and_no_share(tmp_path: Path) -> None:
    """No target is called met in 0 % of nights, and no year is told, where nothing could be judged."""
    assert run("simulate", "redis-flushed", "--runs", "20", "--workers", "1", "--out", str(tmp_path), "--no-store").exit_code == 3
    report = (tmp_path / "redis-flushed" / "report.md").read_text()
    assert report.split("\n")[2].startswith("**Unknown: ")
    assert "| service-failure-rto | 5 min | unknown |  | 20 |" in report
    assert "A year of operation" not in report
    assert "0%" not in report


def test_a_fault_that_no_step_mends_is_unknown(tmp_path: Path) -> None:
    """It would last for ever: that says something about the model, so no target is called missed, and nothing fails."""
    text = find_scenarios(["service-failure"])[0].read_text()
    path = tmp_path / "unmended.yaml"
    path.write_text(
        re.sub(r"  bindings: .*\n", "", text).replace("runbooks/incident-response.md#service-failure", "look.md#look")
    )
    (tmp_path / "look.md").write_text('# A runbook\n\n## Look\n\n```bash name="look" budget=30s\ndocker compose ps\n```\n')
    found = run("simulate", str(path), "--runs", "20", "--workers", "1")
    assert found.exit_code == 3, found.output
    assert "the model knows no step of look.md#look that mends it" in " ".join(found.output.split())


def test_the_whole_catalogue_is_answered_for() -> None:
    """Each scenario is judged or unknown with a reason; no declared state is missed, and nothing ends in a traceback."""
    found = run("simulate", "--all", "--runs", "40", "--workers", "1")
    assert found.exit_code == 3, found.output
    known = catalogue()
    assert all(any(name in line for line in found.output.splitlines()) for name in known)
    judged, unknown = map(int, re.findall(r"scenarios: (\d+) judged, (\d+) unknown", found.output)[0])
    assert judged + unknown == len(known)
    assert judged >= 55


def test_a_campaign_is_in_the_store_once(tmp_path: Path) -> None:
    """--out puts it there, a second time changes nothing, another seed is another campaign, --no-store leaves it out."""
    arguments = ("simulate", "service-failure", "--runs", "20", "--workers", "1", "--out", str(tmp_path))
    for more in ((), (), ("--seed", "8"), ("--seed", "9", "--no-store")):
        assert run(*arguments, *more).exit_code == 0
    kept = Store.open(tmp_path).campaigns()
    assert sorted(kept["seed"]) == [7, 8]
    assert set(kept["scenario"]) == {"service-failure"}


def test_failure_rates_make_the_year(tmp_path: Path) -> None:
    """Twice as often is twice the outage; what is said of one scenario counts more than what is said of all."""
    arguments = (
        "simulate",
        "service-failure",
        "redis-outage",
        "--runs",
        "50",
        "--workers",
        "1",
        "--no-store",
        "--out",
        str(tmp_path),
    )
    assert run(*arguments, "--a-year", "redis-outage=10", "--a-year", "5").exit_code == 0
    years = {
        name: json.loads((tmp_path / name / "campaign.json").read_text())["year"] for name in ("service-failure", "redis-outage")
    }
    assert years["service-failure"]["incidents_a_year"] == 5
    assert years["redis-outage"]["incidents_a_year"] == 10
    assert years["redis-outage"]["outage_minutes"]["mean"]["value"] == pytest.approx(10 * 4.0, rel=0.05)


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100%"), (0.9999, "99.99%"), (0.99996, "99.996%"), (0.9314, "93.1%"), (0.0004, "0.04%"), (0.0, "0%")],
)
def test_one_night_in_ten_thousand_is_not_rounded_away(share: float, text: str) -> None:
    """100 % is said only of all nights, 0 % only of none."""
    assert share_text(share) == text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_campaign_that_is_stopped_leaves_no_worker_and_no_half_file(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """The exit code says which signal it was; the workers end, also those of a campaign that was killed and could not tell them."""
    folder = tmp_path / "service-failure"
    process = subprocess.Popen(
        [sys.executable, "-m", "gameday.cli", "simulate", "service-failure", "--runs", "1000000", "--workers", "2", "--out", str(tmp_path)],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (unborn := list(folder.glob(".*.new"))) or not unborn[0].stat().st_size:
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=60)  # returns once nobody holds the pipe any more, workers included
    assert process.returncode == code
    assert number == signal.SIGKILL or list(folder.iterdir()) == []
