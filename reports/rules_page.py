"""The page of all rules, docs/runbook-rules.md, made from what the rules say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reports.escape import prose
from scenarios.lint import Rule

_HEAD = """# Rules for runbooks

What `gameday runbook lint PATH...` looks for, by theme. `gameday runbook explain RULE` prints one of these.

A finding is silenced for a block by a comment in the line before it, with a reason:
`<!-- gameday: ignore rule-id reason -->`. This page is made from the rules themselves:
`gameday runbook explain --format markdown > docs/runbook-rules.md`."""


def as_page(rules: Iterable[Rule]) -> str:
    """All rules: a table, and then each with its explanation."""
    return "\n\n".join(_parts(list(rules))) + "\n"


def as_section(rule: Rule) -> str:
    """One rule."""
    return f"{prose(rule.title)}. Severity: {rule.severity}.\n\n{_paragraphs(rule.explanation)}"


def _parts(rules: list[Rule]) -> Iterator[str]:
    yield _HEAD
    rows = "\n".join(f"| [`{each.id}`](#{each.id}) | {each.severity} | {each.theme} | {prose(each.title)} |" for each in rules)
    yield f"| rule | severity | theme | what |\n| --- | --- | --- | --- |\n{rows}"
    for each in rules:
        yield f"## {each.id}"
        yield as_section(each)


def _paragraphs(text: str) -> str:
    """Bad and good examples stand in lines of their own."""
    return text.replace("\nGood:", "  \nGood:")
