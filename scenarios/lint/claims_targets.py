"""Claims about recovery targets, and about what is done how often: drills and reviews."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.claims import Claim, span
from scenarios.reading import Runbook

_OFTEN = {
    "daily": 86400.0,
    "weekly": 604800.0,
    "monthly": 2592000.0,
    "quarterly": 7776000.0,
    "annual": 31536000.0,
    "annually": 31536000.0,
    "yearly": 31536000.0,
}
_FREQUENCY = re.compile(rf"\b(?P<often>{'|'.join(_OFTEN)})\b|\bevery\s+(?P<unit>day|week|month|quarter|year)\b", re.IGNORECASE)
_UNITS = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
_DRILL = re.compile(r"\b(?:disaster[\s-]+recovery|DR)\s+(?:drill|test|exercise|dry[\s-]run|rehearsal)", re.IGNORECASE)
_REVIEW = re.compile(
    r"\b(?:review(?:ed)?\b(?:\s+and\s+update)?(?:\s+\w+){0,3}\s*(?:monthly|quarterly|weekly|annually)|(?:monthly|quarterly|annual)\s+review\s+of\s+(?:this\s+)?(?:runbook|document))",
    re.IGNORECASE,
)
_RUNBOOK = re.compile(r"\b(?:runbooks?|documents?|procedures?)\b", re.IGNORECASE)
_OFFSET = re.compile(r"\+\s*(?P<count>\d+)\s*(?P<unit>day|week|month|year)s?")


def recovery_claims(runbook: Runbook) -> Iterator[Claim]:
    """RTO and RPO of tables with such columns, and of terms; the subject is the kind of disaster."""
    for table in runbook.tables:
        heads = [each.text for each in table.header]
        for at, head in enumerate(heads):
            found = re.search(r"\b(RTO|RPO)\b", head)
            for row in table.rows if found and at else ():
                told = _recovery(row.cells[at].text)
                if told:
                    yield Claim(found[1], row.cells[0].text, *told, runbook, row.line, row.cells[at].column)  # type: ignore[index]
    for term in runbook.terms:
        named = re.fullmatch(r"(RTO|RPO)(?:\s+target)?", term.term.strip())
        told = span(term.value) if named else None
        if named and told:
            yield Claim(named[1], "", *told, runbook, term.line, term.column)


def _recovery(text: str) -> tuple[float, str] | None:
    """`0 (real-time replication)` is 0 seconds."""
    return (0.0, "0") if re.match(r"\s*(?:0|zero|none)\s*(?:$|\()", text, re.IGNORECASE) else span(text)


def drill_claims(runbook: Runbook) -> Iterator[Claim]:
    """How often disaster recovery is rehearsed."""
    places = [(each.title, each.line) for each in runbook.sections]
    places += [(item.text, item.line) for each in runbook.sections for item in each.items]
    for text, line in places:
        often = _FREQUENCY.search(text)
        if often and _DRILL.search(text):
            word = (often["often"] or _UNITS[often["unit"].lower()]).lower()
            yield Claim("disaster recovery drill", "", _OFTEN[word], word, runbook, line)


def review_claims(runbook: Runbook) -> Iterator[Claim]:
    """How often the document is reviewed: what it says, and the span to the next review that it gives itself."""
    blocks = [(each.raw, each.line) for section in runbook.sections for each in section.prose]
    blocks += [(each.raw, each.line) for section in runbook.sections for each in section.items]
    for text, line in blocks:
        for offset, said in enumerate(text.split("\n")):
            found, often = _REVIEW.search(said), _FREQUENCY.search(said)
            if found and often and _RUNBOOK.search(said):
                word = (often["often"] or _UNITS[often["unit"].lower()]).lower()
                yield Claim("review", "", _OFTEN[word], word, runbook, line + offset)
    updated = next((each for each in runbook.reviews if each.kind in ("updated", "reviewed") and each.on), None)
    for each in runbook.reviews:
        if each.kind == "next review":
            later = _OFFSET.search(each.text)
            if later:
                days = {"day": 1, "week": 7, "month": 30, "year": 365}[later["unit"]] * int(later["count"])
                yield Claim(
                    "review", "", days * 86400.0, f"{later['count']} {later['unit']}s later", runbook, each.line, each.column
                )
            elif each.on and updated and updated.on and each.on > updated.on:
                days = (each.on - updated.on).days
                yield Claim("review", "", days * 86400.0, f"{days} days later", runbook, each.line, each.column)
