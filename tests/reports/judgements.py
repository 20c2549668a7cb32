"""Made-up measures and judgements for reports."""

from __future__ import annotations

from dataclasses import replace

from harness.history import Event
from harness.measure import Counts, Durations, Measures
from harness.result import Result
from harness.verdict import Judgement, Verdict

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN

MEASURES = Measures(
    time_to_detect_s=35.0, time_to_acknowledge_s=43.0, time_to_mitigate_s=84.0, time_to_recover_s=108.4, recovery_point_s=0.021,
    lost_writes=3, outage_s=108.4, outages=1, orders=Counts(3000, 2400, 590, 10), canaries=Counts(240, 240, 0, 0),
    latency_p50_ms=4.1, latency_p99_ms=40.0, wall=Durations(time_to_detect_s=1.9), bitten=True, witnesses=100,
)  # fmt: skip
UNTESTED = Measures(why={"time_to_recover_s": "no fault was injected"})


def target(name: str, limit: float, measured: float | None, verdict: Verdict, *, unit: str = "s", why: str = "") -> Judgement:
    """A judged target of this measure."""
    return Judgement(name, "target", verdict, limit, measured, unit, "eafix-operations.md:466", why, f"target-of-{name}")


def invariant(name: str, verdict: Verdict = PASS, why: str = "") -> Judgement:
    return Judgement(name, "invariant", verdict, why=why)


JUDGEMENTS = (
    target("time_to_recover_s", 1800, 108.4, PASS),
    target("lost_writes", 0, 3, FAIL, unit="writes"),
    target("recovery_point_s", 0, 0.021, FAIL),
    invariant("no-duplicates"),
    invariant("positions-equal-executions"),
)


def result_of(
    started: Event, *, measures: Measures = MEASURES, verdict: Verdict = FAIL, judgements: tuple[Judgement, ...] = JUDGEMENTS
) -> Result:
    """The result of a drill that these judgements were made of."""
    return Result("20261121T100000Z-made-up-abc123", started.subject, "completed", verdict, 1, measures, judgements, started)


def without_recovery(measures: Measures) -> Measures:
    """The same, had clients never been served again."""
    return replace(
        measures, time_to_recover_s=None, outage_s=None, out_at_end=True, at_least_s={"time_to_recover_s": 312.0},
        why={"time_to_recover_s": "clients were not served again for the settle time"},
    )  # fmt: skip
