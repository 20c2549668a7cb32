"""What came of judging runbooks: plain data, from which every output is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from scenarios.lint.finding import SEVERITIES, Finding, Severity, at_least
from scenarios.lint.rule import Rule
from scenarios.reading import Class, Runbook


@dataclass(frozen=True, slots=True)
class Part:
    """A step of a procedure, and the lines that are its own: what one test case stands for."""

    file: Path
    procedure: str
    anchor: str
    step: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many commands there are, and what can be done with them."""

    commands: int = 0
    executable: int = 0
    needs_binding: int = 0
    not_executable: int = 0

    @property
    def share(self) -> float | None:
        """The part of the commands that can be executed, bound or not; None when there is no command."""
        return (self.executable + self.needs_binding) / self.commands if self.commands else None


CarriedOut = Literal["executed", "needs a binding", "cannot be executed", "not executed", "not reached", "not judged", "unknown"]


@dataclass(frozen=True, slots=True)
class Carried:
    """One command of a document, and what became of it when its procedure was carried out."""

    file: Path
    line: int
    column: int
    command: str  # its first line
    procedure: str  # the anchor of its section
    status: CarriedOut
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A procedure of which nothing can be said, because its check did not come to its end; `log` is what it said last."""

    file: Path
    line: int
    procedure: str
    reason: str
    log: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`findings` are in the order of the documents. `known` holds the fingerprints of those that a baseline already has."""

    findings: tuple[Finding, ...]
    rules: tuple[Rule, ...]
    files: tuple[Path, ...]
    parts: tuple[Part, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    known: tuple[bool, ...] = ()  # for each finding whether the baseline has it; empty: there is no baseline
    gone: int = 0  # entries of the baseline that are found no more
    carried: tuple[Carried, ...] | None = None  # of a check: what became of each command; None: nothing was carried out
    broken: tuple[Broken, ...] = ()

    def is_known(self, number: int) -> bool:
        return bool(self.known) and self.known[number]

    @property
    def new(self) -> tuple[Finding, ...]:
        """The findings that the baseline does not have."""
        return tuple(each for number, each in enumerate(self.findings) if not self.is_known(number))

    def graver(self, threshold: Severity) -> tuple[Finding, ...]:
        """The new findings that are at least as grave as the threshold: those that end a command with exit code 1."""
        return tuple(each for each in self.new if at_least(each.severity, threshold))

    @property
    def by_status(self) -> Mapping[CarriedOut, int]:
        """How many commands were executed, how many not, and why."""
        return Counter(each.status for each in self.carried or ())

    @property
    def share_executed(self) -> float | None:
        """The part of the commands that were executed; None when there is none, or nothing was carried out."""
        return self.by_status["executed"] / len(self.carried) if self.carried else None

    @property
    def by_rule(self) -> Mapping[str, int]:
        """How many findings each rule has, the most first."""
        counts = Counter(each.rule for each in self.findings)
        return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    @property
    def by_severity(self) -> Mapping[Severity, int]:
        counts = Counter(each.severity for each in self.findings)
        return {severity: counts[severity] for severity in SEVERITIES}


def covered(runbooks: Iterable[Runbook]) -> Coverage:
    """What can be done with the commands of these documents."""
    kinds = Counter(found.kind for book in runbooks for _, found in book.classified())
    return Coverage(kinds.total(), kinds[Class.EXECUTABLE], kinds[Class.NEEDS_BINDING], kinds[Class.NOT_EXECUTABLE])


def parts_of(runbooks: Iterable[Runbook]) -> tuple[Part, ...]:
    """Every step of every procedure; a step ends where the next begins, the last with its block or its section."""
    found = []
    for book in runbooks:
        for procedure in sorted((*book.procedures, *book.manual), key=lambda each: each.section.line):
            section, steps = procedure.section, procedure.steps
            starts = [section.line, *(each.line for each in steps[1:])]
            ends = [*(max(section.line, each.line - 1) for each in steps[1:]), section.end_line]
            found += [
                Part(book.path, " / ".join(section.path[1:]) or section.title, section.anchor, step.title, start, end)
                for step, start, end in zip(steps, starts, ends, strict=True)
            ]
    return tuple(found)


def files_with(findings: Iterable[Finding], files: Collection[Path]) -> tuple[Path, ...]:
    """The files that have findings, in the order in which they were given."""
    having = {each.file for each in findings}
    return tuple(each for each in files if each in having)
