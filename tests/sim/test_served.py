"""sim/served.py: outages over runs are those that harness.steady finds over operations."""

from __future__ import annotations

import math

from hypothesis import assume, given
from hypothesis import strategies as st

from harness.steady import Observation
from harness.workload.ledger import Operation, Outcome
from scenarios.model import SteadyState
from sim.served import LEAST_BAD_CANARIES, LEAST_BAD_ORDERS, Service, Stream

SETTLE_S, END_S, AFTER_S = 6.0, 60.0, 10.0
STEADY = SteadyState(hold="2s", settle="6s")  # type: ignore[call-arg]
spans = st.lists(st.tuples(st.floats(10, 55), st.floats(0.05, 12)), max_size=4)


def stream(out: list[tuple[float, float]], every_s: float, phase_s: float, latency_s: float, least: int) -> Stream:
    made = Stream(phase_s, every_s, latency_s, least=least, success_ratio=STEADY.success_ratio)
    return made.observe(out, END_S)


def operations(made: Stream, op: str) -> list[Operation]:
    """The ledger of a stream."""
    bad = {number for first, end in made.runs for number in range(first, end)}
    return [
        Operation(
            f"{op}{number}", op, made.due_s(number), made.due_s(number), Outcome.FAIL if number in bad else Outcome.OK,
            made.due_s(number) + made.latency_s, made.due_s(number) + made.latency_s, made.latency_s * 1000,
        )
        for number in range(made.count)
    ]  # fmt: skip


def merged(found: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Periods in order, none touching the next."""
    out: list[tuple[float, float]] = []
    for start, length in sorted(found):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], start + length))
        else:
            out.append((start, start + length))
    return out


@given(spans, spans, st.floats(0, 0.1), st.floats(0, 0.5), st.sampled_from([0.01, 0.03, 0.2]), st.booleans())
def test_the_same_outages_as_over_operations(
    orders: list[tuple[float, float]],
    canaries: list[tuple[float, float]],
    phase_s: float,
    canary_phase_s: float,
    latency_s: float,
    endless: bool,
) -> None:
    """Whatever goes out and comes back: starts, ends and the least that an unfinished outage lasts are those of harness.steady."""
    apart_s = (canary_phase_s - phase_s) % 0.1
    assume(1e-6 < apart_s < 0.1 - 1e-6)  # which of two that are due at the same instant is first, rounding decides
    out = merged(orders)
    if endless and out:
        out[-1] = (out[-1][0], math.inf)
    both = (
        stream(out, 0.1, phase_s, latency_s, LEAST_BAD_ORDERS),
        stream(merged(canaries), 0.5, canary_phase_s, latency_s, LEAST_BAD_CANARIES),
    )
    ledger = [*operations(both[0], "order"), *operations(both[1], "canary")]
    expected = Observation(ledger, STEADY).outages(AFTER_S, SETTLE_S)
    found = Service(*both, SETTLE_S).outages(AFTER_S)
    assert [(round(a, 6), None if b is None else round(b, 6), round(c, 6)) for a, b, c in found] == [
        (round(each.start_s, 6), None if each.end_s is None else round(each.end_s, 6), round(each.least_end_s, 6))
        for each in expected
    ]
