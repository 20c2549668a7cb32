"""Facts that a document states in prose: bold terms, severities, dates of review, people to call."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from scenarios.reading.figures import Figure, find_figures
from scenarios.reading.text import Text

_TERM = re.compile(
    r"^\s*(?:[-*+]\s+|\d+[.)]\s+)?(?:\*\*(?P<a>[^*]+?):?\*\*(?P<colon>:)?|\*(?P<b>[^*:]+):)\s*(?P<value>.*?)\s*\*?\s*$"
)
_SEVERITY = re.compile(
    r"\b(?P<p>P[0-4])\b(?:\s*(?:-|–|\()\s*(?P<name>Critical|High|Medium|Low)\b)?|(?<![\w-])(?P<word>SEV-?[0-5])\b"
)
_REVIEW = {
    "last updated": "updated", "updated": "updated", "last reviewed": "reviewed", "last review": "reviewed", "reviewed": "reviewed",
    "next review": "next review", "next review date": "next review", "review date": "next review",
}  # fmt: skip
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_DATES = (
    (re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"), "day"),
    (re.compile(r"(?P<day>\d{1,2})\.?\s+(?P<word>[A-Za-z]+),?\s+(?P<year>\d{4})"), "day"),
    (re.compile(r"(?P<word>[A-Za-z]+)\s+(?P<day>\d{1,2}),\s*(?P<year>\d{4})"), "day"),
    (re.compile(r"(?P<word>[A-Za-z]+)\s+(?P<year>\d{4})"), "month"),
    (re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})"), "month"),
)
_CONTACTS = (
    ("email", re.compile(r"(?<![\w.+/:-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("phone", re.compile(r"(?<![\w+])\+\d[\dA-Z() -]{6,}[\dA-Z]")),
    ("channel", re.compile(r"(?<!\]\()(?<![\w#/&])#[a-z][a-z0-9_]*(?:-[a-z0-9_]+)+")),
    ("handle", re.compile(r"(?<![\w@./])@[a-z][\w-]+")),
    ("schedule", re.compile(r"\bPD-[A-Z]+(?:-[A-Z]+)*\b")),
)


@dataclass(frozen=True, slots=True)
class Severity:
    """P0 to P4 or SEV1, with the word that stands beside it."""

    level: str
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Term:
    """A bold term and what is said of it: `**RTO**: 4 hours`. The value may be empty: it is then a label of what follows."""

    term: str
    value: str
    line: int
    column: int
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewDate:
    """When a document was or will be looked at. `on` is None where that is not a date; of a month it is the last day."""

    kind: Literal["updated", "reviewed", "next review"]
    text: str
    line: int
    column: int
    on: date | None = None
    precision: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call, and where that stands."""

    kind: str  # email, phone, channel, handle, schedule
    text: str
    line: int
    column: int


def find_terms(text: Text, lines: Iterable[int]) -> Iterator[Term]:
    """The terms that begin these lines."""
    for number in lines:
        line = text.line(number)
        found = _TERM.match(line)
        if found and (found["colon"] or found["b"] or ":**" in line):
            name = (found["a"] or found["b"]).strip()
            at = line.find(name) + 1
            yield Term(name, found["value"], number, at, find_figures(found["value"]))


def find_reviews(terms: Iterable[Term], front: Iterable[tuple[int, str]] = ()) -> Iterator[ReviewDate]:
    """The dates of review among the terms of a document and in its front matter."""
    for number, line in front:
        key, colon, value = line.partition(":")
        if colon:
            yield from _review(key.replace("_", " ").strip(), value.strip(), number, 1)
    for term in terms:
        yield from _review(term.term, term.value, term.line, term.column)


def _review(name: str, value: str, line: int, column: int) -> Iterator[ReviewDate]:
    kind = _REVIEW.get(name.lower().rstrip(":"))
    if kind is not None:
        on, precision = read_date(value)
        yield ReviewDate(kind, value, line, column, on, precision)  # type: ignore[arg-type]


def read_date(text: str) -> tuple[date | None, str]:
    """The first date in a text, and whether it names a day or a month; of a month the last day."""
    for pattern, precision in _DATES:
        for found in pattern.finditer(text):
            parts = found.groupdict()
            month = int(parts["month"]) if parts.get("month") else _MONTHS.get((parts.get("word") or "").lower(), 0)
            year = int(parts["year"])
            if 1 <= month <= 12 and year >= 1:
                last = calendar.monthrange(year, month)[1]
                day = int(parts["day"]) if parts.get("day") else last
                if 1 <= day <= last:
                    return date(year, month, day), precision
    return None, ""


def find_severities(text: str, line: int) -> Iterator[Severity]:
    """The severities that a text names."""
    for found in _SEVERITY.finditer(text):
        yield Severity((found["p"] or found["word"] or "").upper(), found["name"] or "", line)


def find_contacts(text: Text, lines: Iterable[int]) -> Iterator[Contact]:
    """Addresses, numbers, channels and handles in these lines."""
    for number in lines:
        for kind, pattern in _CONTACTS:
            for found in pattern.finditer(text.line(number)):
                yield Contact(kind, found[0], number, found.start() + 1)
