"""The incident report of a drill, from its history: what a team would write afterwards, with the times that were measured.

Its parts are those of the template at 003:477-523: date, duration, severity, impact, timeline, resolution, prevention and
lessons. The root cause stands last, so that a review can be led along the report before the injected fault is told. Nothing
in it is guessed: what the harness cannot know says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.history import Event, History
from harness.measure import Measures
from harness.result import Result
from harness.verdict import Judgement
from reports import chronicle, incident_actions, people
from reports.account import account
from reports.chronicle import Step
from reports.verdicts import amount, compared, headline, measure_name
from reports.words import clock_text, counted, duration_text

_SECRET = (
    "drill.started",
    "stack.booted",
    "fault.",
    "condition.",
    "steady.",
    "drill.finished",
)  # kinds that tell the cause, or the drill
_SEVERITIES = ("p0", "p1", "p2", "p3")  # 001:45-70


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the timeline. `since` counts from the beginning of the impact; `of_day` is the documented time of day, UTC."""

    since: str
    of_day: str
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure with what it is, and what one should know to read it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A target or an invariant: its verdict, and what that rests on."""

    verdict: str
    name: str
    measured: str
    limit: str
    about: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed in an exercise, and what came of it."""

    since: str
    by: str
    command: str
    exit_code: str
    output: str


@dataclass(frozen=True, slots=True)
class Cause:
    """An injected fault: what it was, what it was given, what showed that it took effect, and when it was in force."""

    name: str
    kind: str
    parameters: str
    evidence: str
    when: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Everything that an incident report says."""

    drill: str
    brief: str
    sentence: str
    verdict: str
    date: str
    duration: str
    severity: str
    milestones: tuple[Moment, ...]
    timeline: tuple[Moment, ...]
    impact: tuple[Fact, ...]
    detection: tuple[Fact, ...]
    response: tuple[Fact, ...]
    steps: tuple[Step, ...]
    typed: tuple[Typed, ...]
    targets: tuple[Judged, ...]
    invariants: tuple[Judged, ...]
    went_well: tuple[str, ...]
    to_improve: tuple[str, ...]
    actions: tuple[str, ...]
    causes: tuple[Cause, ...]
    scenario: str
    story: str
    circumstances: tuple[Fact, ...]
    rerun: str


def incident(history: History, result: Result, findings: Sequence[str] = ()) -> Incident:
    """The report of this drill. `findings`: what is known to be wrong in its runbook, a line each; they become action items."""
    measures, judgements = result.measures, result.judgements
    scenario = _mapping(result.started.data.get("scenario"))
    clock = _Clock(history)
    steps = tuple(chronicle.steps(history))
    return Incident(
        drill=result.drill, brief=_brief(measures, history), sentence=headline(history, measures, judgements),
        verdict=result.verdict.value, date=str(result.started.data.get("started") or "unknown")[:19].replace("T", " "),
        duration=_duration(measures), severity=_severity(scenario),
        milestones=_milestones(history, measures, clock), timeline=tuple(_timeline(history, measures, clock)),
        impact=tuple(_impact(history, measures)), detection=tuple(_detection(history, measures, scenario)),
        response=tuple(_response(history, measures, steps)), steps=steps, typed=tuple(_typed(history, clock)),
        targets=tuple(_judged(each) for each in judgements if each.kind == "target"),
        invariants=tuple(_judged(each) for each in judgements if each.kind == "invariant"),
        went_well=tuple(incident_actions.went_well(judgements, steps)),
        to_improve=tuple(incident_actions.to_improve(history, measures, judgements, steps)),
        actions=tuple(incident_actions.actions(history, judgements, steps, findings)),
        causes=tuple(_causes(history, scenario, clock)), scenario=result.scenario,
        story=" ".join(str(scenario.get("description", "")).split()),
        circumstances=tuple(_circumstances(result)), rerun=str(result.started.data.get("command") or ""),
    )  # fmt: skip


class _Clock:
    """Documented times as a reader wants them: since the impact began, and of the day."""

    def __init__(self, history: History) -> None:
        started = history.first("drill.started")
        self.zero_s = chronicle.first_fault_s(history) or 0.0
        try:
            self._began = datetime.fromisoformat(str(started.data["started"])) if started else None
        except (KeyError, ValueError):
            self._began = None
        self._began_s = started.at_s if started else 0.0

    def moment(self, at_s: float, text: str, *, strong: bool = False) -> Moment:
        of_day = ""
        if self._began is not None:
            of_day = (self._began + timedelta(seconds=at_s - self._began_s)).astimezone(UTC).strftime("%H:%M:%S")
        return Moment(clock_text(at_s - self.zero_s, decimals=1), of_day, text, strong)


def _brief(measures: Measures, history: History) -> str:
    """The title's brief description. It says what was felt and not what was broken."""
    if chronicle.first_fault_s(history) is None:
        return "nothing happened"
    if measures.out_at_end:
        return "service was not restored"
    if measures.outage_s:
        return f"service was lost for {duration_text(measures.outage_s)}"
    if measures.lost_writes:
        return f"{counted(measures.lost_writes, 'acknowledged order')} lost"
    return "no outage was seen by clients" if measures.outage_s == 0 else "the outage could not be measured"


def _duration(measures: Measures) -> str:
    if measures.time_to_recover_s is not None:
        return duration_text(measures.time_to_recover_s)
    least = measures.at_least_s.get("time_to_recover_s")
    return f"over {duration_text(least)}; not recovered when observation ended" if least else "not measured"


def _severity(scenario: Mapping[str, Any]) -> str:
    """P0 to P3 as the scenario is tagged; see 001:45-70."""
    found = [tag for tag in scenario.get("tags", ()) if tag in _SEVERITIES]
    return found[0].upper() if found else "not classified"


def _milestones(history: History, measures: Measures, clock: _Clock) -> tuple[Moment, ...]:
    """The template's lines (003:487-492), each with its moment as far as there was one, in the order of time."""
    fault_s = chronicle.first_fault_s(history)
    found = [] if fault_s is None else sorted(_reached(history, measures, fault_s), key=lambda row: row[0])
    return tuple(clock.moment(at_s, text, strong=strong) for at_s, text, strong in found)


def _reached(history: History, measures: Measures, fault_s: float) -> Iterator[tuple[float, str, bool]]:
    yield fault_s, "Impact began", True
    for each in people.milestones(history, measures, (), {}) if people.responded(history) else ():
        if each.after_s is not None:
            by = f" by {each.by}" if each.by else ""
            yield fault_s + each.after_s, f"{each.name.capitalize()}{by}" + (f": {each.text}" if each.text else ""), False
    if measures.time_to_detect_s is not None:
        detected_s = fault_s + measures.time_to_detect_s
        yield detected_s, "Detected: an expected alert fired", True
        if measures.time_to_acknowledge_s is not None and not people.responded(history):
            yield detected_s + measures.time_to_acknowledge_s, "Acknowledged", True
    if (step := history.first("step.started", after_s=fault_s)) and not people.responded(history):
        yield step.at_s, "Investigation started: first step of the runbook", False
    if measures.time_to_mitigate_s is not None and not people.responded(history):  # people say themselves when it was
        yield fault_s + measures.time_to_mitigate_s, "Fix applied: the last command of the runbook ended", False
    if measures.time_to_recover_s is not None:
        yield fault_s + measures.time_to_recover_s, "Service restored, as clients see it", True
    if proven := history.first("recovery.proven"):
        yield proven.at_s, "Incident closed: service had stayed well for the settle time", False
    elif given_up := history.first("recovery.given_up"):
        yield given_up.at_s, "Given up: not restored", True


def _timeline(history: History, measures: Measures, clock: _Clock) -> Iterator[Moment]:
    """Everything that responders could see, from the beginning of the impact."""
    fault_s = chronicle.first_fault_s(history)
    if fault_s is None:
        return
    told = [event for event in history.events if event.at_s >= fault_s and not event.kind.startswith(_SECRET)]
    rows = [
        (line.at_s, clock.moment(line.at_s, line.text, strong=line.strong)) for line in account(History(tuple(told)), Measures())
    ]
    rows = [row for row in rows if not row[1].text.startswith("Recovered:")]  # as measured, not as the drill itself saw it
    rows.append((fault_s, clock.moment(fault_s, "Something broke; the root cause stands at the end", strong=True)))
    if measures.time_to_recover_s is not None:
        at_s = fault_s + measures.time_to_recover_s
        rows.append((at_s, clock.moment(at_s, "Clients are served again, and go on being so", strong=True)))
    yield from (moment for _, moment in sorted(rows, key=lambda row: row[0]))


def _impact(history: History, measures: Measures) -> Iterator[Fact]:
    outage = amount(measures.outage_s, "s")
    least = measures.at_least_s.get("outage_s")
    outages = f"in {counted(measures.outages, 'outage')}" if measures.outages else measures.why.get("outage_s", "")
    yield Fact("Downtime", f"over {duration_text(least)}" if least else outage, outages)
    started = history.first("drill.started")
    speed = float(started.data.get("speed") or 1) if started else 1.0
    bent = f"; counts of waits that ran {speed:g} times faster are smaller by that factor" if speed != 1 else ""
    orders = measures.orders
    yield Fact("Orders failed", str(orders.failed), f"of {orders.attempted} over the whole drill{bent}")
    yield Fact("Orders without an answer", str(orders.unknown), "nobody told the client whether they were done")
    lost = "–" if measures.lost_writes is None else str(measures.lost_writes)
    yield Fact("Lost writes", lost, measures.why.get("lost_writes", "orders that were acknowledged, and are not there"))
    yield Fact("Recovery point", amount(measures.recovery_point_s, "s"), measures.why.get("recovery_point_s", ""))
    if budget := measures.error_budget:
        share = (
            f"{budget.spent_s / budget.allowed_s:.1f} times what it allows"
            if budget.allowed_s
            else "the steady state allows none"
        )
        allowed = f"{duration_text(budget.allowed_s)} allowed in {duration_text(budget.observed_s)}"
        yield Fact("Error budget spent", duration_text(budget.spent_s), f"{share}: {allowed}")
    yield Fact("Revenue", "not known", "a stand-in of the stack earns nothing")


def _detection(history: History, measures: Measures, scenario: Mapping[str, Any]) -> Iterator[Fact]:
    yield Fact("Time to detect", amount(measures.time_to_detect_s, "s"), measures.why.get("time_to_detect_s", ""))
    expected = _mapping(scenario.get("detection")).get("alerts", ())
    fault_s = chronicle.first_fault_s(history)
    fired = [] if fault_s is None else [event for event in history.of_kind("alert.firing") if event.at_s >= fault_s]
    named = {event.subject for event in fired}
    yield Fact(
        "Expected alerts", ", ".join(f"{name} ({'fired' if name in named else 'did not fire'})" for name in expected) or "none"
    )
    others = sorted({event.subject for event in fired if not event.data.get("expected", True)})
    yield Fact("Other alerts that fired", ", ".join(others) or "none")


def _response(history: History, measures: Measures, steps: Sequence[Step]) -> Iterator[Fact]:
    page = history.first("page.acknowledged")
    by = f"by {page.data['by']}" if page and page.data.get("by") else measures.why.get("time_to_acknowledge_s", "")
    yield Fact("Time to acknowledge", amount(measures.time_to_acknowledge_s, "s"), by)
    yield Fact("Time to mitigate", amount(measures.time_to_mitigate_s, "s"), measures.why.get("time_to_mitigate_s", ""))
    yield Fact("Time to recover", amount(measures.time_to_recover_s, "s"), measures.why.get("time_to_recover_s", ""))
    procedures = [event.subject for event in history.of_kind("procedure.started")]
    done = sum(step.ok is True for step in steps)
    yield Fact(
        "Runbook",
        ", ".join(procedures) or "none was carried out",
        f"{done} of {counted(len(steps), 'step')} done" if steps else "",
    )


def _typed(history: History, clock: _Clock) -> Iterator[Typed]:
    for event in history.of_kind("command.finished") if people.responded(history) else ():
        began_s = event.data.get("began_s")
        at_s = float(began_s) if isinstance(began_s, int | float) else event.at_s
        code = event.data.get("exit_code")
        yield Typed(
            clock_text(at_s - clock.zero_s, decimals=1), str(event.data.get("by") or event.subject), str(event.data.get("command", "")),
            "no exit code" if code is None else f"exit code {code}", str(event.data.get("output") or ""),
        )  # fmt: skip


def _judged(judgement: Judgement) -> Judged:
    measured, limit = compared(judgement) if judgement.kind == "target" else ("", "")
    about = "; ".join(text for text in (judgement.why, judgement.source or "") if text)
    return Judged(judgement.verdict.value, measure_name(judgement.name), measured, limit, about)


def _causes(history: History, scenario: Mapping[str, Any], clock: _Clock) -> Iterator[Cause]:
    """What the drill did to the stack: conditions that were in force throughout, then the faults."""
    described = {
        str(each.get("name")): each
        for each in (*scenario.get("conditions", ()), *scenario.get("faults", ()))
        if isinstance(each, dict)
    }
    for event in history.of_kind("condition.injected", "fault.injected", "fault.failed"):
        given = {
            key: value for key, value in event.data.items() if key not in ("took_s", "fault") and value not in (None, "", [])
        }
        kind = str(event.data.get("fault") or _mapping(described.get(event.subject)).get("fault") or event.kind)
        yield Cause(
            event.subject, kind, ", ".join(f"{key}: {_shown(value)}" for key, value in given.items()),
            _evidence(history, event), _in_force(history, event, clock),
        )  # fmt: skip


def _evidence(history: History, injected: Event) -> str:
    if injected.kind == "condition.injected":
        return "a condition of the scenario, in force from before the steady state"
    if injected.kind == "fault.failed":
        return "it could not be carried out"
    bit = history.first("fault.bit", after_s=injected.at_s, subject=injected.subject)
    return str(bit.data.get("evidence", "seen in the stack")) if bit else "nothing in the stack showed that it took effect"


def _in_force(history: History, injected: Event, clock: _Clock) -> str:
    healed = history.first(injected.kind.replace("injected", "healed"), after_s=injected.at_s, subject=injected.subject)
    end = f", undone at {clock_text(healed.at_s - clock.zero_s, decimals=1)}" if healed else ""
    return f"injected at {clock_text(injected.at_s - clock.zero_s, decimals=1)}{end}"


def _circumstances(result: Result) -> Iterator[Fact]:
    given = result.started.data
    for name in ("seed", "speed", "stack", "sandbox", "toxiproxy", "monitor", "commit"):
        if given.get(name) not in (None, ""):
            yield Fact(name, str(given[name]))
    yield from (Fact(str(name), str(version)) for name, version in _mapping(given.get("versions")).items())


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
