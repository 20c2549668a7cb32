"""A recorded check, put in order: which command ran when in which run of the procedure, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.history import Event, History
from harness.runbooks.plan import Plan, Unit
from harness.steady import Outage, outages
from harness.workload.ledger import Ledger, Operation
from scenarios.model import SteadyState

_NO_HOST = re.compile(
    r"Could not resolve host: ([\w-]+(?:\.[\w-]+)+)|could not translate host name \"([\w-]+(?:\.[\w-]+)+)\"|ping: ([\w-]+(?:\.[\w-]+)+): (?:Name|Temporary)"
    r"|unable to access 'https?://([\w-]+(?:\.[\w-]+)+)|Could not resolve hostname ([\w-]+(?:\.[\w-]+)+)|getaddrinfo \w+ ([\w-]+(?:\.[\w-]+)+)"
    r"|lookup ([\w-]+(?:\.[\w-]+)+)(?: on [\d.:]+)?: no such host"
)  # a name with a dot: those of the platform itself have addresses here
NOT_OFFERED = "gameday's stand-in does not offer it"
_NOT_SEEN = "can't be seen from here"  # the processes of the stack, from the operator's sandbox
# Every stack has this extension, unless the Postgres of this machine came without it.
_NO_EXTENSION = re.compile(r'relation "pg_stat_statements" does not exist|function pg_stat_statements_reset\(\) does not exist')


@dataclass(frozen=True, slots=True)
class Ran:
    """One unit, carried out once. Times are documented."""

    unit: Unit
    phase: str
    began_s: float
    ended_s: float
    exit_code: int
    output: str
    codes: tuple[int, ...]
    ended_by: str
    watchdog: str
    missed: str | None
    answers: tuple[Mapping[str, Any], ...]
    gone: tuple[str, ...]

    @property
    def not_offered(self) -> str:
        """Which of our stand-ins could not play its part, in its own words; empty when all could, or when the step expects just that."""
        if self.unit.step is not None and self.missed is None:
            return ""
        for line in self.output.splitlines():
            if NOT_OFFERED in line or _NOT_SEEN in line:
                return line.strip()
            if _NO_EXTENSION.search(line):
                return f"the Postgres of this machine lacks the extension: {line.strip()}"
        return ""

    @property
    def outside(self) -> str:
        """A host of the wide world that it could not find; empty when it stayed at home."""
        found = _NO_HOST.search(self.output) if self.exit_code else None
        return next((each for each in found.groups() if each), "") if found else ""

    @property
    def refusals(self) -> list[Mapping[str, Any]]:
        """Answers to curl with a status of 400 or more."""
        return [each for each in self.answers if status(each) >= 400]

    @property
    def evidence(self) -> str:
        """What it printed, what curl was answered, and how it ended."""
        lines = [self.output.rstrip()] if self.output.strip() else []
        lines += [f"curl {each['said']}: {each['status']}" for each in self.refusals]
        codes = f" (pipe: {' '.join(map(str, self.codes))})" if len(self.codes) > 1 else ""
        return "\n".join([*lines, f"exit code {self.exit_code}{codes}"])


def status(answer: Mapping[str, Any]) -> int:
    """`HTTP/1.1 404 Not Found` -> 404."""
    words = str(answer.get("status", "")).split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


class Story:
    """What a history says of one plan."""

    def __init__(self, plan: Plan, history: History, steady: SteadyState) -> None:
        self.plan, self.history, self._steady = plan, history, steady
        self._units = {
            **{("first", str(each.number)): each for each in plan.units},
            **{("again", str(each.number)): each for each in plan.units},
            **{("rollback", str(each.number)): each for each in plan.rollback},
        }

    @cached_property
    def ran(self) -> tuple[Ran, ...]:
        """In the order in which they began."""
        return tuple(self._all())

    def of(self, phase: str) -> tuple[Ran, ...]:
        return tuple(each for each in self.ran if each.phase == phase)

    def _all(self) -> Iterator[Ran]:
        began: dict[tuple[str, str], float] = {}
        for event in self.history.of_kind("command.started", "command.finished"):
            key = (str(event.data.get("phase")), event.subject)
            if event.kind == "command.started":
                began[key] = event.at_s
            elif key in self._units:
                yield _ran(self._units[key], event, began.get(key, event.at_s))

    @cached_property
    def unreached(self) -> frozenset[int]:
        """Numbers of units that were not begun in the first run, because what came before ended it."""
        events = self.history.of_kind("command.unreached")
        return frozenset(int(each.subject) for each in events if each.data.get("phase") == "first")

    @property
    def interrupted(self) -> Unit | None:
        """The unit during which the record breaks off."""
        finished = {(each.phase, each.unit.number) for each in self.ran}
        for event in self.history.of_kind("command.started"):
            phase = str(event.data.get("phase"))
            if (phase, int(event.subject)) not in finished:
                return self._units.get((phase, event.subject))
        return None

    def served_after(self, phase: str) -> bool | None:
        """Whether clients were served again after a run; None when it was not carried out."""
        for event in self.history.of_kind("recovery.proven", "recovery.given_up"):
            if event.subject == phase:
                return event.kind == "recovery.proven"
        return None

    def facts(self, when: str) -> dict[str, str] | None:
        """The state of the stack at a moment: `before`, `after first`, `after again`, `after rollback`."""
        event = next((each for each in self.history.of_kind("state") if each.subject == when), None)
        return None if event is None else dict(event.data["facts"])

    def started_s(self, phase: str) -> float | None:
        event = next((each for each in self.history.of_kind("procedure.started") if each.subject == phase), None)
        return None if event is None else event.at_s

    def finished_s(self, phase: str) -> float | None:
        event = next((each for each in self.history.of_kind("procedure.finished") if each.subject == phase), None)
        return None if event is None else event.at_s

    @cached_property
    def operations(self) -> list[Operation]:
        return Ledger.of(self.history).operations

    def outages(self, after_s: float) -> list[Outage]:
        return outages(self.operations, self._steady, after_s=after_s)

    def bad_after(self, at_s: float) -> list[Operation]:
        """Operations that went wrong from then on."""
        limits = {"order": self._steady.order_within_ms, "canary": self._steady.canary_within_ms}
        return [each for each in self.operations if each.intended_s >= at_s and not each.within(limits[each.op])]


def _ran(unit: Unit, event: Event, began_s: float) -> Ran:
    data = event.data
    return Ran(
        unit, str(data["phase"]), began_s, event.at_s, int(data["exit_code"]), str(data.get("output", "")), tuple(data.get("codes", ())),
        str(data.get("ended_by", "")), str(data.get("watchdog", "")), data.get("missed"), tuple(data.get("answers", ())),
        tuple(data.get("gone", ())),
    )  # fmt: skip
