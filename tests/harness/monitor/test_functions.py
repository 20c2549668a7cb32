"""Functions over instant vectors, labels and time."""

from __future__ import annotations

import math

import pytest

from harness.monitor.errors import BadQuery, QueryFailed
from harness.monitor.promql import Query
from tests.harness.monitor.loading import ask, load


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("abs(x)", 2.5),
        ("ceil(x)", -2.0),
        ("floor(x)", -3.0),
        ("round(x)", -2.0),
        ("round(x, 2)", -2.0),
        ("round(x, 0.2)", -2.4),
        ("sgn(x)", -1.0),
        ("clamp(x, -1, 1)", -1.0),
        ("clamp_min(x, -2)", -2.0),
        ("clamp_max(x, -3)", -3.0),
        ("exp(x)", math.exp(-2.5)),
        ("exp(x * -1000)", math.inf),
        ("ln(-x)", math.log(2.5)),
        ("log2(x * 0)", -math.inf),
        ("sqrt(-x)", math.sqrt(2.5)),
    ],
)
def test_elementwise_functions_compute_and_drop_the_name(expression: str, value: float) -> None:
    """Of -2.5; halves round up, towards +Inf."""
    assert ask(load({'x{a="b"}': "-2.5"}), expression) == {'{a="b"}': pytest.approx(value)}


@pytest.mark.parametrize("expression", ["ln(x)", "sqrt(x)", "clamp(x - NaN, 0, 1)", "floor(x - NaN)", "round(x, NaN)"])
def test_functions_outside_of_their_domain_give_nan(expression: str) -> None:
    """And do not fail."""
    assert math.isnan(ask(load({"x": "-1"}), expression)["{}"])


def test_infinities_pass_through_rounding() -> None:
    """There is nothing to round."""
    assert ask(load({"x": "Inf"}), "floor(x)") == {"{}": math.inf}


def test_a_clamp_with_crossed_limits_is_empty() -> None:
    """As documented: no value can lie between them."""
    assert ask(load({"x": "1"}), "clamp(x, 5, 2)") == {}


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("absent(x)", "{}"),
        ('absent(x{job="a", zone=~"1|2", code!="500"})', '{job="a"}'),
        ('absent(x{job="a", job=~"a.*"})', "{}"),
        ('absent(x{job="a", job="b"})', "{}"),
        ("absent(sum(x))", "{}"),
        ('absent_over_time(x{job="a"}[5m])', '{job="a"}'),
    ],
)
def test_absent_says_what_is_missing(expression: str, labels: str) -> None:
    """One element of value 1, with the labels that the selector asks for by equality."""
    assert ask(load({"y": "1"}), expression) == {labels: 1.0}


@pytest.mark.parametrize("expression", ["absent(x)", "absent(sum(x))", "absent_over_time(x[5m])"])
def test_absent_is_empty_when_there_is_something(expression: str) -> None:
    """So an alert on it is resolved."""
    assert ask(load({"x": "0"}), expression) == {}


def test_absent_fires_when_the_series_has_ended() -> None:
    """A staleness marker is as good as never having been there; over a range the old samples still count."""
    store = load({"x": "1 stale"})
    assert ask(store, "absent(x)", 60) == {"{}": 1.0}
    assert ask(store, "absent_over_time(x[5m])", 60) == {}


def test_scalar_and_vector_convert() -> None:
    """A scalar of anything but one element is NaN."""
    store = load({'x{a="1"}': "3", 'x{a="2"}': "4"})
    assert ask(store, 'vector(scalar(x{a="1"}) + 1)') == {"{}": 4.0}
    assert math.isnan(ask(store, "scalar(x)")["{}"])
    assert math.isnan(ask(store, "scalar(nothing)")["{}"])


def test_sort_orders_by_value_with_nan_last() -> None:
    """Both ways."""
    store = load({'x{n="1"}': "NaN", 'x{n="2"}': "2", 'x{n="3"}': "5"})
    assert list(ask(store, "sort(x)")) == ['x{n="2"}', 'x{n="3"}', 'x{n="1"}']
    assert list(ask(store, "sort_desc(x)")) == ['x{n="3"}', 'x{n="2"}', 'x{n="1"}']


@pytest.mark.parametrize(
    ("arguments", "labels"),
    [
        ('"to", "$1", "from", "([a-z]+)-.*"', 'x{from="risk-manager", to="risk"}'),
        ('"to", "${2}_$1", "from", "(.*)-(.*)"', 'x{from="risk-manager", to="manager_risk"}'),
        ('"to", "$9-$$", "from", ".*"', 'x{from="risk-manager", to="-$"}'),
        ('"to", "x", "from", "risk"', 'x{from="risk-manager"}'),
        ('"from", "", "from", ".*"', "x"),
        ('"to", "none", "missing", ""', 'x{from="risk-manager", to="none"}'),
    ],
)
def test_label_replace_sets_a_label_where_the_whole_value_matches(arguments: str, labels: str) -> None:
    """Groups by number, `$$`, groups that are not there, empty results that remove a label, missing labels as empty."""
    assert ask(load({'x{from="risk-manager"}': "1"}), f"label_replace(x, {arguments})") == {labels: 1.0}


def test_label_join_joins_labels() -> None:
    """In the given order."""
    assert list(ask(load({'x{a="1", b="2"}': "1"}), 'label_join(x, "c", "-", "b", "a")')) == ['x{a="1", b="2", c="2-1"}']


def test_relabelling_into_equal_label_sets_is_an_error() -> None:
    """Two elements cannot become one."""
    with pytest.raises(QueryFailed, match="same labelset"):
        ask(load({'x{a="1"}': "1", 'x{a="2"}': "1"}), 'label_replace(x, "a", "", "a", ".*")')


@pytest.mark.parametrize("arguments", ['"to", "", "from", "("', '"0to", "", "from", ".*"'])
def test_a_bad_pattern_or_label_name_is_refused_when_it_is_read(arguments: str) -> None:
    """Not in the middle of a drill."""
    with pytest.raises(BadQuery, match="label_replace"):
        Query(f"label_replace(x, {arguments})")


@pytest.mark.parametrize(
    ("function", "value"),
    [("minute", 30), ("hour", 13), ("day_of_week", 6), ("day_of_month", 21), ("day_of_year", 325), ("month", 11), ("year", 2026)],
)
def test_the_calendar_is_that_of_utc(function: str, value: float) -> None:
    """2026-11-21T13:30:05Z is a Saturday, the 325th day of the year; without an argument it is the time of the evaluation."""
    moment_s = 1795267805.0
    assert ask(load({"x": str(moment_s)}), f"{function}(x)") == {"{}": value}
    assert ask(load({}), f"{function}()", 5.0, epoch_s=moment_s - 5) == {"{}": value}
