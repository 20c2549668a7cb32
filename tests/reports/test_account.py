"""The story told event by event."""

from __future__ import annotations

from harness.history import History
from harness.measure import Measures
from reports.account import account
from tests.reports.histories import Story, database_failure
from tests.reports.judgements import MEASURES


def test_tells_all_but_the_load_in_order() -> None:
    """Operations, commands and readings are left to their own sections."""
    lines = account(database_failure(), MEASURES)
    assert [line.at_s for line in lines] == sorted(line.at_s for line in lines)
    assert not any("o-0" in line.text for line in lines)
    assert len(lines) < 60


def test_marks_what_measures_are_made_of() -> None:
    """Strong lines are the instants between which durations are measured."""
    strong = [line.text for line in account(database_failure(), MEASURES) if line.strong]
    assert strong[0] == "Fault injected: primary killed"
    assert "Cut-over: postgres leads to postgres-replica (from postgres-primary)" in strong
    assert strong[-1] == "Drill completed"


def test_tells_an_alert_that_nobody_expected_as_such() -> None:
    """It may be noise, or a scenario that expects too little."""
    story = Story()
    story.add(1, "alert.firing", "odd", severity="warning", expected=False)
    assert account(story.history(), Measures())[0].text == "Alert fired: odd (severity warning), not an expected one"


def test_an_event_of_a_kind_it_does_not_know_is_passed_over() -> None:
    """A history of a later version can be read."""
    story = Story()
    story.add(1, "moon.phase", "full")
    assert account(story.history(), Measures()) == []
    assert account(History(()), Measures()) == []
