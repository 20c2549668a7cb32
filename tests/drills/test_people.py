"""People respond: typed at several terminals as on a game day, measured and told of in the report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.history import History
from harness.people.surprise import surprise_after
from tests.drills.cli import PROJECT, Run, start
from tests.fakes.services.live import eventually

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]

_HUMAN = ["--respond", "human", "--speed", "20"]


def say(out: Path, *words: str, typed: str = "", code: int = 0) -> str:
    """One of the people's commands; what it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "gameday.cli", *words, "--out", str(out)], cwd=PROJECT, input=typed, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_people_mend_what_broke_and_are_measured(tmp_path: Path) -> None:
    """Acknowledged, mended in a shell by the runbook's own command, resolved: the targets are met, and the report tells who did what."""
    process = start(["run", "service-failure", *_HUMAN, "--seed", "7"], tmp_path)
    try:
        eventually(lambda: list(tmp_path.glob("*/people.sock")) or None, within_s=120)
        eventually(lambda: "service_down" in say(tmp_path, "status") or None, within_s=120)
        assert "acknowledged: service_down" in say(tmp_path, "ack", "service_down", "--as", "alice")
        say(tmp_path, "pause", "--as", "carol", "--role", "facilitator")
        assert "paused by carol" in say(tmp_path, "step", "done", "--as", "alice", code=2)
        say(tmp_path, "resume", "--as", "carol")
        commands = "kubectl delete pod -l app=eafix-risk-manager\ncat /proc/1/environ; ls ../../..\nexit 3\n"
        say(tmp_path, "shell", "--as", "alice", typed=commands, code=3)
        say(tmp_path, "cause", "the risk manager was killed", "--as", "bob")
        say(tmp_path, "resolve", "deleted the pod", "--as", "alice")
        printed, _ = process.communicate(timeout=300)
    finally:
        process.kill()
    run = Run(process.returncode, printed, tmp_path)
    assert run.verdicts()["acknowledge-p0"] == "pass", printed
    assert run.verdicts()["service-failure-rto"] == "pass", printed
    assert "risk-manager-killed" not in printed.partition("completed")[0]  # nobody was told
    history = History.read(run.folder)
    commands_run = [(each.data["command"], each.data["by"]) for each in history.of_kind("command.finished")]
    assert commands_run[0] == ("kubectl delete pod -l app=eafix-risk-manager", "alice")
    listed = list(history.of_kind("command.finished"))[1].data["output"]
    assert "history.jsonl" not in listed  # the shell sees nothing of what it is judged by
    paused, resumed = history.first("exercise.paused"), history.first("exercise.resumed")
    assert paused is not None
    assert resumed is not None
    assert resumed.at_s - paused.at_s < 0.01 < resumed.wall_s - paused.wall_s
    report = (run.folder / "report.md").read_text(encoding="utf-8")
    assert "## People" in report
    assert "“the risk manager was killed”" in report
    assert not (run.folder / "people.sock").exists()


def test_an_exercise_that_is_aborted_heals_at_once_and_keeps_its_history(tmp_path: Path) -> None:
    """Also in a pause, and also a surprise, which came at the moment that the seed had drawn. It is judged as aborted."""
    within_s, seed = 40.0, 28
    process = start(["run", "redis-outage", *_HUMAN, "--seed", str(seed), "--surprise", f"{within_s:g}s"], tmp_path)
    try:
        eventually(lambda: list(tmp_path.glob("*/people.sock")) or None, within_s=120)
        (folder,) = tmp_path.glob("2*")
        eventually(lambda: History.read(folder).first("fault.bit"), within_s=120)
        say(tmp_path, "pause", "--as", "carol", "--role", "facilitator")
        say(tmp_path, "abort", "fire", "alarm", "--as", "carol")
        printed, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    run = Run(process.returncode, printed, tmp_path)
    assert run.result["status"] == "aborted", printed
    assert "aborted by carol: fire alarm" in printed
    assert run.code == 3  # nothing could be judged, and nothing failed
    history = History.read(run.folder)
    opened, injected, aborted, healed = (
        history.first(kind) for kind in ("exercise.opened", "fault.injected", "exercise.aborted", "fault.healed")
    )
    assert opened is not None
    assert injected is not None
    drawn_s, lead_s = surprise_after(seed, within_s), 13.0  # and the scrape interval after next, at the latest
    assert lead_s < drawn_s <= injected.at_s - opened.at_s < drawn_s + lead_s
    assert aborted is not None
    assert healed is not None
    assert healed.wall_s - aborted.wall_s < 10  # the scenario would have healed it after four minutes
