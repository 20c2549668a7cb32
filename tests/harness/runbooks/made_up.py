"""Made-up checks: a procedure in a few lines of Markdown, and what came of its commands, without a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.history import Event, History
from harness.runbooks.cases import Case, Choice, find_cases
from harness.runbooks.check import Checked
from harness.runbooks.judge import Judged, judge
from harness.runbooks.spec import STEADY
from scenarios.reading import Bindings, parse_runbook
from scenarios.reading.bindings import Wish

FENCE = "```"
PATH = Path("night.md")


def case(text: str, *, wish: Wish | None = None, values: dict[str, str] | None = None) -> Case:
    """The first procedure of a document. `text` may leave out the heading, and the fence of a block of bash."""
    if FENCE not in text:
        text = f"{FENCE}bash\n{text}\n{FENCE}\n"
    if not text.startswith("#"):
        text = f"# EAFIX\n\n## Do it\n\n{text}"
    book = parse_runbook(text.encode(), PATH)
    bindings = Bindings(values or {}, (), ((("*"), wish),) if wish else ())
    return find_cases([book], Choice(bindings))[0]


@dataclass
class Made:
    """Collects what is recorded of one check, one second a command. Times are wall and documented at once."""

    case: Case
    now_s: float = 10.0
    events: list[Event] = field(default_factory=list)
    orders: int = 0

    def at(self, kind: str, subject: str, /, **data: Any) -> Made:
        self.events.append(Event(self.now_s, self.now_s, kind, subject, data))
        return self

    def ran(self, number: int, exit_code: int = 0, output: str = "", *, phase: str = "first", **data: Any) -> Made:
        """The unit with this number, from 1."""
        self.at("command.started", str(number), phase=phase)
        self.now_s += 1.0
        facts: dict[str, Any] = {"exit_code": exit_code, "output": output, "codes": [exit_code], "phase": phase, **data}
        return self.at("command.finished", str(number), **facts)

    def begins(self, phase: str = "first") -> Made:
        return self.at("procedure.started", phase)

    def ends(self, phase: str = "first", *, served: bool = True) -> Made:
        self.at("procedure.finished", phase)
        self.now_s += 5.0
        return self.at("recovery.proven" if served else "recovery.given_up", phase)

    def state(self, when: str, **facts: str) -> Made:
        return self.at("state", when, facts={name.replace("__", " "): value for name, value in facts.items()})

    def facts(self, when: str, facts: dict[str, str]) -> Made:
        return self.at("state", when, facts=facts)

    def load(self, from_s: float, to_s: float, *, good: bool = True, error: str = "connection refused") -> Made:
        """Orders four times a second, and canaries once."""
        step = 0.25
        for number in range(round((to_s - from_s) / step)):
            due_s = from_s + number * step
            self._operation("order", due_s, "" if good else error)
            if number % 4 == 0:
                self._operation("canary", due_s, "" if good else error)
        return self

    def refused(self, due_s: float) -> Made:
        """One order."""
        self._operation("order", due_s, "risk-manager is down")
        return self

    def _operation(self, op: str, due_s: float, error: str) -> None:
        self.orders += 1
        name = f"check-o-{self.orders:06d}"
        self.events.append(Event(due_s, due_s, "op.invoke", name, {"op": op, "intended_s": due_s, "intended_wall_s": due_s}))
        done_s = due_s + 0.01
        told: dict[str, Any] = {"op": op, "latency_ms": 10.0} | ({"error": error} if error else {})
        self.events.append(Event(done_s, done_s, "op.fail" if error else "op.ok", name, told))

    def judged(self, problem: str = "") -> Judged:
        return judge(Checked(self.case, History.of(self.events), problem), STEADY)

    def rules(self) -> list[str]:
        return [each.rule for each in self.judged().findings]


def made(text: str, **how: Any) -> Made:
    return Made(case(text, **how))


def single(text: str, exit_code: int = 0, output: str = "", **data: Any) -> list[str]:
    """The rules that speak of one command, carried out on a healthy stack."""
    return made(text).begins().ran(1, exit_code, output, **data).ends().rules()
