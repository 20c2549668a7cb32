"""Every rule by which a measure becomes a verdict, above all those that say UNKNOWN."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import BadHistory
from harness.history import Event, History
from harness.measure import Measures, measure
from harness.verdict import Judgement, Verdict, exit_code, judge, judge_target, overall, status_of, targets_of
from scenarios.model import Target
from tests.harness.histories import LATENCY_S, Story, acknowledged_ids, drill, ended, started

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
RTO = {"name": "rto", "measure": "time_to_recover_s", "limit": 300.0, "unit": "s", "source": "runbook.md:12"}


def judged(story: Story) -> dict[str, Judgement]:
    history = story.history()
    return {each.name: each for each in judge(history, measure(history), targets_of(history))}


def without(story: Story, *kinds: str) -> Story:
    return Story(events=[event for event in story.events if event.kind not in kinds])


def target(measure_name: str, limit: float) -> Target:
    unit = "writes" if measure_name == "lost_writes" else "s"
    return Target.model_validate({"measure": measure_name, "limit": limit, "unit": unit, "source": "runbook.md:12"})


def verdict_of(found: Measures, measure_name: str, limit: float, status: str = "completed") -> Verdict:
    return judge_target("it", target(measure_name, limit), found, status).verdict


def test_a_good_drill_passes() -> None:
    """Recovered after 120 s of 300 allowed, nothing lost, every invariant held: exit code 0."""
    story = ended(drill())
    found = judged(story)
    assert {name: each.verdict for name, each in found.items() if each.verdict is not PASS} == {}
    rto = found["time_to_recover_s"]
    assert (rto.kind, rto.verdict, rto.limit, rto.unit, rto.source, rto.target) == (
        "target", PASS, 300.0, "s", "runbook.md:12", "rto",
    )  # fmt: skip
    assert rto.measured == pytest.approx(120 + LATENCY_S)
    assert overall(list(found.values()), story.history()) is PASS
    assert exit_code(PASS, story.history()) == 0


def test_a_missed_target_fails() -> None:
    """120 s against a limit of 100."""
    assert verdict_of(measure(ended(drill()).history()), "time_to_recover_s", 100) is FAIL


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_a_measured_value_is_compared_with_its_limit(measured: float, limit: float) -> None:
    """A limit is met when it is not exceeded, to the last digit."""
    found = Measures(time_to_detect_s=measured, bitten=True, witnesses=1)
    assert verdict_of(found, "time_to_detect_s", limit) is (PASS if measured <= limit else FAIL)


def test_a_lost_write_fails_a_recovery_point_of_nothing_even_where_it_measures_zero() -> None:
    """Only the last acknowledged write was lost: by definition 0 s, and still not a recovery point of 0."""
    story = drill()
    found = judged(ended(story, lost=acknowledged_ids(story, before_s=30)[-1:]))["recovery_point_s"]
    assert (found.measured, found.verdict) == (0.0, FAIL)
    assert found.why == "1 acknowledged writes were lost, and the limit of 0 allows none"


def test_a_recovery_point_within_a_limit_above_nothing_passes_in_spite_of_lost_writes() -> None:
    """A documented RPO of five minutes allows to lose what was acknowledged in them."""
    story = drill()
    found = measure(ended(story, lost=acknowledged_ids(story, before_s=30)[-10:]).history())
    assert verdict_of(found, "recovery_point_s", 300) is PASS
    assert verdict_of(found, "recovery_point_s", 1) is FAIL
    assert verdict_of(found, "lost_writes", 0) is FAIL


# --- what proves nothing -------------------------------------------------------------------------------------------


def test_a_fault_that_never_bit_passes_nothing() -> None:
    """No outage, no evidence: neither recovery nor the absence of loss was tested."""
    found = judged(ended(without(drill(out=None), "fault.bit")))
    assert {found["time_to_recover_s"].verdict, found["recovery_point_s"].verdict} == {UNKNOWN}


def test_a_fault_that_bit_and_that_clients_did_not_feel_passes() -> None:
    """The stack stood it: recovered in 0 s."""
    found = judged(ended(drill(out=None)))
    assert (found["time_to_recover_s"].verdict, found["time_to_recover_s"].measured) == (PASS, 0.0)


def test_an_outage_longer_than_the_limit_fails_although_it_never_ended() -> None:
    """Still out after 230 s: more than 200 is certain, more than 300 is not known."""
    found = measure(ended(drill(out=(30, 1000))).history())
    assert verdict_of(found, "time_to_recover_s", 200) is FAIL
    assert verdict_of(found, "time_to_recover_s", 300) is UNKNOWN


def test_a_recovery_that_may_have_come_in_time_does_not_fail() -> None:
    """Good since 150 s and cut short before the settle time was over: 120 s of 125 allowed may have been enough."""
    found = measure(ended(drill(until_s=190), at_s=190.5).history())
    assert verdict_of(found, "time_to_recover_s", 125) is UNKNOWN
    assert verdict_of(found, "time_to_recover_s", 119) is FAIL


def test_a_drill_that_broke_off_by_its_own_error_does_not_fail_the_stack_for_what_did_not_end() -> None:
    """The responder crashed, so nobody repaired anything: not the stack's miss."""
    found = measure(ended(drill(out=(30, 1000)), status="errored", error="boom").history())
    assert verdict_of(found, "time_to_recover_s", 200, status="errored") is UNKNOWN


def test_a_loss_of_nothing_needs_writes_that_could_have_been_lost() -> None:
    """The load stopped ten seconds before the fault: an RPO of 0 was not tested."""
    story = drill(out=(20, 150))
    found = judged(ended(story))["recovery_point_s"]
    assert (found.measured, found.verdict) == (0.0, UNKNOWN)
    assert "no write was acknowledged shortly before the fault" in found.why


def test_without_a_reading_loss_and_invariants_are_unknown() -> None:
    """What was not looked at is not in order."""
    story = drill().at(261, "drill.finished", "made-up", status="completed")
    found = judged(story)
    assert found["recovery_point_s"].verdict is UNKNOWN
    assert found["data-read-back"].verdict is UNKNOWN
    assert overall(list(found.values()), story.history()) is UNKNOWN


def test_no_alert_is_a_failure_once_the_limit_is_over() -> None:
    """No expected alert in 231 s: a limit of 200 s is missed, one of 300 s is not known to be."""
    found = measure(ended(without(drill(), "alert.pending", "alert.firing")).history())
    assert verdict_of(found, "time_to_detect_s", 200) is FAIL
    assert verdict_of(found, "time_to_detect_s", 300) is UNKNOWN
    assert verdict_of(found, "time_to_acknowledge_s", 10) is UNKNOWN


def test_an_alert_that_fired_before_the_fault_makes_detection_unknown() -> None:
    """It was firing already: nobody knows when it would have."""
    story = without(drill(), "alert.pending", "alert.firing").at(10, "alert.firing", "DatabaseDown", labels={})
    assert verdict_of(measure(ended(story).history()), "time_to_detect_s", 10) is UNKNOWN


def test_a_recovery_with_a_relapse_to_the_end_is_unknown() -> None:
    """Recovered in time, and out again when the drill ended: neither met nor missed."""
    story = started(Story()).load(0, 260, [(30, 40), (200, 300)], order_every_s=0.2).at(30, "fault.injected", "kill")
    assert judged(ended(story))["time_to_recover_s"].verdict is UNKNOWN


def test_a_target_that_nobody_knows_is_unknown() -> None:
    """The scenario names two targets, the catalogue has one of them."""
    found = judged(ended(drill(targets=[RTO])))
    assert (found["rpo"].verdict, found["rpo"].limit, found["rpo"].why) == (UNKNOWN, None, "no target of this name is known")
    assert found["time_to_recover_s"].verdict is PASS


def test_changed_targets_are_judged_in_place_of_the_recorded_ones() -> None:
    """An old history, a new limit."""
    history = ended(drill()).history()
    stricter = {"rto": target("time_to_recover_s", 60), "rpo": target("recovery_point_s", 0)}
    found = {each.target: each.verdict for each in judge(history, measure(history), stricter) if each.kind == "target"}
    assert found == {"rto": FAIL, "rpo": PASS}


# --- invariants ----------------------------------------------------------------------------------------------------


def test_invariants_are_checked_again_where_what_they_look_at_was_recorded() -> None:
    """A recorded answer yields to the same check run on what was read back; one of another kind counts as recorded."""
    story = ended(drill())
    story.at(261, "check.finished", "lost-acknowledged-writes", ok=False, detail="an old bug")
    story.at(261, "check.finished", "checksums", ok=False, detail="page 7")
    found = judged(story)
    assert found["lost-acknowledged-writes"].verdict is PASS
    assert (found["checksums"].verdict, found["checksums"].why) == (FAIL, "page 7")


def test_a_recorded_check_has_three_answers() -> None:
    """What could not be judged is UNKNOWN."""
    story = drill()
    for name, ok in (("held", True), ("broken", False), ("open", None)):
        story.at(261, "check.finished", name, ok=ok, detail="")
    found = judged(story)
    assert [found[name].verdict for name in ("held", "broken", "open")] == [PASS, FAIL, UNKNOWN]


def test_a_crashed_check_is_unknown() -> None:
    """Rows that make no sense: no check can be judged, none passes."""
    story = drill().at(261, "readback.orders", "postgres", began_s=260.0, present=[], rows={"executions": [["short"]]})
    invariants = [each for each in judged(story).values() if each.kind == "invariant"]
    assert {each.verdict for each in invariants} == {UNKNOWN}


# --- the whole -----------------------------------------------------------------------------------------------------


def of(*verdicts: Verdict) -> list[Judgement]:
    return [Judgement("it", "target", verdict) for verdict in verdicts]


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ((), UNKNOWN),
        ((PASS,), PASS),
        ((PASS, PASS), PASS),
        ((PASS, UNKNOWN), UNKNOWN),
        ((UNKNOWN, FAIL, PASS), FAIL),
    ],
)
def test_the_worst_verdict_wins(verdicts: tuple[Verdict, ...], worst: Verdict) -> None:
    """FAIL before UNKNOWN before PASS; of nothing, UNKNOWN."""
    assert overall(of(*verdicts), ended(drill()).history()) is worst


FINISHED: list[tuple[Mapping[str, Any] | None, Verdict, int]] = [
    ({"status": "completed"}, PASS, 0),
    ({"status": "completed"}, FAIL, 1),
    ({"status": "completed"}, UNKNOWN, 3),
    ({"status": "errored", "error": "boom"}, UNKNOWN, 4),
    ({"status": "errored", "error": "boom"}, FAIL, 4),
    ({"status": "aborted", "signal": 2}, UNKNOWN, 130),
    ({"status": "aborted", "signal": 15}, FAIL, 143),
    ({"status": "aborted", "signal": "SIGTERM"}, UNKNOWN, 143),
    ({"status": "aborted"}, UNKNOWN, 3),
    ({"status": "nonsense"}, UNKNOWN, 4),
    (None, UNKNOWN, 3),
]


@pytest.mark.parametrize(("finished", "verdict", "code"), FINISHED)
def test_the_exit_code_tells_the_verdict_and_how_the_drill_ended(
    finished: Mapping[str, Any] | None, verdict: Verdict, code: int
) -> None:
    """0 pass, 1 fail, 3 unknown, 4 errored, 128 + signal; a history that just stops was aborted by nobody knows what."""
    story = started(Story())
    history = (story.at(1, "drill.finished", "it", **finished) if finished else story).history()
    assert exit_code(verdict, history) == code


@pytest.mark.parametrize("finished", [None, {"status": "aborted", "signal": 2}, {"status": "errored"}])
def test_a_drill_that_did_not_complete_passes_nothing(finished: Mapping[str, Any] | None) -> None:
    """Whatever was met until then, the whole is UNKNOWN at best, and FAIL where something failed."""
    story = started(Story())
    history = (story.at(1, "drill.finished", "it", **finished) if finished else story).history()
    assert overall(of(PASS), history) is UNKNOWN
    assert overall(of(PASS, FAIL), history) is FAIL


@pytest.mark.parametrize(("limit", "verdict", "why"), [
    (100.0, PASS, "missed, as the scenario expects: the replica is asleep"),
    (300.0, FAIL, "met, and the scenario expects a miss: the replica is asleep"),
])  # fmt: skip
def test_a_target_that_is_known_to_be_missed_passes_by_being_missed(limit: float, verdict: Verdict, why: str) -> None:
    """And meeting it fails: something is not as it was known to be. What was measured stays what it is."""
    story = ended(drill())
    story.events[:] = [_expecting(event, {"rto": "the replica is asleep"}) for event in story.events]
    history = story.history()
    targets = {"rto": target("time_to_recover_s", limit), "other": target("time_to_recover_s", limit)}
    found = {each.target: each for each in judge(history, measure(history), targets) if each.kind == "target"}
    assert (found["rto"].verdict, found["rto"].why, found["rto"].limit, found["rto"].known) == (verdict, why, limit, True)
    assert not found["other"].known
    assert found["other"].verdict is not verdict


def test_an_invariant_that_is_known_to_be_broken_passes_by_being_broken() -> None:
    """And fails when it holds."""
    story = ended(drill())
    held = story.history()
    names = [each.name for each in judge(held, measure(held), {}) if each.kind == "invariant" and each.verdict is PASS]
    started = next(event for event in story.events if event.kind == "drill.started")
    scenario = {**started.data.get("scenario", {}), "expect": {"miss": {}, "broken": {names[0]: "known"}}}
    story.events[story.events.index(started)] = replace(started, data={**started.data, "scenario": scenario})
    found = {each.name: each for each in judge(story.history(), measure(story.history()), {})}
    assert (found[names[0]].verdict, found[names[0]].why.endswith("held, and the scenario expects it broken: known")) == (
        FAIL,
        True,
    )


def test_an_expected_miss_that_could_not_be_judged_is_unknown() -> None:
    """A fault that never bit misses nothing."""
    story = without(ended(drill()), "fault.bit")
    story.events[:] = [_expecting(event, {"rto": "x"}) for event in story.events if event.kind != "op.ok"]
    history = story.history()
    found = judge(history, measure(history), {"rto": target("time_to_recover_s", 300)})
    assert next(each for each in found if each.target == "rto").verdict is UNKNOWN


def _expecting(event: Event, misses: Mapping[str, str]) -> Event:
    if event.kind != "drill.started":
        return event
    scenario = {**event.data.get("scenario", {}), "expect": {"miss": dict(misses)}}
    return replace(event, data={**event.data, "scenario": scenario})


def test_a_fault_whose_moment_never_came_passes_nothing() -> None:
    """The scenario has two, and one was injected."""
    story = ended(drill())
    whole = story.history()
    judgements = judge(whole, measure(whole), targets_of(whole))
    assert overall(judgements, whole) is PASS
    story.events[:] = [
        replace(event, data={**event.data, "scenario": {**event.data.get("scenario", {}), "faults": [{}, {}]}})
        if event.kind == "drill.started" else event
        for event in story.events
    ]  # fmt: skip
    assert overall(judgements, story.history()) is UNKNOWN


def test_a_fault_that_could_not_be_healed_passes_nothing() -> None:
    """A failed heal is never passed over."""
    story = ended(drill()).at(262, "fault.failed", "kill postgres-primary", verb="heal", error="no such process")
    assert overall(of(PASS), story.history()) is UNKNOWN


@pytest.mark.parametrize(("status", "found"), [("completed", "completed"), ("aborted", "aborted"), ("errored", "errored")])
def test_the_status_is_that_of_the_last_event(status: str, found: str) -> None:
    """As the conductor wrote it."""
    assert status_of(ended(drill(), status=status).history()) == found


BAD_TARGETS: list[Callable[[], list[dict[str, Any]]]] = [
    lambda: [{**RTO, "limit": -1}],
    lambda: [{key: value for key, value in RTO.items() if key != "name"}],
    lambda: [{**RTO, "colour": "red"}],
]


@pytest.mark.parametrize("targets", BAD_TARGETS)
def test_targets_that_cannot_be_read_are_refused(targets: Callable[[], list[dict[str, Any]]]) -> None:
    """A limit that nobody understands is no limit."""
    with pytest.raises(BadHistory, match="targets"):
        targets_of(drill(targets=targets()).history())


def test_an_empty_history_has_no_targets() -> None:
    """There is nothing to judge against."""
    assert targets_of(History(())) == {}


def planned(outcome: str = "done", *, pages: tuple[str, ...] = ()) -> Story:
    """Planned work during which nobody may be paged."""
    scenario = {"detection": {"alerts": [], "must-not-page": True}}
    story = without(drill(scenario=scenario), "page.sent", "page.acknowledged")
    story.at(28, "change.started", "runbooks/maintenance.md#restart").at(
        160, "change.finished", "runbooks/maintenance.md#restart", outcome=outcome
    )
    for name in pages:
        story.at(100, "page.sent", name, incident="1")
    return ended(story)


def test_planned_work_that_pages_somebody_fails() -> None:
    """Whatever alert it was; without a page it passes."""
    assert judged(planned())["nobody-paged"].verdict is PASS
    paged = judged(planned(pages=("DatabaseDown", "DatabaseDown")))["nobody-paged"]
    assert (paged.verdict, paged.why) == (FAIL, "somebody was paged: DatabaseDown")


def test_planned_work_that_was_not_done_or_not_watched_has_proven_nothing() -> None:
    """Nobody is paged for what doesn't happen, and a blind monitor pages nobody."""
    assert judged(planned("stopped"))["nobody-paged"].verdict is UNKNOWN
    blind = judged(planned().at(90, "monitor.problem", "cycle", message="too late"))["nobody-paged"]
    assert (blind.verdict, blind.why) == (UNKNOWN, "the monitor could not do its work: cycle: too late")
    assert judged(without(planned(), "fault.bit", "op.fail"))["nobody-paged"].verdict is UNKNOWN


def test_only_planned_work_is_judged_by_its_pages() -> None:
    """Everybody else is to be paged."""
    assert "nobody-paged" not in judged(ended(drill()))
