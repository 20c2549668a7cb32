"""The command line: one message and the right exit code, whatever is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gameday.exits import worst
from harness.history import HISTORY_FILE
from tests.drills.cli import gameday
from tests.reports.histories import database_failure


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "service-failur"], 2, "service-failur: there is no such scenario; did you mean 'service-failure'?"),
        (["run", "service-failure", "--set", "postgres.synchronous_comit=on"], 2, "unknown setting 'postgres.synchronous_comit'"),
        (["run", "service-failure", "--set", "postgres.database"], 2, "'postgres.database' is not KEY=VALUE"),
        (["run", "service-failure", "--speed", "0"], 2, "0.0 is not in the range 1<=x<=100"),
        (["run", "service-failure", "--monitor", "graphite"], 2, "'graphite' is not one of 'auto', 'embedded', 'prometheus'"),
        (["judge", "nothing"], 2, "holds no drills. Run one"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    """What was found and what would be right, and never a traceback."""
    run = gameday(arguments, tmp_path)
    assert run.code == code
    assert said in run.printed
    assert "Traceback" not in run.printed


@pytest.mark.parametrize(
    "arguments", [["run", "service-failure", "--stack", "containers"], ["run", "service-failure", "--stack", "compose"]]
)
def test_without_an_engine_there_is_one_sentence_and_the_alternative(arguments: list[str], tmp_path: Path) -> None:
    """And nothing was made: not even the drill's folder."""
    run = gameday(arguments, tmp_path / "drills", DOCKER_HOST=f"unix://{tmp_path}/nobody.sock")
    assert (run.code, len(run.printed.splitlines())) == (4, 1)
    assert run.printed.startswith(
        f"gameday: no Docker engine answers at unix://{tmp_path}/nobody.sock (No such file or directory)."
    )
    assert "or use the embedded stack (--stack embedded), which needs none." in run.printed
    assert not (tmp_path / "drills").exists()


def test_a_missing_program_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    """A machine that lacks something is told what to do; exit code 4."""
    run = gameday(["run", "service-failure"], tmp_path, PG_BINDIR=str(tmp_path))
    assert (run.code, len(run.printed.splitlines())) == (4, 1)
    assert "Point PG_BINDIR at the folder that holds postgres and initdb" in run.printed


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 3), ([0, 0], 0), ([0, 3], 3), ([3, 1], 1), ([1, 2], 2), ([1, 4], 4), ([4, 130], 130), ([0, 143], 143)],
)
def test_several_exit_codes_become_the_one_that_says_most(codes: list[int], code: int) -> None:
    """A later success never hides an earlier failure, and nothing at all is no success."""
    assert worst(codes) == code


def _old_drill(out: Path) -> Path:
    """A drill as it was left on disk, made up by the tests."""
    folder = out / "20260101T000000Z-primary-database-failure-abc123"
    folder.mkdir(parents=True)
    lines = [event.to_line() + "\n" for event in database_failure().events]
    (folder / HISTORY_FILE).write_text("".join(lines), encoding="utf-8")
    return folder


def test_an_old_drill_is_listed_judged_and_shown(tmp_path: Path) -> None:
    """`judge --write` leaves result, report and picture; `list` and `show` find the drill by part of its name."""
    folder = _old_drill(tmp_path)
    judged = gameday(["judge", "abc123", "--write"], tmp_path)
    assert judged.code == 3, judged.printed  # nothing was read back in this made-up drill: that is not known
    assert {path.name for path in folder.iterdir()} == {HISTORY_FILE, "result.json", "report.md", "timeline.png"}
    assert "primary-database-failure-abc123" in gameday(["list"], tmp_path).printed
    assert "Timeline" in gameday(["show", "abc123"], tmp_path).printed


def test_a_killed_drill_is_still_listed_and_shown(tmp_path: Path) -> None:
    """A history that just stops is a row like any other, and its summary says that it was cut short."""
    folder = _old_drill(tmp_path)
    history = folder / HISTORY_FILE
    history.write_text(history.read_text(encoding="utf-8")[:-400], encoding="utf-8")
    assert "aborted" in gameday(["list"], tmp_path).printed
    shown = gameday(["show"], tmp_path)
    assert (shown.code, "cut short" in shown.printed) == (0, True)


def test_judging_against_changed_targets_changes_the_verdicts(tmp_path: Path) -> None:
    """The same history, a stricter policy: what was unknown or met is now missed."""
    _old_drill(tmp_path)
    strict = tmp_path / "strict.yaml"
    strict.write_text("targets:\n  service-failure-rto: {measure: time_to_recover_s, limit: 5, source: 'a stricter policy'}\n")
    judged = gameday(["judge", "abc123", "--targets", str(strict)], tmp_path)
    assert judged.code == 1, judged.printed
    assert "a stricter policy" in judged.printed
