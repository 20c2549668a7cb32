"""Instants at which something is due."""

from __future__ import annotations

import pytest

from harness.monitor.grid import Grid, offset_of


def test_instants_are_multiples_of_the_interval_plus_the_offset() -> None:
    """Whenever the grid was made."""
    assert [Grid(5000, after_ms=after).next_ms for after in (0, 1, 5000, 12_345)] == [0, 5000, 5000, 15_000]
    assert Grid(5000, offset_ms=1200, after_ms=12_345).next_ms == 16_200


def test_each_instant_is_taken_once() -> None:
    """Nothing is due before it."""
    grid = Grid(5000, after_ms=0)
    assert [grid.take(now) for now in (0, 1, 4999, 5000, 5001)] == [0, None, None, 5000, None]


def test_instants_that_nobody_came_for_are_missed_and_not_made_up_for() -> None:
    """After an overrun the newest instant is taken and the others are counted."""
    grid = Grid(5000, after_ms=0)
    assert (grid.take(17_000), grid.missed, grid.take(17_000), grid.next_ms) == (15_000, 3, None, 20_000)


def test_offsets_are_the_same_in_every_drill_and_spread_over_the_interval() -> None:
    """They come from the target's name alone."""
    offsets = {name: offset_of(name, 5000) for name in ("risk-manager", "gui-gateway", "broker", "exporter")}
    assert offsets == {name: offset_of(name, 5000) for name in offsets}
    assert len(set(offsets.values())) == 4
    assert all(0 <= offset < 5000 for offset in offsets.values())


def test_an_interval_of_nothing_is_refused() -> None:
    """It would be due without end."""
    with pytest.raises(ValueError, match="1 ms or more"):
        Grid(0, after_ms=0)
