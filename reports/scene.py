"""What a timeline shows, gathered from a history before anything is drawn: one zero, one span, everything within it.

Times in a scene are documented seconds since the first fault (since the start, where nothing was injected).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from harness.history import History
from harness.measure import Measures
from harness.verdict import Judgement
from reports import chronicle
from reports.chronicle import Moment, Span, Step
from reports.windows import Operation, Window, nice_width_s, operations, percentile, windows

Op = Literal["order", "canary"]
_OPS: tuple[Op, ...] = ("order", "canary")
_FARTHEST_TARGET = 1.5  # a target line farther out than this many spans is told at the edge, not drawn
_LEAD = 0.18  # share of the span shown before the fault


@dataclass(frozen=True, slots=True)
class ClientView:
    """One sort of operation as its clients saw it. `patience_s`: a longer silence than this is shown as a gap."""

    op: Op
    windows: tuple[Window, ...]
    late_after_ms: float | None
    patience_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a timeline draws."""

    title: str
    about: tuple[str, ...]
    from_s: float
    to_s: float
    fault_known: bool
    outage: tuple[float, float] | None  # from the fault to recovery, or to the end where there was none
    target_s: float | None  # when recovery was due
    moments: tuple[Moment, ...]
    steps: tuple[Step, ...]
    health: Mapping[str, list[Span]]
    alerts: Mapping[str, list[Span]]
    views: tuple[ClientView, ...]

    @property
    def target_in_sight(self) -> bool:
        return self.target_s is not None and self.target_s <= self.to_s


def compose(history: History, measures: Measures, judgements: Sequence[Judgement]) -> Scene:
    """The scene of a history, however short it was cut."""
    zero = chronicle.first_fault_s(history)
    shift = zero if zero is not None else 0.0
    recovered = chronicle.recovered_s(history, measures)
    end = max((event.at_s for event in history.events), default=0.0)
    settings = _scenario(history)
    found = {op: operations(history, op, late_after_ms=_late_after(settings, op), zero_s=shift) for op in _OPS}
    begin = _begin(zero, end, min((ops[0].intended_s for ops in found.values() if ops), default=0.0) + shift)
    from_s, to_s = begin - shift, max(end - shift, begin - shift + 1.0)
    due = recovery_limit_s(judgements) if zero is not None else None
    if due is not None and to_s < due <= to_s + (to_s - from_s) * (_FARTHEST_TARGET - 1):
        to_s = due + (due - from_s) * 0.03
    width = nice_width_s(to_s - from_s)
    speed = _speed(history)
    views = tuple(
        ClientView(op, tuple(windows(ops, width)), _late_after(settings, op), _patience_s(ops, width, speed))
        for op, ops in found.items()
        if ops
    )
    return Scene(
        title=chronicle.scenario_title(history),
        about=_about(history),
        from_s=from_s,
        to_s=to_s,
        fault_known=zero is not None,
        outage=None if zero is None else (0.0, (recovered if recovered is not None else end) - shift),
        target_s=due,
        moments=tuple(replace(moment, at_s=moment.at_s - shift) for moment in chronicle.moments(history, measures)),
        steps=tuple(_step_moved(step, shift) for step in chronicle.steps(history)),
        health=_spans_moved(chronicle.health(history, end), shift),
        alerts=_spans_moved(chronicle.alerts(history, end), shift),
        views=views,
    )


def recovery_limit_s(judgements: Iterable[Judgement]) -> float | None:
    """The strictest documented limit for the time to recover."""
    limits = [j.limit for j in judgements if j.name == "time_to_recover_s" and j.limit is not None]
    return min(limits, default=None)


def _begin(zero: float | None, end: float, first_operation: float) -> float:
    """Where the picture begins: booting is no part of it, nor more than a little of the steady state."""
    if zero is None:
        return min(first_operation, end)
    lead = max((end - zero) * _LEAD / (1 - _LEAD), 1.0)
    return max(min(first_operation, zero), zero - lead)


def _scenario(history: History) -> Mapping[str, Any]:
    started = chronicle.begin(history)
    scenario = started.data.get("scenario") if started else None
    return scenario if isinstance(scenario, dict) else {}


def _late_after(scenario: Mapping[str, Any], op: str) -> float | None:
    """The latency from which the scenario's steady state counts an operation as failed."""
    steady = scenario.get("steady-state", scenario.get("steady_state"))
    if not isinstance(steady, dict):
        return None
    value = steady.get(f"{op}-within-ms", steady.get(f"{op}_within_ms"))
    return float(value) if isinstance(value, int | float) else None


def _speed(history: History) -> float:
    started = chronicle.begin(history)
    return float(started.data.get("speed", 1.0)) if started else 1.0


def _patience_s(found: Sequence[Operation], width: float, speed: float) -> float:
    """The longest that two operations of an even load stand apart: its spacing at rate 1, stretched by the speed."""
    gaps = sorted(later.intended_s - earlier.intended_s for earlier, later in pairwise(found))
    return max(width, 1.6 * speed * (percentile(gaps, 0.05) or 0.0))


def _about(history: History) -> tuple[str, ...]:
    started = chronicle.begin(history)
    if started is None:
        return ()
    known = {**started.data, "scenario": started.subject}
    parts = [f"{key} {known[key]}" for key in ("scenario", "stack", "seed", "commit") if key in known]
    versions = started.data.get("versions")
    parts += [f"{name} {version}" for name, version in versions.items()] if isinstance(versions, dict) else []
    return (*parts, f"speed {_speed(history):g}")


def _step_moved(step: Step, shift: float) -> Step:
    return replace(step, at_s=step.at_s - shift, ended_s=None if step.ended_s is None else step.ended_s - shift)


def _spans_moved(found: Mapping[str, list[Span]], shift: float) -> dict[str, list[Span]]:
    return {name: [Span(s.from_s - shift, s.to_s - shift, s.state) for s in spans] for name, spans in found.items()}
