"""Runbooks of a test, written down in it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from scenarios.reading import Command, Procedure, Runbook, parse_runbook

RUNBOOKS = Path(__file__).resolve().parents[4] / "shared" / "runbooks"


def book(text: str | bytes) -> Runbook:
    """A document with this text."""
    return parse_runbook(dedent(text).encode() if isinstance(text, str) else text, Path("book.md"))


def procedure(body: str, title: str = "Mend it") -> Procedure:
    """The only procedure of a document."""
    return book(f"## {title}\n\n{dedent(body)}").procedures[0]


def commands(shell: str, language: str = "bash") -> list[Command]:
    """The commands of one block; its first line is line 4 of the document."""
    return list(book(f"## Mend it\n\n```{language}\n{dedent(shell)}\n```\n").commands)


def command(shell: str, language: str = "bash") -> Command:
    """The only command of a block."""
    (found,) = commands(shell, language)
    return found
