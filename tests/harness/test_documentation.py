"""docs/history.md says what the code does, as far as that can be compared."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from harness.measure import Measures
from harness.workload.invariants import CHECKS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/history.md").read_text(encoding="utf-8")


def test_every_kind_of_event_that_is_recorded_is_described() -> None:
    """Each literal kind that the harness records stands in the tables."""
    recorded: set[str] = set()
    for path in (ROOT / "harness").rglob("*.py"):
        recorded |= set(re.findall(r"record\(\s*\"([a-z.]+)\"", path.read_text(encoding="utf-8")))
    assert recorded
    assert {kind for kind in recorded if f"`{kind}`" not in PAGE} == set()


def test_every_measure_and_every_invariant_is_defined() -> None:
    """Under the name it has in result.json."""
    named = [field.name for field in fields(Measures)] + list(CHECKS)
    assert [name for name in named if f"`{name}`" not in PAGE] == []
