"""`gameday catalogue` and `gameday targets`: what they print and write, and with which exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gameday.catalogue import write_catalogue
from tests.drills.cli import Run
from tests.reports.test_catalogue import left


def gameday(arguments: list[str], folder: Path) -> Run:
    """Run it in a folder."""
    asked = [sys.executable, "-m", "gameday.cli", *arguments]
    done = subprocess.run(asked, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return Run(done.returncode, done.stdout, folder)


def test_a_page_is_written_with_new_figures_and_keeps_the_old_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """First one drill, then another one; then it is held against the scenarios."""
    page, names = tmp_path / "page.md", ["bad-release", "redis-outage"]
    left(tmp_path / "one", "20261101T100000Z", "redis-outage")
    left(tmp_path / "two", "20261102T100000Z", "bad-release")
    for folder in ("one", "two"):
        assert write_catalogue(names, drills=tmp_path / folder, out=page, check=False) == 0
        assert "2 scenarios, 1 of them with new figures" in capsys.readouterr().out
    text = page.read_text()
    assert "| `redis-outage` | 2026-11-01 10:00 | 20 | pass |" in text
    assert "| `bad-release` | 2026-11-02 10:00 | 20 | pass |" in text
    assert write_catalogue(names, drills=None, out=page, check=True) == 0
    page.write_text(text.replace("Redis cannot be reached", "Redis is slow"))
    assert write_catalogue(names, drills=None, out=page, check=True) == 1
    said = capsys.readouterr().err
    assert "is not what the scenarios say; write it anew: gameday catalogue --out" in said
    assert "+| [`redis-outage`]" in said


def test_without_a_file_the_page_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """For a pipe."""
    assert write_catalogue(["redis-outage"], drills=None, out=None, check=False) == 0
    assert capsys.readouterr().out.startswith("# The catalogue\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--drills", "."], "there is no drill in this folder that ran a scenario of the catalogue to its end"),
        (["--drills", "gone"], "'gone' does not exist"),
        (["--check", "--drills", "."], "--check looks at the scenarios alone"),
        (["--check", "--out", "gone.md"], "there is no such file"),
        (["--out", "gone/page.md"], "cannot be written: there is no such folder"),
    ],
)
def test_what_cannot_be_done_is_one_message(arguments: list[str], said: str, tmp_path: Path) -> None:
    """Exit code 2, and no traceback."""
    run = gameday(["catalogue", *arguments], tmp_path)
    assert (run.code, said in run.printed, "Traceback" in run.printed) == (2, True, False), run.printed


def test_every_figure_is_listed_with_its_source(tmp_path: Path) -> None:
    """Targets and what no measure speaks of; one that does not hold names the one that does."""
    run = gameday(["targets"], tmp_path)
    assert run.code == 0
    for section in ("Targets: limits", "Due: what no measure", "Indicators: what is watched", "Alerts: when each fires"):
        assert section in run.printed
    words = " ".join(run.printed.split())
    for said in (
        "service-failure-rto time to recover (RTO) 5 min 002:465",
        "next business day 000:121",
        "not in force",
    ):
        assert said in words
    assert "acknowledge-p1: each level has" in run.printed


def test_figures_of_another_file_are_told_what_is_wrong(tmp_path: Path) -> None:
    """As a scenario's author hears it."""
    (tmp_path / "mine.yaml").write_text("targets: {}\ndue:\n  a: {about: x, within: 5, source: '1:1 y'}\n")
    run = gameday(["targets", "--targets", "mine.yaml"], tmp_path)
    assert (run.code, "mine.yaml:3:25: within: 5 is not a duration" in run.printed) == (2, True), run.printed
