"""Queries: selectors, lookback, staleness, what is not supported. Expected values come from Prometheus' definitions."""

from __future__ import annotations

import math

import pytest

from harness.monitor.errors import BadQuery, QueryFailed
from harness.monitor.promql import Query
from harness.monitor.values import Dialect
from tests.harness.monitor.loading import ask, load


def test_the_last_value_counts_for_five_minutes() -> None:
    """A sample at second 0 is there at 299.999 s; at 300 s only for Prometheus 2, whose lookback includes its oldest instant."""
    store = load({"x": "7"})
    assert ask(store, "x", 299.999) == {"x": 7.0}
    assert ask(store, "x", 300) == {}
    assert ask(store, "x", 300, dialect=Dialect.PROMETHEUS_2) == {"x": 7.0}
    assert ask(store, "x", 300.001, dialect=Dialect.PROMETHEUS_2) == {}


def test_an_ended_series_is_gone_at_once() -> None:
    """A staleness marker ends a series without waiting for the lookback."""
    store = load({"x": "1 stale _ 4"})
    assert [ask(store, "x", at_s) for at_s in (59, 60, 179, 180)] == [{"x": 1.0}, {}, {}, {"x": 4.0}]


def test_a_selector_needs_all_of_its_matchers() -> None:
    """Equality, inequality and expressions, all anchored, with missing labels as empty ones."""
    store = load({'x{job="a", code="500"}': "1", 'x{job="b", code="502"}': "2", 'x{job="b", code="200"}': "3", "x": "4"})
    assert sorted(ask(store, 'x{code=~"5.."}').values()) == [1.0, 2.0]
    assert sorted(ask(store, 'x{job="b", code!~"5.*"}').values()) == [3.0]
    assert sorted(ask(store, 'x{job!="b"}').values()) == [1.0, 4.0]
    assert sorted(ask(store, 'x{job=""}').values()) == [4.0]
    assert sorted(ask(store, '{__name__=~"x|y", code="200"}').values()) == [3.0]


def test_an_offset_looks_into_the_past() -> None:
    """Lookback and staleness are those of that time."""
    store = load({"x": "1 2 stale"})
    assert ask(store, "x offset 1m", 120) == {"x": 2.0}
    assert ask(store, "x offset -1m", 0) == {"x": 2.0}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("-2 ^ 2", -4.0),
        ("(1 + 2) * 3", 9.0),
        ("7 % 4", 3.0),
        ("-7 % 4", -3.0),
        ("1 / 0", math.inf),
        ("-1 / 0", -math.inf),
        ("1 > bool 2", 0.0),
        ("2 == bool 2", 1.0),
        ("NaN == bool NaN", 0.0),
        ("NaN != bool NaN", 1.0),
        ("10 ^ 400", math.inf),
        ("(-10) ^ 401", -math.inf),
        ("1 atan2 1", math.pi / 4),
        ("1h", 3600.0),
        ("0x1F", 31.0),
    ],
)
def test_scalars_are_computed_as_ieee_754_has_it(expression: str, value: float) -> None:
    """Precedence, infinities, the sign of a remainder, comparisons with NaN."""
    assert ask(load({}), expression) == {"{}": pytest.approx(value)}


@pytest.mark.parametrize("expression", ["0 / 0", "5 % 0", "Inf % 3", "(-8) ^ 0.5", "NaN + 1"])
def test_what_has_no_value_is_nan(expression: str) -> None:
    """Not an error of the evaluator."""
    assert math.isnan(ask(load({}), expression)["{}"])


def test_a_minus_drops_the_name() -> None:
    """What is negated is another quantity."""
    assert ask(load({'x{a="b"}': "3"}), "-x") == {'{a="b"}': -3.0}


def test_elements_that_become_the_same_are_an_error() -> None:
    """Two metrics with equal labels cannot both lose their names."""
    store = load({'x{a="b"}': "1 2", 'y{a="b"}': "1 2"})
    with pytest.raises(QueryFailed, match="vector cannot contain metrics with the same labelset"):
        ask(store, 'rate({a="b"}[5m])', 60)


def test_time_speaks_of_the_epoch() -> None:
    """`time()` and `timestamp()` give Unix times, so that they agree with times that services export."""
    store = load({"x": "1 2"})
    assert ask(store, "time()", 90, epoch_s=1000.0) == {"{}": 1090.0}
    assert ask(store, "timestamp(x)", 90, epoch_s=1000.0) == {"{}": 1060.0}
    assert ask(store, "time() - timestamp(x)", 90, epoch_s=1000.0) == {"{}": 30.0}


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("sum(x", "unclosed|unexpected|invalid"),
        ("rate(x)", "expected type matrix"),
        ("nonsense(x)", "unknown function"),
        ("1 > 2", "BOOL"),
        ("{}", "at least one non-empty matcher"),
        ("max_over_time(x[5m:1m])", "subqueries"),
        ("x @ 10", "@ modifier"),
        ('x{a="1" or b="2"}', "`or` between matchers"),
        ("a + fill(0) b", "fill modifiers"),
        ("double_exponential_smoothing(x[5m], 0.5, 0.5)", "not supported by the embedded evaluator; it knows abs"),
        ("limitk(1, x)", "limitk is not supported"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_when_it_is_read(expression: str, words: str) -> None:
    """A mistake in a rule shows before the drill, with the expression and the reason."""
    with pytest.raises(BadQuery, match=words) as error:
        Query(expression)
    assert str(error.value).startswith(expression)


def test_a_rule_must_be_a_vector_or_a_scalar() -> None:
    """A range or a string is neither."""
    with pytest.raises(BadQuery, match="this is a matrix"):
        ask(load({"x": "1"}), "x[5m]")
