"""The tests of the trend, held against what can be counted by hand and against what chance alone does."""

from __future__ import annotations

import math
import random
from itertools import combinations
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.trend_judgement import _normal, change_point, cliffs_delta, holm, judge_series, latest_of, rank_test, ranks

FIGURES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=5)


@given(FIGURES, FIGURES)
def test_the_rank_test_counts_every_way(before: list[float], latest: list[float]) -> None:
    """Its p is the share of all choices of so many drills whose ranks add up to at least as much; ties included."""
    found = ranks([*before, *latest])
    seen = sum(found[len(before) :])
    sums = [sum(choice) for choice in combinations(found, len(latest))]
    assert rank_test(before, latest) == pytest.approx(mean(float(each >= seen - 1e-9) for each in sums))


def test_beyond_sixty_drills_the_approximation_agrees() -> None:
    """Within a tenth of the exact p where it is not tiny, with ties and without."""
    draw = random.Random(5)
    for values in ([draw.gauss(0, 1) for _ in range(60)], [float(draw.randint(0, 9)) for _ in range(60)]):
        values[-12:] = [each + 0.4 for each in values[-12:]]
        assert _normal(ranks(values), 12) == pytest.approx(rank_test(values[:-12], values[-12:]), rel=0.1)


def test_finds_the_change_point_where_it_is() -> None:
    """The first drill of the later ones, and p by Pettitt's formula."""
    values = [1.0, 1.1, 1.2, 1.3, 1.05, 0.9, 2.2, 2.0, 2.1, 2.3]
    since, p = change_point(values)
    assert since == 6
    assert p == pytest.approx(math.exp(-6 * 24**2 / (10**3 + 10**2)))  # every later drill above every earlier one: K = 6 * 4
    assert change_point(list(reversed(values)))[1] == 1.0


def test_the_effect_is_how_often_a_later_drill_is_larger() -> None:
    """From -1 to 1; ties count for nothing."""
    assert cliffs_delta([1, 2], [3, 4]) == 1
    assert cliffs_delta([3, 4], [1, 2]) == -1
    assert cliffs_delta([1, 2], [1, 2]) == 0
    assert cliffs_delta([1, 2, 3], [2]) == 0


def test_holm_steps_down() -> None:
    """The smallest counts as often as there are p-values, the next once less; none is smaller than one before it."""
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})


def test_says_too_few_where_no_result_could_be_significant() -> None:
    """Under twelve drills; and with twelve beside forty other series, whatever they show."""
    clear = [1.0 + each / 100 for each in range(8)] + [9.0 + each / 100 for each in range(4)]
    assert judge_series({"few": clear[1:]})["few"].word == "too few drills to say"
    assert judge_series({"alone": clear})["alone"].word == "worse"
    many = judge_series(dict.fromkeys(range(40), clear))
    assert {each.word for each in many.values()} == {"too few drills to say"}


def test_short_series_do_not_silence_long_ones() -> None:
    """Those that can't show anything don't count as asked."""
    draw = random.Random(2)
    changed = [draw.gauss(10, 1) for _ in range(40)] + [draw.gauss(14, 1) for _ in range(15)]
    found = judge_series({"long": changed, **{number: [draw.gauss(0, 1) for _ in range(13)] for number in range(40)}})
    assert found["long"].word == "worse"
    assert found[0].word == "too few drills to say"


def test_names_since_when_and_by_how_much() -> None:
    """The index of the change, medians before and after, and how many drills were the latest."""
    found = judge_series({"x": [12.0 - each % 3 for each in range(30)] + [22.0 - each % 3 for each in range(15)]})["x"]
    assert (found.word, found.since, found.before, found.after, found.drills, found.latest) == ("worse", 30, 11.0, 21.0, 45, 15)
    assert found.delta == 1.0
    assert found.p is not None
    assert found.p < 0.001


@pytest.mark.parametrize(
    "values",
    [
        [20.0 + each % 3 for each in range(20)] + [10.0 + each % 3 for each in range(20)],  # better
        [10.0 + each % 3 for each in range(30)]
        + [20.0 + each % 3 for each in range(40)]
        + [10.0 + each % 3 for each in range(20)],  # mended since
        [7.0] * 40,
        [10.0 + (each * 7919 % 100) / 100 for each in range(40)],
    ],
    ids=["better", "mended", "constant", "noise"],
)
def test_claims_nothing_that_is_not_worse_now(values: list[float]) -> None:
    """Getting better, having been worse for a while, and staying alike are no regressions."""
    assert judge_series({"x": values})["x"].word == "no change shown"


def test_a_negligible_change_is_not_claimed_however_certain() -> None:
    """With thousands of drills a shift of a tenth of the spread is significant, and means nothing."""
    draw = random.Random(1)
    found = judge_series({"x": [draw.gauss(0, 1) for _ in range(6000)] + [draw.gauss(0.12, 1) for _ in range(6000)]})["x"]
    assert found.p is not None
    assert found.p < 0.01
    assert found.word == "no change shown"


def test_the_latest_are_a_third() -> None:
    """At least four, at most twenty."""
    assert [latest_of(number) for number in (11, 12, 50, 1000)] == [4, 4, 16, 20]
