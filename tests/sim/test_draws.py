"""sim/draws.py: random numbers of nights."""

from __future__ import annotations

import statistics

import numpy as np

from sim.draws import Draws, inverse_normal

DRAWS = Draws(7, "a-scenario", (0.0, 2.0, -np.inf), (1.0, 0.5, 0.0), 4)


def test_any_night_can_be_drawn_alone() -> None:
    """A night's draws are the same bits whether it is drawn alone, with its neighbours or in the middle of others."""
    whole = DRAWS.rows(0, 300)
    assert [DRAWS.rows(number, 1)[0] for number in (0, 1, 77, 299)] == [whole[number] for number in (0, 1, 77, 299)]
    assert DRAWS.rows(250, 50) == whole[250:]


def test_seeds_and_scenarios_have_draws_of_their_own() -> None:
    """Another seed or another scenario gives other numbers, so that campaigns are independent of each other."""
    others = (Draws(8, "a-scenario", DRAWS.mu, DRAWS.sigma, 4), Draws(7, "another", DRAWS.mu, DRAWS.sigma, 4))
    assert all(other.rows(0, 1)[0][0] != DRAWS.rows(0, 1)[0][0] for other in others)


def test_the_inverse_normal_is_the_inverse_of_the_normal_distribution() -> None:
    """The quantiles agree with Python's own to 1e-9, far into both tails."""
    p = np.array([1e-14, 1e-9, 1e-3, 0.02, 0.3, 0.5, 0.9, 0.975, 1 - 1e-9])
    expected = [statistics.NormalDist().inv_cdf(each) for each in p]
    assert np.allclose(inverse_normal(p), expected, rtol=1e-9, atol=1e-12)


def test_durations_have_the_median_and_the_spread_that_were_asked_for() -> None:
    """Of 20,000 nights half are below the median e^2, 95 % below e^(2 + 1.645 * 0.5); a duration of 0 is 0; uniforms fill (0, 1)."""
    table = np.array(DRAWS.rows(0, 20_000))
    assert abs((table[:, 1] < np.exp(2.0)).mean() - 0.5) < 0.01
    assert abs((table[:, 1] < np.exp(2.0 + 1.6448536 * 0.5)).mean() - 0.95) < 0.005
    assert (table[:, 2] == 0).all()
    assert 0 < table[:, 3:].min() < 0.001
    assert abs(table[:, 3:].mean() - 0.5) < 0.01
