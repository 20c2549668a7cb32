"""The documented looks."""

from __future__ import annotations

import pytest

from harness.monitor.prometheus.cadence import Cadence

CADENCE = Cadence(scrape_every_s=5.0, evaluate_every_s=5.0, jobs=["a"])  # scraped at 2.25 s, 7.25 s ...


@pytest.mark.parametrize(("at_s", "evaluation_s"), [(0, 0), (0.001, 5), (4.999, 5), (5.0000000004, 5), (5.001, 10), (-3, 0)])
def test_an_evaluation_is_the_next_multiple(at_s: float, evaluation_s: float) -> None:
    """Itself included; what adding floats leaves over does not cost an interval."""
    assert CADENCE.evaluation(at_s) == evaluation_s


@pytest.mark.parametrize(("at_s", "noticed_s"), [(2.2, 5), (2.26, 10), (7.25, 10), (7.251, 15)])
def test_what_was_seen_too_densely_waits_for_the_scrape(at_s: float, noticed_s: float) -> None:
    """The target's own next one, then the evaluation after it."""
    assert CADENCE.noticed(at_s, "a", dense=True) == noticed_s


def test_else_it_counts_at_the_next_evaluation() -> None:
    """At the drill's own speed Prometheus scrapes as often as it should; and who is no target has no scrape."""
    assert CADENCE.noticed(2.26, "a", dense=False) == 5
    assert CADENCE.noticed(2.26, "", dense=True) == 5
