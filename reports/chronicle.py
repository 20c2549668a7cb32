"""What happened in a drill, picked from its history for pictures and reports: moments, steps, health, alerts.

Every time here is documented seconds from the start of the drill. All of it works on a history that was cut short.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.history import Event, History
from harness.measure import Measures

MomentKind = Literal["fault", "alert", "acknowledged", "cutover", "healed", "recovered", "lost", "ended"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One of the few instants that a reader looks for first."""

    at_s: float
    kind: MomentKind
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a procedure, carried out. `duration_s` is wall time; None where nothing was recorded."""

    command: str
    exit_code: int | None
    duration_s: float | None
    output: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the procedure. `ended_s` and `ok` are None where the drill ended first."""

    number: int
    name: str
    at_s: float
    ended_s: float | None
    ok: bool | None
    why: str
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which something was in one state."""

    from_s: float
    to_s: float
    state: str


def begin(history: History) -> Event | None:
    """The event that holds what was to be done: scenario, seed, versions."""
    return history.first("drill.started")


def scenario_title(history: History) -> str:
    """What a person calls the scenario; its name where it has no title."""
    started = begin(history)
    if started is None:
        return "A drill"
    scenario = started.data.get("scenario")
    return str(scenario.get("title", started.subject)) if isinstance(scenario, dict) else started.subject


def first_fault_s(history: History) -> float | None:
    """When the first fault was injected; this is the zero of pictures and reports."""
    fault = history.first("fault.injected") or history.first("fault.injecting")
    return fault.at_s if fault else None


def recovered_s(history: History, measures: Measures) -> float | None:
    """The first instant of the steady state that then held: as measured, else as the drill itself saw it."""
    fault_s = first_fault_s(history)
    if fault_s is not None and measures.time_to_recover_s is not None:
        return fault_s + measures.time_to_recover_s
    proven = history.first("recovery.proven")
    return float(proven.data.get("recovered_at_s", proven.at_s)) if proven else None


def moments(history: History, measures: Measures) -> list[Moment]:
    """Faults, the first expected alert, its acknowledgement, cut-overs, heals and the end, in the order of time."""
    return sorted(_moments(history, measures), key=lambda moment: moment.at_s)


def _moments(history: History, measures: Measures) -> Iterator[Moment]:
    for event in history.of_kind("fault.injected"):
        yield Moment(event.at_s, "fault", f"Fault injected: {event.subject}")
    if alert := _detecting_alert(history, measures):
        yield Moment(alert.at_s, "alert", f"Alert fired: {alert.subject}")
        if acknowledged := history.first("page.acknowledged", after_s=alert.at_s):
            by = acknowledged.data.get("by")
            yield Moment(acknowledged.at_s, "acknowledged", "Page acknowledged" + (f" by {by}" if by else ""))
    for event in history.of_kind("cutover"):
        yield Moment(event.at_s, "cutover", f"Cut-over: {event.subject} now leads to {event.data.get('to', 'another instance')}")
    recovered = recovered_s(history, measures)
    for event in history.of_kind("fault.healed"):
        # Healing at the end of the drill is house-keeping, not part of the story.
        if recovered is None or event.at_s <= recovered:
            yield Moment(event.at_s, "healed", f"Fault healed: {event.subject}")
    if recovered is not None:
        yield Moment(recovered, "recovered", "Recovered, as clients see it")
    if given_up := history.first("recovery.given_up"):
        yield Moment(given_up.at_s, "lost", "Given up: not recovered")
    yield from _unhappy_end(history)


def _detecting_alert(history: History, measures: Measures) -> Event | None:
    """The alert by which the fault was detected: as measured, else the first expected one after the fault."""
    fault_s = first_fault_s(history)
    if fault_s is None:
        return None
    firing = [event for event in history.of_kind("alert.firing") if event.at_s >= fault_s and event.data.get("expected", True)]
    if measures.time_to_detect_s is None:
        return firing[0] if firing else None
    detected_s = fault_s + measures.time_to_detect_s
    return min(firing, key=lambda event: abs(event.at_s - detected_s), default=None)


def _unhappy_end(history: History) -> Iterator[Moment]:
    finished = history.last("drill.finished")
    if finished and finished.data.get("status") != "completed":
        error = str(finished.data.get("error") or "").strip()
        yield Moment(finished.at_s, "ended", f"Drill {finished.data.get('status', 'ended')}" + (f": {error}" if error else ""))
    elif finished is None and history.events:
        yield Moment(history.events[-1].at_s, "ended", "The history ends here: the drill was cut short")


def steps(history: History) -> list[Step]:
    """The procedure's steps in the order in which they were begun, each with its commands."""
    begun: list[tuple[Event, list[Event]]] = []
    for event in history.of_kind("step.started", "step.finished", "command.finished"):
        if event.kind == "step.started":
            begun.append((event, []))
        elif (own := next((rest for start, rest in reversed(begun) if start.subject == event.subject), None)) is not None:
            own.append(event)
    return [_step(number, start, rest) for number, (start, rest) in enumerate(begun, start=1)]


def _step(number: int, start: Event, rest: list[Event]) -> Step:
    end = next((event for event in rest if event.kind == "step.finished"), None)
    commands = tuple(_command(event) for event in rest if event.kind == "command.finished")
    return Step(
        number=number,
        name=start.subject,
        at_s=start.at_s,
        ended_s=end.at_s if end else None,
        ok=bool(end.data.get("ok")) if end else None,
        why=str(end.data.get("why") or "") if end else "",
        commands=commands,
    )


def _command(event: Event) -> Command:
    code, duration = event.data.get("exit_code"), event.data.get("duration_s")
    return Command(
        command=str(event.data.get("command", "")),
        exit_code=None if code is None else int(code),
        duration_s=None if duration is None else float(duration),
        output=str(event.data.get("output") or ""),
    )


def health(history: History, until_s: float) -> dict[str, list[Span]]:
    """What scrapes saw of each service and datastore, by name."""
    return {name: _spans(events, until_s) for name, events in sorted(_by_subject(history, "service.state").items())}


def alerts(history: History, until_s: float) -> dict[str, list[Span]]:
    """The life of each alert that was pending or firing, the earliest to fire first."""
    seen = _by_subject(history, "alert.pending", "alert.firing", "alert.resolved")
    lives = {name: [span for span in _spans(events, until_s) if span.state != "resolved"] for name, events in seen.items()}

    def order(name: str) -> tuple[bool, float]:
        fired = next((span.from_s for span in lives[name] if span.state == "firing"), None)
        return fired is None, fired if fired is not None else lives[name][0].from_s

    return {name: lives[name] for name in sorted((name for name in lives if lives[name]), key=order)}


def _by_subject(history: History, *kinds: str) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in history.of_kind(*kinds):
        found.setdefault(event.subject, []).append(event)
    return found


def _spans(events: list[Event], until_s: float) -> list[Span]:
    """States from one event to the next. An event's state is its data's, else the last word of its kind."""
    ends = [*(event.at_s for event in events[1:]), max(until_s, events[-1].at_s)]
    return [
        Span(event.at_s, end, str(event.data.get("state") or event.kind.rpartition(".")[2]))
        for event, end in zip(events, ends, strict=True)
    ]
