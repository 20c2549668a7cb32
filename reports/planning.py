"""Which scenarios are due, and what people need on the day: the facilitator's sheet, the participants' briefing, a calendar.

The rule is a sum of points, told with its reasons: never drilled 100; the last drill did not pass 60; a target that was met with less than a
fifth to spare 30; the scenario or its runbook changed since 25; 10 for each month since the last drill, at most 60; and by its severity
15 for a P0, 10 for a P1, 5 for a P2.
"""

from __future__ import annotations

import calendar
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from icalendar import Calendar, Event

from reports.escape import code, prose, table
from reports.words import clock_text, duration_text
from scenarios.loader import LoadedScenario

RULE = (
    "never drilled 100; the last drill did not pass 60; a target met with less than a fifth to spare 30; the scenario or its runbook "
    "changed since 25; 10 for each month since the last drill, at most 60; P0 15, P1 10, P2 5. Of equals the one drilled longest ago comes "
    "first, then each runbook has its turn"
)
_TIGHT = 0.8  # of a limit
_MONTH_DAYS = 30.4
_MOST_FOR_AGE = 60.0
_LASTS = timedelta(hours=2)
_MINUTES = 30  # within which the surprise comes
_WORKDAYS = 5
_SEVERITIES = {"p0": 15.0, "p1": 10.0, "p2": 5.0}


@dataclass(frozen=True, slots=True)
class Last:
    """The newest drill of a scenario that is kept. `tightest`: measured by limit, the worst of its targets; None: nothing to tell."""

    at: datetime
    verdict: str
    tightest: float | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """How due a scenario is, and why."""

    scenario: LoadedScenario
    points: float
    reasons: tuple[str, ...]
    last: Last | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One exercise of the plan. `at` is UTC; `breaks_after_s`, documented: how long after the room is open the surprise is drawn to come."""

    at: datetime
    due: Due
    seed: int
    breaks_after_s: float

    @property
    def command(self) -> str:
        """What the facilitator types."""
        return f"gameday run {self.due.scenario.name} --respond human --surprise {_MINUTES}m --seed {self.seed}"


def how_due(scenario: LoadedScenario, last: Last | None, changed: datetime | None, now: datetime) -> Due:
    """`changed`: when the scenario or its runbook last did."""
    level = next((each for each in _SEVERITIES if each in scenario.scenario.tags), "")
    points, reasons = _SEVERITIES.get(level, 0.0), [level.upper()] if level else list[str]()
    if last is None:
        return Due(scenario, points + 100, ("never drilled", *reasons))
    if last.verdict != "pass":
        points, reasons = points + 60, [*reasons, f"the last drill ended with {last.verdict}"]
    if last.tightest is not None and _TIGHT <= last.tightest <= 1:
        points, reasons = points + 30, [*reasons, f"a target was met with {1 - last.tightest:.0%} to spare"]
    if changed is not None and changed > last.at:
        points, reasons = points + 25, [*reasons, f"changed on {changed:%Y-%m-%d}"]
    months = max((now - last.at).days, 0) / _MONTH_DAYS
    if months >= 1:
        points, reasons = points + min(10 * months, _MOST_FOR_AGE), [*reasons, f"last drilled {months:.0f} months ago"]
    return Due(scenario, points, tuple(reasons), last)


def ranked(dues: Sequence[Due]) -> list[Due]:
    """The most due first; of equals the one drilled longest ago. Of those that are equal in this too, each runbook has its turn."""

    def before(due: Due) -> tuple[float, datetime]:
        return -due.points, due.last.at if due.last else datetime.min.replace(tzinfo=UTC)

    turns: Counter[tuple[float, datetime, str]] = Counter()
    found = []
    for each in sorted(dues, key=lambda each: (*before(each), each.scenario.name)):
        document = each.scenario.procedure.document
        found.append(((*before(each), turns[(*before(each), document)], each.scenario.name), each))
        turns[(*before(each), document)] += 1
    return [due for _, due in sorted(found, key=lambda each: each[0])]


def sessions(
    dues: Sequence[Due], year: int, month: int, at: time, count: int, not_before: datetime, surprise: Callable[[int, float], float]
) -> list[Session]:  # fmt: skip
    """The most due scenarios on workdays spread over the month, none before `not_before`; fewer where the month has fewer days left.

    `surprise` draws from a seed when within so many seconds it breaks.
    """
    days = [
        day
        for number in range(1, calendar.monthrange(year, month)[1] + 1)
        if (day := date(year, month, number)).weekday() < _WORKDAYS and datetime.combine(day, at, UTC) > not_before
    ]
    chosen = list(dues)[: min(count, len(days))]
    step = len(days) / max(len(chosen), 1)
    planned = []
    for index, due in enumerate(chosen):
        day = days[int((index + 0.5) * step)]
        seed = _seed(due.scenario.name, day)
        planned.append(Session(datetime.combine(day, at, UTC), due, seed, surprise(seed, _MINUTES * 60.0)))
    return planned


def _seed(name: str, day: date) -> int:
    """The same plan, the same seeds: whoever plans again gets the same night."""
    return int.from_bytes(hashlib.sha256(f"{name} {day}".encode()).digest()[:3])


# --- pages -------------------------------------------------------------------------------------------------------------


def overview(month: str, planned: Sequence[Session], dues: Sequence[Due]) -> str:
    """The facilitators' page: the sessions, and how due every scenario is."""
    rows = [
        [f"{each.at:%a %Y-%m-%d %H:%M} UTC", code(each.due.scenario.name), prose("; ".join(each.due.reasons))] for each in planned
    ]
    every = [
        [
            code(each.scenario.name),
            f"{each.points:.0f}",
            f"{each.last.at:%Y-%m-%d}" if each.last else "never",
            prose("; ".join(each.reasons)),
        ]
        for each in dues
    ]
    parts = [
        f"# Game days of {month}", "For facilitators only: it names what will break.", table(["when", "scenario", "why"], rows),
        "## How due each scenario is", f"Points: {RULE}.", table(["scenario", "points", "last drilled", "why"], every),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def sheet(session: Session) -> str:
    """The facilitator's sheet of one session."""
    return "\n\n".join(_sheet(session)) + "\n"


def _sheet(session: Session) -> Iterator[str]:
    loaded = session.due.scenario
    scenario, procedure = loaded.scenario, loaded.procedure
    yield f"# Facilitator: {prose(scenario.title)}"
    yield f"{session.at:%A, %Y-%m-%d %H:%M} UTC. Keep this page from the participants."
    yield prose(scenario.description)
    yield f"```sh\n{session.command}\n```"
    yield "## What happens, and when"
    yield table(["about", "what"], [[clock_text(at_s) if math.isfinite(at_s) else "", what] for at_s, what in _timeline(session)])
    yield (
        f"Minutes and seconds since the room is open. Participants are told that it breaks within {_MINUTES} minutes; when, the seed "
        "decides: the same command breaks at the same moment again."
    )
    yield "## Limits"
    yield table(
        ["target", "limit", "source"],
        [
            [code(name), duration_text(each.limit) if each.unit == "s" else f"{each.limit:g}", prose(each.source)]
            for name, each in loaded.targets.items()
        ],
    )
    yield "## The procedure that they should find"
    yield f"{code(scenario.response.procedure)}, {len(procedure.steps)} steps:"
    yield "\n".join(
        f"{number}. {prose(step.name)} ({duration_text(step.budget_s)})" for number, step in enumerate(procedure.steps, start=1)
    )
    yield from _help(loaded)


def _timeline(session: Session) -> list[tuple[float, str]]:
    """Seconds since the room is open, and what is then; infinite where nobody can know before."""
    loaded, breaks_s = session.due.scenario, session.breaks_after_s
    detection, rules = loaded.scenario.detection, {each.alert: each for each in loaded.rules}
    found = [(0.0, "the room opens")]
    for each in loaded.scenario.faults:
        about = f"{each.name}: {each.fault}"
        if each.after is None:
            found.append((breaks_s + each.at_s, prose(about)))
        else:
            found.append((math.inf, prose(f"{duration_text(each.at_s)} after {each.after}: {about}")))
    first_s = min((at_s for at_s, _ in found[1:]), default=math.inf)
    for name in detection.alerts:
        looks_s = rules[name].for_s + 2 * loaded.stack.monitoring.scrape_every_s if name in rules else math.inf
        found.append((first_s + looks_s, prose(f"the alert {name} pages by now, if what it watches changed at once")))
    if detection.reported_after_s is not None:
        found.append((first_s + detection.reported_after_s, "somebody who noticed it tells the person on call"))
    return sorted(found, key=lambda each: each[0])


def _help(loaded: LoadedScenario) -> Iterator[str]:
    """What the facilitator may say, and when to end it."""
    yield "## Hints, one at a time"
    yield "\n".join(f"- {minutes} minutes after the fault: {prose(text)}" for minutes, text in _hints(loaded))
    yield "Give each with `gameday hint --role facilitator TEXT`: how many were needed is a result."
    yield "## Abort when"
    yield "\n".join(
        f"- {each}"
        for each in (
            "a real incident needs the people: `gameday abort`, at once",
            "the drill's terminal reports an error of the harness",
            f"nobody has found the procedure {duration_text(max(loaded.scenario.give_up_after_s, 7200.0))} after the fault: the drill ends by itself",
        )
    )
    yield "Nothing outside the drill's sandbox is touched, so there is nothing to put back."


def _hints(loaded: LoadedScenario) -> list[tuple[int, str]]:
    alert = loaded.scenario.detection.alerts[0] if loaded.scenario.detection.alerts else ""
    found = [(5, f"What does the alert {alert} say, and of what?")] if alert else []
    found.append((10, f"Which part of {loaded.procedure.document.rpartition('/')[2]} is for this?"))
    found.append((15, f"The procedure is called “{loaded.procedure.title}”."))
    if loaded.procedure.steps:
        found.append((25, f"Its first step: {loaded.procedure.steps[0].name}."))
    return found


def briefing(session: Session, number: int) -> str:
    """What participants get: nothing of it tells what will break."""
    commands = [
        ("gameday status", "alerts, pages, people, notes"), ("gameday ack", "acknowledge the page"),
        ("gameday shell", "the on-call engineer's shell: the runbook's commands, as written"),
        ("gameday step done", "tell of a step of the runbook; `failed` or `skipped` with `--why`"),
        ("gameday update investigating TEXT", "tell the others: first within 15 minutes (001:229)"),
        ("gameday cause TEXT", "name the cause"), ("gameday mitigated", "customers are served again"),
        ("gameday resolve", "it is over"), ("gameday abort WHY", "end it at once, for example for a real incident"),
    ]  # fmt: skip
    parts = [
        f"# Game day {number}",
        f"{session.at:%A, %Y-%m-%d %H:%M} UTC, about two hours.",
        ("Something in a stand-in of the platform will break, at a moment that nobody tells you. You are on call: notice, acknowledge, find the "
        "runbook, mend it, tell the others. What is measured is whether our documented times can be kept, not you."),
        "## Who is needed",
        "- a responder who is on call, and a second one\n- a scribe, who writes notes (`gameday note`)\n- a facilitator, who knows what breaks",
        "## What you type", table(["command", "what it does"], [[code(name), what] for name, what in commands]),
        "Set `GAMEDAY_AS=your-name` first. Read the runbooks as on any night: `scenarios/runbooks/`.",
        "Nothing real can be touched: the stack, the shell and its network are the drill's own.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def calendar_file(planned: Sequence[Session], made: datetime) -> bytes:
    """An iCalendar file for everybody: it tells when, not what."""
    found = Calendar()
    found.add("prodid", "-//gameday//plan//EN")
    found.add("version", "2.0")
    for number, each in enumerate(planned, start=1):
        event = Event()
        event.add("uid", f"{hashlib.sha256(f'{each.at} {number}'.encode()).hexdigest()[:16]}@gameday")
        event.add("dtstamp", made)
        event.add("dtstart", each.at)
        event.add("dtend", each.at + _LASTS)
        event.add("summary", f"Game day {number}")
        event.add("description", f"Briefing: {number:02}-briefing.md")
        found.add_component(event)
    return bytes(found.to_ical())


def pages(month: str, planned: Sequence[Session], dues: Sequence[Due], made: datetime) -> Mapping[str, bytes]:
    """Every file of the plan by its name. Participants get the briefings and the calendar only."""
    found = {"facilitators.md": overview(month, planned, dues).encode(), "game-days.ics": calendar_file(planned, made)}
    for number, each in enumerate(planned, start=1):
        found[f"{number:02}-facilitator.md"] = sheet(each).encode()
        found[f"{number:02}-briefing.md"] = briefing(each, number).encode()
    return found


def newest(paths: Sequence[Path]) -> datetime | None:
    """When the newest of these files changed on disk; None when none is there."""
    stamps = [path.stat().st_mtime for path in paths if path.is_file()]
    return datetime.fromtimestamp(max(stamps), UTC) if stamps else None
