"""`gameday report` and `gameday store`, and what is done after each drill."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from gameday.cli import cli
from gameday.reporting import after_drill, runbook_findings
from harness.errors import BadHistory
from harness.result import build_result
from reports.store import Store
from scenarios.errors import InvalidInput
from tests.reports.test_store import drilled


def asked(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in words], catch_exceptions=True)


def test_an_incident_report_is_written_into_the_drills_folder(tmp_path: Path) -> None:
    """Of the newest, or of the one that is named."""
    old, new = drilled(tmp_path, 1), drilled(tmp_path, 2)
    done = asked("report", "incident", "--out", tmp_path)
    assert (done.exit_code, done.output.split()) == (0, [str(new / "incident.md"), str(new / "incident.html")])
    assert asked("report", "incident", "000001", "--out", tmp_path).exit_code == 0
    assert (old / "incident.html").read_text().startswith("<!DOCTYPE html>")
    assert isinstance(asked("report", "incident", "nowhere", "--out", tmp_path).exception, BadHistory)


def test_drills_are_imported_and_counted(tmp_path: Path) -> None:
    """New, changed, as before; a folder that can't be read is exit code 2, and the others are in."""
    drilled(tmp_path, 1)
    bad = drilled(tmp_path, 2)
    assert asked("store", "import", "--out", tmp_path).output == f"{tmp_path / 'store.sqlite'}: 2 new, 0 changed, 0 as before\n"
    (bad / "result.json").write_text("{")
    done = asked("store", "import", "--out", tmp_path)
    assert done.exit_code == 2
    assert "0 new, 0 changed, 1 as before" in done.output
    assert f"{bad / 'result.json'}: no JSON" in done.output


def test_a_trend_is_written_or_printed(tmp_path: Path) -> None:
    """Beside the drills, into a folder, or as Markdown to the terminal; a mistyped scenario is told with the nearest name."""
    drilled(tmp_path, 1)
    asked("store", "import", "--out", tmp_path)
    done = asked("report", "trend", "--out", tmp_path)
    assert [Path(each).name for each in done.output.split()] == ["trend.html", "trend.md", "trend.png"]
    assert asked("report", "trend", "primary-database-failure", "--markdown", "--out", tmp_path).output.startswith(
        "# Trend of 1 drill\n"
    )
    wrong = asked("report", "trend", "primary-databse-failure", "--out", tmp_path)
    assert isinstance(wrong.exception, InvalidInput)
    assert "did you mean 'primary-database-failure'" in str(wrong.exception)


def test_what_changed_between_two_drills(tmp_path: Path) -> None:
    """By parts of their names; a part that names both is told."""
    one, two = drilled(tmp_path, 1), drilled(tmp_path, 2)
    result = json.loads((two / "result.json").read_text())
    (two / "result.json").write_text(
        json.dumps({**result, "commit": "fedcba", "versions": {**result["versions"], "postgres": "19.0"}})
    )
    asked("store", "import", "--out", tmp_path)
    done = asked("report", "changes", "000001", "000002", "--out", tmp_path)
    assert done.output.splitlines() == [
        f"{one.name} -> {two.name}", "  commit of scenarios and runbooks: 0123456789ab -> fedcba", "  version of postgres: 18.4 -> 19.0",
        "  the same scenario",
    ]  # fmt: skip
    assert "names 2 drills" in str(asked("report", "changes", "database", "000002", "--out", tmp_path).exception)


@pytest.mark.parametrize(("form", "files"), [("csv", 4), ("openmetrics", 1)])
def test_exports_go_where_they_are_wished(tmp_path: Path, form: str, files: int) -> None:
    """Tables into a folder, metrics into a file or to the terminal."""
    drilled(tmp_path / "drills", 1)
    asked("store", "import", "--out", tmp_path / "drills")
    done = asked("store", "export", "--format", form, "--to", tmp_path / "to", "--out", tmp_path / "drills")
    assert (done.exit_code, len(done.output.split())) == (0, files)
    assert asked("store", "export", "--format", "csv", "--latest", "--to", "-", "--out", tmp_path / "drills").exit_code == 2
    assert asked("store", "export", "--format", "openmetrics", "--to", "-", "--out", tmp_path / "drills").output.endswith(
        "# EOF\n"
    )


def test_judging_again_tells_the_same_story_everywhere(tmp_path: Path) -> None:
    """An incident report that is there is written anew, against the same targets."""
    folder, targets = drilled(tmp_path, 1), tmp_path / "targets.yaml"
    asked("report", "incident", "--out", tmp_path)
    targets.write_text("targets:\n  soon: {measure: time_to_mitigate_s, limit: 1, source: 'mine:1'}\n")
    asked("judge", folder, "--targets", targets, "--write", "--out", tmp_path)
    assert "mine:1" in (folder / "incident.md").read_text()
    assert "mine:1" in (folder / "incident.html").read_text()


def told_after(folder: Path, *, keep: bool = True) -> str:
    """What a terminal shows after a drill."""
    console = Console(file=io.StringIO(), width=200)
    after_drill(console, folder, build_result(folder), keep=keep)
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return written


def test_after_a_drill_it_is_reported_and_in_the_store(tmp_path: Path) -> None:
    """In silence; unless the caller told not to keep it."""
    one, two = drilled(tmp_path, 1), drilled(tmp_path, 2)
    assert told_after(one) == told_after(two, keep=False) == ""
    assert list(Store.open(tmp_path).drills()["drill"]) == [one.name]
    assert (two / "incident.html").exists()


def test_a_store_that_fails_never_fails_a_drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told in words, without the password, with the command that imports the drill later."""
    folder = drilled(tmp_path, 1)
    monkeypatch.setenv("GAMEDAY_STORE", "postgresql://eafix:hunter2@127.0.0.1:1/x")
    told = told_after(folder)
    assert told.startswith(
        "warning: this drill is not in the store: The store postgresql+psycopg://eafix:***@127.0.0.1:1/x cannot be used"
    )
    assert f"gameday store import {folder}" in told.replace("\n", "")
    assert "hunter2" not in told
    monkeypatch.setenv("GAMEDAY_STORE", "mysql://x/y")
    assert "a store is sqlite or postgresql" in told_after(folder)


def test_a_report_that_fails_never_fails_a_drill(tmp_path: Path) -> None:
    """The store still gets it."""
    folder = drilled(tmp_path, 1)
    (folder / "incident.html").mkdir()
    assert "warning: no incident report" in told_after(folder)
    assert len(Store.open(tmp_path).drills()) == 1


def test_what_is_wrong_in_the_procedure_becomes_an_action_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings of the procedure that was carried out, and of no other section; without its file there are none."""
    folder = drilled(tmp_path, 1)
    assert runbook_findings(build_result(folder)) == []
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks/mine.md").write_text(
        "# Mine\n\n## Mend\n\n```bash\ndocker compose ps --al\n```\n\n## Other\n\n```bash\ndocker compose lst\n```\n"
    )
    monkeypatch.setattr("scenarios.places.DATA", tmp_path)
    lines = (folder / "history.jsonl").read_text().splitlines()
    begun = json.loads(lines[0])
    begun["data"]["scenario"]["response"] = {"procedure": "runbooks/mine.md#other"}
    (folder / "history.jsonl").write_text("\n".join([json.dumps(begun), *lines[1:], ""]))
    found = runbook_findings(build_result(folder))
    assert found
    assert all(each.startswith("mine.md:1") for each in found)
