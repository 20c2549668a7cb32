"""Asks one rule about a small runbook that a test writes down."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

from scenarios.lint import Context, Finding, Report, all_rules, lint_runbooks
from scenarios.reading import Runbook, parse_runbook

TODAY = date(2026, 11, 21)


def document(text: str, name: str = "book.md") -> Runbook:
    """A document with this text."""
    return parse_runbook(dedent(text).encode(), Path(name))


def block(shell: str, title: str = "Mend it") -> Runbook:
    """A document with one procedure of one block, whose first line is line 4."""
    return document(f"## {title}\n\n```bash\n{dedent(shell).strip()}\n```\n")


def report(book: Runbook, *rules: str, **context: Any) -> Report:
    """What these rules make of the document."""
    return lint_runbooks([book], Context(today=TODAY, **context), [each for each in all_rules() if each.id in rules])


def found(rule: str, shell: str, title: str = "Mend it", **context: Any) -> list[Finding]:
    """What the rule finds in a block of shell."""
    assert rule in {each.id for each in all_rules()}
    return list(report(block(shell, title), rule, **context).findings)


def lines(rule: str, shell: str, title: str = "Mend it", **context: Any) -> list[int]:
    """The lines of the block, from 1, in which the rule finds something."""
    return [each.line - 3 for each in found(rule, shell, title, **context)]
