"""People respond: typed at several terminals as on a game day, measured and told of in the report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.history import History
from tests.drills.cli import PROJECT, Run, start
from tests.fakes.services.live import eventually

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]

_SCENARIO = ["run", "service-failure", "--respond", "human", "--speed", "20", "--seed", "7"]


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
    process = start(_SCENARIO, tmp_path)
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


def test_an_exercise_that_is_aborted_heals_and_keeps_its_history(tmp_path: Path) -> None:
    """At once, and judged as aborted."""
    process = start(_SCENARIO, tmp_path)
    try:
        eventually(lambda: list(tmp_path.glob("*/people.sock")) or None, within_s=120)
        say(tmp_path, "abort", "fire", "alarm", "--as", "carol")
        printed, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    run = Run(process.returncode, printed, tmp_path)
    assert run.result["status"] == "aborted", printed
    assert "aborted by carol: fire alarm" in printed
    assert run.code == 3  # nothing could be judged, and nothing failed
