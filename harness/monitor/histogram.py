"""`histogram_quantile` over classic histograms; follows `bucketQuantile` in Prometheus' promql/quantile.go."""

from __future__ import annotations

import math
from bisect import bisect_left

from harness.monitor.exposition import read_value
from harness.monitor.labels import NAME, Labels, drop, value_of
from harness.monitor.values import NAN, Vector

_ROUNDING = 1e-12
_NOT_IDENTITY = frozenset({"le", NAME})


def histogram_quantile(q: float, buckets: Vector) -> Vector:
    """The q-quantile of each histogram in a vector of buckets. Elements whose `le` is no number are passed over."""
    histograms: dict[Labels, dict[float, float]] = {}
    for labels, count in buckets:
        upper = read_value(value_of(labels, "le"))
        if upper is not None:
            bounds = histograms.setdefault(drop(labels, _NOT_IDENTITY), {})
            bounds[upper] = bounds.get(upper, 0.0) + count  # `le="1"` and `le="1.0"` are one bucket
    return [(labels, bucket_quantile(q, sorted(bounds.items()))) for labels, bounds in histograms.items()]


def bucket_quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    """Interpolates linearly inside the bucket that the quantile falls into. `buckets` are (upper bound, cumulative count).

    In the highest bucket the answer is the bound below it; the lowest begins at 0 when its bound is positive. NaN without
    a bucket to +Inf, with fewer than two buckets, or without an observation.
    """
    if math.isnan(q):
        return NAN
    if not 0 <= q <= 1:
        return math.copysign(math.inf, q)
    bounds = [upper for upper, _ in buckets]
    counts = _monotonic([count for _, count in buckets])
    observations = counts[-1]
    if len(bounds) < 2 or bounds[-1] != math.inf or observations == 0 or math.isnan(observations):
        return NAN
    rank = q * observations
    index = bisect_left(counts, rank, 0, len(counts) - 1)
    if index == len(counts) - 1:
        return bounds[-2]
    if index == 0 and bounds[0] <= 0:
        return bounds[0]
    start, below = (bounds[index - 1], counts[index - 1]) if index else (0.0, 0.0)
    inside = counts[index] - below
    return start + (bounds[index] - start) * ((rank - below) / inside) if inside else NAN


def _monotonic(counts: list[float]) -> list[float]:
    """A wider bucket that holds less (as rounding has it), or more by rounding only, counts as holding as much."""
    highest = counts[0]
    risen = []
    for count in counts:
        if not (count <= highest or math.isclose(count, highest, rel_tol=_ROUNDING)):
            highest = count
        risen.append(highest)
    return risen
