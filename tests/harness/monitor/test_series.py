"""Series in memory: the newest value, ranges, staleness, retention, selection."""

from __future__ import annotations

import math

import pytest

from harness.monitor.labels import make_labels, show
from harness.monitor.series import Matcher, Series, SeriesStore


def series_of(*samples: tuple[int, float]) -> Series:
    series = Series(make_labels({"__name__": "x"}))
    for at_ms, value in samples:
        series.append(at_ms, value)
    return series


def test_the_newest_sample_at_an_instant_is_found_between_later_ones() -> None:
    """Looking into the past sees what was the newest then."""
    series = series_of((1000, 1.0), (2000, 2.0), (3000, 3.0))
    assert [series.latest(at_ms, 0) for at_ms in (999, 1000, 2999, 9000)] == [None, (1000, 1.0), (2000, 2.0), (3000, 3.0)]


def test_a_sample_that_is_too_old_is_none() -> None:
    """`oldest_ms` itself still counts; one millisecond earlier does not."""
    series = series_of((1000, 1.0))
    assert (series.latest(5000, 1000), series.latest(5000, 1001)) == ((1000, 1.0), None)


def test_a_sample_that_is_not_newer_is_dropped() -> None:
    """The first sample of an instant stays, and time never runs back."""
    series = series_of((1000, 1.0), (1000, 2.0), (500, 3.0))
    assert list(series.values) == [1.0]


def test_an_ended_series_has_no_value_until_it_comes_back() -> None:
    """A staleness marker hides what is older, in instants and in ranges, and only a new sample ends that."""
    series = series_of((1000, 1.0))
    series.end(2000)
    series.append(3000, 3.0)
    assert series.latest(1999, 0) == (1000, 1.0)
    assert series.latest(2500, 0) is None
    assert series.latest(3000, 0) == (3000, 3.0)
    assert [list(part) for part in series.window(3000, 0)] == [[1000, 3000], [1.0, 3.0]]


def test_a_nan_of_the_target_is_no_staleness_marker() -> None:
    """A NaN that was scraped is a value."""
    found = series_of((1000, math.nan)).latest(1000, 0)
    assert found is not None
    assert math.isnan(found[1])


def test_a_series_ends_once() -> None:
    """A target that stays away does not fill its series with markers."""
    series = series_of((1000, 1.0))
    series.end(2000)
    series.end(3000)
    assert list(series.times) == [1000, 2000]


@pytest.mark.parametrize(
    ("matcher", "found"),
    [
        (Matcher("job", "=", "a"), ['x{job="a"}']),
        (Matcher("job", "!=", "a"), ["x", 'x{job="ab"}']),
        (Matcher("job", "=~", "a"), ['x{job="a"}']),
        (Matcher("job", "=~", "a.*"), ['x{job="a"}', 'x{job="ab"}']),
        (Matcher("job", "!~", "a.+"), ["x", 'x{job="a"}']),
        (Matcher("job", "=", ""), ["x"]),
        (Matcher("job", "=~", ".*"), ["x", 'x{job="a"}', 'x{job="ab"}']),
        (Matcher("job", "=~", "b|ab"), ['x{job="ab"}']),
    ],
)
def test_matchers_select_series(matcher: Matcher, found: list[str]) -> None:
    """Expressions match whole values, and a missing label is an empty one."""
    store = SeriesStore()
    for job in ("", "a", "ab"):
        store.series(make_labels({"__name__": "x", "job": job}))
    assert sorted(show(series.labels) for series in store.select((matcher,))) == found


def test_a_new_series_shows_up_in_a_selection_asked_for_before() -> None:
    """Selections are remembered only as long as they are true."""
    store = SeriesStore()
    by_name = (Matcher("__name__", "=", "x"),)
    assert store.select(by_name) == []
    series = store.series(make_labels({"__name__": "x"}))
    assert store.select(by_name) == [series]


def test_samples_beyond_the_retention_are_forgotten() -> None:
    """What is older than the retention goes; a series that ended before it goes altogether."""
    store = SeriesStore(retention_s=10.0)
    alive, ended = store.series(make_labels({"__name__": "x"})), store.series(make_labels({"__name__": "y"}))
    for at_ms in range(0, 30_001, 1000):
        alive.append(at_ms, 1.0)
    ended.append(0, 1.0)
    ended.end(1000)
    store.forget(30_000)
    assert (alive.times[0], len(store), store.select((Matcher("__name__", "=", "y"),))) == (20_000, 1, [])


def test_the_newest_sample_of_a_live_series_is_never_forgotten() -> None:
    """A series that is still held by its target stays in the store, however long the target was not scraped."""
    store = SeriesStore(retention_s=10.0)
    series = store.series(make_labels({"__name__": "x"}))
    series.append(0, 1.0)
    store.forget(1_000_000)
    assert store.series(series.labels) is series
