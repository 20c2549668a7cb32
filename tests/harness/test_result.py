"""result.json against its published schema, for drills that ended in every way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.errors import BadHistory, HarnessError
from harness.history import HISTORY_FILE, LEDGER_FILE
from harness.result import RESULT_FILE, SCHEMA_FILE, build_result, write_result
from harness.verdict import Verdict
from scenarios.model import Target
from tests.harness.histories import Story, drill, ended, started

SCHEMA = json.loads(SCHEMA_FILE.read_text())


def folder_of(story: Story, path: Path) -> Path:
    """The two files of a drill's folder."""
    events = story.history().events
    for name, ours in ((HISTORY_FILE, False), (LEDGER_FILE, True)):
        lines = [event.to_line() for event in events if event.kind.startswith("op.") is ours]
        (path / name).write_text("".join(f"{line}\n" for line in lines))
    return path


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / RESULT_FILE).read_text())
    return found


def test_the_schema_is_a_json_schema() -> None:
    """Tools can read it."""
    Draft202012Validator.check_schema(SCHEMA)


STORIES = {
    "a good drill": lambda: ended(drill()),
    "never recovered": lambda: ended(drill(out=(30, 1000))),
    "errored": lambda: ended(drill(), status="errored", error="boom"),
    "aborted by SIGTERM": lambda: ended(drill(until_s=100), at_s=100.5, status="aborted", signal=15, error="stopped by SIGTERM"),
    "cut short": lambda: drill(until_s=100),
    "nothing but a beginning": lambda: started(Story()),
    "no targets": lambda: ended(drill(targets=[], scenario={"targets": []})),
}


@pytest.mark.parametrize("name", STORIES)
def test_however_a_drill_ended_its_result_keeps_the_contract(name: str, tmp_path: Path) -> None:
    """Valid by the published schema."""
    write_result(folder_of(STORIES[name](), tmp_path))
    Draft202012Validator(SCHEMA).validate(document(tmp_path))


def test_the_result_of_a_good_drill(tmp_path: Path) -> None:
    """Who, what, how it ended, and how to do it again."""
    result = write_result(folder_of(ended(drill()), tmp_path))
    found = document(tmp_path)
    assert (result.verdict, result.exit_code) == (Verdict.PASS, 0)
    keys = ("schema", "drill", "scenario", "status", "verdict", "exit_code", "seed", "speed", "stack", "commit", "rerun", "error")
    assert {key: found[key] for key in keys} == {
        "schema": "gameday.result/1", "drill": "20261121T100000Z-made-up-0001", "scenario": "made-up", "status": "completed",
        "verdict": "pass", "exit_code": 0, "seed": 7, "speed": 1.0, "stack": "embedded", "commit": "abc",
        "rerun": "gameday run made-up --seed 7", "error": None,
    }  # fmt: skip
    assert found["measures"]["time_to_recover_s"] == 120.005
    assert found["measures"]["wall"]["time_to_recover_s"] == 120.005
    assert found["verdicts"][0] == {
        "name": "time_to_recover_s", "kind": "target", "verdict": "pass", "limit": 300.0, "measured": 120.005, "unit": "s",
        "source": "runbook.md:12", "why": "", "target": "rto", "known": False,
    }  # fmt: skip


def test_an_aborted_drill_exits_with_its_signal(tmp_path: Path) -> None:
    """SIGTERM: 143, aborted, and never a pass."""
    result = write_result(folder_of(STORIES["aborted by SIGTERM"](), tmp_path))
    assert (result.status, result.verdict, result.exit_code) == ("aborted", Verdict.UNKNOWN, 143)
    assert document(tmp_path)["error"] == "stopped by SIGTERM"


@pytest.mark.parametrize("name", [HISTORY_FILE, LEDGER_FILE])
def test_a_line_that_a_crash_cut_off_is_passed_over(name: str, tmp_path: Path) -> None:
    """Killed with -9 in the middle of a line: everything before it is judged."""
    folder = folder_of(ended(drill()), tmp_path)
    with (folder / name).open("a") as file:
        file.write('{"at": 300.1, "wall": 300.1, "ki')
    assert build_result(folder).verdict is Verdict.PASS


def test_an_old_history_can_be_judged_against_changed_targets(tmp_path: Path) -> None:
    """The limits of today, the drill of yesterday; the folder is left as it was."""
    folder = folder_of(ended(drill()), tmp_path)
    stricter = Target.model_validate({"measure": "time_to_recover_s", "limit": 60, "source": "policy.md:1"})
    loose = Target.model_validate({"measure": "recovery_point_s", "limit": 60, "source": "policy.md:2"})
    result = build_result(folder, {"rto": stricter, "rpo": loose})
    assert (result.verdict, result.exit_code) == (Verdict.FAIL, 1)
    assert not (folder / RESULT_FILE).exists()


def test_the_same_history_gives_the_same_result(tmp_path: Path) -> None:
    """Byte for byte: nothing of the moment of judging is in it."""
    folder = folder_of(ended(drill()), tmp_path)
    write_result(folder)
    first = (folder / RESULT_FILE).read_bytes()
    write_result(folder)
    assert (folder / RESULT_FILE).read_bytes() == first


def test_a_result_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Where it can't be written the old one stays, no half of a new one is left, and one sentence says what to do."""
    folder = folder_of(ended(drill()), tmp_path)
    (folder / RESULT_FILE).mkdir()
    with pytest.raises(HarnessError, match=r"result\.json could not be written"):
        write_result(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted([HISTORY_FILE, LEDGER_FILE, RESULT_FILE])


def test_a_history_that_does_not_begin_is_refused(tmp_path: Path) -> None:
    """What was rehearsed is not known."""
    (tmp_path / HISTORY_FILE).write_text("")
    with pytest.raises(BadHistory, match=r"no drill\.started"):
        build_result(tmp_path)
