"""A scrape target: its samples, its labels, its silence."""

from __future__ import annotations

import pytest

from harness.monitor.errors import BadExposition
from harness.monitor.series import SeriesStore
from harness.monitor.target import ScrapeTarget, TargetState
from tests.harness.monitor.loading import ask


def target() -> tuple[TargetState, SeriesStore]:
    store = SeriesStore()
    return TargetState(ScrapeTarget("a", "http://127.0.0.1:18084/metrics"), store), store


def test_samples_get_the_targets_labels_and_the_time_of_the_scrape() -> None:
    """`job` is the target's name, `instance` its host and port; comments are passed over."""
    state, store = target()
    state.accept('# HELP x A thing.\n# TYPE x gauge\nx{k="v"} 7\ny 8 123456\n', 5000, 0.01)
    own = 'instance="127.0.0.1:18084", job="a"'
    assert ask(store, '{job="a"}', 5) == {
        'x{instance="127.0.0.1:18084", job="a", k="v"}': 7.0,
        f"y{{{own}}}": 8.0,
        f"up{{{own}}}": 1.0,
        f"scrape_duration_seconds{{{own}}}": 0.01,
        f"scrape_samples_scraped{{{own}}}": 2.0,
    }
    assert ask(store, "x", 4.999) == {}


def test_a_label_that_the_target_also_uses_is_kept_under_another_name() -> None:
    """As Prometheus does without honor_labels."""
    state, store = target()
    state.accept('x{job="other"} 1\n', 0, 0.0)
    assert list(ask(store, 'x{job="a"}')) == ['x{exported_job="other", instance="127.0.0.1:18084", job="a"}']


def test_a_series_that_disappears_ends_with_the_scrape_that_lacks_it() -> None:
    """And comes back with the next one that has it."""
    state, store = target()
    state.accept("x 1\ny 1\n", 0, 0.0)
    state.accept("y 2\n", 5000, 0.0)
    assert ask(store, "count(x)", 5) == {}
    state.accept("x 3\ny 3\n", 10_000, 0.0)
    assert ask(store, "sum(x)", 10) == {"{}": 3.0}


def test_a_failed_scrape_is_up_0_and_ends_every_series() -> None:
    """But not those that the monitor itself keeps of the target."""
    state, store = target()
    state.accept("x 1\n", 0, 0.0)
    state.reject("connection refused", 5000, 0.2)
    assert ask(store, "sum(x)", 5) == {}
    assert list(ask(store, "up", 5).values()) == [0.0]
    assert list(ask(store, "scrape_duration_seconds", 5).values()) == [0.2]
    assert (state.health, state.error, state.scraped_at_ms) == ("down", "connection refused", 5000)


@pytest.mark.parametrize("broken", ["y 2\nx{ 1\n", "y 2\nx one\n"])
def test_an_answer_with_a_broken_line_is_dropped_as_a_whole(broken: str) -> None:
    """Nothing of it is stored, whether the line is new or was good before."""
    state, store = target()
    state.accept("x 1\ny 1\n", 0, 0.0)
    with pytest.raises(BadExposition):
        state.accept(broken, 5000, 0.0)
    assert list(ask(store, "y", 5).values()) == [1.0]


def test_lines_are_read_right_at_their_second_coming_too() -> None:
    """What is remembered of a line is what stands before its value: times, tabs and blanks in values do not confuse it."""
    state, store = target()
    text = 'a{{k="b c"}} {0}\nd {0} 1700\ne\t{0}\nf{{k="g h"}}{0}\ni  {0}\nj {0} \n'
    for number in (1, 2, 3):
        state.accept(text.format(number), number * 5000, 0.0)
        found = ask(store, '{__name__=~"[a-j]"}', number * 5)
        assert sorted(found.values()) == [float(number)] * 6


def test_the_first_of_two_equal_series_counts() -> None:
    """A target that exports a series twice does not disturb the rest."""
    state, store = target()
    for at_ms in (0, 5000):
        state.accept("x 1\nx 2\ny 3\n", at_ms, 0.0)
    assert sorted(ask(store, '{__name__=~"x|y"}', 5).values()) == [1.0, 3.0]
