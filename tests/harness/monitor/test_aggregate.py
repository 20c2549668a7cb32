"""Aggregations: grouping, each operator, NaN."""

from __future__ import annotations

import math

import pytest

from tests.harness.monitor.loading import ask, load

STACK = {
    'x{job="a", zone="1"}': "1",
    'x{job="a", zone="2"}': "3",
    'x{job="b", zone="1"}': "8",
    "x": "4",
}


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("sum(x)", {"{}": 16.0}),
        ("sum by (job) (x)", {'{job="a"}': 4.0, '{job="b"}': 8.0, "{}": 4.0}),
        ("sum without (zone) (x)", {'{job="a"}': 4.0, '{job="b"}': 8.0, "{}": 4.0}),
        ("count by (zone) (x)", {'{zone="1"}': 2.0, '{zone="2"}': 1.0, "{}": 1.0}),
        ("avg(x)", {"{}": 4.0}),
        ("min(x)", {"{}": 1.0}),
        ("max(x)", {"{}": 8.0}),
        ("group(x)", {"{}": 1.0}),
        ("stdvar(x)", {"{}": 6.5}),
        ("stddev(x)", {"{}": math.sqrt(6.5)}),
        ("quantile(0.5, x)", {"{}": 3.5}),
        ("quantile(0.25, x)", {"{}": 2.5}),
        ("quantile(2, x)", {"{}": math.inf}),
        ("topk(1, x)", {'x{job="b", zone="1"}': 8.0}),
        ("bottomk(2, x)", {'x{job="a", zone="1"}': 1.0, 'x{job="a", zone="2"}': 3.0}),
        ("topk by (job) (1, x)", {'x{job="a", zone="2"}': 3.0, 'x{job="b", zone="1"}': 8.0, "x": 4.0}),
        ("topk(0, x)", {}),
        ('count_values("value", x > bool 3)', {'{value="0"}': 2.0, '{value="1"}': 2.0}),
        ("sum(nothing)", {}),
        ("count(nothing)", {}),
    ],
)
def test_aggregations_group_and_combine(expression: str, answer: dict[str, float]) -> None:
    """Names are dropped, except by topk and bottomk; nothing gives nothing, not zero."""
    assert ask(load(STACK), expression) == {labels: pytest.approx(value) for labels, value in answer.items()}


def test_without_nothing_still_drops_the_name() -> None:
    """Otherwise all labels stay."""
    assert ask(load({'x{a="b"}': "1"}), "sum without () (x)") == {'{a="b"}': 1.0}


def test_min_max_topk_and_bottomk_prefer_any_number_to_nan() -> None:
    """NaN is chosen only when nothing else is left."""
    store = load({'x{n="1"}': "NaN", 'x{n="2"}': "2", 'x{n="3"}': "-Inf"})
    assert ask(store, "max(x)") == {"{}": 2.0}
    assert ask(store, "min(x)") == {"{}": -math.inf}
    assert list(ask(store, "topk(2, x)")) == ['x{n="2"}', 'x{n="3"}']
    assert list(ask(store, "bottomk(2, x)")) == ['x{n="3"}', 'x{n="2"}']
    assert math.isnan(ask(load({"x": "NaN"}), "max(x)")["{}"])


def test_a_sum_with_nan_is_nan() -> None:
    """So a comparison with it does not fire."""
    store = load({'x{n="1"}': "NaN", 'x{n="2"}': "2"})
    assert math.isnan(ask(store, "sum(x)")["{}"])
    assert ask(store, "sum(x) > 0") == {}


def test_sums_do_not_lose_small_numbers_beside_large_ones() -> None:
    """1e16 + 1 - 1e16 is 1."""
    assert ask(load({'x{n="1"}': "1e16", 'x{n="2"}': "1", 'x{n="3"}': "-1e16"}), "sum(x)") == {"{}": 1.0}


def test_the_mean_of_huge_numbers_does_not_overflow() -> None:
    """The sum would."""
    assert ask(load({'x{n="1"}': "1e308", 'x{n="2"}': "1e308"}), "avg(x)") == {"{}": 1e308}
