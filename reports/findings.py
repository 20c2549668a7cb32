"""Findings in runbooks as text for people: file by file, each with its place, its rule and what shows it; then the counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.escape import plain
from scenarios.errors import shown
from scenarios.lint import Finding, Report, Severity
from scenarios.lint.finding import at_least
from scenarios.lint.report import Broken, Carried, Coverage, files_with

STYLES: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_MOST_EVIDENCE = 8  # lines; more of it stands in the JSON


def as_text(report: Report, least: Severity) -> Group:
    """For a console: each finding that is at least so grave, and the counts of all."""
    return Group(*(part for part in _parts(report, least)))


def _parts(report: Report, least: Severity) -> Iterator[RenderableType]:
    grave = [(number, each) for number, each in enumerate(report.findings) if at_least(each.severity, least)]
    for file in files_with([each for _, each in grave], report.files):
        yield Text(shown(file), "bold")
        for number, each in grave:
            if each.file == file:
                yield _finding(each, known=report.is_known(number))
        yield Text()
    if report.findings:
        yield _rules(report)
        yield Text()
    yield Text(totals(report))
    if left_out := len(report.findings) - len(grave):
        yield Text(f"{left_out} less grave ones are not shown; --severity info shows them", "dim")
    yield from map(_broken, report.broken)
    if report.carried is None:
        yield Text(coverage_text(report.coverage))
        return
    yield from _left(report.carried)
    yield Text(carried_text(report))


def _broken(each: Broken) -> Text:
    said = Text.assemble((f"UNKNOWN {shown(each.file)}:{each.line} ", "bold yellow"), f"{each.procedure}: {plain(each.reason)}")
    for line in plain(each.log).splitlines()[-_MOST_EVIDENCE:]:
        said.append(f"\n      {line}", "dim")
    return said


def _left(carried: Sequence[Carried]) -> Iterator[RenderableType]:
    """The commands that were not carried out, each with its reason."""
    left = [each for each in carried if each.status != "executed"]
    for each in left:
        yield Text.assemble(
            f"{shown(each.file)}:{each.line} ",
            (each.status, "yellow"),
            f" {plain(each.command)}",
            (f"  # {plain(each.reason)}", "dim"),
        )
    if left:
        yield Text()


def carried_text(report: Report) -> str:
    """How many of the commands were executed, and what became of the others."""
    carried = report.carried or ()
    if not carried:
        return "there is no command in it"
    others = [f"{count} {status}" for status, count in sorted(report.by_status.items()) if status != "executed"]
    share = report.share_executed or 0.0
    return f"{report.by_status['executed']} of {len(carried)} commands were executed ({share:.1%}){'; ' if others else ''}{', '.join(others)}"


def _finding(each: Finding, *, known: bool) -> Text:
    text = Text.assemble(
        f"  {shown(each.file)}:{each.line}:{each.column} ", (each.severity, "dim" if known else STYLES[each.severity]), " ", (each.rule, "bold"),
        (" (known)" if known else "", "dim"), f"\n    {plain(each.message)}",
    )  # fmt: skip
    for line in evidence_lines(each):
        text.append(f"\n      {line}", "dim")
    for other in each.related:
        text.append(f"\n      see {shown(other.file)}:{other.line}: {plain(other.message)}", "dim")
    return text


def evidence_lines(each: Finding) -> list[str]:
    """The first lines of the evidence."""
    lines = plain(each.evidence).splitlines()
    return lines if len(lines) <= _MOST_EVIDENCE else [*lines[:_MOST_EVIDENCE], f"... {len(lines) - _MOST_EVIDENCE} more lines"]


def _rules(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("findings", justify="right")
    table.add_column("rule")
    table.add_column("what")
    titles = {rule.id: rule.title for rule in report.rules}
    for rule, count in report.by_rule.items():
        table.add_row(str(count), rule, titles.get(rule, ""))
    return table


def totals(report: Report) -> str:
    """`3 errors, 12 warnings, 20 infos in 2 of 5 documents`; with a baseline, how many of them are new."""
    counts = [f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in report.by_severity.items()]
    where = f"{len(files_with(report.findings, report.files))} of {_documents(report.files)}"
    said = f"{', '.join(counts)} in {where}" if report.findings else f"no finding in {_documents(report.files)}"
    if report.known:
        said += f"; {len(report.new)} new, {len(report.findings) - len(report.new)} known by the baseline"
    if report.gone:
        said += f"; {report.gone} of the baseline {'is' if report.gone == 1 else 'are'} found no more"
    return said


def coverage_text(coverage: Coverage) -> str:
    """What of the commands can be executed."""
    if coverage.share is None:
        return "there is no command in it"
    return (
        f"{coverage.executable + coverage.needs_binding} of {coverage.commands} commands can be executed ({coverage.share:.1%}), "
        f"{coverage.needs_binding} of them once bound; {coverage.not_executable} cannot"
    )


def _documents(files: tuple[Path, ...]) -> str:
    return f"{len(files)} document{'' if len(files) == 1 else 's'}"
