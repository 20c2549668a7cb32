"""The story of a drill told event by event, one plain line each, for the table of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from harness.history import Event, History
from harness.measure import Measures
from reports import chronicle
from reports.words import duration_text


@dataclass(frozen=True, slots=True)
class Line:
    """What happened at a documented time. `strong` lines are those that measures are made of."""

    at_s: float
    text: str
    strong: bool = False


def account(history: History, measures: Measures) -> list[Line]:
    """Everything but the load, commands, readings and the pace of the clock, in the order of time."""
    lines = [line for event in history.events for line in _lines(event)]
    recovered = chronicle.recovered_s(history, measures)
    if recovered is not None:
        lines.append(Line(recovered, "Recovered: the steady state that then held begins here", strong=True))
    return sorted(lines, key=lambda line: line.at_s)


def _lines(event: Event) -> Iterator[Line]:
    if event.kind in _STRONG:
        yield Line(event.at_s, _STRONG[event.kind](event), strong=True)
    elif event.kind in _USUAL:
        yield Line(event.at_s, _USUAL[event.kind](event))


def _about(event: Event, *keys: str) -> str:
    """The values of these keys, in brackets, as far as they are there."""
    found = [f"{key.replace('_', ' ')} {event.data[key]}" for key in keys if event.data.get(key) not in (None, "")]
    return f" ({', '.join(found)})" if found else ""


def _booted(event: Event) -> str:
    boot = event.data.get("boot_s")
    took = f" in {duration_text(float(boot))} of wall time" if isinstance(boot, int | float) else ""
    return f"Stack {event.subject} booted{took}"


def _step_ended(event: Event) -> str:
    if event.data.get("ok"):
        return f"Step done: {event.subject}"
    return f"Step failed: {event.subject}" + (f" — {event.data['why']}" if event.data.get("why") else "")


def _ended(event: Event) -> str:
    error = event.data.get("error")
    return f"Drill {event.data.get('status', 'ended')}" + (f": {error}" if error else "")


_STRONG: Mapping[str, Callable[[Event], str]] = {
    "fault.injected": lambda e: f"Fault injected: {e.subject}",
    "fault.failed": lambda e: f"Fault {e.subject} could not be {e.data.get('verb', 'inject')}ed: {e.data.get('error', '')}",
    "alert.firing": lambda e: f"Alert fired: {e.subject}" + _about(e, "severity") + _unexpected(e),
    "incident.reported": lambda e: f"Reported by people: {e.data.get('why', '')}",
    "page.acknowledged": lambda e: f"Page acknowledged: {e.subject}" + _about(e, "by"),
    "cutover": lambda e: f"Cut-over: {e.subject} leads to {e.data.get('to')}" + _about(e, "from"),
    "recovery.given_up": lambda _: "Not recovered; given up",
    "steady.missed": lambda e: f"Steady state missed: {e.data.get('why', '')}",
    "drill.finished": _ended,
}


def _unexpected(event: Event) -> str:
    return "" if event.data.get("expected", True) else ", not an expected one"


_USUAL: Mapping[str, Callable[[Event], str]] = {
    "drill.started": lambda e: f"Drill of {e.subject} started",
    "stack.booted": _booted,
    "service.state": lambda e: f"{e.subject} is {e.data.get('state')}",
    "condition.injected": lambda e: f"Condition in force: {e.subject}",
    "condition.healed": lambda e: f"Condition removed: {e.subject}",
    "steady.proven": lambda _: "Steady state proven",
    "fault.bit": lambda e: f"Fault has bitten: {e.data.get('evidence', e.subject)}",
    "fault.healed": lambda e: f"Fault healed: {e.subject}",
    "alert.pending": lambda e: f"Alert pending: {e.subject}",
    "alert.resolved": lambda e: f"Alert resolved: {e.subject}",
    "page.sent": lambda e: f"Page sent: {e.subject}",
    "change.started": lambda e: f"Planned work begun: {e.subject}",
    "change.finished": lambda e: f"Planned work ended: {e.data.get('outcome', '')}",
    "procedure.started": lambda e: f"Procedure begun: {e.subject}",
    "procedure.finished": lambda e: f"Procedure ended: {e.data.get('outcome', '')}",
    "update.posted": lambda e: f"Status update in {e.subject}" + _about(e, "status"),
    "people.joined": lambda e: f"{e.subject} joins" + _about(e, "role"),
    "note": lambda e: f"{e.subject}: {e.data.get('text', '')}",
    "hint.given": lambda e: f"Hint of {e.subject}: {e.data.get('text', '')}",
    "milestone": lambda e: f"{e.subject.replace('-', ' ').capitalize()}" + _about(e, "by", "text"),
    "shell.opened": lambda e: f"{e.data.get('by')} opens {e.subject}",
    "exercise.opened": lambda _: "Open to people",
    "exercise.paused": lambda e: f"Paused by {e.subject}",
    "exercise.resumed": lambda e: f"{e.subject} goes on",
    "exercise.aborted": lambda e: f"Aborted by {e.subject}: {e.data.get('why', '')}",
    "step.started": lambda e: f"Step begun: {e.subject}",
    "step.finished": _step_ended,
    "recovery.proven": lambda _: "Recovery proven: the steady state held for its settle time",
}
