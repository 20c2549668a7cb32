"""What a rule is, and where all of them are: `@rule(...)` on a function that yields findings makes one.

    @rule("endless-command", severity="error", title="A command that never ends")
    def endless(context: Context, runbook: Runbook) -> Iterator[Finding]:
        \"\"\"What, why it matters, a bad and a good example, how to silence it: `gameday runbook explain` prints this.\"\"\"
        yield endless.finding(runbook, command, "this follows the log until somebody stops it")

With `across=True` the function gets all documents at once: `(context, runbooks)`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Literal, Protocol, overload

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related, Severity
from scenarios.reading import Runbook

One = Callable[[Context, Runbook], Iterator[Finding]]
Across = Callable[[Context, Sequence[Runbook]], Iterator[Finding]]

NEVER_SILENT = ("ignore-without-reason", "ignore-unused", "rule-crashed")

_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")

# The modules that hold rules, by theme. `explain` and docs/runbook-rules.md list the rules in this order.
MODULES = (
    "shellcheck", "quoting", "attended", "clock", "variables", "secrets", "unknown", "ineffective", "failures", "clients", "compose",
    "cluster", "dangerous", "recovery", "restoring", "conditions",
    "sql", "settings", "alerts", "stacks", "figures", "contradictions", "links", "dates", "quality", "ignores", "executed",
)  # fmt: skip


class Placed(Protocol):
    """Whatever has a place: commands, words, placeholders, cells."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Exactly one of `one` and `across` is there."""

    id: str
    severity: Severity
    title: str
    explanation: str
    theme: str
    one: One | None = None
    across: Across | None = None

    def __call__(self, context: Context, runbook: Runbook) -> Iterator[Finding]:
        """What it finds in one document; rules that compare documents see this one alone."""
        return self.one(context, runbook) if self.one is not None else self.among(context, (runbook,))

    def among(self, context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
        """What it finds in all of them."""
        if self.across is not None:
            yield from self.across(context, runbooks)
        for runbook in runbooks if self.one is not None else ():
            yield from self(context, runbook)

    @property
    def help(self) -> str:
        """The explanation, and how to silence it."""
        if "gameday: ignore" in self.explanation or self.id in NEVER_SILENT:
            return self.explanation
        return f"{self.explanation}\n\nSilence it for a block, in the line before: `<!-- gameday: ignore {self.id} reason -->`"

    def finding(
        self, runbook: Runbook, place: Placed | tuple[int, int], message: str, evidence: str = "",
        related: tuple[Related, ...] = (), severity: Severity | None = None,
    ) -> Finding:  # fmt: skip
        """A finding of this rule, at something of the document or at a line and column."""
        line, column = place if isinstance(place, tuple) else (place.line, place.column)
        return Finding(self.id, severity or self.severity, runbook.path, line, column, message, evidence, related)


@overload
def rule(id_: str, *, severity: Severity, title: str, across: Literal[False] = False) -> Callable[[One], Rule]: ...
@overload
def rule(id_: str, *, severity: Severity, title: str, across: Literal[True]) -> Callable[[Across], Rule]: ...


def rule(id_: str, *, severity: Severity, title: str, across: bool = False) -> Callable[[One], Rule] | Callable[[Across], Rule]:
    """Makes a rule of a function. Its docstring is the explanation, and must be there."""
    if not _ID.fullmatch(id_):
        raise ValueError(f"{id_!r} is no id of a rule; write words of small letters with hyphens between")

    def explained(check: Callable[..., Iterator[Finding]]) -> tuple[str, str]:
        said = inspect.getdoc(check)
        if not said:
            raise ValueError(f"the rule {id_} does not explain itself: its function has no docstring")
        return said, check.__module__.rpartition(".")[2]

    def of_one(check: One) -> Rule:
        return Rule(id_, severity, title, *explained(check), one=check)

    def of_all(check: Across) -> Rule:
        return Rule(id_, severity, title, *explained(check), across=check)

    return of_all if across else of_one


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by theme and in the order in which its module gives them."""
    modules = [import_module(f"scenarios.lint.{each}") for each in MODULES]
    return tuple(
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, Rule) and each.theme == module.__name__.rpartition(".")[2]
    )
