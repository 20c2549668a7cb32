"""The baseline: only what it does not have is new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenarios.errors import InvalidInput
from scenarios.lint import Report
from scenarios.lint.baseline import EMPTY, compare, load_baseline, write_baseline
from tests.scenarios.lint.judging import document, report

ONCE = "## Clear it\n\n```bash\nredis-cli FLUSHALL\n```\n"
TWICE = "## Clear it\n\nA line more.\n\n```bash\nredis-cli ping\nredis-cli FLUSHALL\nredis-cli FLUSHALL\n```\n"


def judged(text: str) -> Report:
    return report(document(text), "flush-all")


def test_what_is_known_is_known_after_lines_have_moved(tmp_path: Path) -> None:
    """The first of two equal findings is that of the baseline, the second is new."""
    path = tmp_path / "baseline.json"
    assert write_baseline(path, judged(ONCE)) == 1
    found = compare(judged(TWICE), load_baseline(path))
    assert found.known == (True, False)
    assert [each.line for each in found.new] == [8]
    assert [each.line for each in found.graver("error")] == [8]


def test_what_was_mended_is_counted(tmp_path: Path) -> None:
    """An entry that is found no more is told, so that somebody updates the baseline."""
    path = tmp_path / "baseline.json"
    write_baseline(path, judged(TWICE))
    assert compare(judged(ONCE), load_baseline(path)).gone == 1


def test_entries_of_rules_that_were_not_asked_stay(tmp_path: Path) -> None:
    """Updating with --select loses nothing of the others, and they don't count as mended."""
    path = tmp_path / "baseline.json"
    write_baseline(path, judged(ONCE))
    other = report(document("## Open\n\n```bash\nchmod 777 x\n```\n"), "open-to-everybody")
    write_baseline(path, other, load_baseline(path))
    assert sorted(each.rule for each in load_baseline(path).findings) == ["flush-all", "open-to-everybody"]
    assert compare(other, load_baseline(path)).gone == 0


def test_entries_of_documents_that_were_not_read_stay(tmp_path: Path) -> None:
    """One document of a folder is judged again: what is known of the others is neither lost nor counted as mended."""
    path = tmp_path / "baseline.json"
    write_baseline(path, judged(ONCE))
    other = report(document(ONCE.replace("Clear", "Empty"), "other.md"), "flush-all")
    assert compare(other, load_baseline(path)).gone == 0
    write_baseline(path, other, load_baseline(path))
    assert [each.file for each in load_baseline(path).findings] == ["book.md", "other.md"]
    mended = report(document("## Look\n", "other.md"), "flush-all")
    assert compare(mended, load_baseline(path)).gone == 1


def test_without_a_baseline_everything_is_new() -> None:
    """The empty one knows nothing."""
    assert len(compare(judged(TWICE), EMPTY).new) == 2


def test_a_file_that_is_no_baseline_is_bad_input(tmp_path: Path) -> None:
    """Neither a wrong version nor a missing file makes everything known or new."""
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps({"schema": "gameday.baseline/9", "findings": []}))
    with pytest.raises(InvalidInput, match="no baseline of gameday"):
        load_baseline(path)
    with pytest.raises(InvalidInput, match="--update-baseline writes it"):
        load_baseline(tmp_path / "none.json")


def test_a_baseline_can_be_reviewed(tmp_path: Path) -> None:
    """Each entry says what it is; the file ends with a newline and is the same when nothing changed."""
    path = tmp_path / "baseline.json"
    write_baseline(path, judged(TWICE))
    text = path.read_text()
    write_baseline(path, judged(TWICE), load_baseline(path))
    assert path.read_text() == text
    assert text.endswith("\n")
    assert json.loads(text)["findings"][0]["file"] == "book.md"
