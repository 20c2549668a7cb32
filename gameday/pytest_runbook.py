"""Runbooks as tests: each procedure is carried out once in a sandbox of its own, and each of its steps is a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from gameday.pytest_drill import DrillWishes
from gameday.pytest_failures import NotJudged, WentWrong
from harness.errors import HarnessError
from harness.runbooks.cases import Case, Choice, find_cases
from harness.runbooks.judge import Judged, judge
from harness.runbooks.many import Interrupted, Pool, check_all
from scenarios.errors import InvalidInput, shown
from scenarios.lint import Finding, Severity
from scenarios.lint.finding import at_least
from scenarios.lint.report import Carried, Part, parts_of
from scenarios.lint.run import chosen_rules, report_of
from scenarios.reading import Bindings, load_bindings, read_runbook

_SEED = 1  # as `gameday runbook check`
_FASTEST = 60.0  # of a check
_THRESHOLD: Severity = "warning"
CheckOne = Callable[[Case, Pool], Judged]


def check_one(case: Case, pool: Pool) -> Judged:
    """Carry one procedure out and judge it. Raises HarnessError, KeyboardInterrupt."""
    try:
        (checked,) = check_all([case], pool)
    except Interrupted as error:
        raise KeyboardInterrupt from error
    return judge(checked)


class RunbookFile(pytest.File):
    """A runbook. `check` carries a procedure out; tests of the plugin put another one here."""

    check: CheckOne = staticmethod(check_one)

    def __init__(self, *, wishes: DrillWishes, **given: Any) -> None:
        super().__init__(**given)
        self._wishes = wishes

    def collect(self) -> Iterator[ProcedureNode]:
        try:
            book = read_runbook(self.path)
            bindings = Bindings() if self._wishes.bindings is None else load_bindings(self._wishes.bindings)
            cases = find_cases((book,), Choice(bindings))
        except InvalidInput as error:
            raise self.CollectError(str(error)) from error
        pool = Pool(1, min(self._wishes.speed, _FASTEST), _SEED if self._wishes.seed is None else self._wishes.seed)
        for case in cases:
            yield ProcedureNode.from_parent(self, name=case.procedure.section.anchor, case=case, pool=pool)


@dataclass(frozen=True, slots=True)
class _Result:
    judged: Judged
    findings: tuple[Finding, ...]  # without those that the document silences


class ProcedureNode(pytest.Collector):
    """A procedure. It is carried out when the first of its steps is set up, and once."""

    parent: RunbookFile

    def __init__(self, *, case: Case, pool: Pool, **given: Any) -> None:
        super().__init__(**given)
        self.case, self._pool = case, pool
        self.told = False  # whether some step has said why the check came to nothing

    @cached_property
    def parts(self) -> Sequence[Part]:
        """The steps, with the lines that are their own."""
        section = self.case.procedure.section
        return [
            each
            for each in parts_of((self.case.book,))
            if section.line <= each.line <= section.end_line and each.anchor == section.anchor
        ]

    def collect(self) -> Iterator[StepItem]:
        for number, part in enumerate(self.parts, start=1):
            name = f"step: {number} {part.step}".replace("::", ":")
            yield StepItem.from_parent(self, name=name, part=part, last=number == len(self.parts))

    @cached_property
    def result(self) -> _Result | HarnessError:
        """What came of it; or why it could not be carried out."""
        try:
            judged = self.parent.check(self.case, self._pool)
        except HarnessError as error:
            return error
        report = report_of((self.case.book,), judged.findings, chosen_rules((), ()), ())
        return _Result(judged, tuple(each for each in report.findings if at_least(each.severity, _THRESHOLD)))


class StepItem(pytest.Item):
    """One step of a procedure."""

    parent: ProcedureNode

    def __init__(self, *, part: Part, last: bool, **given: Any) -> None:
        super().__init__(**given)
        self.part, self._last = part, last

    def setup(self) -> None:
        """Carry the procedure out; what could not be judged is an error, what was not executed a skip."""
        result = self.parent.result
        broken = str(result) if isinstance(result, HarnessError) else result.judged.broken.reason if result.judged.broken else ""
        log = "" if isinstance(result, HarnessError) or result.judged.broken is None else result.judged.broken.log
        if broken and not self.parent.told:
            self.parent.told = True
            raise NotJudged(f"could not be judged: {broken}", log, self._place)
        if self._findings():
            return
        if broken:
            pytest.skip("not judged: the check of the procedure did not come to its end")
        carried = self._carried()
        if not any(each.status == "executed" for each in carried):
            pytest.skip(
                "; ".join(dict.fromkeys(f"{each.status}: {each.reason}" if each.reason else each.status for each in carried))
                or "no command"
            )

    def runtest(self) -> None:
        found = self._findings()
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise WentWrong(
                f"{found[0].rule}: {found[0].message}{more}", "\n\n".join(map(_told, found)), (found[0].file, found[0].line)
            )

    def _findings(self) -> list[Finding]:
        """Those in this step's lines; the last step tells of those that lie in no step of the procedure."""
        if isinstance(self.parent.result, HarnessError):
            return []
        found = self.parent.result.findings
        mine = [each for each in found if _within(self.part, each)]
        return mine + [each for each in found if self._last and not any(_within(part, each) for part in self.parent.parts)]

    def _carried(self) -> list[Carried]:
        result = self.parent.result
        carried = () if isinstance(result, HarnessError) else result.judged.carried
        return [each for each in carried if self.part.line <= each.line <= self.part.end_line]

    @property
    def _place(self) -> tuple[Path, int]:
        return self.part.file, self.part.line

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.part.file, self.part.line - 1, f"{self.path.stem}#{self.part.anchor} {self.name}"


def _within(part: Part, finding: Finding) -> bool:
    return part.file == finding.file and part.line <= finding.line <= part.end_line


def _told(each: Finding) -> str:
    related = [f"  see {shown(other.file)}:{other.line}: {other.message}" for other in each.related]
    return "\n".join(
        [
            f"{shown(each.file)}:{each.line}: {each.rule}: {each.message}",
            *(f"  {line}" for line in each.evidence.splitlines()),
            *related,
        ]
    )
