"""Findings: their order, and the fingerprint by which a baseline knows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.lint.finding import Finding, Severity, at_least, fingerprint

ONE = Finding("flush-all", "error", Path("docs/a.md"), 7, 3, "as at line 12 and book.md:12:3 (5 minutes)")


def test_a_fingerprint_stays_when_lines_move() -> None:
    """Neither the line of the finding nor lines named in its message nor blanks around the text change it."""
    moved = replace(ONE, line=70, column=5, message="as at line 99 and book.md:99:1 (5 minutes)")
    assert fingerprint(ONE, "redis-cli  FLUSHALL") == fingerprint(moved, "   redis-cli FLUSHALL ")


def test_a_fingerprint_is_that_of_the_name_not_of_the_folder() -> None:
    """A checkout elsewhere has the same fingerprints."""
    assert fingerprint(ONE, "x") == fingerprint(replace(ONE, file=Path("/elsewhere/a.md")), "x")


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, rule="data-removed"),
        replace(ONE, file=Path("docs/b.md")),
        replace(ONE, message="as at line 12 and book.md:12:3 (6 minutes)"),
    ],
)
def test_a_fingerprint_tells_findings_apart(other: Finding) -> None:
    """Another rule, another document, or another figure in the message is another finding."""
    assert fingerprint(ONE, "x") != fingerprint(other, "x")


def test_a_fingerprint_changes_with_the_text_of_the_line() -> None:
    """Whoever changes the line is asked again."""
    assert fingerprint(ONE, "redis-cli FLUSHALL") != fingerprint(ONE, "redis-cli FLUSHDB")


def test_findings_are_ordered_by_place() -> None:
    """File, then line, then column, then rule; lines are numbers, not texts."""
    later = [replace(ONE, line=7, column=20), replace(ONE, line=10), replace(ONE, file=Path("docs/b.md"), line=1)]
    assert sorted([*reversed(later), ONE], key=lambda each: each.order) == [ONE, *later]


@pytest.mark.parametrize(
    ("severity", "threshold", "counts"), [("error", "warning", True), ("warning", "warning", True), ("info", "warning", False)]
)
def test_what_reaches_a_threshold(severity: Severity, threshold: Severity, counts: bool) -> None:
    """Equal is enough."""
    assert at_least(severity, threshold) is counts
