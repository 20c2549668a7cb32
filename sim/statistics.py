"""Estimates with their uncertainty: shares (Wilson), percentiles (order statistics), means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % confidence interval. None: beyond what was observed."""

    value: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}


def share(successes: float, of: int) -> Estimate:
    """A probability with Wilson's interval; (0, 1) of nothing. `successes` is a fraction where tries were not independent."""
    if of == 0:
        return Estimate(None, 0.0, 1.0)
    p, z2 = successes / of, Z95 * Z95
    centre = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z95 * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    # at the ends the formula's own limit is exactly 0 or 1, but for rounding
    return Estimate(p, 0.0 if successes == 0 else max(centre - half, 0.0), 1.0 if successes == of else min(centre + half, 1.0))


def percentile(ordered: Values, q: float) -> Estimate:
    """The q-quantile of sorted values; its interval from the ranks that hold it in 95 % of samples. Infinity and beyond are None."""
    count = len(ordered)
    if not count:
        return Estimate(None, None, None)
    half = Z95 * math.sqrt(count * q * (1 - q))
    ranks = (math.ceil(count * q) - 1, math.floor(count * q - half) - 1, math.ceil(count * q + half))
    value, low, high = (float(ordered[min(max(rank, 0), count - 1)]) for rank in ranks)
    return Estimate(*(each if math.isfinite(each) else None for each in (value, low, high)))


def mean(values: Values) -> Estimate:
    """The mean with its normal interval."""
    count = len(values)
    if not count:
        return Estimate(None, None, None)
    middle = float(np.mean(values))
    half = Z95 * float(np.std(values, ddof=1)) / math.sqrt(count) if count > 1 else math.inf
    return Estimate(middle, middle - half, middle + half) if math.isfinite(half) else Estimate(middle, None, None)


def ordered(values: Values) -> Values:
    """Sorted; what never came counts as later than everything."""
    return np.sort(np.where(np.isnan(values), np.inf, values))


def describe(values: Values, percentiles: tuple[float, ...]) -> dict[str, Any]:
    """Percentiles with intervals, and how many values there are."""
    rows = ordered(values)
    return {
        "nights": len(rows), "never": int(np.isinf(rows).sum()),
        "percentiles": {f"{q:g}": percentile(rows, q).to_json() for q in percentiles},
    }  # fmt: skip
