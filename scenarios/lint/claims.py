"""What documents say of one quantity, so that two places can be held against each other: a claim."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scenarios.lint.quoted import Quoted
from scenarios.reading import Runbook, Section
from scenarios.reading.figures import Figure, find_figures

ANY = "any"
_AT_ONCE = re.compile(r"\bimmediate(?:ly)?\b|\bat once\b|\binstant(?:ly)?\b", re.IGNORECASE)
_WORKDAY = re.compile(r"\bbusiness\s+(?:day|hour)s?\b|\bworking\s+(?:day|hour)s?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim(Quoted):
    """`quantity` is what is told ("response"), `subject` of what ("P1"), `value` how much, in seconds or per cent; `said` in its words."""

    quantity: str
    subject: str
    value: float
    said: str
    runbook: Runbook
    line: int
    column: int = 1

    @property
    def place(self) -> tuple[int, int]:
        return self.line, self.column


def quotes(claims: Iterable[Claim]) -> str:
    """The lines of claims, each with its place."""
    return "\n".join(dict.fromkeys(each.quote for each in claims))


def section_at(runbook: Runbook, line: int) -> Section:
    """The section in which a line stands."""
    return next(each for each in reversed(runbook.sections) if each.line <= line)


def span(text: str) -> tuple[float, str] | None:
    """The first span of time in a text, in seconds, and its words; `immediately` is 0. None for business days: they are no span of the clock."""
    if _WORKDAY.search(text):
        return None
    figure = next((each for each in find_figures(text) if each.kind == "duration"), None)
    at_once = _AT_ONCE.search(text)
    if at_once and (figure is None or at_once.start() < figure.column - 1):
        return (
            (figure.value, figure.text)
            if figure is not None and "(" in text[at_once.end() : figure.column]
            else (0.0, at_once[0].lower())
        )
    return (figure.value, figure.text) if figure is not None else None


def spans(text: str) -> Iterator[tuple[str, float, str]]:
    """Spans with the words before each: `Acknowledge < 5 minutes, Respond < 15 minutes`."""
    start = 0
    for figure in find_figures(text):
        if figure.kind == "duration" and not figure.business:
            yield text[start : figure.column - 1], figure.value, figure.text
        start = figure.column - 1 + len(figure.text)


def percent_or_seconds(figure: Figure) -> str:
    """The unit in which a figure can be compared with another."""
    return {"duration": "s", "percentage": "%"}.get(figure.kind, "")
