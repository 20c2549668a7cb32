"""Judging: what is silenced, what a broken rule comes to, and what a report holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.errors import InvalidInput
from scenarios.lint import Context, Finding, Report, lint, lint_runbooks, rule
from scenarios.lint.run import chosen_rules
from scenarios.reading import Runbook
from scenarios.stacks import load_stack
from tests.scenarios.lint.judging import TODAY, document, report

FLUSH = "## Clear it\n\n{}```bash\nredis-cli FLUSHALL\n```\n\n```bash\nredis-cli FLUSHALL\n```\n"


@rule("breaks-down", severity="error", title="A broken rule")
def breaks_down(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """It raises."""
    yield breaks_down.finding(runbook, (1, 1), "half of the truth")
    raise KeyError("oops")


def told(found: Report) -> list[tuple[str, int]]:
    return [(each.rule, each.line) for each in found.findings]


def test_a_comment_silences_a_rule_for_the_block_below() -> None:
    """Only that rule, only that block."""
    book = document(FLUSH.format("<!-- gameday: ignore flush-all it is a cache -->\n"))
    assert told(report(book, "flush-all", "ignore-unused", "ignore-without-reason")) == [("flush-all", 9)]


def test_several_comments_stand_above_each_other() -> None:
    """Each silences its own rule in the same block; empty lines between do no harm."""
    comments = "<!-- gameday: ignore flush-all it is a cache -->\n\n<!-- gameday: ignore data-removed gone anyway -->\n\n"
    book = document("## Clear it\n\n" + comments + "```bash\nredis-cli FLUSHALL\ndropdb orders\n```\n")
    assert told(report(book, "flush-all", "data-removed", "ignore-unused")) == []


def test_a_comment_before_a_list_item_silences_its_block() -> None:
    """The block belongs to the item."""
    book = document(
        "## Clear it\n\n<!-- gameday: ignore flush-all it is a cache -->\n1. Clear\n\n   ```bash\n   redis-cli FLUSHALL\n   ```\n"
    )
    assert told(report(book, "flush-all", "ignore-unused")) == []


def test_an_ignore_without_a_reason_is_a_finding() -> None:
    """It silences all the same: one complaint is enough."""
    book = document(FLUSH.format("<!-- gameday: ignore flush-all -->\n"))
    assert told(report(book, "flush-all", "ignore-without-reason")) == [("ignore-without-reason", 3), ("flush-all", 9)]


def test_an_ignore_that_silences_nothing_is_a_finding() -> None:
    """What it excused has been mended."""
    book = document("## Look\n\n<!-- gameday: ignore flush-all it is a cache -->\n```bash\nredis-cli ping\n```\n")
    assert told(report(book, "flush-all", "ignore-unused")) == [("ignore-unused", 3)]


def test_an_ignore_of_a_rule_that_was_not_asked_is_left_alone() -> None:
    """With --select nobody knows whether it silences something."""
    book = document(FLUSH.format("<!-- gameday: ignore flush-all it is a cache -->\n"))
    assert told(report(book, "ignore-unused")) == []


def test_an_ignore_is_not_called_unused_where_the_stack_is_not_known() -> None:
    """A port is held against the stack: without `--stack` its rule finds nothing, and the comment is right all the same."""
    book = document(
        "# EAFIX\n\n## Look\n\n<!-- gameday: ignore wrong-port the second site answers there -->\n```bash\ncurl http://localhost:8180/health\n```\n"
    )
    assert told(report(book, "wrong-port", "ignore-unused")) == []
    assert told(report(book, "wrong-port", "ignore-unused", stack=load_stack("eafix"))) == []
    mended = document(
        "# EAFIX\n\n## Look\n\n<!-- gameday: ignore wrong-port the second site answers there -->\n```bash\ncurl http://localhost:8080/health\n```\n"
    )
    assert told(report(mended, "wrong-port", "ignore-unused", stack=load_stack("eafix"))) == [("ignore-unused", 5)]


def test_a_mistyped_rule_is_told_with_the_nearest_name() -> None:
    """It would silence nothing for ever."""
    book = document(FLUSH.format("<!-- gameday: ignore flush-al it is a cache -->\n"))
    (only,) = report(book, "ignore-unused").findings
    assert only.message == "there is no rule flush-al; did you mean 'flush-all'?"


def test_the_rules_about_comments_cannot_be_silenced() -> None:
    """Otherwise a comment without a reason could excuse itself."""
    book = document("<!-- gameday: ignore ignore-without-reason -->\n<!-- gameday: ignore flush-all -->\n\nText.\n")
    assert told(report(book, "ignore-without-reason")) == [("ignore-without-reason", 1), ("ignore-without-reason", 2)]


def test_a_comment_in_a_block_of_code_is_none() -> None:
    """A page that explains the comment doesn't use it."""
    book = document("## How\n\n```markdown\n<!-- gameday: ignore flush-all -->\n```\n")
    assert told(report(book, "ignore-without-reason", "ignore-unused")) == []


def test_a_rule_that_breaks_down_is_a_finding_and_no_pass() -> None:
    """The others are asked all the same."""
    book = document(FLUSH.format(""))
    found = lint_runbooks([book], Context(today=TODAY), [breaks_down, *chosen_rules(["flush-all"], [])])
    assert told(found) == [("rule-crashed", 1), ("flush-all", 4), ("flush-all", 8)]
    assert found.findings[0].message == "the rule breaks-down broke down: KeyError: 'oops'"


def test_findings_have_fingerprints() -> None:
    """Equal lines have equal ones."""
    found = report(document(FLUSH.format("")), "flush-all").findings
    assert len({each.fingerprint for each in found}) == 1
    assert len(found[0].fingerprint) == 16


def test_a_report_counts_by_rule_and_severity() -> None:
    """The most frequent first; severities that were not found are 0."""
    book = document("## Clear it\n\n```bash\nredis-cli FLUSHALL\nredis-cli FLUSHDB\nchmod 777 x\n```\n")
    found = report(book, "flush-all", "open-to-everybody")
    assert list(found.by_rule.items()) == [("flush-all", 2), ("open-to-everybody", 1)]
    assert found.by_severity == {"error": 2, "warning": 1, "info": 0}


def test_a_report_has_the_steps_and_what_can_be_executed() -> None:
    """Every step with its lines, every command with its class."""
    book = document("## Clear it\n\n```bash\n# 1. Look\nredis-cli ping\n# 2. Stop\ndocker stop <name>\nvim x\n```\n")
    found = report(book)
    assert [(each.procedure, each.step, each.line, each.end_line) for each in found.parts] == [
        ("Clear it", "Look", 1, 5),
        ("Clear it", "Stop", 6, 10),
    ]
    assert (found.coverage.commands, found.coverage.executable, found.coverage.needs_binding, found.coverage.not_executable) == (
        3,
        1,
        1,
        1,
    )


def test_folders_and_files_are_judged(tmp_path: Path) -> None:
    """Each file once, in the order of their names."""
    for name in ("b.md", "a.md"):
        (tmp_path / name).write_text("## Clear it\n\n```bash\nredis-cli FLUSHALL\n```\n")
    found = lint([tmp_path, tmp_path / "a.md"], Context(today=TODAY), chosen_rules(["flush-all"], []))
    assert [each.file.name for each in found.findings] == ["a.md", "b.md"]


def test_what_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    """A path that is not there is no pass."""
    with pytest.raises(InvalidInput, match="no such file"):
        lint([tmp_path / "none.md"], Context(today=TODAY))


def test_a_rule_that_is_not_there_cannot_be_selected() -> None:
    """A mistyped name would select nothing, and everything would pass."""
    with pytest.raises(InvalidInput, match="did you mean 'flush-all'"):
        chosen_rules(["flush-al"], [])


def test_selected_and_ignored_rules() -> None:
    """What is ignored is left out of what is selected."""
    assert [each.id for each in chosen_rules(["flush-all", "url-cut"], ["url-cut"])] == ["flush-all"]
