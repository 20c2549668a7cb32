"""From the wall to documented time and to the wall from Prometheus' clock."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.monitor.prometheus.bent import BentTime, unix_of
from tests.harness.monitor.prometheus.bending import BendingClock


def bent(*stretches: tuple[float, float]) -> tuple[BendingClock, BentTime]:
    """Stretches of (rate, wall seconds), one after another."""
    clock = BendingClock(stretches[0][0])
    times = BentTime(clock, clock.rate)
    for number, (rate, wall_s) in enumerate(stretches):
        if number:
            clock.rate = rate
            times.bend(rate)
        clock.advance(wall_s)
    return clock, times


def test_each_stretch_has_its_own_rate() -> None:
    """1 s at 20, 3 s at 1, 2 s at 20."""
    _, times = bent((20, 1), (1, 3), (20, 2))
    assert [times.documented(wall_s) for wall_s in (0.5, 1, 2.5, 4, 5)] == [10, 20, 21.5, 23, 43]
    assert [times.rate(wall_s) for wall_s in (0.5, 2.5, 5)] == [20, 1, 20]


def test_before_the_first_stretch_its_rate_counts() -> None:
    """Prometheus may have scraped before the mapping began."""
    assert bent((20, 1))[1].documented(-0.5) == -10


@given(st.lists(st.tuples(st.sampled_from([1.0, 20.0, 60.0]), st.floats(0.001, 50)), min_size=1, max_size=8))
def test_it_agrees_with_the_clock_and_never_goes_back(stretches: list[tuple[float, float]]) -> None:
    """Whatever the rate does."""
    clock, times = bent(*stretches)
    assert times.documented(clock.wall()) == pytest.approx(clock.now())
    points = [times.documented(clock.wall() * step / 50) for step in range(51)]
    assert all(before <= after + 1e-9 for before, after in pairwise(points))


def test_a_unix_time_is_compared_with_the_clock_of_now() -> None:
    """A second ago is a second ago on the drill's wall clock too."""
    clock, times = bent((20, 7))
    assert times.wall_of(time.time() - 1) == pytest.approx(clock.wall() - 1, abs=0.05)


@pytest.mark.parametrize(
    ("stamp", "unix_s"),
    [
        ("2026-11-21T13:38:25.293564296Z", 1795268305.293564),
        ("2026-11-21T14:38:25.5+01:00", 1795268305.5),
        ("1970-01-01T00:00:01Z", 1),
    ],
)
def test_stamps_as_go_writes_them(stamp: str, unix_s: float) -> None:
    """Nine decimals, Z or an offset."""
    assert unix_of(stamp) == pytest.approx(unix_s, abs=1e-6)


def test_a_time_that_go_has_not_set_is_long_ago() -> None:
    """So that 'never scraped' is told from a scrape."""
    assert unix_of("0001-01-01T00:00:00Z") < 0


@pytest.mark.parametrize("stamp", ["2026-11-21T13:38:25", "yesterday"])
def test_a_stamp_without_a_zone_is_refused(stamp: str) -> None:
    """It would be taken for local time."""
    with pytest.raises(ValueError, match=r"time zone|Invalid isoformat"):
        unix_of(stamp)
