"""Log-normal fits of few or many samples, with what they are worth: a goodness of fit, and ranges that are wide where little was seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.assumptions import P95, Assumptions, Figure

MANY = 8  # samples from which on a fit stands on its own feet
_PRIOR_WEIGHT = 3.0  # samples that the assumption counts for, where there are few
_TRIES = 400  # of the parametric bootstrap
_LEAST_SIGMA = 0.05


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted figure. `p` is that of the Kolmogorov-Smirnov distance, by bootstrap; None where there are too few samples to tell."""

    name: str
    samples: int
    median_s: float
    p95_s: float
    low_s: float  # of the median, 95 %
    high_s: float
    p: float | None
    said: str

    def to_figure(self) -> Figure:
        return Figure(
            self.name, self.median_s, self.low_s, self.high_s, self.said, self.p95_s, self.samples, self.p, seconds=True
        )


def fit(name: str, samples: Sequence[float], prior: Figure, *, seed: int = 1) -> Fit:
    """Fit one figure. With fewer than 8 samples the assumption counts for 3 of them, and the spread is no narrower than its own."""
    logs = np.log(np.asarray(samples, dtype=np.float64))
    count = len(logs)
    mu, sigma = float(logs.mean()), max(float(logs.std(ddof=1)) if count > 1 else 0.0, _LEAST_SIGMA)
    said = f"measured: {count} samples of live drills"
    if count < MANY and prior.value > 0:
        weight = _PRIOR_WEIGHT / (count + _PRIOR_WEIGHT)
        mu = (1 - weight) * mu + weight * prior.mu
        sigma = max(sigma, prior.sigma)
        said += f", few: mixed with what was assumed ({prior.source})"
    half = 1.96 * sigma / math.sqrt(count) * (1.0 if count >= MANY else 2.0)
    p = _goodness(logs, seed) if count >= MANY else None
    if p is not None and p < 0.05:
        said += "; they are not log-normal"
    return Fit(name, count, math.exp(mu), math.exp(mu + P95 * sigma), math.exp(mu - half), math.exp(mu + half), p, said)


def fit_all(samples: Mapping[str, Sequence[float]], assumptions: Assumptions) -> list[Fit]:
    """A fit of every figure that there are samples for, by name."""
    return [
        fit(name, samples[name], assumptions.figures[name])
        for name in sorted(samples)
        if name in assumptions.figures and samples[name]
    ]


def _goodness(logs: np.ndarray[tuple[int, ...], np.dtype[np.float64]], seed: int) -> float:
    """How often samples of the fitted distribution lie further from their own fit than these (Lilliefors, by bootstrap)."""
    count, seen = len(logs), _distance(np.sort(logs))
    rng = np.random.Generator(np.random.Philox(seed))
    further = sum(_distance(np.sort(rng.normal(size=count))) >= seen for _ in range(_TRIES))
    return (further + 1) / (_TRIES + 1)


def _distance(ordered: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    spread = float(ordered.std(ddof=1)) or 1e-12
    expected = np.array([0.5 * math.erfc(-(each - float(ordered.mean())) / spread / math.sqrt(2)) for each in ordered])
    ranks = np.arange(len(ordered))
    return float(max((expected - ranks / len(ordered)).max(), ((ranks + 1) / len(ordered) - expected).max()))
