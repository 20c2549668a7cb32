"""histogram_quantile: interpolation and every edge that Prometheus' documentation names."""

from __future__ import annotations

import math

import pytest

from tests.harness.monitor.loading import ask, load


def quantile(q: float | str, buckets: dict[str, float]) -> float:
    store = load({f'x_bucket{{le="{le}"}}': str(count) for le, count in buckets.items()})
    (value,) = ask(store, f"histogram_quantile({q}, x_bucket)").values()
    return value


def test_a_quantile_is_interpolated_inside_its_bucket() -> None:
    """100 observations, 40 up to 0.1, 90 up to 0.5: the 0.65-quantile is the 25th of 50 in (0.1, 0.5]."""
    assert quantile(0.65, {"0.1": 40, "0.5": 90, "1": 100, "+Inf": 100}) == pytest.approx(0.1 + 0.4 * 25 / 50)


def test_the_lowest_bucket_begins_at_zero() -> None:
    """The 20th of 40 observations in (0, 0.1]."""
    assert quantile(0.2, {"0.1": 40, "0.5": 100, "+Inf": 100}) == pytest.approx(0.05)


def test_a_lowest_bucket_below_zero_gives_its_bound() -> None:
    """There is no lower bound to interpolate from."""
    assert quantile(0.1, {"-1": 40, "0.5": 100, "+Inf": 100}) == -1.0


def test_the_highest_bucket_gives_the_bound_below_it() -> None:
    """A quantile in (1, +Inf] is 1: there is nothing to interpolate to."""
    assert quantile(0.99, {"0.5": 50, "1": 90, "+Inf": 100}) == 1.0


@pytest.mark.parametrize(("q", "value"), [(-0.1, -math.inf), (1.1, math.inf), (0, 0.0), (1, 1.0)])
def test_quantiles_outside_of_zero_to_one_are_infinite(q: float, value: float) -> None:
    """And 0 and 1 themselves are the ends."""
    assert quantile(q, {"0.5": 50, "1": 100, "+Inf": 100}) == value


@pytest.mark.parametrize(
    "buckets",
    [
        {"0.5": 50, "1": 100},
        {"+Inf": 100},
        {"0.5": 0, "+Inf": 0},
    ],
    ids=["no bucket to infinity", "one bucket", "no observation"],
)
def test_there_is_no_quantile_without_enough_buckets_or_observations(buckets: dict[str, float]) -> None:
    """The answer is NaN, so that no comparison with it holds."""
    assert math.isnan(quantile(0.5, buckets))


def test_a_nan_quantile_is_nan() -> None:
    """Whatever the buckets are."""
    assert math.isnan(quantile("NaN", {"0.5": 50, "+Inf": 100}))


def test_a_bucket_that_holds_less_than_a_narrower_one_counts_as_holding_as_much() -> None:
    """50, 49, 100 is read as 50, 50, 100: the 0.75-quantile is halfway through (1, 2]."""
    assert quantile(0.75, {"0.5": 50, "1": 49, "2": 100, "+Inf": 100}) == pytest.approx(1.5)


def test_two_spellings_of_a_bound_are_one_bucket() -> None:
    """`le="1"` and `le="1.0"` come together: 60 of 100 up to 1."""
    assert quantile(0.3, {"1": 20, "1.0": 40, "+Inf": 100}) == pytest.approx(0.5)


def test_each_label_set_has_its_own_quantile_and_other_series_are_passed_over() -> None:
    """Grouped by all labels but `le`; the answer has no name; what has no number as `le` is no bucket."""
    store = load(
        {
            'x_bucket{job="a", le="1"}': "10",
            'x_bucket{job="a", le="+Inf"}': "10",
            'x_bucket{job="b", le="2"}': "10",
            'x_bucket{job="b", le="+Inf"}': "10",
            'x_bucket{job="c", le="many"}': "10",
            'x_bucket{job="d"}': "10",
        }
    )
    assert ask(store, "histogram_quantile(0.5, x_bucket)") == {'{job="a"}': 0.5, '{job="b"}': 1.0}


def test_the_usual_rule_works_over_rates() -> None:
    """In each minute 6 requests up to 0.1 s and 4 more up to 0.5 s: the 0.95-quantile lies 3.5/4 through (0.1, 0.5]."""
    store = load({'x_bucket{le="0.1"}': "0+6x10", 'x_bucket{le="0.5"}': "0+10x10", 'x_bucket{le="+Inf"}': "0+10x10"})
    expression = "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))"
    assert ask(store, expression, 600) == {"{}": pytest.approx(0.1 + 0.4 * 3.5 / 4)}
    assert ask(store, f"{expression} > 0.5", 600) == {}
