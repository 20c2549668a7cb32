"""Functions over range vectors. Expected values are worked out by hand from Prometheus' definitions."""

from __future__ import annotations

import math

import pytest

from harness.monitor.values import Dialect
from tests.harness.monitor.loading import ask, load

V2, V3 = Dialect.PROMETHEUS_2, Dialect.PROMETHEUS_3


def test_rate_extrapolates_to_both_ends_of_a_range_that_samples_nearly_fill() -> None:
    """Samples at 15..60 s in (0, 60]: grown 30 in 45 s, 15 s to the start are below 1.1 spacings, so 30 * 60/45 / 60."""
    store = load({"x": "100+10x4"}, every_s=15)
    assert ask(store, "increase(x[1m])", 60) == {"{}": pytest.approx(40.0)}
    assert ask(store, "rate(x[1m])", 60) == {"{}": pytest.approx(40.0 / 60)}


def test_prometheus_2_includes_the_oldest_instant_of_a_range() -> None:
    """There the sample at second 0 belongs to [1m] at second 60: grown 40 in 60 s, nothing to extrapolate."""
    store = load({"x": "100+10x4"}, every_s=15)
    assert ask(store, "increase(x[1m])", 60, dialect=V2) == {"{}": pytest.approx(40.0)}
    assert ask(store, "count_over_time(x[1m])", 60, dialect=V2) == {"{}": 5.0}
    assert ask(store, "count_over_time(x[1m])", 60, dialect=V3) == {"{}": 4.0}


def test_rate_extrapolates_half_a_spacing_where_the_series_begins_inside_the_range() -> None:
    """First sample 160 s after the start, spacing 10 s: 5 s are added there, and at the end all 0 s. 20 * (20 + 5)/20 / 200."""
    store = load({"x": "_x17 1000 1010 1020"}, every_s=10)
    assert ask(store, "rate(x[200s])", 190) == {"{}": pytest.approx(20 * 25 / 20 / 200)}


def test_rate_extrapolates_half_a_spacing_where_the_series_ends_inside_the_range() -> None:
    """Last sample 30 s before the end, spacing 10 s: 5 s are added there, 10 s at the start. 20 * (20 + 10 + 5)/20 / 60."""
    store = load({"x": "1000 1010 1020 1030"}, every_s=10)
    assert ask(store, "rate(x[1m])", 60) == {"{}": pytest.approx(20 * 35 / 20 / 60)}


def test_a_counter_is_not_extrapolated_below_zero() -> None:
    """First sample 1 grows by 30 in 30 s, so it was zero 1 s before; 10 s to the start shrink to 1 s."""
    store = load({"x": "_ 1 11 21 31"}, every_s=10)
    assert ask(store, "increase(x[40s])", 40) == {"{}": pytest.approx(31.0)}


def test_a_counter_that_begins_inside_the_range_is_extrapolated_to_its_zero() -> None:
    """Start 60 s away, spacing 10 s, zero 2 s before the first sample: 2 s are added, in both versions."""
    store = load({"x": "_x6 2 12 22"}, every_s=10)
    assert ask(store, "increase(x[80s])", 80, dialect=V3) == {"{}": pytest.approx(20 * 22 / 20)}
    assert ask(store, "increase(x[80s])", 80, dialect=V2) == {"{}": pytest.approx(20 * 22 / 20)}


def test_the_dialects_differ_where_zero_is_between_half_a_spacing_and_a_whole_one() -> None:
    """Zero 8 s before the first sample: version 2 goes there, version 3 stops at half a spacing, 5 s."""
    store = load({"x": "_x6 8 18 28"}, every_s=10)
    assert ask(store, "increase(x[80s])", 80, dialect=V2) == {"{}": pytest.approx(20 * 28 / 20)}
    assert ask(store, "increase(x[80s])", 80, dialect=V3) == {"{}": pytest.approx(20 * 25 / 20)}


def test_a_reset_of_a_counter_counts_what_it_had_before() -> None:
    """110 -> 130, reset, 5 -> 25: grown 20 + 5 + 20 = 45 in 40 s, and 10 s more at the start: 45 * 50/40."""
    store = load({"x": "_ 110 130 5 25 25"}, every_s=10)
    assert ask(store, "increase(x[50s])", 50) == {"{}": pytest.approx(45 * 50 / 40)}
    assert ask(store, "resets(x[50s])", 50) == {"{}": 1.0}


def test_delta_lets_a_gauge_fall_and_knows_no_resets() -> None:
    """10 -> 4 in 30 s, 10 s more at the start: -6 * 40/30."""
    store = load({"x": "_ 10 20 1 4"}, every_s=10)
    assert ask(store, "delta(x[40s])", 40) == {"{}": pytest.approx(-6 * 40 / 30)}


@pytest.mark.parametrize("function", ["rate", "increase", "delta", "irate", "idelta", "deriv"])
def test_one_sample_is_no_growth(function: str) -> None:
    """With a single sample in the range there is no answer, not a zero."""
    assert ask(load({"x": "5"}), f"{function}(x[1m])", 0) == {}


def test_a_staleness_marker_is_no_sample_of_a_range() -> None:
    """Rates go over it: 1, marker, 3 in 20 s is a growth of 2 and no reset."""
    store = load({"x": "100 stale 102"}, every_s=10)
    assert ask(store, "increase(x[20s])", 20, dialect=V2) == {"{}": pytest.approx(2.0)}


def test_irate_looks_at_the_last_two_samples_only() -> None:
    """8 in 5 s; after a reset, the new value in 5 s."""
    store = load({"x": "0 100 108 3"}, every_s=5)
    assert ask(store, "irate(x[1m])", 10) == {"{}": pytest.approx(1.6)}
    assert ask(store, "irate(x[1m])", 15) == {"{}": pytest.approx(0.6)}
    assert ask(store, "idelta(x[1m])", 15) == {"{}": pytest.approx(-105.0)}


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("avg_over_time", 3.0),
        ("sum_over_time", 12.0),
        ("min_over_time", 1.0),
        ("max_over_time", 6.0),
        ("count_over_time", 4.0),
        ("last_over_time", 4.0),
        ("present_over_time", 1.0),
        ("stdvar_over_time", 4.5),
        ("stddev_over_time", math.sqrt(4.5)),
        ("changes", 2.0),
        ("resets", 1.0),
    ],
)
def test_over_time_functions_take_all_samples_of_the_range(function: str, value: float) -> None:
    """Of 1 1 6 4, without the sample before them: mean 3, squares of distances 4 4 9 1, and so on."""
    store = load({"x": "99 1 1.0 6 4"}, every_s=10)
    assert list(ask(store, f"{function}(x[40s])", 40).values()) == [pytest.approx(value)]


def test_quantile_over_time_interpolates() -> None:
    """The median of 1 2 4 10 is 3; outside of 0 to 1 it is infinite."""
    store = load({"x": "10 1 4 2"}, every_s=10)
    assert ask(store, "quantile_over_time(0.5, x[1m])", 30) == {"{}": 3.0}
    assert ask(store, "quantile_over_time(1.5, x[1m])", 30) == {"{}": math.inf}
    assert ask(store, "quantile_over_time(-1, x[1m])", 30) == {"{}": -math.inf}


def test_predict_linear_goes_on_from_the_moment_of_the_evaluation() -> None:
    """2 a second, 40 at second 20: 60 s after second 25 it is 50 + 120."""
    store = load({"x": "0+20x2"}, every_s=10)
    assert ask(store, "predict_linear(x[1m], 60)", 25) == {"{}": pytest.approx(170.0)}
    assert ask(store, "deriv(x[1m])", 25) == {"{}": pytest.approx(2.0)}


def test_range_functions_drop_the_name_and_last_over_time_keeps_it() -> None:
    """What is no longer the metric does not bear its name."""
    store = load({'x{a="b"}': "1 2"})
    assert list(ask(store, "rate(x[2m])", 60)) == ['{a="b"}']
    assert list(ask(store, "last_over_time(x[2m])", 60)) == ['x{a="b"}']


def test_an_offset_shifts_the_range() -> None:
    """`offset 1m` at 2 min sees the samples of the first minute; a negative offset looks ahead."""
    store = load({"x": "0 6 100 200"})
    assert ask(store, "sum_over_time(x[1m] offset 1m)", 120) == {"{}": 6.0}
    assert ask(store, "sum_over_time(x[1m] offset -1m)", 120) == {"{}": 200.0}
