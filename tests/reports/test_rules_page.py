"""The page of all rules is what the rules say."""

from __future__ import annotations

from pathlib import Path

from reports.rules_page import as_page
from scenarios.lint import all_rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runbook-rules.md"


def test_the_page_is_up_to_date() -> None:
    """After a change of a rule: `gameday runbook explain --format markdown > docs/runbook-rules.md`."""
    assert PAGE.read_text(encoding="utf-8") == as_page(all_rules())


def test_every_rule_has_its_place_on_the_page() -> None:
    """A line in the table that leads to a section."""
    page = as_page(all_rules())
    for each in all_rules():
        assert f"| [`{each.id}`](#{each.id}) |" in page
        assert f"\n## {each.id}\n" in page
