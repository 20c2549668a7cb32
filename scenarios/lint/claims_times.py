"""Claims about time: acknowledging, answering and resolving by severity, status updates, escalation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.claims import ANY, Claim, section_at, span, spans
from scenarios.reading import Runbook, Table
from scenarios.reading.facts import find_severities

_VERBS = (
    ("acknowledge", re.compile(r"\backnowledg", re.IGNORECASE)),
    ("resolve", re.compile(r"\bresol[uv]", re.IGNORECASE)),
    ("respond", re.compile(r"\brespon[ds]", re.IGNORECASE)),
)
_HEADED = re.compile(r"\((?:response|respond)\s*:\s*(?P<value>[^)]+)\)", re.IGNORECASE)
_EVERY_ALERT = re.compile(r"^acknowledge\s+(?:the\s+|an?\s+|any\s+|every\s+|all\s+)?alerts?\b.*\bwithin\b", re.IGNORECASE)
_UPDATE = re.compile(r"^\**(?P<which>initial|progress|resolution)\b[^:]{0,20}:\**\s*(?P<value>.+)$", re.IGNORECASE)
_FOR_SEVERITIES = re.compile(r"(?P<text>[^,()]+)\((?P<levels>P[0-4](?:\s*/\s*P[0-4])*)\)")
_ROLES = (
    ("the on-call engineer", re.compile(r"\b(?:primary\s+)?on-call\b", re.IGNORECASE)), ("senior engineers", re.compile(r"\bsenior\s+engineer", re.IGNORECASE)),
    ("the CTO", re.compile(r"\bCTO\b")), ("management", re.compile(r"\bmanage(?:r|ment)\b", re.IGNORECASE)),
)  # fmt: skip
NAMES = {"critical": "P0", "high": "P1", "medium": "P2", "low": "P3"}


def response_claims(runbook: Runbook) -> Iterator[Claim]:
    """How soon an alert or incident of a severity is acknowledged, answered, resolved."""
    for section in runbook.sections:
        headed, levels = _HEADED.search(section.title), list(find_severities(section.title, section.line))
        value = span(headed["value"]) if headed else None
        if value and levels:
            yield Claim("respond", levels[0].level, *value, runbook, section.line)
        for item in section.items:
            told = span(item.text) if _EVERY_ALERT.match(item.text) else None
            if told:
                yield Claim("acknowledge", ANY, *told, runbook, item.line)
    for term in runbook.terms:
        levels = list(find_severities(term.term, term.line))
        if levels:
            yield from _of_term(runbook, levels[0].level, term.value, term.line, term.column)


def _of_term(runbook: Runbook, level: str, value: str, line: int, column: int) -> Iterator[Claim]:
    verbs = [
        (name, before, seconds, said) for before, seconds, said in spans(value) for name, verb in _VERBS if verb.search(before)
    ]
    for name, _, seconds, said in verbs:
        yield Claim(name, level, seconds, said, runbook, line, column)
    told = span(value)
    title = section_at(runbook, line).title
    kinds = [name for name, verb in _VERBS if verb.search(title)]
    if not verbs and told and len(value) < 60 and kinds and re.search(r"\btimes?\b|\bSLA", title, re.IGNORECASE):
        yield Claim(kinds[0], level, *told, runbook, line, column)


def table_responses(runbook: Runbook) -> Iterator[tuple[Claim, str]]:
    """The same of tables with columns for severity and response time, each with what the row describes."""
    for table in runbook.tables:
        severity, response = (
            _at(table, ("severity", "priority", "level")),
            _at(table, ("response time", "response", "respond within")),
        )
        about = _at(table, ("description", "definition", "meaning", "examples"))
        if severity is None or response is None:
            continue
        for row in table.rows:
            word = row.cells[severity].text.strip()
            level = next((each.level for each in find_severities(word, row.line)), NAMES.get(word.lower(), ""))
            told = span(row.cells[response].text)
            if told and level:
                yield (
                    Claim("respond", level, *told, runbook, row.line, row.cells[response].column),
                    row.cells[about].text if about is not None else "",
                )


def _at(table: Table, names: tuple[str, ...]) -> int | None:
    heads = [each.text.strip().lower() for each in table.header]
    return next((heads.index(name) for name in names if name in heads), None)


def update_claims(runbook: Runbook) -> Iterator[Claim]:
    """How soon, and how often, people are told: first, meanwhile, at the end. `Within response time SLA` is what those say."""
    for section in runbook.sections:
        for item in section.items:
            found = _UPDATE.match(item.text)
            if found and re.search(r"communicat|update|notif", " ".join(section.path), re.IGNORECASE):
                quantity = {"initial": "first update", "progress": "progress update", "resolution": "notice of resolution"}[
                    found["which"].lower()
                ]
                yield from _updates(runbook, quantity, found["value"], item.line)


def _updates(runbook: Runbook, quantity: str, value: str, line: int) -> Iterator[Claim]:
    if re.search(r"response\s+(?:time\s+)?SLA", value, re.IGNORECASE):
        for claim in response_claims(runbook):
            if claim.quantity == "respond" and claim.subject != ANY:
                yield Claim(quantity, claim.subject, claim.value, f"within the response time, {claim.said}", runbook, line)
        return
    split = list(_FOR_SEVERITIES.finditer(value))
    for part in split:
        told = span(part["text"])
        if told:
            yield from (Claim(quantity, level, *told, runbook, line) for level in re.findall(r"P[0-4]", part["levels"]))
    told = span(value)
    if not split and told:
        yield Claim(quantity, ANY, *told, runbook, line)


def escalation_claims(runbook: Runbook) -> Iterator[Claim]:
    """When whom to call: lists that begin with a time, headings like `Level 2: On-Call Engineer (15-30 minutes)`, tables."""
    for section in runbook.sections:
        if not re.search(r"escalat", " ".join(section.path), re.IGNORECASE):
            continue
        heading = re.search(r"\(([^()]*)\)\s*$", section.title)
        if heading:
            yield from _escalation(runbook, section.title[: heading.start()], heading[1], section.line)
    for term in runbook.terms:
        if re.search(r"escalat", section_at(runbook, term.line).title, re.IGNORECASE):
            yield from _escalation(runbook, term.value, term.term, term.line)
    for text, line in _paged_at_once(runbook):
        yield Claim("escalation", "the on-call engineer", 0.0, text, runbook, line)
    for table in runbook.tables:
        role, when = _at(table, ("role",)), _at(table, ("escalation time", "escalate after", "escalation"))
        for row in table.rows if role is not None and when is not None else ():
            yield from _escalation(runbook, row.cells[role].text, row.cells[when].text, row.line)  # type: ignore[index]


def _paged_at_once(runbook: Runbook) -> Iterator[tuple[str, int]]:
    """Headings and bold lines that say so: `Critical Alerts (Page Immediately)`, `**P0 - Critical** (Page immediately, all hands)`."""
    said = [(each.title, each.line) for each in runbook.sections]
    said += [(each.text, each.line) for section in runbook.sections for each in section.prose if each.raw.startswith("**")]
    return ((text, line) for text, line in said if re.search(r"\(page\s+immediately\b", text, re.IGNORECASE))


def _escalation(runbook: Runbook, whom: str, when: str, line: int) -> Iterator[Claim]:
    told = span(when)
    role = next((name for name, pattern in _ROLES if pattern.search(whom)), "")
    if told and role:
        yield Claim("escalation", role, *told, runbook, line)
