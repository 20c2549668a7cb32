"""Several documents of a test side by side, and what a rule finds in them; and the five documents that are outside of the checkout."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

from scenarios.lint import Context, Finding, Rule
from scenarios.reading import find_runbooks, read_runbook
from tests.scenarios.lint.judging import TODAY, document

SHARED = Path(__file__).resolve().parents[4] / "shared" / "runbooks"


def found(rule: Rule, *texts: str, **known: Any) -> list[Finding]:
    """What a rule finds in documents with these texts; they are called a.md, b.md and so on."""
    books = tuple(document(text, f"{'abcdef'[at]}.md") for at, text in enumerate(texts))
    return list(rule.among(Context(today=TODAY, runbooks=books, **known), books))


def shell(body: str, title: str = "Mend it") -> str:
    """A document with one block of shell; its first line is line 4."""
    return f"## {title}\n\n```bash\n{dedent(body).strip()}\n```\n"


def psql(statement: str) -> str:
    """The same with one statement in it."""
    return shell(f'psql -d shop -c "{statement}"')


def shared(rule: Rule, **known: Any) -> list[tuple[str, int]]:
    """Document and line of what a rule finds in the five documents."""
    books = tuple(read_runbook(path) for path in find_runbooks([SHARED]))
    return sorted((each.file.name[:3], each.line) for each in rule.among(Context(today=TODAY, runbooks=books, **known), books))
