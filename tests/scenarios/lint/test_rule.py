"""Rules: what makes one, and what all of them have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from scenarios.lint import Context, Finding, all_rules, rule
from scenarios.reading import Runbook
from tests.scenarios.lint.judging import TODAY, document


@rule("silent-rule", severity="info", title="Nothing")
def silent_rule(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """It never finds anything."""
    yield from ()


@rule("names-together", severity="warning", title="Names", across=True)
def names_together(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """It tells of which documents it was asked."""
    yield names_together.finding(runbooks[0], (1, 1), " ".join(book.name for book in runbooks))


def test_a_rule_knows_itself() -> None:
    """Its id, severity and title, its docstring as the explanation, its module as the theme."""
    assert (silent_rule.id, silent_rule.severity, silent_rule.title) == ("silent-rule", "info", "Nothing")
    assert (silent_rule.explanation, silent_rule.theme) == ("It never finds anything.", "test_rule")


def test_the_help_says_how_to_silence_it() -> None:
    """Whoever reads the explanation can act on it."""
    assert silent_rule.help.endswith("`<!-- gameday: ignore silent-rule reason -->`")


def test_a_rule_across_documents_sees_all_of_them() -> None:
    """Once, together; the finding carries the rule's own severity."""
    books = [document("# A", "a.md"), document("# B", "b.md")]
    (only,) = names_together.among(Context(today=TODAY), books)
    assert (only.message, only.severity) == ("a.md b.md", "warning")


@pytest.mark.parametrize("name", ["Upper-case", "two words", "-dash", "under_score", ""])
def test_an_id_is_small_words_with_hyphens(name: str) -> None:
    """Ids stand in comments, in files and in addresses."""
    with pytest.raises(ValueError, match="no id of a rule"):
        rule(name, severity="error", title="x")


def test_a_rule_must_explain_itself() -> None:
    """Without a docstring there is nothing for `explain` to print."""

    def silent(context: Context, runbook: Runbook) -> Iterator[Finding]:
        yield from ()

    with pytest.raises(ValueError, match="does not explain itself"):
        rule("no-words", severity="error", title="x")(silent)


def test_ids_are_unique() -> None:
    """A comment that silences one rule silences no other."""
    names = [each.id for each in all_rules()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("one", all_rules(), ids=lambda each: each.id)
def test_every_rule_has_a_title_and_a_paragraph(one: object) -> None:
    """The title is short enough for a list, the explanation long enough to be one."""
    from scenarios.lint import Rule

    assert isinstance(one, Rule)
    assert 10 < len(one.title) <= 80
    assert not one.title.endswith(".")
    assert len(one.explanation) > 120
