"""Which platform a document is about, by its own words: documents of different platforms are never held against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scenarios.lint.context import Context
from scenarios.reading import Runbook

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_OF_RUNBOOKS = {
    "operations", "operation", "operational", "ops", "runbook", "runbooks", "incident", "incidents", "response", "playbook", "playbooks", "guide",
    "manual", "procedures", "procedure", "handbook", "on", "call", "the", "for", "of", "and", "a", "an", "emergency", "sre", "service", "first",
    "answers", "index", "documentation", "disaster", "recovery", "maintenance", "security", "deployment", "stack", "book",
}  # fmt: skip

Name = tuple[str, ...]


def title_words(title: str) -> Name:
    """What a title says of the platform: `Operations Runbook - Trading Engine` is about (trading, engine)."""
    words = (each.lower() for each in _WORD.findall(re.sub(r"\bv?\d+(?:\.\d+)+\b", " ", title)))
    return tuple(each for each in words if each not in _OF_RUNBOOKS)


def same(one: Name, other: Name) -> bool:
    """`EAFIX` and `EAFIX Trading System` are the same; nothing is the same as nothing."""
    shared = min(len(one), len(other))
    return shared > 0 and one[:shared] == other[:shared]


def platform(runbook: Runbook, runbooks: Sequence[Runbook]) -> Name:
    """By its title; where that says nothing, the platform of another document that this one speaks of most. Else empty."""
    own = title_words(runbook.title)
    if own:
        return own
    text = runbook.text.lower()
    names = {name for each in runbooks if (name := title_words(each.title))}
    told = {name: len(re.findall(rf"\b{re.escape(name[0])}\b", text)) for name in names if name[0] not in ("trading", "ai")}
    best = max(told, key=lambda name: (told[name], name), default=())
    return best if told.get(best) else ()


def groups(runbooks: Sequence[Runbook]) -> Iterator[tuple[Runbook, ...]]:
    """The documents, one group for each platform, in their order. A document of which nothing is known stands alone."""
    left = [(each, platform(each, runbooks)) for each in runbooks]
    while left:
        first, name = left[0]
        mine = [first, *(each for each, other in left[1:] if same(name, other))]
        left = [each for each in left if each[0] not in mine]
        yield tuple(mine)


def stack_applies(context: Context, runbook: Runbook) -> bool:
    """Whether the stack of the context is the one that a document is about."""
    if context.stack is None:
        return False
    name = platform(runbook, context.runbooks or (runbook,))
    return not name or same(name, title_words(context.stack.title))
