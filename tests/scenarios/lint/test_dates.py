"""Dates of review, fields that are still templates, copies of one day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scenarios.lint import Context
from scenarios.lint.dates import dated_copy, field_not_filled, overlapping_windows, review_overdue, updated_in_future
from tests.scenarios.lint.judging import TODAY, document
from tests.scenarios.lint.shelf import found, shared, shell


@pytest.mark.parametrize(
    ("field", "overdue"),
    [
        ("2026-11-20", True),
        ("2026-11-21", False),
        ("October 2026", True),
        ("November 2026", False),
        ("2027", False),
        ("$(date)", False),
    ],
)
def test_reviews(field: str, overdue: bool) -> None:
    """A month is over at its end; what is no date is not overdue."""
    assert bool(found(review_overdue, f"# Shop\n\n**Next Review**: {field}\n")) == overdue


@pytest.mark.parametrize(
    ("field", "future"), [("2026-11-22", True), ("2026-11-21", False), ("November 2026", False), ("December 2026", True)]
)
def test_updated(field: str, future: bool) -> None:
    """A month has come with its first day."""
    assert bool(found(updated_in_future, f"# Shop\n\n**Last Updated**: {field}\n")) == future


def test_a_finding_is_the_same_tomorrow() -> None:
    """The message says nothing of today, so that a baseline holds; the evidence says how long ago it is."""
    book = document("# Shop\n\n**Next Review**: January 2025\n\n" + shell("pg_restore -d shop shop_2025-01-20.dump"))
    for rule in (review_overdue, dated_copy):
        (one,), (other,) = (list(rule(Context(today=day), book)) for day in (TODAY, TODAY + timedelta(days=1)))
        assert one.message == other.message
        assert one.evidence != other.evidence


def test_fields() -> None:
    """A command that nothing runs, a date to be added; inside a sample of a report both are meant."""
    text = "# Shop\n\n**Last Updated**: $(date)\n**Owner**: $(whoami) or so\n\n- Next drill: [ADD DATE]\n\n```markdown\n**Date:** [DATE]\n```\n"
    assert [each.line for each in found(field_not_filled, text)] == [3, 6]


@pytest.mark.parametrize(
    ("command", "age"),
    [
        ("aws s3 cp s3://b/shop-20260118.dump .", 307), ("pg_restore -d shop /tmp/shop_2025-01-20.dump", 670),
        ("aws s3 cp s3://b/shop-$(date +%F).dump .", None), ("pg_restore -d shop shop-YYYYMMDD.dump", None), ("pg_restore -d shop newest.dump", None),
        ("aws s3 cp s3://b/report-2025-01-20.pdf .", None), ("psql -c \"SELECT * FROM orders WHERE day = '2025-01-20'\"", None),
    ],
)  # fmt: skip
def test_copies_of_one_day(command: str, age: int | None) -> None:
    """A backup named by a fixed day is told with its age; a placeholder, a computed day, and a day in a query are not."""
    findings = found(dated_copy, shell(command))
    assert len(findings) == (age is not None)
    assert all(f"{age} days" in each.evidence for each in findings)


def test_one_day_is_told_once() -> None:
    """Fetched and restored: one finding, where it is named first."""
    assert [
        each.line for each in found(dated_copy, shell("aws s3 cp s3://b/x-20260118.dump .\npg_restore -d x x-20260118.dump"))
    ] == [4]


def test_windows() -> None:
    """The same hours of the same day, unless one says that it gives way."""
    weekly, monthly = "# Shop\n\n## Weekly (Sundays 02:00-04:00 UTC)\n", "## Monthly (First Sunday 01:00-05:00 UTC)\n"
    (finding,) = found(overlapping_windows, weekly + monthly)
    assert (finding.line, [each.line for each in finding.related]) == (3, [4])
    for said, other in (("01:00", "04:00"), ("UTC", "UTC, not on holidays"), ("Sunday", "Saturday"), ("UTC", "CET")):
        assert found(overlapping_windows, weekly + monthly.replace(said, other)) == []


def test_the_five_documents() -> None:
    """Two overdue reviews, six fields that nobody filled in, two backups of long ago."""
    assert shared(review_overdue) == [("000", 226), ("001", 350)]
    assert shared(updated_in_future) == []
    assert shared(field_not_filled) == [("004", line) for line in (4, 5, 6, 398, 437, 439)]
    assert shared(overlapping_windows) == [("002", 552)]
    assert shared(dated_copy) == [("003", 426), ("004", 349)]
