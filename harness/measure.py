"""Measures: numbers computed from a history, and from nothing else. Definitions are in `docs/history.md`.

All seconds are documented seconds; `wall` holds the same durations in wall time. What can't be measured is None and has its
reason in `why`. With several faults time counts from the first injection, and recovery is that from the last one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import ValidationError

from harness.errors import BadHistory
from harness.history import Event, History
from harness.loss import Loss, measure_loss, read_back_event
from harness.response import detection, time_to_acknowledge, time_to_detect, time_to_mitigate, time_to_roll_back
from harness.spans import Span, instant
from harness.steady import Instant, Observation, Outage
from harness.told import told
from harness.workload.ledger import Ledger, Operation, Outcome
from scenarios.model import SteadyState

_NO_FAULT = "no fault was injected"


@dataclass(frozen=True, slots=True)
class Counts:
    """Operations of one kind over the whole drill. Unknown: nobody answered, so they may have been done."""

    attempted: int = 0
    acknowledged: int = 0
    failed: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Orders since the first injection, by time: each stands for the time until the next one was due.

    `allowed_s` is the share of the time that the steady state tolerates as bad, `spent_s` the time that was bad.
    """

    observed_s: float
    allowed_s: float
    spent_s: float


@dataclass(frozen=True, slots=True)
class Durations:
    """The durations of a drill in one kind of time."""

    time_to_detect_s: float | None = None
    time_to_acknowledge_s: float | None = None
    time_to_mitigate_s: float | None = None
    time_to_recover_s: float | None = None
    recovery_point_s: float | None = None
    outage_s: float | None = None
    time_to_roll_back_s: float | None = None
    time_to_first_update_s: float | None = None
    longest_update_gap_s: float | None = None
    time_to_resolution_update_s: float | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """All measures of a drill. Documented seconds; None where it could not be measured, with the reason in `why`."""

    time_to_detect_s: float | None = None
    time_to_acknowledge_s: float | None = None
    time_to_mitigate_s: float | None = None
    time_to_recover_s: float | None = None
    recovery_point_s: float | None = None
    lost_writes: int | None = None
    outage_s: float | None = None
    outages: int | None = None
    time_to_roll_back_s: float | None = None
    time_to_first_update_s: float | None = None
    longest_update_gap_s: float | None = None
    time_to_resolution_update_s: float | None = None
    orders: Counts = Counts()
    canaries: Counts = Counts()
    latency_p50_ms: float | None = None  # wall, of acknowledged orders
    latency_p99_ms: float | None = None
    error_budget: ErrorBudget | None = None
    wall: Durations = Durations()
    why: Mapping[str, str] = field(default_factory=dict)
    at_least_s: Mapping[str, float] = field(default_factory=dict)  # durations that had not ended: what they had come to
    bitten: bool = False  # the fault is known to have taken effect
    witnesses: int = 0  # writes acknowledged shortly before the injection: without any, no loss could have shown
    updates_due_s: float = 0.0  # from the first status update to the news of the resolution: how long others were due
    out_at_end: bool = False  # clients were not served when observation ended

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(history: History) -> Measures:
    """Every measure of this history, however it ended. Raises BadHistory when its scenario can't be read."""
    ledger = Ledger.of(history)
    counted: dict[str, Any] = {
        "orders": _counts(ledger.orders), "canaries": _counts(ledger.canaries),
        "latency_p50_ms": _latency_ms(ledger, 0.5), "latency_p99_ms": _latency_ms(ledger, 0.99),
    }  # fmt: skip
    injections = list(history.of_kind("fault.injected"))
    if not injections:
        names = (*Durations.__dataclass_fields__, "lost_writes")
        return Measures(**counted, why=dict.fromkeys(names, _NO_FAULT))
    scenario = scenario_of(history)
    steady = steady_state_of(scenario)
    observed = Observation(ledger.operations, steady)
    outages = observed.outages(injections[0].at_s, steady.settle_s)
    expected = frozenset(scenario.get("detection", {}).get("alerts", ()))
    found = detection(history, expected, injections[0])
    bitten = _bitten(history, injections, outages)
    recovered = _time_to_recover(injections, observed, outages, steady, bitten=bitten)
    spans = {
        "time_to_detect_s": time_to_detect(history, found, injections[0]),
        "time_to_acknowledge_s": time_to_acknowledge(history, expected, found),
        "time_to_mitigate_s": time_to_mitigate(history, injections[0]),
        "time_to_recover_s": recovered,
        "time_to_roll_back_s": time_to_roll_back(history, injections[0], recovered),
    }
    news = told(history, injections[0], scenario, _fixed(spans, outages))
    return _assembled(
        {**spans, **news.spans}, outages, measure_loss(history, ledger, injections[0], outages), observed, why_lost=_why_no_loss(history),
        bitten=bitten, error_budget=_error_budget(observed, steady, injections[0].at_s), updates_due_s=news.incident_s, **counted,
    )  # fmt: skip


def _assembled(
    spans: Mapping[str, Span],
    outages: Sequence[Outage],
    loss: Loss | None,
    observed: Observation,
    *,
    why_lost: str,
    **others: Any,
) -> Measures:
    why = {name: span.why for name, span in spans.items() if span.documented_s is None}
    at_least_s = {name: span.at_least_s for name, span in spans.items() if span.at_least_s is not None}
    wall = {name: span.wall_s for name, span in spans.items()}
    documented: dict[str, Any] = {name: span.documented_s for name, span in spans.items()}
    if loss is None:
        why |= dict.fromkeys(("recovery_point_s", "lost_writes"), why_lost)
    else:
        documented["recovery_point_s"], wall["recovery_point_s"] = loss.documented_s, loss.wall_s
    out_at_end = bool(outages) and outages[-1].end is None
    if out_at_end:
        why["outage_s"] = "the outage had not ended when observation did"
        at_least_s["outage_s"] = sum(outage.least_end_s - outage.start_s for outage in outages)
    elif not observed.orders.operations:
        why["outage_s"] = "no order was observed"
    else:
        documented["outage_s"] = sum(outage.end.at_s - outage.start.at_s for outage in outages if outage.end)
        wall["outage_s"] = sum(outage.end.wall_s - outage.start.wall_s for outage in outages if outage.end)
    return Measures(
        **documented, **others, lost_writes=None if loss is None else len(loss.lost), outages=len(outages), wall=Durations(**wall),
        why=why, at_least_s=at_least_s, witnesses=loss.witnesses if loss else 0, out_at_end=out_at_end,
    )  # fmt: skip


def _time_to_recover(
    injections: Sequence[Event], observed: Observation, outages: Sequence[Outage], steady: SteadyState, *, bitten: bool
) -> Span:
    """From the first injection to the end of the first outage that ended after the last one; without such, of the last outage.

    A fault that bit without any outage was recovered from at once, if the steady state then held.
    """
    start, last_s = instant(injections[0]), injections[-1].at_s
    outage = next((each for each in outages if each.end is None or each.end.at_s > last_s), outages[-1] if outages else None)
    if outage is not None:
        return Span(
            start, outage.end, outage.least_end_s, "" if outage.end else "clients were not served again for the settle time"
        )
    if not observed.orders.operations:
        return Span(start, why="no order was observed")
    if not bitten:
        return Span(start, why="the fault never bit: clients lost no service, and nothing shows that it took effect")
    if not observed.holds(last_s, steady.settle_s):
        return Span(start, why="observation ended before the steady state had held for the settle time")
    return Span(start, start)


def _fixed(spans: Mapping[str, Span], outages: Sequence[Outage]) -> Instant | None:
    """When it was mended: the end of the outage, or of the procedure where clients never felt anything."""
    recovered = spans["time_to_recover_s"].end
    return recovered if outages or recovered is None else spans["time_to_mitigate_s"].end or recovered


def _bitten(history: History, injections: Sequence[Event], outages: Sequence[Outage]) -> bool:
    """Did every fault take effect? An outage shows it only for a fault that was alone."""
    bit = {event.subject for event in history.of_kind("fault.bit")}
    return all(event.subject in bit for event in injections) or (len(injections) == 1 and bool(outages))


def _why_no_loss(history: History) -> str:
    if read_back_event(history) is not None:
        return "no write had been acknowledged before the data were read back"
    failed = history.last("readback.failed")
    return f"the data could not be read back: {failed.data.get('error', '')}" if failed else "the data were not read back"


def _error_budget(observed: Observation, steady: SteadyState, from_s: float) -> ErrorBudget | None:
    orders = observed.orders
    first, end = orders.between(from_s, observed.until_s)
    if first == end:
        return None
    until = [*orders.due_s[first + 1 : end], observed.until_s]
    spent_s = sum(
        then - due for due, then, good in zip(orders.due_s[first:end], until, orders.good[first:end], strict=True) if not good
    )
    observed_s = observed.until_s - orders.due_s[first]
    return ErrorBudget(observed_s, (1 - steady.success_ratio) * observed_s, spent_s)


def _counts(operations: Iterable[Operation]) -> Counts:
    outcomes = [operation.outcome for operation in operations]
    acknowledged, failed = outcomes.count(Outcome.OK), outcomes.count(Outcome.FAIL)
    return Counts(len(outcomes), acknowledged, failed, len(outcomes) - acknowledged - failed)


def _latency_ms(ledger: Ledger, quantile: float) -> float | None:
    """The smallest latency that this share of the acknowledged orders did not exceed."""
    found = sorted(one.latency_ms for one in ledger.orders if one.acknowledged and one.latency_ms is not None)
    return found[max(math.ceil(len(found) * quantile) - 1, 0)] if found else None


def scenario_of(history: History) -> Mapping[str, Any]:
    """The scenario as it stands in the history. Raises BadHistory where there is none."""
    started = history.first("drill.started")
    scenario = started.data.get("scenario") if started else None
    if not isinstance(scenario, Mapping):
        raise BadHistory("The history has no drill.started event with a scenario: what was rehearsed is not known.")
    return scenario


def steady_state_of(scenario: Mapping[str, Any]) -> SteadyState:
    """A scenario's definition of the steady state; its durations stand in a history as texts or as seconds. Raises BadHistory."""
    found = scenario.get("steady-state", scenario.get("steady_state", {}))
    try:
        return SteadyState.model_validate({key: _duration(key, value) for key, value in dict(found).items()})
    except (ValidationError, TypeError, ValueError) as error:
        raise BadHistory(f"The steady state in the history can't be read: {error}") from error


def _duration(key: str, value: object) -> object:
    is_seconds = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.6f}s" if is_seconds and key.removesuffix("_s") in ("hold", "settle") else value
