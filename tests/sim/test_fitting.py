"""sim/fitting.py: few samples give wide ranges, many a fit with its goodness."""

from __future__ import annotations

import numpy as np
import pytest

from sim.assumptions import Figure
from sim.fitting import fit

PRIOR = Figure("a.b", 10.0, 5.0, 20.0, "assumed", 30.0)


def drawn(count: int, *, seed: int = 1) -> list[float]:
    rng = np.random.Generator(np.random.Philox(seed))
    return list(np.exp(rng.normal(np.log(2.0), 0.5, count)))


def test_many_samples_give_the_median_that_they_have() -> None:
    """Of 200 samples with a median of 2 s the range holds 2 s and is narrow, and the fit is good."""
    found = fit("a.b", drawn(200, seed=5), PRIOR)
    assert found.low_s <= 2.0 <= found.high_s
    assert found.high_s / found.low_s < 1.4
    assert found.p is not None
    assert found.p > 0.05


def test_few_samples_are_mixed_with_what_was_assumed_and_say_so() -> None:
    """Two samples of 2 s against an assumption of 10 s: in between, wide, without a goodness of fit, and the source tells."""
    found = fit("a.b", [2.0, 2.1], PRIOR)
    assert 2.1 < found.median_s < 10
    assert found.high_s / found.low_s > 5
    assert found.p is None
    assert "few" in found.said


def test_what_is_not_log_normal_is_told() -> None:
    """Two heaps far apart are no log-normal distribution: p is small and the source says so."""
    found = fit("a.b", [*(0.1 + 0.001 * each for each in range(20)), *(50 + each for each in range(20))], PRIOR)
    assert found.p is not None
    assert found.p < 0.05
    assert "not log-normal" in found.said


@pytest.mark.parametrize("samples", [[3.0], [3.0, 3.0, 3.0]])
def test_equal_samples_have_a_spread_nevertheless(samples: list[float]) -> None:
    """Three equal measurements do not prove that the fourth is equal."""
    assert fit("a.b", samples, PRIOR).p95_s > fit("a.b", samples, PRIOR).median_s
