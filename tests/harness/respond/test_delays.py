"""How long people take."""

from __future__ import annotations

import random

from harness.respond.delays import draw_delay_s
from scenarios.model import HumanDelay


def delay(median: str, p95: str) -> HumanDelay:
    return HumanDelay.model_validate({"median": median, "p95": p95})


def test_half_of_the_delays_are_below_the_median_and_one_in_twenty_above_the_95th_percentile() -> None:
    """The two figures of a scenario are what it says they are."""
    rng = random.Random(7)
    drawn = sorted(draw_delay_s(delay("45s", "90s"), rng) for _ in range(20_000))
    assert abs(drawn[10_000] - 45) < 1.5
    assert abs(drawn[19_000] - 90) < 4


def test_equal_figures_make_a_fixed_delay() -> None:
    """A scenario that wants no chance gets none, and the draws after it stay the same."""
    rng, other = random.Random(7), random.Random(7)
    assert draw_delay_s(delay("45s", "45s"), rng) == 45.0
    draw_delay_s(delay("45s", "90s"), other)
    assert rng.random() == other.random()


def test_the_same_seed_draws_the_same_delay() -> None:
    """A drill can be repeated."""
    first, second = (draw_delay_s(delay("8s", "15s"), random.Random(3)) for _ in range(2))
    assert first == second
