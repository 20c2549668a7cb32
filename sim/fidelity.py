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
_LOW, _HIGH = 0.05, 0.95
_TOLERATED_S = 1.0  # a live measure so little outside counts as inside: an interval of scraping, a stand-in's start
_LEAST = 3  # live measures, below which nothing is called biased


@dataclass(frozen=True, slots=True)
class Held:
    """One measure of one scenario: what was predicted, what was seen, how often it was inside."""

    scenario: str
    measure: str
    low_s: float
    high_s: float
    seen: tuple[float, ...]
    inside: int
    coverage: Estimate
    bias: float  # mean of where the live measures lie in the predicted distribution, 0.5 when right

    @property
    def biased(self) -> bool:
        """So far from the middle that chance has it in fewer than 1 of 100 right simulations, and outside the interval at that."""
        count = len(self.seen)
        far = abs(self.bias - 0.5) > 2.58 / math.sqrt(12 * count) if count else False
        return count >= _LEAST and far and (self.coverage.high or 0.0) < 0.9


def hold(scenario: str, columns: Mapping[str, NDArray[np.float64]], live: Sequence[Mapping[str, float | None]]) -> list[Held]:
    """Hold the measures of live drills against simulated nights of their scenario. What a drill could not measure is passed over."""
    found = []
    for measure, column in MEASURES.items():
        predicted = np.sort(columns[column][~np.isnan(columns[column])])
        seen = [float(value) for row in live if (value := row.get(measure)) is not None]
        if not len(predicted) or not seen:
            continue
        low_s, high_s = (float(predicted[min(int(q * len(predicted)), len(predicted) - 1)]) for q in (_LOW, _HIGH))
        inside = sum(low_s - _TOLERATED_S <= value <= high_s + _TOLERATED_S for value in seen)
        ranks = [
            (np.searchsorted(predicted, value, "left") + np.searchsorted(predicted, value, "right")) / (2 * len(predicted))
            for value in seen
        ]
        found.append(Held(scenario, measure, low_s, high_s, tuple(seen), inside, share(inside, len(seen)), float(np.mean(ranks))))
    return found
