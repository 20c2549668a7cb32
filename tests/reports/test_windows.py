"""What clients saw, counted in windows."""

from __future__ import annotations

import pytest

from reports.windows import nice_width_s, operations, percentile, windows
from tests.reports.histories import Story


def story(*ends: tuple[float, str | None, float]) -> Story:
    """Orders at these times that end like this, after so many milliseconds; None never ends."""
    told = Story()
    for number, (at_s, end, latency_ms) in enumerate(ends):
        told.add(at_s, "op.invoke", f"o-{number}", op="order", intended_s=at_s)
        if end:
            told.add(at_s + latency_ms / 1000, end, f"o-{number}", op="order", latency_ms=latency_ms)
    return told


def test_tells_the_five_ways_an_order_can_end() -> None:
    """Acknowledged in time, acknowledged late, failed, unknown; and one that never ended is unknown too."""
    told = story((1, "op.ok", 5), (2, "op.ok", 900), (3, "op.fail", 5), (4, "op.info", 5), (5, None, 0))
    found = operations(told.history(), "order", late_after_ms=500)
    assert [each.outcome for each in found] == ["in time", "late", "failed", "unknown", "unknown"]


def test_counts_an_order_where_it_was_intended() -> None:
    """An order that was answered two windows later belongs to the moment it was meant for, counted from the zero given."""
    found = operations(story((11.9, "op.ok", 2500)).history(), "order", late_after_ms=None, zero_s=10.0)
    assert [(each.from_s, each.to_s) for each in windows(found, 1.0)] == [(1.0, 2.0)]


def test_keeps_orders_and_canaries_apart() -> None:
    """Canaries are no orders."""
    told = story((1, "op.ok", 5))
    told.add(2, "op.invoke", "c-1", op="canary", intended_s=2.0)
    assert len(operations(told.history(), "order", late_after_ms=None)) == 1


def test_leaves_out_windows_in_which_nothing_was_asked() -> None:
    """Silence is neither success nor failure."""
    found = windows(operations(story((0.5, "op.ok", 5), (7.5, "op.fail", 5)).history(), "order", late_after_ms=None), 1.0)
    assert [(each.from_s, each.share("in time"), each.share("failed")) for each in found] == [(0, 1, 0), (7, 0, 1)]


def test_an_order_on_a_boundary_belongs_to_the_window_that_begins_there() -> None:
    """Also where binary fractions round the wrong way: 0.3 / 0.1 is a little under 3."""
    found = windows(operations(story((0.3, "op.ok", 5)).history(), "order", late_after_ms=None), 0.1)
    assert found[0].from_s == pytest.approx(0.3)


def test_latencies_are_those_of_acknowledged_orders() -> None:
    """A time-out says nothing about how long success takes."""
    told = story(*((0.1, "op.ok", ms) for ms in (1, 2, 3, 4)), (0.2, "op.fail", 2000))
    window = windows(operations(told.history(), "order", late_after_ms=None), 1.0)[0]
    assert (window.p50_ms, window.p95_ms, window.total) == (2, 4, 5)


def test_percentiles_are_values_that_were_seen() -> None:
    """Nearest rank: no value is made up between two."""
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile([], 0.5)) == (50, 95, None)


@pytest.mark.parametrize(("span", "width"), [(0.5, 0.02), (180, 1), (200, 2), (29_000, 300), (10**7, 3600)])
def test_windows_have_a_width_that_can_be_named(span: float, width: float) -> None:
    """About 180 to a picture, from split seconds to hours."""
    assert nice_width_s(span) == width
