"""Findings in runbooks as a Markdown summary: for the comment on a change, or the page of a CI job."""

from __future__ import annotations

from collections.abc import Iterator

from reports.escape import code, prose, table
from reports.findings import carried_text, coverage_text, totals
from scenarios.errors import shown
from scenarios.lint import Finding, Report
from scenarios.lint.report import files_with

_MOST_SHOWN = 160


def as_markdown(report: Report) -> str:
    """The counts, the rules, and the findings of each document as a table."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# Findings in runbooks\n"
    yield f"{prose(totals(report))}.\n"
    yield f"{prose(coverage_text(report.coverage) if report.carried is None else carried_text(report))}."
    if report.findings:
        titles = {rule.id: rule.title for rule in report.rules}
        rows = [[str(count), code(rule), prose(titles.get(rule, ""))] for rule, count in report.by_rule.items()]
        yield f"\n{table(['findings', 'rule', 'what'], rows)}"
    for file in files_with(report.findings, report.files):
        own = [_row(each, known=report.is_known(number)) for number, each in enumerate(report.findings) if each.file == file]
        yield f"\n## {prose(shown(file))}\n\n{table(['line', 'severity', 'rule', 'finding', 'evidence'], own)}"
    yield from _left(report)


def _left(report: Report) -> Iterator[str]:
    """What of a check is not known, and what was not carried out."""
    if report.broken:
        rows = [[f"{prose(shown(each.file))}:{each.line}", code(each.procedure), prose(each.reason)] for each in report.broken]
        yield f"\n## Not judged\n\n{table(['where', 'procedure', 'why'], rows)}"
    left = [each for each in report.carried or () if each.status != "executed"]
    if left:
        rows = [[f"{prose(shown(each.file))}:{each.line}", each.status, code(each.command), prose(each.reason)] for each in left]
        yield f"\n## Not executed\n\n{table(['where', 'what', 'command', 'why'], rows)}"


def _row(each: Finding, *, known: bool) -> list[str]:
    severity = f"{each.severity} (known)" if known else each.severity
    first = each.evidence.partition("\n")[0].strip()
    evidence = first if len(first) <= _MOST_SHOWN else f"{first[: _MOST_SHOWN - 1]}…"
    return [str(each.line), severity, code(each.rule), prose(each.message), code(evidence)]
