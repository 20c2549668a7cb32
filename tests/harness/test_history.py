"""The history on disk: written event by event, read back whole, also after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.clock import ManualClock
from harness.errors import BadHistory
from harness.history import Event, History, Recorder


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    """Times, kind, subject and data survive the way through the file."""
    clock = ManualClock()
    clock.advance(1.5)
    with Recorder(tmp_path / "history.jsonl", clock) as recorder:
        recorder.record("fault.injected", "primary", fault="process.kill", note="ümlaut")
    assert History.read(tmp_path).events == (
        Event(1.5, 1.5, "fault.injected", "primary", {"fault": "process.kill", "note": "ümlaut"}),
    )


def test_each_event_is_on_disk_before_record_returns(tmp_path: Path) -> None:
    """A kill -9 right after an event does not lose it."""
    with Recorder(tmp_path / "history.jsonl", ManualClock()) as recorder:
        for count in (1, 2, 3):
            recorder.record("rate", "waiting", rate=20)
            assert len((tmp_path / "history.jsonl").read_text().splitlines()) == count


def test_the_file_appears_with_its_first_event(tmp_path: Path) -> None:
    """However early a drill is killed: a history that is there says what was rehearsed."""
    with Recorder(tmp_path / "history.jsonl", ManualClock()) as recorder:
        assert not (tmp_path / "history.jsonl").exists()
        recorder.record("drill.started", "service-failure")
        assert len(History.read(tmp_path).events) == 1
    with Recorder(tmp_path / "nothing.jsonl", ManualClock()):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["history.jsonl"]


def test_history_and_ledger_are_merged_by_documented_time(tmp_path: Path) -> None:
    """Two files, one history."""
    (tmp_path / "history.jsonl").write_text('{"at":2,"wall":2,"kind":"b","subject":"x"}\n')
    (tmp_path / "ledger.jsonl").write_text(
        '{"at":1,"wall":1,"kind":"a","subject":"x"}\n{"at":3,"wall":3,"kind":"c","subject":"x"}\n'
    )
    assert [event.kind for event in History.read(tmp_path).events] == ["a", "b", "c"]


def test_a_line_cut_off_by_a_crash_is_passed_over_at_the_end(tmp_path: Path) -> None:
    """The torn tail of a killed drill does not hide what came before."""
    (tmp_path / "history.jsonl").write_text('{"at":2,"wall":2,"kind":"b","subject":"x"}\n{"at":3,"wal')
    assert len(History.read(tmp_path).events) == 1


@pytest.mark.parametrize("line", ["{torn", "[]", '{"at":1}', '"text"'])
def test_damage_anywhere_else_is_an_error_with_file_and_line(tmp_path: Path, line: str) -> None:
    """A history that somebody changed is not judged as if it were whole."""
    (tmp_path / "history.jsonl").write_text(f'{line}\n{{"at":3,"wall":3,"kind":"c","subject":"x"}}\n')
    with pytest.raises(BadHistory, match=r"history\.jsonl:1: not an event"):
        History.read(tmp_path)


def test_a_folder_without_history_says_what_to_give(tmp_path: Path) -> None:
    """The message names the folder and the remedy."""
    with pytest.raises(BadHistory, match=r"no history\.jsonl here\. Give the folder of a drill"):
        History.read(tmp_path)


def test_the_first_event_of_a_kind_after_a_time() -> None:
    """An alert that fired before the fault is not its detection."""
    history = History.of([Event(1, 1, "alert.firing", "a"), Event(5, 5, "alert.firing", "b"), Event(6, 6, "alert.firing", "a")])
    assert history.first("alert.firing", after_s=2) == Event(5, 5, "alert.firing", "b")
    assert history.first("alert.firing", after_s=2, subject="a") == Event(6, 6, "alert.firing", "a")
    assert history.first("missing") is None
