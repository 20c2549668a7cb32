"""Situations that documents classify: `Complete system outage` below `P0 - Critical`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.lint.quoted import Quoted
from scenarios.reading import Item, Prose, Runbook
from scenarios.reading.facts import find_severities

_LABEL = re.compile(r"^\*\*P[0-4]\b[^*]*\*\*\s*(?:\([^)]*\))?\s*$")
_SAYS_LITTLE = {
    "issue", "issues", "problem", "problems", "of", "or", "and", "the", "a", "an", "in", "with", "affecting", "during", "active", "to", "for", "system", "exploitation",
    "position", "positions", "trading",
}  # fmt: skip
_SAME = {"failed": "fail", "failure": "fail", "failures": "fail", "loss": "outage", "outages": "outage", "breaches": "breach", "corrupted": "corruption", "infrastructure": "all",
         "database": "data", "databases": "data", "total": "complete", "full": "complete", "data": "data"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Situation(Quoted):
    """One line of a classification."""

    level: str
    text: str
    runbook: Runbook
    line: int


def situations(runbook: Runbook) -> Iterator[Situation]:
    """Items below a heading or a bold line that names a severity, where a classification is being given."""
    for section in runbook.sections:
        classifies = re.search(r"classif|severit", " ".join(section.path), re.IGNORECASE) is not None
        level = next((each.level for each in find_severities(section.title, section.line)), "") if classifies else ""
        for block in section.blocks if classifies else ():
            if isinstance(block, Prose):
                level = (
                    next((each.level for each in find_severities(block.text, block.line)), "")
                    if _LABEL.match(block.raw.strip())
                    else ""
                )
            elif isinstance(block, Item) and level:
                yield Situation(level, block.text.strip(), runbook, block.line)


def severity_names(runbook: Runbook) -> dict[str, str]:
    """The word that a document gives to each severity: `P1 - High`."""
    texts = [each.title for each in runbook.sections] + [
        each.raw.strip("*") for section in runbook.sections for each in section.prose if each.raw.startswith("**")
    ]
    return {each.level: each.name for text in texts for each in find_severities(text.replace("**", ""), 0) if each.name}


def alike(one: str, other: str, *, exact: bool = False) -> bool:
    """Whether two texts are about the same situation: two words that say something in common, and nothing that one says and the other doesn't.

    `exact`: synonyms do not count, and neither do words that only sound alike.
    """
    first, second = _words(one, exact=exact), _words(other, exact=exact)
    shared = first & second
    if exact:
        return len(shared) >= 2 and first == second
    return len(shared) >= 2 and (first <= second | {"all"} or second <= first | {"all"})


def _words(text: str, *, exact: bool) -> set[str]:
    plain = re.sub(r"\(.*?\)", " ", text.lower())
    plain = re.split(r"\bduring\b|\bwith\b|\baffecting\b", plain)[0]
    words = {each for each in re.findall(r"[a-z]+", plain) if each not in _SAYS_LITTLE}
    return words if exact else {_SAME.get(each, each) for each in words}
