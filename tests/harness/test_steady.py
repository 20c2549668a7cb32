"""Steady state, outages and recovery, worked out by hand and by planting outages of known length."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.steady import Observation, outage, outages, recovered_at, steady_since
from harness.workload.ledger import Operation
from scenarios.model import SteadyState
from tests.harness.histories import CANARY_EVERY_S, LATENCY_S, ORDER_EVERY_S, TIMEOUT_S, Story, every

STEADY = SteadyState.model_validate({"settle": "10s", "hold": "5s"})


def out(*periods: tuple[float, float], until_s: float = 60.0, kinds: str = "order canary") -> list[Operation]:
    """A minute of load in which the operations due in these periods fail."""
    return Story().load(0, until_s, periods, kinds=kinds).operations()


def test_a_total_outage_is_measured_from_its_first_bad_order_to_the_first_acknowledgement_after_it() -> None:
    """Orders fall due at 20.00, 20.04, ... 22.96: the first bad one is due at 20, the first good one is answered at 23.005."""
    found = outage(out((20, 23)), STEADY, after_s=19.9)
    assert found is not None
    assert found.start_s == pytest.approx(20.0)
    assert found.end_s == pytest.approx(23.0 + LATENCY_S)
    assert found.duration_s == pytest.approx(3.0 + LATENCY_S)


@settings(max_examples=60, deadline=None)
@given(start_s=st.floats(12, 30), length_s=st.floats(3 * ORDER_EVERY_S + 0.001, 15))
def test_any_planted_outage_is_found_to_one_probe_interval(start_s: float, length_s: float) -> None:
    """Both ends of an outage of every order are right to one interval between orders plus one latency."""
    found = outage(out((start_s, start_s + length_s), kinds="order"), STEADY, after_s=11)
    assert found is not None
    assert found.end_s is not None
    assert 0 <= found.start_s - start_s <= ORDER_EVERY_S + 1e-6
    assert 0 <= found.end_s - (start_s + length_s) <= ORDER_EVERY_S + LATENCY_S + 1e-6


@settings(max_examples=30, deadline=None)
@given(start_s=st.floats(12, 30), length_s=st.floats(2 * CANARY_EVERY_S + 0.001, 15))
def test_an_outage_that_only_canaries_see_is_found_to_one_canary_interval(start_s: float, length_s: float) -> None:
    """A broken pipeline is an outage although every order still succeeds."""
    found = outage(out((start_s, start_s + length_s), kinds="canary"), STEADY, after_s=11)
    assert found is not None
    assert found.end_s is not None
    assert 0 <= found.start_s - start_s <= CANARY_EVERY_S + 1e-6
    assert 0 <= found.end_s - (start_s + length_s) <= CANARY_EVERY_S + LATENCY_S + 1e-6


@settings(max_examples=30, deadline=None)
@given(gap_s=st.floats(10.5, 15), lengths=st.lists(st.floats(0.2, 3), min_size=1, max_size=3))
def test_every_one_of_several_planted_outages_is_found(gap_s: float, lengths: list[float]) -> None:
    """Outages further apart than the settle time are told apart, each with its own ends."""
    periods, at_s = [], 12.0
    for length_s in lengths:
        periods.append((at_s, at_s + length_s))
        at_s += length_s + gap_s
    found = outages(out(*periods, until_s=at_s + 12, kinds="order"), STEADY, after_s=5)
    assert [one.start_s for one in found] == pytest.approx([start for start, _ in periods], abs=ORDER_EVERY_S + 1e-6)
    assert [one.end_s for one in found] == pytest.approx([end for _, end in periods], abs=ORDER_EVERY_S + LATENCY_S + 1e-6)


def test_two_outages_closer_than_the_settle_time_are_one() -> None:
    """A window that does not hold for the settle time is no recovery, so the outage goes on to the end of the second."""
    (found,) = outages(out((20, 21), (25, 27)), STEADY, after_s=19)
    assert (found.start_s, found.end_s) == pytest.approx((20, 27 + LATENCY_S))


def test_a_request_held_through_the_outage_does_not_end_it_early() -> None:
    """Orders due at 22.6 to 22.96 are held and answered at 23.005, in time: the stack worked from 23, not from 22.6."""
    story = Story().load(0, 20)
    for n in range(1000):
        due_s = 20 + n * ORDER_EVERY_S
        answered_s = max(due_s, 23.0) + LATENCY_S
        story.operation(due_s, "order", "ok", answered_s - due_s)
    for n in range(80):
        due_s = 20 + n * CANARY_EVERY_S
        story.operation(due_s, "canary", "ok", max(due_s, 23.0) + LATENCY_S - due_s)
    found = outage(story.operations(), STEADY, after_s=19.9)
    assert found is not None
    assert (found.start_s, found.end_s) == pytest.approx((20.0, 23.005))


@pytest.mark.parametrize("bad", [1, 2])
def test_one_or_two_failed_orders_are_no_outage(bad: int) -> None:
    """An isolated failure is within tolerance, however few operations the window holds."""
    assert outages(out((20, 20 + bad * ORDER_EVERY_S - 0.001)), STEADY, after_s=19) == []


def test_three_failed_orders_in_a_row_are_an_outage() -> None:
    """The shortest outage that orders can show: 0.12 s of a settle time of 10 s, of which 0.1 s are tolerated."""
    (found,) = outages(out((20, 20 + 3 * ORDER_EVERY_S - 0.001), kinds="order"), STEADY, after_s=19)
    assert found.duration_s == pytest.approx(3 * ORDER_EVERY_S + LATENCY_S)


def test_an_order_slower_than_the_limit_is_bad_although_it_was_acknowledged() -> None:
    """Late success is failure: orders that take 0.6 s against a limit of 500 ms make an outage."""
    story = Story().load(0, 20)
    for n in range(1000):
        due_s = 20 + n * ORDER_EVERY_S
        story.operation(due_s, "order", "ok", 0.6 if due_s < 25 else LATENCY_S)
    for n in range(80):
        story.operation(20 + n * CANARY_EVERY_S, "canary", "ok", LATENCY_S)
    found = outage(story.operations(), STEADY, after_s=19)
    assert found is not None
    assert (found.start_s, found.end_s) == pytest.approx((20, 25 + LATENCY_S))


def test_scattered_failures_beyond_the_tolerated_share_are_an_outage() -> None:
    """Every tenth order fails, never two in a row: 10 % against a tolerated 1 % from 20 s to 30 s."""
    story = Story().load(0, 20)
    for n in range(1000):
        due_s = 20 + n * ORDER_EVERY_S
        story.operation(due_s, "order", "fail" if due_s < 30 and n % 10 == 0 else "ok", LATENCY_S)
    for n in range(80):
        story.operation(20 + n * CANARY_EVERY_S, "canary", "ok", LATENCY_S)
    found = outage(story.operations(), STEADY, after_s=19)
    assert found is not None
    assert found.end_s is not None
    assert found.start_s == pytest.approx(20.0)
    assert 28.5 < found.end_s < 30  # the last two of them are isolated failures


def test_the_share_is_of_time_and_not_of_operations() -> None:
    """Five orders in a row fail in 0.2 s at rate 1, in a minute of which the rest runs at speed 20: 0.3 % of the time, 6 % of the orders."""
    story = Story()
    measured = [100 + n * ORDER_EVERY_S for n in range(10)]
    for due_s in [*every(0, 100, 20 * ORDER_EVERY_S), *measured, *every(101, 200, 20 * ORDER_EVERY_S)]:
        story.operation(due_s, "order", "fail" if due_s in measured[:5] else "ok", LATENCY_S)
    for due in every(0, 200, 20 * CANARY_EVERY_S):
        story.operation(due, "canary", "ok", LATENCY_S)
    minute = SteadyState.model_validate({"settle": "60s"})
    assert outages(story.operations(), minute, after_s=50) == []
    assert len(outages(story.operations(), STEADY, after_s=50)) == 1  # of ten seconds it is 2 %


def test_scattered_failures_within_the_tolerated_share_are_none() -> None:
    """1 of 125 orders is 0.8 % of them: less than the tolerated 1 %."""
    story = Story()
    for n in range(2000):
        story.operation(n * ORDER_EVERY_S, "order", "fail" if n % 125 == 0 else "ok", LATENCY_S)
    assert outages(story.operations(), STEADY, after_s=20) == []


def test_an_isolated_failure_before_the_outage_does_not_start_it() -> None:
    """A lost order at 15 s and an outage at 20 s: the outage starts at 20."""
    found = outage(out((15, 15.01), (20, 23)), STEADY, after_s=14)
    assert found is not None
    assert found.start_s == pytest.approx(20)


def test_an_outage_that_does_not_end_has_no_end_but_an_earliest_one() -> None:
    """While everything still fails, it cannot have ended before the end of observation."""
    found = outage(out((20, 60)), STEADY, after_s=19)
    assert found is not None
    assert (found.end, found.duration_s) == (None, None)
    assert found.least_end_s == pytest.approx(60, abs=0.5)


def test_recovery_is_not_known_before_the_settle_time_is_over() -> None:
    """Good since 50 s with a settle time of 10 s: not proven at 59 s, proven at 60.1 s, and 50.005 either way."""
    operations = out((20, 50), until_s=70)
    assert recovered_at(operations, STEADY, after_s=19, until_s=59) is None
    open_ended = outage(operations, STEADY, after_s=19, until_s=59)
    assert open_ended is not None
    assert open_ended.least_end_s == pytest.approx(50 + LATENCY_S)
    assert recovered_at(operations, STEADY, after_s=19, until_s=60.1) == pytest.approx(50 + LATENCY_S)


def test_what_was_due_after_an_unfinished_operation_is_not_judged() -> None:
    """An order due at 55 s is still open: the settle time from 50 s to 60 s was not seen to its end."""
    story = Story().load(0, 70, [(20, 50)])
    story.operation(55, "order", "open", 0)
    assert recovered_at(story.operations(), STEADY, after_s=19) is None


def test_recovery_needs_a_canary() -> None:
    """Orders alone do not show that the pipeline works: without any canary the recovery is not known."""
    operations = [operation for operation in out((20, 23)) if operation.op == "order"]
    found = outage(operations, STEADY, after_s=19)
    assert found is not None
    assert found.end is None
    assert found.least_end_s == pytest.approx(23 + LATENCY_S)


def test_a_canary_that_still_fails_delays_recovery() -> None:
    """Orders are back at 23 s but the pipeline only at 30 s: the outage ends when both work."""
    story = Story().load(0, 60, [(20, 23)], kinds="order").events
    pipeline = Story().load(0, 60, [(20, 30)], kinds="canary").events
    events = [event for event in story if "-o-" in event.subject] + [event for event in pipeline if "-c-" in event.subject]
    found = outage(Story(events=events).operations(), STEADY, after_s=19)
    assert found is not None
    assert (found.start_s, found.end_s) == pytest.approx((20, 30 + LATENCY_S))


def test_the_whole_settle_time_counts_from_the_instant_of_recovery() -> None:
    """Canaries fail from 20 to 23 s and orders from 32.5 s: good for 9.5 s is not good for 10, so it is one outage."""
    story = Story()
    for op, step_s, start_s, end_s in (("order", ORDER_EVERY_S, 32.5, 33.0), ("canary", CANARY_EVERY_S, 20.0, 23.0)):
        for due_s in every(0, 60, step_s):
            story.operation(due_s, op, "fail" if start_s <= due_s < end_s else "ok", LATENCY_S)
    (found,) = outages(story.operations(), STEADY, after_s=19)
    assert (found.start_s, found.end_s) == pytest.approx((20.0, 33.0 + LATENCY_S), abs=ORDER_EVERY_S)


def test_canaries_that_fail_again_within_the_settle_time_delay_recovery() -> None:
    """The pipeline works for a moment at 23 s and fails from 25 to 26.5 s: recovered after that."""
    story = Story()
    for due_s in every(0, 60, ORDER_EVERY_S):
        story.operation(due_s, "order", "fail" if 20 <= due_s < 23 else "ok", LATENCY_S)
    for due_s in every(0, 60, CANARY_EVERY_S):
        story.operation(due_s, "canary", "fail" if 20 <= due_s < 23 or 25 <= due_s < 26.5 else "ok", LATENCY_S)
    (found,) = outages(story.operations(), STEADY, after_s=19)
    assert found.end_s == pytest.approx(26.5 + LATENCY_S)


def test_scattered_failures_are_one_outage_up_to_the_one_that_exceeds_the_share() -> None:
    """Single failures at 20, 24 and 28 s are 1.2 % of the 250 orders of ten seconds: out from the first to after the last."""
    (found,) = outages(out((20, 20.01), (24, 24.01), (28, 28.01), kinds="order"), STEADY, after_s=19)
    assert (found.start_s, found.end_s) == pytest.approx((20.0, 28.0 + ORDER_EVERY_S + LATENCY_S))


def test_a_row_of_failures_counts_only_as_far_as_it_lies_in_the_window() -> None:
    """Of three failures from 20 s on a window that begins with the second has two: it holds, one from the first does not."""
    observed = Observation(out((20, 20.09), kinds="order"), STEADY)
    assert observed.holds(20 + ORDER_EVERY_S - 0.001, 10)
    assert not observed.holds(20 - 0.001, 10)


def test_failures_before_the_fault_are_not_counted_with_those_after_it() -> None:
    """Two single failures before it and one after it are not the three that make an outage."""
    operations = out((20, 20.01), (24, 24.01), (28, 28.01), kinds="order")
    assert outages(operations, STEADY, after_s=25) == []


def test_an_outage_that_was_on_already_starts_at_the_given_instant() -> None:
    """Only what was due from then on is looked at."""
    found = outage(out((20, 23)), STEADY, after_s=21)
    assert found is not None
    assert found.start_s == pytest.approx(21.0)


@settings(max_examples=150, deadline=None)
@given(
    orders=st.lists(st.sampled_from([True] * 9 + [False]), min_size=30, max_size=120),
    canaries=st.lists(st.sampled_from([True] * 5 + [False]), max_size=12),
    window=st.tuples(st.integers(0, 100), st.integers(1, 60)),
    ratio=st.sampled_from([0.9, 0.97, 0.99, 1.0]),
)
def test_any_window_is_judged_as_by_counting(
    orders: list[bool], canaries: list[bool], window: tuple[int, int], ratio: float
) -> None:
    """The running sums give what counting the window's operations one by one gives. An order a second, a canary every ten."""
    story = Story()
    for op, goods, step_s in (("order", orders, 1), ("canary", canaries, 10)):
        for number, good in enumerate(goods):
            story.operation(number * step_s, op, "ok" if good else "fail", LATENCY_S)
    steady = SteadyState.model_validate({"success-ratio": ratio})
    start, length = window
    until_s = len(orders) - 1
    finished = canaries[: -(-until_s // 10)]  # those due before then
    seen_orders, seen_canaries = orders[start : start + length], finished[-(-start // 10) : -(-(start + length) // 10)]
    expected = (
        start + length <= until_s
        and not counted_broken(seen_orders, 3, ratio)
        and not counted_broken(seen_canaries, 2, ratio)
        and any(seen_canaries or finished[-(-start // 10) : -(-start // 10) + 1])
    )
    assert Observation(story.operations(), steady, until_s=until_s).holds(start, length) is expected


def counted_broken(goods: list[bool], least: int, ratio: float) -> bool:
    """The definition, word by word, where operations are due at even intervals."""
    bad = goods.count(False)
    return bad >= least and bad / len(goods) > 1 - ratio + 1e-9


def test_failures_before_the_given_instant_are_not_its_outage() -> None:
    """An outage that was over before the injection is not the fault's."""
    assert outages(out((20, 23)), STEADY, after_s=30) == []


def test_documented_time_decides_and_wall_time_is_kept_beside_it() -> None:
    """At rate 20 an outage of one wall second is one of twenty documented seconds."""
    steady = SteadyState.model_validate({"settle": "60s"})
    found = outage(Story(documented=lambda wall_s: wall_s * 20).load(0, 20, [(5, 6)]).operations(), steady, after_s=95)
    assert found is not None
    assert found.end is not None
    assert (found.start.at_s, found.start.wall_s) == pytest.approx((100, 5))
    assert (found.end.at_s, found.end.wall_s) == pytest.approx((120.1, 6.005))


def test_the_steady_state_is_proven_only_after_it_held_long_enough() -> None:
    """Good from 0 s: not proven for 5 s at 4 s, proven at 6 s, counted from five seconds before."""
    operations = sorted(out(until_s=60), key=lambda operation: operation.done_s or 0)
    early = [operation for operation in operations if (operation.done_s or 0) < 4]
    assert steady_since(early, STEADY, hold_s=5) is None
    later = [operation for operation in operations if (operation.done_s or 0) < 6]
    assert steady_since(later, STEADY, hold_s=5) == pytest.approx(0.96, abs=ORDER_EVERY_S)


def test_the_steady_state_is_not_proven_over_an_outage() -> None:
    """With failures less than the required time ago it is not proven; afterwards it is."""
    operations = sorted(out((20, 23)), key=lambda operation: operation.done_s or 0)
    assert steady_since([one for one in operations if (one.done_s or 0) < 27], STEADY, hold_s=5) is None
    assert steady_since([one for one in operations if (one.done_s or 0) < 29], STEADY, hold_s=5) is not None


def test_the_steady_state_is_not_proven_by_nothing() -> None:
    """No operations, or no canaries: not known."""
    assert steady_since([], STEADY, hold_s=5) is None
    assert steady_since([one for one in out() if one.op == "order"], STEADY, hold_s=5) is None


def test_a_window_shorter_than_the_canaries_cadence_is_lengthened_to_hold_one() -> None:
    """Holding for 0.1 s can't be shown between two canaries: the window reaches back to the last one."""
    operations = sorted(out(until_s=10.3), key=lambda operation: operation.done_s or 0)
    assert steady_since(operations, STEADY, hold_s=0.1) == pytest.approx(10.0)


def test_a_hundred_thousand_operations_are_judged() -> None:
    """An hour of load at 25 orders a second, with one outage in it."""
    found = outage(out((1800, 1900), until_s=3600), STEADY, after_s=1799)
    assert found is not None
    assert found.duration_s == pytest.approx(100 + LATENCY_S, abs=TIMEOUT_S / 100)
