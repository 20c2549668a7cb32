"""How the others were kept informed: measured from a history alone, and judged."""

from __future__ import annotations

from typing import Any

import pytest

from harness.measure import Measures, measure
from harness.verdict import Judgement, Verdict, judge_target
from scenarios.model import Target
from tests.harness.histories import Story, drill, ended

ASKED = {"response": {"procedure": "runbooks/database.md#failover", "updates": {}}}
FIRST = Target(measure="time_to_first_update_s", limit=100, source="001:229 x")
GAP = Target(measure="longest_update_gap_s", limit=60, source="001:290 x")
RESOLUTION = Target(measure="time_to_resolution_update_s", limit=40, source="001:291 x")


def told(*updates: tuple[float, str], asked: bool = True, **changed: Any) -> Measures:
    """A drill (injected at 30, recovered at 150.005, over at 261) in which these updates were received."""
    story: Story = drill(scenario=ASKED if asked else {}, **changed)
    for at_s, status in updates:
        story.at(at_s, "update.posted", "#incidents", status=status, incident="1", by="ann", text=f"Status: {status}")
    return measure(ended(story).history())


def judged(target: Target, found: Measures, status: str = "completed") -> Judgement:
    return judge_target("it", target, found, status)


def test_updates_are_measured_as_they_arrived() -> None:
    """First: from the injection. Gap: between updates, the news of the end among them. Resolution: from recovery."""
    found = told((90, "investigating"), (140, "monitoring"), (180, "resolved"), (185, "resolved"))
    assert found.time_to_first_update_s == pytest.approx(60)
    assert found.longest_update_gap_s == pytest.approx(50)
    assert found.time_to_resolution_update_s == pytest.approx(180 - 150.005)
    assert found.updates_due_s == pytest.approx(90)
    assert found.wall.time_to_first_update_s == pytest.approx(60)
    assert found.wall.longest_update_gap_s == pytest.approx(50)
    assert [judged(target, found).verdict for target in (FIRST, GAP, RESOLUTION)] == [Verdict.PASS] * 3


def test_limits_that_are_exceeded_fail() -> None:
    """Each by itself."""
    found = told((140, "investigating"), (205, "resolved"))
    assert [judged(target, found).verdict for target in (FIRST, GAP, RESOLUTION)] == [Verdict.FAIL] * 3


def test_a_resolution_that_is_told_before_it_is_one_does_not_count() -> None:
    """It is an update like any other; the news has yet to come."""
    found = told((90, "investigating"), (120, "resolved"), (170, "resolved"))
    assert found.time_to_resolution_update_s == pytest.approx(170 - 150.005)
    early = told((90, "investigating"), (120, "resolved"))
    assert early.time_to_resolution_update_s is None
    assert early.why["time_to_resolution_update_s"] == "nobody told the resolution"
    assert judged(RESOLUTION, early).verdict is Verdict.FAIL


def test_an_incident_that_ends_before_the_next_update_was_due_tests_no_interval() -> None:
    """Not applicable is never PASS."""
    found = told((90, "investigating"), (150.005 + 0, "monitoring"), (150.01, "resolved"))
    found_judged = judged(Target(measure="longest_update_gap_s", limit=1800, source="001:290 x"), found)
    assert found_judged.verdict is Verdict.UNKNOWN
    assert found_judged.why == "not applicable: it was over 60 s after the first update, before the next one was due"


def test_silence_at_the_end_counts_as_a_gap() -> None:
    """Without news of the end updates are due until nobody looks any more."""
    found = told((90, "investigating"), (100, "monitoring"))
    assert found.longest_update_gap_s is None
    assert found.at_least_s["longest_update_gap_s"] == pytest.approx(261 - 100)
    assert judged(GAP, found).verdict is Verdict.FAIL
    assert judged(GAP.model_copy(update={"limit": 1800}), found).verdict is Verdict.UNKNOWN


def test_a_gap_that_was_exceeded_before_the_silence_fails_too() -> None:
    """The longest of all counts, ended or not."""
    found = told((40, "investigating"), (255, "monitoring"))
    assert found.at_least_s["longest_update_gap_s"] == pytest.approx(215)
    assert judged(GAP, found).verdict is Verdict.FAIL


def test_who_was_asked_and_posted_nothing_has_missed_it() -> None:
    """Once the limit has passed; before that nothing is known."""
    found = told()
    assert found.why["time_to_first_update_s"] == "nothing was posted"
    assert [judged(target, found).verdict for target in (FIRST, RESOLUTION)] == [Verdict.FAIL, Verdict.FAIL]
    assert judged(FIRST.model_copy(update={"limit": 900}), found).verdict is Verdict.UNKNOWN


def test_who_was_not_asked_is_not_judged() -> None:
    """UNKNOWN, and the reason says what the scenario lacks."""
    found = told(asked=False)
    for target in (FIRST, GAP, RESOLUTION):
        judgement = judged(target, found)
        assert judgement.verdict is Verdict.UNKNOWN
        assert judgement.why == "nothing was posted: the scenario's response asks nobody for updates"


def test_messages_of_people_count_though_nobody_asked_for_them() -> None:
    """What the chat received is what was told."""
    assert told((90, "investigating"), asked=False).time_to_first_update_s == pytest.approx(60)


def test_without_recovery_there_is_no_resolution_to_tell() -> None:
    """And a message that claims it is none."""
    found = told((90, "investigating"), (200, "resolved"), out=(30, 1000))
    assert found.time_to_resolution_update_s is None
    assert found.why["time_to_resolution_update_s"] == "clients were not served again, so that there was no resolution to tell"
    assert judged(RESOLUTION, found).verdict is Verdict.UNKNOWN


def test_messages_before_the_fault_are_of_something_else() -> None:
    """Of the day before."""
    assert told((10, "resolved"), (90, "investigating")).time_to_first_update_s == pytest.approx(60)


def test_a_message_without_a_status_is_no_update() -> None:
    """Talk in the channel tells nobody where things stand."""
    found = told((60, ""), (90, "investigating"), (120, ""), (180, "resolved"))
    assert found.time_to_first_update_s == pytest.approx(60)
    assert found.longest_update_gap_s == pytest.approx(90)
    assert told((60, "")).why["time_to_first_update_s"] == "nothing was posted"
