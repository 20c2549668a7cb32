from __future__ import annotations

import pytest

from scenarios.reading.figures import find_figures


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("5 minutes", [("duration", "", 300.0, None)]),
        ("< 30s", [("duration", "<", 30.0, None)]),
        ("2 hours", [("duration", "", 7200.0, None)]),
        ("24/7", [("always", "", 86400.0, None)]),
        ("(0-15 minutes)", [("duration", "", 0.0, 900.0)]),
        ("Acknowledge < 5 minutes, Respond within 1 hour", [("duration", "<", 300.0, None), ("duration", "<=", 3600.0, None)]),
        ("> 80% of max", [("percentage", ">", 80.0, None)]),
        ("< 0.1%", [("percentage", "<", 0.1, None)]),
        ("> 50K", [("count", ">", 50000.0, None)]),
        ("at least 3 of 1,000", [("count", ">=", 3.0, None), ("count", "", 1000.0, None)]),
        ("4Gi or 16 GB", [("size", "", 4 * 2**30, None), ("size", "", 16e9, None)]),
        ("pm2_process_restarts > 3 in 5 minutes", [("count", ">", 3.0, None), ("duration", "", 300.0, None)]),
        ("a 30-minute target", [("duration", "", 1800.0, None)]),
        ("v1.2.0 at 10.0.0.1:8080, p95, 2026-01-18, #4, pg16", []),
    ],
)
def test_figures_are_read_with_their_unit(text: str, figures: list[tuple[str, str, float, float | None]]) -> None:
    """Durations in seconds, percentages, counts and sizes; versions, ports, dates and names hold none."""
    assert [(each.kind, each.comparison, each.value, each.high) for each in find_figures(text)] == figures


def test_more_than_a_span_is_told() -> None:
    """An open end, and days on which only business counts."""
    open_, business = (*find_figures("60+ minutes"), *find_figures("< 5 business days"))
    assert (open_.open, open_.value) == (True, 3600.0)
    assert (business.business, business.comparison, business.value) == (True, "<", 432000.0)
