"""Claims about thresholds: when a value is warning or critical, by tables, alert rules and what documents call symptoms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.lint.claims import Claim, section_at
from scenarios.reading import Cell, Runbook, Table
from scenarios.reading.alerts import Alert
from scenarios.reading.facts import find_severities
from scenarios.reading.figures import Figure, find_figures

_METRICS = (
    ("signal latency", re.compile(r"\bsignals?\b.*\blatency\b|\blatency\b.*\bsignals?\b", re.IGNORECASE)),
    ("data feed latency", re.compile(r"\bfeed\s+latency\b", re.IGNORECASE)),
    ("risk check time", re.compile(r"\brisk\s+check\b", re.IGNORECASE)),
    ("order execution time", re.compile(r"\border\s+execution\b", re.IGNORECASE)),
    ("error rate", re.compile(r"\berror\s+rate\b", re.IGNORECASE)),
    ("CPU usage", re.compile(r"\bcpu(?:[\s_]+us\w*|/|\b)", re.IGNORECASE)),
    ("memory usage", re.compile(r"\bmemory[\s_]+us\w*", re.IGNORECASE)),
    ("disk usage", re.compile(r"\bdisk(?:[\s_]+us\w*)", re.IGNORECASE)),
    ("free disk", re.compile(r"\bdisk_free\w*|\bfree\s+disk\b", re.IGNORECASE)),
    ("database connections", re.compile(r"\b(?:database|db)[\s_]+connection", re.IGNORECASE)),
    ("response time", re.compile(r"\bapi\s+response\s+time|\bapi\s+latency|\bresponse\s+times?\b|\bhttp_request_duration\w*|\bp95\s+latency", re.IGNORECASE)),
)  # fmt: skip
_LEVELS = {
    "target": "target", "normal": "target", "normal range": "target", "warning": "warning", "warn": "warning", "critical": "critical",
    "alert threshold": "alert", "alert": "alert",
}  # fmt: skip
_BELOW = re.compile(r"\((?P<side>[<>])\s*(?P<figure>\d[^)]*?)(?:\s+for\s+(?P<what>[^)]*))?\)")
_TRIGGER = re.compile(r"`?(?P<expression>[^`]*)`?")
_COMPARED = re.compile(r"^(?P<left>.*?)(?P<side>>=?|<=?)\s*(?P<right>[\d.]+)\s*(?P<unit>ms|s|%)?$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Threshold:
    """From where on a metric is at a level. `side` is `>` where more is worse; `by` tells what says so: a table, an alert rule, a trigger, prose."""

    claim: Claim
    side: str
    level: str
    unit: str
    by: str
    name: str = ""

    @property
    def metric(self) -> str:
        return self.claim.subject

    @property
    def value(self) -> float:
        return self.claim.value


def metric_of(text: str) -> str:
    """What is measured, by its words; empty when that is nothing that is compared."""
    return next((name for name, pattern in _METRICS if pattern.search(text)), "")


def thresholds(runbook: Runbook) -> Iterator[Threshold]:
    """All of a document, in no particular order."""
    for table in runbook.tables:
        yield from _of_table(runbook, table)
    for alert in runbook.alerts:
        yield from _of_alert(runbook, alert)
    yield from _of_triggers(runbook)
    yield from _of_prose(runbook)


def _of_table(runbook: Runbook, table: Table) -> Iterator[Threshold]:
    levels = [_LEVELS.get(each.text.strip().lower(), "") for each in table.header]
    for row in table.rows if any(levels) else ():
        metric = metric_of(row.cells[0].text)
        for level, cell in zip(levels, row.cells, strict=False):
            figure = _only(cell)
            if level and metric and figure is not None:
                claim = Claim("threshold", metric, figure.value, figure.text, runbook, cell.line, cell.column)
                yield Threshold(claim, figure.comparison[:1], level, _unit(figure), "table")


def _only(cell: Cell) -> Figure | None:
    known = [each for each in cell.figures if each.comparison[:1] in ("<", ">") and each.comparison]
    return known[0] if len(known) == 1 else None


def _unit(figure: Figure) -> str:
    return {"duration": "s", "percentage": "%"}.get(figure.kind, "")


def _of_alert(runbook: Runbook, alert: Alert) -> Iterator[Threshold]:
    """The comparison of an alert rule, where the unit of its metric can be told from its name."""
    found = _COMPARED.match(alert.expr.text.strip())
    if found is None or alert.severity is None:
        return
    metric, value, side = metric_of(found["left"]), float(found["right"]), found["side"][0]
    unit = "s" if "_seconds" in found["left"] else "%" if "_percent" in found["left"] else ""
    if metric == "free disk" and unit == "%":
        metric, value, side = "disk usage", 100 - value, ">" if side == "<" else "<"
    if metric and unit:
        claim = Claim(
            "threshold", metric, value, f"{found['side']} {found['right']}", runbook, alert.expr.line, alert.expr.column
        )
        yield Threshold(claim, side, alert.severity.text.lower(), unit, "alert", alert.name.text)


def _of_triggers(runbook: Runbook) -> Iterator[Threshold]:
    """`**Trigger:** `...`` of an alert that is described in prose."""
    for term in runbook.terms:
        if term.term.strip(": ").lower() not in ("trigger", "condition", "alert condition"):
            continue
        section = section_at(runbook, term.line)
        expression = _TRIGGER.match(term.value)
        said = expression["expression"].strip() if expression else ""
        compared = _COMPARED.match(said)
        metric = metric_of(said) or metric_of(section.title)
        if compared and metric and compared["unit"]:
            figure = find_figures(f"{compared['right']}{compared['unit']}")[0]
            yield Threshold(
                Claim("threshold", metric, figure.value, said, runbook, term.line, term.column),
                compared["side"][0],
                "alert",
                _unit(figure),
                "trigger",
            )
        full = re.fullmatch(r"(?P<a>\w+?)_active\s*>=?\s*(?P=a)_max", said)
        if full and metric:
            yield Threshold(
                Claim("threshold", metric, 100.0, said, runbook, term.line, term.column), ">", "alert", "%", "trigger"
            )


def _of_prose(runbook: Runbook) -> Iterator[Threshold]:
    """`Significant latency increase (>5s for signals)` below a severity: from where on an incident has it."""
    for section in runbook.sections:
        for item in section.items:
            found = _BELOW.search(item.text)
            figure = next(iter(find_figures(found["figure"])), None) if found else None
            level = _level_above(runbook, item.line) if found else ""
            if found and figure is not None and level and figure.kind in ("duration", "percentage"):
                metric = metric_of(f"{item.text[: found.start()]} {found['what'] or ''}")
                if metric:
                    yield Threshold(
                        Claim("threshold", metric, figure.value, found[0].strip("()"), runbook, item.line),
                        found["side"],
                        level,
                        _unit(figure),
                        "prose",
                    )


def _level_above(runbook: Runbook, line: int) -> str:
    """The severity that the nearest bold line or heading above gives to a list."""
    for number in range(line - 1, max(0, line - 12), -1):
        text = runbook.source.line(number)
        if text.startswith(("**", "#")):
            return next((each.level for each in find_severities(text, number)), "")
    return ""
