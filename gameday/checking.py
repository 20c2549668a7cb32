"""`gameday runbook check`: carries procedures out, judges what was recorded, prints or writes what was found, and gives the exit code."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from gameday.exits import FAILED, PASSED, UNKNOWN
from gameday.linting import Wishes, context_of, known_before, tell, with_baseline
from harness.runbooks.cases import Case, Choice, find_cases
from harness.runbooks.check import Checked
from harness.runbooks.judge import Judged, judge
from harness.runbooks.many import Interrupted, Pool, check_all
from scenarios.errors import InvalidInput, Problem, shown
from scenarios.lint import Context, Finding, Report, Rule
from scenarios.lint.executed import THEME
from scenarios.lint.run import chosen_rules, found_by, report_of, told_enough
from scenarios.reading import Runbook, find_runbooks, read_runbook


@dataclass(frozen=True, slots=True)
class CheckWishes(Wishes):
    """What the caller wants to know, and how it is found out."""

    procedures: tuple[str, ...] = ()
    with_lint: bool = False
    jobs: int | None = None
    speed: float = 20.0
    seed: int = 1
    limit: float = 30.0
    keep: Path | None = None


CarryOut = Callable[[Sequence[Case], Pool, Callable[[Checked], None]], list[Checked]]


def run_check(paths: Sequence[Path], wishes: CheckWishes, carry_out: CarryOut = check_all) -> int:
    """Carry them out; 1 when a new finding is at least as grave as the threshold, else 3 when a check could not be judged.

    Raises InvalidInput and HarnessError.
    """
    rules = _rules(wishes)
    if wishes.update_baseline and wishes.procedures:
        message = "with --procedure the baseline would forget what is known of the others: leave one of the two out"
        raise InvalidInput([Problem(Path("--update-baseline"), 0, 0, message)])
    before, context = known_before(wishes), context_of(wishes)
    books = tuple(read_runbook(path) for path in find_runbooks(paths))
    cases = find_cases(books, Choice(context.bindings, wishes.stack, wishes.procedures, wishes.limit))
    pool = Pool(wishes.jobs or os.cpu_count() or 1, wishes.speed, wishes.seed)
    progress = _Progress(len(cases))
    try:
        checked = carry_out(cases, pool, progress.tell)
    except Interrupted as error:
        click.echo(f"stopped by {error}: every sandbox has ended", err=True)
        return 128 + error.number
    finally:
        progress.end()
    if wishes.keep is not None:
        for each in checked:
            _keep(each, wishes.keep)
    report = with_baseline(_report(books, [judge(each) for each in checked], rules, context, wishes), wishes, before)
    tell(report, wishes)
    if report.graver(wishes.severity):
        return FAILED
    return UNKNOWN if report.broken else PASSED


def _rules(wishes: CheckWishes) -> tuple[Rule, ...]:
    """Those that carrying out answers; on demand those of reading too. Raises InvalidInput."""
    chosen = chosen_rules(wishes.select, wishes.ignore)
    if wishes.with_lint:
        return chosen
    if reading := [each.id for each in chosen if each.theme != THEME and each.id in wishes.select]:
        message = f"{reading[0]} is found by reading: add --with-lint, or ask `gameday runbook lint`"
        raise InvalidInput([Problem(Path("--select"), 0, 0, message)])
    return tuple(each for each in chosen if each.theme == THEME)


def _report(
    books: Sequence[Runbook], judged: Sequence[Judged], rules: Sequence[Rule], context: Context, wishes: CheckWishes
) -> Report:  # fmt: skip
    names = {each.id for each in rules}
    found: list[Finding] = [each for one in judged for each in one.findings if each.rule in names]
    if wishes.with_lint:
        found += found_by(books, context, [each for each in rules if each.theme != THEME])
    everything = not wishes.procedures and not any(each.broken for each in judged)
    spoke = told_enough([each for each in rules if everything or each.theme != THEME], context)
    report = report_of(books, found, rules, spoke)
    return replace(
        report, carried=tuple(each for one in judged for each in one.carried),
        broken=tuple(each.broken for each in judged if each.broken is not None),
    )  # fmt: skip


def _keep(checked: Checked, folder: Path) -> None:
    """The history of one check, as a drill's is kept. Raises InvalidInput."""
    name = f"{checked.case.book.path.stem}-{checked.case.procedure.section.anchor}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(f"{each.to_line()}\n" for each in checked.history.events), encoding="utf-8")
    except OSError as error:
        raise InvalidInput([Problem(folder, 0, 0, f"cannot be written: {error.strerror}")]) from error


class _Progress:
    """One line for each procedure as it ends, on the terminal and nowhere else."""

    def __init__(self, total: int) -> None:
        self._console, self._total, self._done = Console(stderr=True), total, 0
        self._status = self._console.status(f"{total} procedures") if self._console.is_terminal and total else None
        if self._status is not None:
            self._status.start()

    def tell(self, checked: Checked) -> None:
        self._done += 1
        if self._status is None:
            return
        case: Case = checked.case
        said, style = ("UNKNOWN", "yellow") if checked.problem else ("done", "dim")
        place = f"{shown(case.book.path)}:{case.procedure.section.line}"
        self._console.print(Text.assemble((f"{said:>8} ", style), f"{place} {case.procedure.section.title}"), soft_wrap=True)
        self._status.update(f"{self._done} of {self._total} procedures")

    def end(self) -> None:
        if self._status is not None:
            self._status.stop()
