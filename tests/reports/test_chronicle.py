"""What is picked from a history for pictures and reports."""

from __future__ import annotations

from harness.history import History
from harness.measure import Measures
from reports import chronicle
from tests.reports.histories import STEPS, Story, database_failure


def test_tells_the_moments_of_a_drill_in_order() -> None:
    """Fault, alert, acknowledgement, cut-over and recovery; the heal after recovery is house-keeping and not among them."""
    found = [(moment.kind, moment.at_s) for moment in chronicle.moments(database_failure(), Measures())]
    kinds = [kind for kind, _ in found]
    assert kinds == ["fault", "alert", "acknowledged", "cutover", "recovered"]
    assert found[-1][1] == 138.4  # the first instant of the steady state, not when it was proven


def test_an_alert_from_before_the_fault_is_not_its_detection() -> None:
    """Nor is one that nobody expected."""
    story = Story()
    story.add(1, "alert.firing", "early", expected=True)
    story.add(2, "fault.injected", "killed")
    story.add(3, "alert.firing", "another", expected=False)
    story.add(4, "alert.firing", "service_down", expected=True)
    assert [moment.text for moment in chronicle.moments(story.history(), Measures()) if moment.kind == "alert"] == [
        "Alert fired: service_down"
    ]


def test_a_heal_that_the_recovery_needed_is_a_moment() -> None:
    """Links that come back before recovery are part of the story."""
    story = Story()
    story.add(1, "fault.injected", "links down")
    story.add(5, "fault.healed", "links down")
    story.add(9, "recovery.proven", "observer", recovered_at_s=6.0)
    story.add(9, "drill.finished", "x", status="completed")
    assert [moment.kind for moment in chronicle.moments(story.history(), Measures())] == ["fault", "healed", "recovered"]


def test_an_unhappy_end_is_a_moment() -> None:
    """An aborted drill says so with its reason, and a history that merely stops says that."""
    story = Story()
    story.begin()
    assert chronicle.moments(story.history(), Measures())[-1].text == "The history ends here: the drill was cut short"
    story.add(5, "drill.finished", "x", status="aborted", error="SIGINT")
    assert chronicle.moments(story.history(), Measures())[-1].text == "Drill aborted: SIGINT"


def test_steps_carry_their_commands() -> None:
    """Each step has its number, its times, whether it went well, and each command with its output."""
    found = chronicle.steps(database_failure())
    assert [(step.number, step.name) for step in found] == [(n, name) for n, (name, _, _) in enumerate(STEPS, start=1)]
    first = found[0]
    assert (first.at_s, first.ok, first.commands[0].exit_code, first.commands[0].output) == (112.0, True, 0, "done 1")


def test_a_step_repeated_under_the_same_name_is_two_steps() -> None:
    """What belongs to the second try is not counted to the first."""
    story = Story()
    story.step(1, "Try", "false", ok=False)
    story.step(5, "Try", "true")
    assert [(step.ok, len(step.commands)) for step in chronicle.steps(story.history())] == [(False, 1), (True, 1)]


def test_a_step_that_was_cut_off_is_neither_done_nor_failed() -> None:
    """It has no end."""
    story = Story()
    story.add(1, "step.started", "Promote", index=1)
    step = chronicle.steps(story.history())[0]
    assert (step.ended_s, step.ok) == (None, None)


def test_health_is_a_row_of_spans_without_gaps() -> None:
    """Each state lasts until the next, the last until the end."""
    spans = chronicle.health(database_failure(), 205.0)["gui-gateway"]
    assert [(span.from_s, span.to_s, span.state) for span in spans] == [(0.3, 35, "up"), (35, 139, "down"), (139, 205, "up")]


def test_alerts_live_from_pending_to_resolved() -> None:
    """Time in which an alert was resolved is no part of its life; the first to fire comes first."""
    lives = chronicle.alerts(database_failure(), 205.0)
    assert list(lives) == ["service_down", "trading_system_failure"]
    assert [(s.from_s, s.to_s, s.state) for s in lives["service_down"]] == [(35, 65, "pending"), (65, 145, "firing")]


def test_an_empty_history_has_nothing_to_tell() -> None:
    """And nothing breaks."""
    empty = History(())
    assert (
        chronicle.moments(empty, Measures()),
        chronicle.steps(empty),
        chronicle.health(empty, 0),
        chronicle.alerts(empty, 0),
    ) == (
        [],
        [],
        {},
        {},
    )


def test_moments_follow_the_measures_where_there_are_any() -> None:
    """The alert and the recovery are those that were measured, not merely the first that look like it."""
    found = {
        m.kind: (m.at_s, m.text)
        for m in chronicle.moments(database_failure(), Measures(time_to_detect_s=70.0, time_to_recover_s=60.0))
    }
    assert found["alert"] == (100.0, "Alert fired: trading_system_failure")
    assert found["recovered"][0] == 90.0
