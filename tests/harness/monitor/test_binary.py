"""Operators between vectors: matching, grouping, filtering, and the errors of ambiguous matches."""

from __future__ import annotations

import pytest

from harness.monitor.errors import QueryFailed
from harness.monitor.values import Dialect
from tests.harness.monitor.loading import ask, load

STACK = {
    'errors{job="a", code="500"}': "5",
    'errors{job="a", code="502"}': "3",
    'errors{job="b", code="500"}': "2",
    'requests{job="a"}': "100",
    'requests{job="b"}': "50",
    'requests{job="c"}': "10",
    'version{job="a", version="1.0"}': "1",
    'version{job="b", version="1.1"}': "1",
}


def test_elements_match_by_all_labels_but_the_name() -> None:
    """Without `on` or `ignoring` all other labels must agree; what finds no partner is left out."""
    store = load({'a{x="1"}': "6", 'a{x="2"}': "7", 'b{x="1"}': "2", 'b{x="3"}': "9"})
    assert ask(store, "a / b") == {'{x="1"}': 3.0}


def test_ignoring_and_on_say_which_labels_must_agree() -> None:
    """The result of a one-to-one match has the labels that were compared."""
    store = load(STACK)
    assert ask(store, 'errors{code="500"} / ignoring(code) requests') == {'{job="a"}': 0.05, '{job="b"}': 0.04}
    assert ask(store, 'errors{code="500"} / on(job) requests') == {'{job="a"}': 0.05, '{job="b"}': 0.04}


def test_group_left_matches_many_to_one() -> None:
    """Each of the many keeps its labels; labels in the brackets come from the one."""
    store = load(STACK)
    assert ask(store, "errors / on(job) group_left() requests") == {
        '{code="500", job="a"}': 0.05,
        '{code="502", job="a"}': 0.03,
        '{code="500", job="b"}': 0.04,
    }
    assert ask(store, "requests * on(job) group_left(version) version") == {
        '{job="a", version="1.0"}': 100.0,
        '{job="b", version="1.1"}': 50.0,
    }


def test_group_right_is_its_mirror_and_keeps_the_order_of_the_operands() -> None:
    """The many stand on the right; a quotient is still left by right."""
    assert ask(load(STACK), 'requests / on(job) group_right() errors{job="b"}') == {'{code="500", job="b"}': 25.0}


def test_several_partners_where_one_is_needed_are_an_error() -> None:
    """Both the match group and the series that share it are named."""
    with pytest.raises(QueryFailed) as error:
        ask(load(STACK), "requests / on(job) errors")
    assert str(error.value) == (
        'found duplicate series for the match group {job="a"} on the right hand-side of the operation: '
        '[errors{code="500", job="a"}, errors{code="502", job="a"}];'
        "many-to-many matching not allowed: matching labels must be unique on one side"
    )


def test_a_many_to_one_match_must_be_asked_for() -> None:
    """Two on the left for one on the right without group_left."""
    with pytest.raises(QueryFailed, match=r"must be explicit \(group_left/group_right\)"):
        ask(load(STACK), "errors / on(job) requests")


def test_grouping_labels_must_keep_results_apart() -> None:
    """Two results that differ in their names only cannot both be kept."""
    store = load({'a{x="1"}': "1", 'b{x="1"}': "2", 'c{x="1"}': "3"})
    with pytest.raises(QueryFailed, match="grouping labels must ensure unique matches"):
        ask(store, '{__name__=~"a|b"} + on(x) group_left() c')


def test_only_prometheus_3_complains_of_an_ambiguous_pair_that_is_filtered_out() -> None:
    """Where the comparison leaves one of two candidates, version 2 is content."""
    store = load(STACK)
    with pytest.raises(QueryFailed):
        ask(store, "errors > on(job) (requests < bool 0) + 4")
    assert ask(store, "errors > on(job) (requests < bool 0) + 4", dialect=Dialect.PROMETHEUS_2) == {'{job="a"}': 5.0}


def test_a_comparison_filters_and_keeps_the_element_as_it_is() -> None:
    """Name and value stay, also where the scalar stands on the left."""
    store = load(STACK)
    assert ask(store, "requests > 20") == {'requests{job="a"}': 100.0, 'requests{job="b"}': 50.0}
    assert ask(store, "20 > requests") == {'requests{job="c"}': 10.0}
    assert ask(store, "requests == 10") == {'requests{job="c"}': 10.0}


def test_bool_gives_one_or_zero_without_the_name() -> None:
    """Nothing is filtered then."""
    store = load(STACK)
    assert ask(store, "requests > bool 20") == {'{job="a"}': 1.0, '{job="b"}': 1.0, '{job="c"}': 0.0}
    assert ask(store, "version == bool on(job) requests") == {'{job="a"}': 0.0, '{job="b"}': 0.0}


def test_no_comparison_with_nan_holds() -> None:
    """Except that NaN is unequal to everything."""
    store = load({"x": "NaN"})
    assert [ask(store, f"x {op} 1") for op in ("<", ">", "==", "<=", ">=")] == [{}] * 5
    assert list(ask(store, "x != 1")) == ["x"]


def test_and_or_unless_are_sets_by_labels() -> None:
    """`and` keeps what has a partner, `unless` what has none, `or` adds what the left side lacks."""
    store = load(STACK)
    assert sorted(ask(store, "requests and on(job) errors")) == ['requests{job="a"}', 'requests{job="b"}']
    assert sorted(ask(store, "requests unless on(job) errors")) == ['requests{job="c"}']
    assert sorted(ask(store, 'version{job="a"} or on(job) requests')) == [
        'requests{job="b"}',
        'requests{job="c"}',
        'version{job="a", version="1.0"}',
    ]


def test_and_over_no_labels_gates_a_whole_vector() -> None:
    """`and on()` lets all pass or none."""
    store = load(STACK)
    assert len(ask(store, "requests and on() vector(1)")) == 3
    assert ask(store, "requests and on() (vector(1) > 2)") == {}


def test_an_empty_side_gives_an_empty_answer() -> None:
    """Even where the other side could not be matched."""
    assert ask(load(STACK), "nothing / on() errors") == {}
