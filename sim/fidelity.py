"""Does the simulation foretell live drills? Each live measure against the predicted 90 % interval of the same scenario."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.statistics import Estimate, share

MEASURES = {
    "time_to_detect_s": "detect_s", "time_to_acknowledge_s": "acknowledge_s", "time_to_mitigate_s": "mitigate_s",
    "time_to_recover_s": "recover_s", "recovery_point_s": "recovery_point_s", "outage_s": "outage_s",
}  # fmt: skip
COVERAGE = 0.9  # share of live measures that the predicted intervals ought to hold
_LOW, _HIGH = 0.05, 0.95
_TOLERATED_S = 1.0  # a live measure so little outside counts as inside: an interval of scraping, a stand-in's start
_LEAST = 3  # seeds, below which nothing is called biased


@dataclass(frozen=True, slots=True)
class Held:
    """One measure of one scenario: what was predicted, what was seen, how often it was inside."""

    scenario: str
    measure: str
    low_s: float
    high_s: float
    seen: tuple[float, ...]
    inside: int
    draws: int  # different seeds among the drills: those with one seed have the same people
    coverage: Estimate
    bias: float  # mean of where the live measures lie in the predicted distribution, 0.5 when right

    @property
    def biased(self) -> bool:
        """So far from the middle that chance has it in fewer than 1 of 100 right simulations, and outside the interval at that."""
        far = abs(self.bias - 0.5) > 2.58 / math.sqrt(12 * self.draws) if self.draws else False
        return self.draws >= _LEAST and far and (self.coverage.high or 0.0) < COVERAGE


@dataclass(frozen=True, slots=True)
class Live:
    """What one live drill measured, seconds; None: it could not measure it. `seed` draws the delays of its people."""

    seed: int
    measures: Mapping[str, float | None]


def hold(scenario: str, columns: Mapping[str, NDArray[np.float64]], live: Sequence[Live]) -> list[Held]:
    """Hold the measures of live drills against simulated nights of their scenario. What a drill could not measure is passed over."""
    found = []
    for measure, column in MEASURES.items():
        predicted = np.sort(columns[column][~np.isnan(columns[column])])
        rows = [(each.seed, float(value)) for each in live if (value := each.measures.get(measure)) is not None]
        if not len(predicted) or not rows:
            continue
        seen = tuple(value for _, value in rows)
        low_s, high_s = (float(predicted[min(int(q * len(predicted)), len(predicted) - 1)]) for q in (_LOW, _HIGH))
        inside = sum(low_s - _TOLERATED_S <= value <= high_s + _TOLERATED_S for value in seen)
        ranks = [
            (np.searchsorted(predicted, value, "left") + np.searchsorted(predicted, value, "right")) / (2 * len(predicted))
            for value in seen
        ]
        draws = len({seed for seed, _ in rows})
        found.append(
            Held(
                scenario,
                measure,
                low_s,
                high_s,
                seen,
                inside,
                draws,
                share(inside / len(seen) * draws, draws),
                float(np.mean(ranks)),
            )
        )
    return found


def covered(found: Sequence[Held], live: Sequence[Live]) -> Estimate:
    """The share of all live measures that were foretold. Measures of drills with one seed go together, so each seed counts once."""
    inside, seen = sum(each.inside for each in found), sum(len(each.seen) for each in found)
    draws = len({each.seed for each in live})
    return share(inside / seen * draws, draws) if seen else share(0, 0)


def too_few(coverage: Estimate, live: Sequence[Live]) -> bool:
    """Are intervals of 90 % out of the question?"""
    return len({each.seed for each in live}) >= _LEAST and (coverage.high or 0.0) < COVERAGE
