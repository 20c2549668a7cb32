"""Comments that silence a rule for a block, and what can be wrong with them.

<!-- gameday: ignore endless-command the log is watched until somebody has seen enough -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.rule import rule
from scenarios.reading import Fence, Runbook
from scenarios.reading.blocks import Block

_COMMENT = re.compile(r"\s*(?:[-*]\s+)?<!--\s*gameday:\s*ignore\b\s*(?P<rule>[\w-]*)\s*(?P<reason>.*?)\s*-->\s*")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment: the rule it silences, why, and the lines of the block it stands before."""

    rule: str
    reason: str
    line: int
    column: int
    first: int
    last: int

    def silences(self, finding: Finding) -> bool:
        return self.rule == finding.rule and self.first <= finding.line <= self.last


def ignores(runbook: Runbook) -> Iterator[Ignore]:
    """Those of a document, in its order; what looks like one inside a block of code is none."""
    lines = runbook.source.lines
    inside = {number for fence in runbook.fences for number in range(fence.line, fence.end_line + 1)}
    for number, line in enumerate(lines, 1):
        found = _COMMENT.fullmatch(line) if number not in inside else None
        if found is not None:
            first = _below(lines, number)
            yield Ignore(found["rule"], found["reason"], number, found.start("rule") + 1, first, _last(runbook, first))


def _below(lines: Sequence[str], number: int) -> int:
    """The first line after a comment that is neither empty nor another such comment."""
    for below in range(number + 1, len(lines) + 1):
        if lines[below - 1].strip() and not _COMMENT.fullmatch(lines[below - 1]):
            return below
    return number


def _last(runbook: Runbook, first: int) -> int:
    """The last line of the block that begins there. A list item with a block in it ends where that block does."""
    blocks = (block for section in runbook.sections for block in section.blocks)
    return max([first, *(each.end_line for each in blocks if each.line == first or _belongs(each, first))])


def _belongs(block: Block, first: int) -> bool:
    return isinstance(block, Fence) and block.item is not None and block.item.line == first


@rule("ignore-without-reason", severity="warning", title="A rule is silenced without a reason")
def ignore_without_reason(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A comment silences a rule but does not say why. Whoever reads the runbook next cannot tell a decision from a shortcut, and dares neither to trust the command nor to repair it.

    Bad: `<!-- gameday: ignore flush-all -->`
    Good: `<!-- gameday: ignore flush-all this Redis is a cache; it fills again within a minute -->`

    It cannot be silenced; write the reason.
    """
    for each in ignores(runbook):
        if not each.rule:
            yield ignore_without_reason.finding(runbook, each, "this comment names no rule: `gameday: ignore rule-id reason`")
        elif not each.reason:
            yield ignore_without_reason.finding(runbook, each, f"{each.rule} is silenced here without a reason")


@rule("ignore-unused", severity="warning", title="A comment silences nothing")
def ignore_unused(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A comment silences a rule that finds nothing in the block below it, or that does not exist. What it excused has been mended, or its name is mistyped; left in place it would hide the next finding of that kind.

    Bad: `<!-- gameday: ignore endles-command we watch it -->` (no rule is called that)
    Good: the comment is removed together with what it excused.

    It cannot be silenced; remove the comment.
    """
    yield from ()  # found by `run.py`, which knows what the others have found


@rule("rule-crashed", severity="error", title="A rule could not judge a document")
def rule_crashed(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A rule broke down over this document. What it looks for may be there or not: nobody knows, so this is no pass. It is a defect of gameday; please report it with the message and, if you can, the document.

    Until it is mended, leave the rule out: `gameday runbook lint --ignore RULE`.
    """
    yield from ()  # found by `run.py`
