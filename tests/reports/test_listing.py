"""The list of drills, also of those that were cut short."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadHistory
from reports.listing import details, drills, find
from tests.reports.histories import Story

WHOLE = "20261121T100000Z-primary-database-failure-abc123"
RESULT: dict[str, Any] = {
    "scenario": "primary-database-failure", "status": "completed", "verdict": "fail", "seed": 42, "speed": 20.0, "rerun": "gameday run x",
    "versions": {"postgres": "18.4"},
    "measures": {"time_to_detect_s": 35.0, "time_to_recover_s": 108.4, "recovery_point_s": None, "lost_writes": 3, "wall": {"outage_s": 1}},
    "verdicts": [
        {"name": "lost_writes", "kind": "target", "limit": 0, "measured": 3, "unit": "writes", "verdict": "fail", "source": "x:1", "target": "rpo"}
    ],
}  # fmt: skip


def keep(folder: Path, name: str, *, result: str | None = None, history: str | None = "") -> Path:
    """A drill's folder with these files."""
    drill = folder / name
    drill.mkdir(parents=True)
    if history is not None:
        (drill / "history.jsonl").write_text(history)
    if result is not None:
        (drill / "result.json").write_text(result)
    return drill


def test_lists_drills_newest_first(tmp_path: Path) -> None:
    """By the time in their names; other files and folders are passed over."""
    for name in ("20261120T100000Z-a-1", WHOLE, "20261119T100000Z-b-2"):
        keep(tmp_path, name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").touch()
    assert [row.drill for row in drills(tmp_path)] == [WHOLE, "20261120T100000Z-a-1", "20261119T100000Z-b-2"]


def test_a_row_tells_what_came_of_it(tmp_path: Path) -> None:
    """Time, scenario, verdict and measures; what was not measured is None."""
    keep(tmp_path, WHOLE, result=json.dumps(RESULT))
    row = drills(tmp_path)[0]
    assert (row.at, row.scenario, row.status, row.verdict) == (
        datetime(2026, 11, 21, 10, tzinfo=UTC), "primary-database-failure", "completed", "fail",
    )  # fmt: skip
    assert (row.time_to_detect_s, row.time_to_acknowledge_s, row.time_to_recover_s, row.lost_writes) == (35.0, None, 108.4, 3)
    assert (row.seed, row.speed, row.problem) == (42, 20.0, "")


def test_a_drill_that_was_cut_short_is_a_row_of_what_its_history_says(tmp_path: Path) -> None:
    """Without a result it is aborted and unknown; scenario, seed and speed come from the first event."""
    story = Story(speed=20.0)
    story.begin()
    keep(tmp_path, WHOLE, history=story.events[0].to_line() + '\n{"at": 0.3, "wa')
    row = drills(tmp_path)[0]
    assert (row.scenario, row.status, row.verdict, row.seed, row.speed) == (
        "primary-database-failure",
        "aborted",
        "unknown",
        42,
        20.0,
    )
    assert "gameday judge" in row.problem


@pytest.mark.parametrize("result", ["{", "[]", '{"measures": 7, "verdicts": "x", "seed": "many", "speed": null}', "\x00"])
def test_a_damaged_result_does_not_break_the_list(tmp_path: Path, result: str) -> None:
    """Whatever stands in the file, the drill is listed, and can be shown."""
    drill = keep(tmp_path, WHOLE, result=result, history="not an event\n")
    assert drills(tmp_path)[0].verdict == "unknown"
    assert details(drill).verdicts == ()


def test_a_folder_that_is_not_there_holds_no_drills(tmp_path: Path) -> None:
    """Nobody has run anything yet: that is no error."""
    assert drills(tmp_path / "none") == []


def test_details_hold_verdicts_measures_and_files(tmp_path: Path) -> None:
    """Only files that are there, only measures that are numbers or were not measured."""
    drill = keep(tmp_path, WHOLE, result=json.dumps(RESULT))
    found = details(drill)
    assert (found.verdicts[0].name, found.verdicts[0].verdict, found.verdicts[0].target) == ("lost_writes", "fail", "rpo")
    assert dict(found.measures) == {
        "time_to_detect_s": 35.0,
        "time_to_recover_s": 108.4,
        "recovery_point_s": None,
        "lost_writes": 3,
    }
    assert list(found.files) == ["result.json", "history.jsonl"]
    assert found.rerun == "gameday run x"


def test_details_of_a_folder_that_is_no_drill_are_refused(tmp_path: Path) -> None:
    """With what to give instead."""
    with pytest.raises(BadHistory, match="Give the folder of a drill"):
        details(tmp_path)


def test_finds_a_drill_by_as_much_of_its_name_as_is_needed(tmp_path: Path) -> None:
    """By path, by name, by a part of it, or as the latest."""
    older, newer = keep(tmp_path, "20261120T100000Z-redis-outage-ffff00"), keep(tmp_path, WHOLE)
    assert find(tmp_path, str(older)) == older
    assert find(tmp_path, WHOLE) == find(tmp_path, "latest") == newer
    assert find(tmp_path, "ffff00") == older


def test_says_which_drill_may_have_been_meant(tmp_path: Path) -> None:
    """A name that fits none, or more than one, is refused with the nearest."""
    keep(tmp_path, "20261120T100000Z-redis-outage-ffff00")
    keep(tmp_path, WHOLE)
    with pytest.raises(BadHistory, match=r"the nearest is 20261120T100000Z-redis-outage-ffff00"):
        find(tmp_path, "20261120T100000Z-redis-outrage-ffff01")
    with pytest.raises(BadHistory, match="names 2 drills"):
        find(tmp_path, "2026112")
    with pytest.raises(BadHistory, match="holds no drills"):
        find(tmp_path / "none", "x")
