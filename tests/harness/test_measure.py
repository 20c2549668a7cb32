"""Measures of hand-made histories, with answers worked out on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import BadHistory
from harness.history import Event, History
from harness.measure import Counts, Measures, measure, steady_state_of
from tests.harness.histories import LATENCY_S, Story, acknowledged_ids, drill, ended, started


def measured(story: Story) -> Measures:
    return measure(story.history())


def without(story: Story, *kinds: str) -> Story:
    return Story(events=[event for event in story.events if event.kind not in kinds])


def test_a_whole_drill_is_measured() -> None:
    """Injected 30, alert 65, acknowledged 110, last command 149, first good answer 150.005."""
    found = measured(ended(drill()))
    assert found.time_to_detect_s == pytest.approx(35)
    assert found.time_to_acknowledge_s == pytest.approx(45)
    assert found.time_to_mitigate_s == pytest.approx(119)
    assert found.time_to_recover_s == pytest.approx(120 + LATENCY_S)
    assert found.outage_s == pytest.approx(120 + LATENCY_S)
    assert (found.recovery_point_s, found.lost_writes) == (0.0, 0)
    assert (found.outages, found.bitten, found.out_at_end) == (1, True, False)
    asks_nobody = "nothing was posted: the scenario's response asks nobody for updates"
    told = ("time_to_first_update_s", "longest_update_gap_s", "time_to_resolution_update_s")
    assert dict(found.why) == dict.fromkeys(told, asks_nobody)
    assert dict(found.at_least_s) == {}


def test_operations_are_counted() -> None:
    """260 s with an order every 0.2 s are 1300; 120 s of them failed; one was never answered, and one is still open."""
    story = drill()
    story.operation(20.01, "order", "info", 2.0)
    story.operation(259, "order", "open", 0)
    found = measured(story)
    assert found.orders == Counts(attempted=1302, acknowledged=700, failed=600, unknown=2)
    assert found.canaries == Counts(attempted=520, acknowledged=280, failed=240, unknown=0)
    assert found.latency_p50_ms == pytest.approx(5)


def test_the_error_budget_is_counted_by_time() -> None:
    """120 of the 229.8 s observed since the fault were bad, and 1 % of them was allowed."""
    budget = measured(drill()).error_budget
    assert budget is not None
    assert budget.spent_s == pytest.approx(120)
    assert budget.observed_s == pytest.approx(229.8)
    assert budget.allowed_s == pytest.approx(2.298)


def test_documented_and_wall_times_part_where_the_rate_changes() -> None:
    """Rate 1 to wall 31, then 20 to wall 35, then 1: whatever contains that has 4 wall seconds of 20 in it."""

    def documented(wall_s: float) -> float:
        return wall_s + 19 * (min(max(wall_s, 31), 35) - 31)

    story = Story(documented=documented)
    started(story).load(0, 110, [(30, 38)])
    story.at(30, "fault.injected", "kill").at(34, "alert.firing", "DatabaseDown", labels={})
    found = measured(story)
    assert found.time_to_detect_s == pytest.approx(1 + 3 * 20)
    assert found.wall.time_to_detect_s == pytest.approx(4)
    assert found.time_to_recover_s == pytest.approx(8 + 4 * 19 + LATENCY_S)
    assert found.wall.time_to_recover_s == pytest.approx(8 + LATENCY_S)
    assert found.outage_s == pytest.approx(8 + 4 * 19 + LATENCY_S)
    assert found.wall.outage_s == pytest.approx(8 + LATENCY_S)


def test_without_an_injection_nothing_is_measured() -> None:
    """The steady state was never proven: every measure is None and says so; the operations are still counted."""
    found = measured(started(Story()).load(0, 30))
    assert found.time_to_recover_s is None
    assert found.lost_writes is None
    assert set(found.why.values()) == {"no fault was injected"}
    assert found.orders.attempted == 750


# --- detection -----------------------------------------------------------------------------------------------------


def firing(story: Story, at_s: float, rule: str = "DatabaseDown", kind: str = "firing", **labels: str) -> Story:
    return story.at(at_s, f"alert.{kind}", rule, labels=labels, expected=True)


def injected() -> Story:
    return started(Story()).at(30, "fault.injected", "kill")


def test_an_alert_that_nobody_expects_is_no_detection() -> None:
    """The scenario names its alerts, whatever the event claims; the first of those counts."""
    story = firing(firing(firing(injected(), 40, "DiskFull"), 70, "OrdersFailing"), 60)
    assert measured(story).time_to_detect_s == pytest.approx(30)


def test_an_alert_that_was_firing_before_the_fault_is_no_detection() -> None:
    """Neither going on, nor firing again after the fault: detection is unknown and says why."""
    story = firing(firing(firing(injected(), 10), 40, kind="resolved"), 50)
    found = measured(story)
    assert found.time_to_detect_s is None
    assert found.why["time_to_detect_s"] == "DatabaseDown was already active when the fault was injected"
    assert "time_to_detect_s" not in found.at_least_s


def test_an_alert_that_was_resolved_before_the_fault_may_detect_it() -> None:
    """What was over before the injection is over."""
    assert measured(firing(firing(firing(injected(), 10), 20, kind="resolved"), 50)).time_to_detect_s == pytest.approx(20)


def test_an_alert_that_was_pending_before_the_fault_had_another_cause() -> None:
    """Its condition came true before the injection; when it becomes pending anew afterwards it counts."""
    assert measured(firing(firing(injected(), 20, kind="pending"), 50)).time_to_detect_s is None
    again = firing(firing(firing(injected(), 20, kind="pending"), 40, kind="pending"), 70)
    assert measured(again).time_to_detect_s == pytest.approx(40)


def test_an_alert_whose_condition_was_true_before_the_fault_had_another_cause() -> None:
    """Its `since_s` tells, also where it was never recorded as pending; with one after the injection it counts."""
    early = injected().at(50, "alert.firing", "DatabaseDown", labels={}, since_s=20.0)
    assert measured(early).time_to_detect_s is None
    late = injected().at(50, "alert.firing", "DatabaseDown", labels={}, since_s=35.0)
    assert measured(late).time_to_detect_s == pytest.approx(20)


def test_the_same_rule_with_other_labels_is_another_alert() -> None:
    """ServiceDown of one service says nothing about that of another."""
    story = firing(firing(injected(), 10, job="redis"), 50, job="postgres")
    assert measured(story).time_to_detect_s == pytest.approx(20)


def test_an_alert_that_never_came_had_not_come_for_so_long() -> None:
    """Without an alert, what is known is how long there was none."""
    found = measured(injected().at(630, "recovery.given_up", "observer", after_s=600.0))
    assert found.time_to_detect_s is None
    assert found.at_least_s["time_to_detect_s"] == pytest.approx(600)
    assert found.why["time_to_acknowledge_s"].startswith("no alert to acknowledge")


def test_an_alert_that_the_monitor_could_not_evaluate_proves_nothing_by_its_absence() -> None:
    """An expected rule could not be evaluated: no detection, and not known that there was none. Another rule's trouble is no excuse."""
    broken = injected().at(40, "monitor.problem", "rule DatabaseDown", message="bad query").at(630, "recovery.given_up")
    found = measured(broken)
    assert found.time_to_detect_s is None
    assert found.why["time_to_detect_s"] == "the monitor could not do its work: rule DatabaseDown: bad query"
    assert "time_to_detect_s" not in found.at_least_s
    other = injected().at(40, "monitor.problem", "rule DiskFull", message="bad query").at(630, "recovery.given_up")
    assert measured(other).at_least_s["time_to_detect_s"] == pytest.approx(600)


def test_an_acknowledgement_counts_from_the_alert() -> None:
    """That of a page which nobody expected, or from before the alert, is none."""
    story = firing(injected(), 60).at(50, "page.acknowledged", "DatabaseDown").at(70, "page.acknowledged", "DiskFull")
    found = measured(story)
    assert found.time_to_acknowledge_s is None
    assert found.at_least_s["time_to_acknowledge_s"] == pytest.approx(10)
    assert measured(story.at(85, "page.acknowledged", "OrdersFailing")).time_to_acknowledge_s == pytest.approx(25)


# --- taking back ---------------------------------------------------------------------------------------------------


def test_taking_back_counts_from_the_decision() -> None:
    """The procedure began at 118; clients were served at 150.005."""
    assert measured(drill()).time_to_roll_back_s == pytest.approx(32 + LATENCY_S)


@pytest.mark.parametrize(
    ("story", "why"),
    [
        (without(drill(), "procedure.started", "procedure.finished"), "no procedure was started"),
        (drill(out=(30.0, 100.0)), "clients were served before the procedure began"),
        (drill(out=None), "clients were served before the procedure began"),
    ],
)
def test_nothing_was_taken_back_before_somebody_began(story: Story, why: str) -> None:
    """What ended by itself shows nothing of how fast people are."""
    found = measured(story)
    assert found.time_to_roll_back_s is None
    assert found.why["time_to_roll_back_s"] == why


def test_what_is_not_over_has_taken_so_long_already() -> None:
    """From the decision to the end of observation; 118 and 260."""
    found = measured(ended(drill(out=(30.0, 260.0))))
    assert found.time_to_roll_back_s is None
    assert found.at_least_s["time_to_roll_back_s"] == pytest.approx(142, abs=1)


# --- mitigation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: without(s, "procedure.finished"), "the procedure was not finished"),
        (lambda s: without(s, "procedure.started", "procedure.finished"), "no procedure was started"),
        (
            lambda s: without(s, "procedure.finished").at(149.5, "procedure.finished", "x", outcome="stopped"),
            "the procedure was stopped before its end",
        ),
        (lambda s: without(s, "command.finished"), "the procedure has no commands"),
    ],
)
def test_a_procedure_that_was_not_carried_out_to_its_end_mitigated_nothing(change: Callable[[Story], Story], why: str) -> None:
    """The time to mitigate is that of a whole procedure."""
    found = measured(change(drill()))
    assert found.time_to_mitigate_s is None
    assert found.why["time_to_mitigate_s"] == why


# --- recovery ------------------------------------------------------------------------------------------------------


def test_an_outage_that_never_ended_is_not_recovered_from() -> None:
    """Out from 30 s to the end at 260 s: not measured, and at least 229 s."""
    found = measured(drill(out=(30, 1000)))
    assert (found.time_to_recover_s, found.outage_s, found.out_at_end) == (None, None, True)
    assert found.at_least_s["time_to_recover_s"] == pytest.approx(230, abs=1)
    assert found.at_least_s["outage_s"] == pytest.approx(230, abs=1)


def test_a_recovery_that_was_not_watched_for_the_settle_time_is_unknown_but_not_late() -> None:
    """Good from 150 s, cut short at 190 s with a settle time of 60 s: it can have been over at 150 s."""
    found = measured(drill(until_s=190))
    assert found.time_to_recover_s is None
    assert found.at_least_s["time_to_recover_s"] == pytest.approx(120 + LATENCY_S)


def test_a_fault_that_bit_without_an_outage_was_recovered_from_at_once() -> None:
    """Clients noticed nothing for the whole settle time: zero, on the evidence of fault.bit."""
    found = measured(drill(out=None))
    assert (found.time_to_recover_s, found.outage_s, found.outages) == (0.0, 0.0, 0)


def test_a_fault_that_clients_have_not_felt_yet_is_not_recovered_from() -> None:
    """It bit at 30 s and observation ended at 80 s, before the settle time was over: they might have felt it at 85 s."""
    found = measured(drill(out=None, until_s=80))
    assert found.time_to_recover_s is None
    assert found.why["time_to_recover_s"] == "observation ended before the steady state had held for the settle time"


def test_a_fault_that_never_bit_has_no_recovery() -> None:
    """No outage and no evidence: nothing was tested."""
    found = measured(without(drill(out=None), "fault.bit"))
    assert (found.time_to_recover_s, found.bitten) == (None, False)
    assert found.why["time_to_recover_s"].startswith("the fault never bit")


def test_without_observed_orders_there_is_no_recovery() -> None:
    """A ledger of nothing proves nothing."""
    story = drill()
    found = measured(Story(events=[event for event in story.events if not event.kind.startswith("op.")]))
    assert (found.time_to_recover_s, found.outage_s) == (None, None)
    assert found.why["outage_s"] == "no order was observed"


def test_of_two_faults_the_recovery_from_the_second_counts_from_the_first() -> None:
    """Faults at 30 and 130 s, outages 30 to 40 and 130 to 150: recovered 120 s after the first."""
    story = started(Story()).load(0, 260, [(30, 40), (130, 150)], order_every_s=0.2)
    story.at(30, "fault.injected", "one").at(130, "fault.injected", "two")
    found = measured(story)
    assert found.time_to_recover_s == pytest.approx(120 + LATENCY_S)
    assert found.outage_s == pytest.approx(30 + 2 * LATENCY_S)
    assert found.bitten is False  # an outage can't tell which of them bit
    both = measured(story.at(30.1, "fault.bit", "one").at(130.1, "fault.bit", "two"))
    assert both.bitten is True


def test_a_relapse_after_recovery_is_told() -> None:
    """The first recovery is the measure (DESIGN); that clients were out again at the end stands beside it."""
    story = started(Story()).load(0, 260, [(30, 40), (200, 300)], order_every_s=0.2).at(30, "fault.injected", "kill")
    found = measured(story)
    assert found.time_to_recover_s == pytest.approx(10 + LATENCY_S)
    assert (found.outage_s, found.out_at_end) == (None, True)


# --- loss ----------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(planted=st.sets(st.integers(0, 149), max_size=12))
def test_planted_losses_are_found_exactly(planted: set[int]) -> None:
    """Whichever acknowledged orders are missing afterwards are counted, and nothing else is.

    150 orders were acknowledged before the fault, at 0.005 + 0.2 n s; the last acknowledgement before the cut-over is the 150th.
    """
    story = drill()
    names = acknowledged_ids(story, before_s=30)
    found = measured(ended(story, lost=[names[n] for n in planted]))
    assert len(names) == 150
    assert found.lost_writes == len(planted)
    assert found.recovery_point_s == pytest.approx((149 - min(planted)) * 0.2 if planted else 0)


def test_the_recovery_point_is_measured_to_the_last_acknowledgement_before_the_cut_over() -> None:
    """The old primary answered until the cut-over at 139 s: what survives reaches back to the oldest lost write."""
    story = drill(out=(139, 150))
    names = acknowledged_ids(story, before_s=139)
    found = measured(ended(story, lost=names[-10:]))
    assert found.lost_writes == 10
    assert found.recovery_point_s == pytest.approx(9 * 0.2)
    assert found.wall.recovery_point_s == pytest.approx(9 * 0.2)


def test_one_lost_write_that_was_the_last_one_is_a_recovery_point_of_nothing_and_a_count_of_one() -> None:
    """By its definition the recovery point is 0 s then; the count tells the loss."""
    story = drill()
    found = measured(ended(story, lost=acknowledged_ids(story, before_s=30)[-1:]))
    assert (found.recovery_point_s, found.lost_writes) == (0.0, 1)


def test_without_a_cut_over_the_recovery_point_reaches_to_the_end_of_the_outage() -> None:
    """The last acknowledgement before the outage ended was that of the 150th order."""
    story = without(drill(), "cutover")
    found = measured(ended(story, lost=acknowledged_ids(story, before_s=30)[100:102]))
    assert found.recovery_point_s == pytest.approx(49 * 0.2)


def test_without_cut_over_and_outage_the_recovery_point_spans_the_lost_writes() -> None:
    """Rows deleted behind the stack's back: from the oldest to the newest of them."""
    story = without(drill(out=None), "cutover")
    names = acknowledged_ids(story, before_s=30)
    assert measured(ended(story, lost=[names[10], names[60]])).recovery_point_s == pytest.approx(50 * 0.2)


def test_each_cut_over_has_its_own_recovery_point_and_the_largest_counts() -> None:
    """A fail-back at 200 s loses writes too: they are not measured from those that the first cut-over lost."""
    story = drill().at(200, "cutover", "postgres", **{"from": "postgres-replica", "to": "postgres-primary"})
    first, all_before = acknowledged_ids(story, before_s=139), acknowledged_ids(story, before_s=200)
    found = measured(ended(story, lost=[*first[-3:], *all_before[-21:]]))
    assert found.lost_writes == 24
    assert found.recovery_point_s == pytest.approx(20 * 0.2)


def test_the_cut_over_of_another_address_is_not_that_of_the_data() -> None:
    """Redis re-pointed in the middle changes nothing."""
    story = drill().at(10, "cutover", "redis", **{"from": "a", "to": "b"})
    found = measured(ended(story, lost=acknowledged_ids(story, before_s=30)[:1]))
    assert found.recovery_point_s == pytest.approx(149 * 0.2)


def test_what_was_acknowledged_after_the_reading_began_is_not_lost() -> None:
    """The reading began at 100 s, so the orders since then need not be in it."""
    story = drill(out=None)
    names = acknowledged_ids(story, before_s=100)
    story.at(101, "readback.orders", "postgres", began_s=100.0, present=names, rows={})
    assert measured(story).lost_writes == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: s, "the data were not read back"),
        (lambda s: s.at(261, "readback.failed", "postgres", error="refused"), "the data could not be read back: refused"),
    ],
)
def test_without_a_reading_the_loss_is_unknown(change: Callable[[Story], Story], why: str) -> None:
    """Nothing read back: neither zero lost writes nor a recovery point of zero."""
    found = measured(change(drill()))
    assert (found.recovery_point_s, found.lost_writes) == (None, None)
    assert found.why["lost_writes"] == why


def test_without_acknowledged_writes_the_loss_is_unknown() -> None:
    """Where nothing was acknowledged nothing could be lost."""
    story = ended(drill(out=(0, 1000)))
    found = measured(story)
    assert (found.recovery_point_s, found.lost_writes, found.witnesses) == (None, None, 0)


def test_writes_shortly_before_the_fault_are_its_witnesses() -> None:
    """Five seconds with an order every 0.2 s."""
    assert measured(ended(drill())).witnesses == 25


# --- histories that are cut short, or damaged ----------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 1))
def test_any_beginning_of_a_history_can_be_measured(share: float) -> None:
    """After kill -9 at any moment nothing raises, and nothing is measured that the whole drill did not have."""
    whole = History.of(ended(drill()).events)
    begun = History(whole.events[: 1 + int(share * (len(whole.events) - 1))])
    found, final = measure(begun), measure(whole)
    for name in ("time_to_detect_s", "time_to_acknowledge_s", "time_to_mitigate_s", "time_to_recover_s", "lost_writes"):
        assert getattr(found, name) in (None, pytest.approx(getattr(final, name)))
        if name in found.at_least_s:
            assert found.at_least_s[name] <= getattr(final, name) + 1e-6


def test_a_history_without_a_scenario_is_refused() -> None:
    """What was rehearsed is not known."""
    with pytest.raises(BadHistory, match=r"no drill\.started event"):
        measure(History((Event(1, 1, "fault.injected", "kill"),)))


@pytest.mark.parametrize(
    ("steady", "settle_s"),
    [({"settle": "60s"}, 60.0), ({"settle": 42.5}, 42.5), ({"settle_s": 7}, 7.0), ({}, 60.0)],
)
def test_durations_of_the_scenario_may_stand_as_texts_or_as_seconds(steady: dict[str, Any], settle_s: float) -> None:
    """A scenario file has texts, a dumped model has numbers."""
    assert steady_state_of({"steady-state": steady}).settle_s == settle_s


def test_a_steady_state_that_makes_no_sense_is_refused() -> None:
    """An unknown key would be a definition that nobody applied."""
    with pytest.raises(BadHistory, match="steady state"):
        steady_state_of({"steady-state": {"settles": "60s"}})


def test_a_report_of_people_detects_like_an_alert() -> None:
    """Counted from the fault to the report, and from it to the acknowledgement of the page that they sent."""
    story = started(Story(), scenario={"detection": {"alerts": [], "reported-after": "1m"}}).load(
        0, 260, [(30, 150)], order_every_s=0.2
    )
    story.at(30, "fault.injected", "it").at(30.1, "fault.bit", "it")
    story.at(90, "incident.reported", "reported", why="somebody has seen it").at(90.1, "page.sent", "reported", incident="1")
    found = measure(story.at(120, "page.acknowledged", "reported", incident="1").history())
    assert (found.time_to_detect_s, found.time_to_acknowledge_s) == (60.0, 30.0)


def test_a_report_from_before_the_fault_is_about_something_else() -> None:
    """Planned work may have stopped before anything was broken."""
    story = started(Story(), scenario={"detection": {"alerts": []}}).load(0, 260, [(30, 150)], order_every_s=0.2)
    story.at(20, "incident.reported", "reported", why="the planned work has stopped half-way").at(30, "fault.injected", "it")
    assert measure(story.history()).time_to_detect_s is None
