"""What is held back, until when, and what is never told."""

from __future__ import annotations

import pytest

from harness.monitor.grid import offset_of
from tests.harness.monitor.prometheus.bending import LABELS, Stretches


def test_at_the_drills_speed_an_alert_ripens_on_the_documented_evaluations() -> None:
    """Noticed at 7 s: it counts from the evaluation at 10 s on, and fires 30 s later. Resolved at 50 s, at 50 s."""
    stage = Stretches()
    stage.clock.advance(0.35)
    stage.begin()
    stage.play(1.0)
    stage.fire()
    stage.play(1.2)
    stage.end()
    stage.play(0.5)
    assert stage.told == [(10.0, "pending"), (40.0, "firing"), (55.0, "resolved")]
    assert all(told_s >= at_s for told_s, (at_s, _) in zip(stage.told_at, stage.told, strict=True))


def test_a_slow_stretch_holds_it_back_for_the_documented_for() -> None:
    """Prometheus fires after 1.5 s of the wall; at rate 1 those are 1.5 s of 30, and it is told when all 30 are over."""
    stage = Stretches()
    stage.begin()
    stage.play(0.1)
    stage.bend(1.0)
    stage.play(1.4)
    stage.fire()
    stage.play(20.0)
    assert stage.told == [(0.0, "pending")]
    stage.bend(20.0)
    stage.play(1.0)
    assert stage.told == [(0.0, "pending"), (30.0, "firing")]


def test_what_is_gone_before_it_is_due_was_never_there() -> None:
    """It fired for Prometheus, and was told of by Alertmanager; in documented time it lasted 12 s of 30."""
    stage = Stretches(rate=1.0)
    stage.begin()
    stage.play(2.0)
    stage.fire()
    stage.play(10.0)
    stage.end()
    stage.play(40.0)
    assert [state for _, state in stage.told] == ["pending"]


def test_in_a_slow_stretch_it_counts_from_the_targets_next_scrape_on() -> None:
    """Seen just after the scrape of 2.25 s: a monitor that scrapes each 5 s sees it at 7.25 s and notices it at 10 s."""
    assert offset_of("a", 5000) == 2250
    stage = Stretches(rate=1.0)
    stage.play(2.4)
    stage.begin()
    stage.play(10.0)
    assert stage.told == [(10.0, "pending")]


def test_before_that_scrape_it_counts_for_that_one() -> None:
    """Seen just before the scrape of 2.25 s: noticed at 5 s."""
    stage = Stretches(rate=1.0)
    stage.play(2.2)
    stage.begin()
    stage.play(10.0)
    assert stage.told == [(5.0, "pending")]


def test_what_comes_and_goes_between_two_scrapes_of_a_slow_stretch_is_not_told() -> None:
    """2 s long, at rate 1, between the scrapes of 2.25 and 7.25 s."""
    stage = Stretches(rate=1.0, for_="0s")
    stage.play(4.0)
    stage.begin()
    stage.fire()
    stage.play(2.0)
    stage.end()
    stage.play(20.0)
    assert stage.told == []


def test_a_gap_between_two_looks_does_not_start_the_for_again() -> None:
    """Gone for 1 s between the scrapes of 12.25 and 17.25 s: the documented monitor never saw that."""
    stage = Stretches(rate=1.0)
    stage.play(2.0)
    stage.begin()
    stage.play(12.0)
    stage.end()
    stage.play(1.0)
    stage.begin()
    stage.play(2.0)
    stage.fire()
    stage.play(30.0)
    assert stage.told == [(5.0, "pending"), (35.0, "firing")]


def test_a_gap_that_a_look_saw_starts_it_again() -> None:
    """Gone over the scrape of 17.25 s: what comes after is an alert of its own, pending anew."""
    stage = Stretches(rate=1.0)
    stage.play(2.0)
    stage.begin()
    stage.play(15.0)
    stage.end()
    stage.play(4.0)
    stage.begin()
    stage.play(2.0)
    stage.fire()
    stage.play(40.0)
    assert stage.told == [(5.0, "pending"), (25.0, "pending"), (55.0, "firing")]


def test_one_that_ended_and_came_back_between_two_looks_of_ours_is_resolved_first() -> None:
    """Prometheus' own instant of its beginning has changed: the one that fired is over."""
    stage = Stretches()
    stage.begin()
    stage.play(1.4)
    stage.fire()
    stage.play(1.0)
    stage.clock.advance(0.6)
    stage.begin()
    stage.play(0.5)
    assert [state for _, state in stage.told] == ["pending", "firing", "resolved", "pending"]


def test_without_alertmanagers_word_nobody_is_told_and_that_is_a_problem() -> None:
    """An alert that fires in Prometheus alone has paged nobody. The problem makes the verdict unknown, not failed."""
    stage = Stretches()
    stage.begin()
    stage.play(1.5)
    stage.fire(passed_on=False)
    stage.play(20.0)
    assert stage.told == [(0.0, "pending")]
    assert stage.problems == ["rule Down: Prometheus says that it fires, and Alertmanager has not passed that on within 5 s"]


def test_alertmanagers_word_alone_is_not_enough() -> None:
    """It may be an old one: Prometheus itself must say that it fires."""
    stage = Stretches()
    stage.begin()
    stage.held.hear(LABELS, firing=True, at_wall_s=0.0)
    stage.play(2.0)
    assert stage.told == [(0.0, "pending")]
    stage.state = "firing"
    stage.play(0.2)
    assert stage.told == [(0.0, "pending"), (30.0, "firing")]


def test_an_end_is_told_with_its_own_time_however_late_we_look() -> None:
    """Alertmanager's word says when Prometheus resolved it: at 40 s, and we looked at 52 s."""
    stage = Stretches()
    stage.begin()
    stage.play(1.4)
    stage.fire()
    stage.play(0.6)
    stage.end()
    stage.clock.advance(0.6)
    stage.play(0.5)
    assert stage.told[1:] == [(30.0, "firing"), (40.0, "resolved")]


def test_an_end_that_alertmanager_does_not_pass_on_is_told_after_all() -> None:
    """Late, at its own time, and with a problem beside it."""
    stage = Stretches()
    stage.begin()
    stage.play(1.5)
    stage.fire()
    stage.play(0.5)
    stage.end(passed_on=False)
    stage.play(8.0)
    assert stage.told[-1] == (40.0, "resolved")
    assert stage.problems == [
        "rule Down: Prometheus says that it is resolved, and Alertmanager has not passed that on within 5 s"
    ]


def test_where_prometheus_itself_is_late_the_alert_is() -> None:
    """Due at 30 s, fired by Prometheus at 42 s: that is the evaluation at 45 s."""
    stage = Stretches()
    stage.begin()
    stage.play(2.1)
    stage.fire()
    stage.play(0.5)
    assert stage.told == [(0.0, "pending"), (45.0, "firing")]


def test_a_rule_without_a_for_is_never_pending() -> None:
    """It fires at the evaluation that notices it."""
    stage = Stretches(for_="0s")
    stage.clock.advance(0.1)
    stage.begin()
    stage.fire()
    stage.play(0.5)
    assert stage.told == [(5.0, "firing")]


@pytest.mark.parametrize("start_s", [0.05 * step for step in range(20)])
def test_never_early_and_never_late_by_more_than_an_evaluation(start_s: float) -> None:
    """Whenever it begins within a documented evaluation interval, at full speed."""
    stage = Stretches()
    stage.clock.advance(start_s)
    stage.begin()
    began_s = stage.clock.now()
    stage.play(1.4)
    stage.fire()
    stage.play(1.0)
    fired_s = next(at_s for at_s, state in stage.told if state == "firing")
    assert began_s + 30 <= fired_s + 1e-6 < began_s + 35


def test_what_is_due_next() -> None:
    """Nothing; then the end of the pending time."""
    stage = Stretches()
    assert stage.held.next_due_s is None
    stage.begin()
    stage.play(0.1)
    assert stage.held.next_due_s == 30.0


def test_an_alert_keeps_its_labels_and_what_it_is_about() -> None:
    """As the embedded monitor tells it."""
    stage = Stretches()
    stage.begin()
    (alert,) = stage.look()
    assert (dict(alert.labels), alert.rule, alert.expr, alert.severity, alert.since_s) == (
        dict(LABELS), "Down", "up == 0", "critical", 0.0,
    )  # fmt: skip
