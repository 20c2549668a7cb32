"""How the fault was answered: detected, acknowledged, mitigated, taken back. Each is a span of a history.

Only the scenario's expected alerts count, and only such as began after the injection: an alert that was firing when the
fault came says nothing about it, even if it fires again, and one that was pending then had its cause before the fault.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from harness.history import Event, History
from harness.spans import Span, instant

REPORTED = "reported"  # what a page is called that people sent, and no alert
_ALERT_STATES = {"alert.pending": "pending", "alert.firing": "firing", "alert.resolved": "inactive"}


@dataclass(frozen=True, slots=True)
class Detection:
    """The first alert that counts, or the report of a person before it, or why there is neither."""

    alert: Event | None
    why: str = ""
    blind: bool = False  # that none came proves nothing: one was active before the fault, or the monitor had a problem


def detection(history: History, expected: Collection[str], injected: Event) -> Detection:
    """Find the alert by which this injection was detected."""
    before: dict[str, str] = {}  # state of each alert at the injection, by rule and labels
    for event in history.of_kind(*_ALERT_STATES, "incident.reported"):
        if event.kind == "incident.reported":
            if event.at_s >= injected.at_s:
                return Detection(event)
            continue
        if event.subject not in expected:
            continue
        identity = f"{event.subject} {json.dumps(event.data.get('labels', {}), sort_keys=True)}"
        if event.at_s < injected.at_s:
            before[identity] = _ALERT_STATES[event.kind]
            continue
        if before.get(identity) == "pending" and event.kind != "alert.firing":
            del before[identity]  # what it had been pending for is over, or began anew
        since_s = event.data.get("since_s")  # when its condition came true
        if event.kind == "alert.firing" and isinstance(since_s, int | float) and since_s < injected.at_s:
            before.setdefault(identity, "pending")
        if event.kind == "alert.firing" and before.get(identity, "inactive") == "inactive":
            return Detection(event)
    if (broken := _monitor_problem(history, expected, injected)) is not None:
        return Detection(
            None, f"the monitor could not do its work: {broken.subject}: {broken.data.get('message', '')}", blind=True
        )
    active = sorted({identity.split(" ")[0] for identity, state in before.items() if state != "inactive"})
    if active:
        return Detection(None, f"{', '.join(active)} was already active when the fault was injected", blind=True)
    return Detection(None, f"none of the expected alerts fired: {', '.join(sorted(expected)) or 'none is expected'}")


def _monitor_problem(history: History, expected: Collection[str], injected: Event) -> Event | None:
    """The first thing that kept an expected alert from firing and was not the stack's doing."""
    hindering = {"cycle", *(f"rule {name}" for name in expected)}
    problems = history.of_kind("monitor.problem")
    return next((event for event in problems if event.at_s >= injected.at_s and event.subject in hindering), None)


def time_to_detect(history: History, found: Detection, injected: Event) -> Span:
    """From the injection to the first expected alert."""
    start = instant(injected)
    if found.alert is not None:
        return Span(start, instant(found.alert))
    return Span(start, least_end_s=None if found.blind else _end_s(history), why=found.why)


def time_to_acknowledge(history: History, expected: Collection[str], found: Detection) -> Span:
    """From that alert to the first acknowledgement of a page of an expected alert."""
    if found.alert is None:
        return Span(None, why=f"no alert to acknowledge: {found.why}")
    for event in history.of_kind("page.acknowledged"):
        if event.at_s >= found.alert.at_s and (event.subject in expected or event.subject == REPORTED):
            return Span(instant(found.alert), instant(event))
    return Span(instant(found.alert), least_end_s=_end_s(history), why="nobody acknowledged the page")


def time_to_mitigate(history: History, injected: Event) -> Span:
    """From the injection to the end of the last command of the procedure, which must have been carried out to its end."""
    start, end_s = instant(injected), _end_s(history)
    ends = [event for event in history.of_kind("procedure.finished") if event.at_s >= injected.at_s]
    if not ends:
        begun = history.first("procedure.started", after_s=injected.at_s)
        return Span(start, least_end_s=end_s, why="the procedure was not finished" if begun else "no procedure was started")
    done = next((event for event in ends if event.data.get("outcome") == "done"), None)
    if done is None:
        return Span(start, least_end_s=end_s, why="the procedure was stopped before its end")
    commands = [event for event in history.of_kind("command.finished") if injected.at_s <= event.at_s <= done.at_s]
    if not commands:
        return Span(start, why="the procedure has no commands")
    return Span(start, instant(commands[-1]))


def time_to_roll_back(history: History, injected: Event, recovered: Span) -> Span:
    """From the decision, which is where the response's first procedure begins, to the end of the outage.

    `recovered` is the span from the injection to that end. The steps that people take before the last command count.
    """
    begun = history.first("procedure.started", after_s=injected.at_s)
    if begun is None:
        return Span(None, why="no procedure was started")
    if recovered.end is None:
        return Span(instant(begun), least_end_s=recovered.least_end_s, why=recovered.why)
    if recovered.end.at_s < begun.at_s:
        return Span(None, why="clients were served before the procedure began")
    return Span(instant(begun), recovered.end)


def _end_s(history: History) -> float:
    return history.events[-1].at_s
