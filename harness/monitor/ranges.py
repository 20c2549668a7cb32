"""The functions over range vectors: `rate` and its kin, and the `*_over_time` family.

Each takes a window that has at least one sample and gives a value, or None for no result. The extrapolation of `rate`,
`increase` and `delta` follows `extrapolatedRate` in Prometheus' promql/functions.go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from harness.monitor.values import Dialect, Window, average, deviation, largest, quantile_of, smallest, total, variance

RangeFunction = Callable[[Window], float | None]


def rate(window: Window) -> float | None:
    """Growth a second of a counter, resets made good."""
    return _extrapolated(window, counter=True, per_s=window.range_s)


def increase(window: Window) -> float | None:
    """Growth of a counter over the range, resets made good."""
    return _extrapolated(window, counter=True)


def delta(window: Window) -> float | None:
    """Difference of a gauge over the range."""
    return _extrapolated(window, counter=False)


def _extrapolated(window: Window, *, counter: bool, per_s: float = 1.0) -> float | None:
    # Operations stand in Prometheus' order, so that even the last digit is the same where a rule compares it.
    times, values = window.times, window.values
    if len(times) < 2:
        return None
    first = values[0]
    result = values[-1] - first
    if counter:
        for before, after in pairwise(values):
            if after < before:
                result += before
    sampled_s = (times[-1] - times[0]) / 1000
    spacing_s = sampled_s / (len(times) - 1)
    to_start_s = (times[0] - window.start_ms) / 1000
    to_end_s = (window.end_ms - times[-1]) / 1000
    to_zero_s = sampled_s * (first / result) if counter and result > 0 and first >= 0 else math.inf
    # Another sample is expected where the next one would be due, with 10 % of play; if it is missing, the series is taken
    # to begin (or end) half a spacing away. A counter never began below zero.
    limit_s = spacing_s * 1.1
    if window.dialect is Dialect.PROMETHEUS_2:
        to_start_s = min(to_start_s, to_zero_s)
        before_s = to_start_s if to_start_s < limit_s else spacing_s / 2
    else:
        before_s = min(to_start_s if to_start_s < limit_s else spacing_s / 2, to_zero_s)
    after_s = to_end_s if to_end_s < limit_s else spacing_s / 2
    return result * ((sampled_s + before_s + after_s) / sampled_s / per_s)


def irate(window: Window) -> float | None:
    """Growth a second between the last two samples of a counter."""
    return _instant(window, counter=True)


def idelta(window: Window) -> float | None:
    """Difference of the last two samples of a gauge."""
    return _instant(window, counter=False)


def _instant(window: Window, *, counter: bool) -> float | None:
    if len(window.times) < 2:
        return None
    before, last = window.values[-2], window.values[-1]
    if not counter:
        return last - before
    grown = last if last < before else last - before
    return grown / ((window.times[-1] - window.times[-2]) / 1000)


def changes(window: Window) -> float:
    """How often the value became another."""
    return float(sum(a != b and not (math.isnan(a) and math.isnan(b)) for a, b in pairwise(window.values)))


def resets(window: Window) -> float:
    """How often the value fell."""
    return float(sum(after < before for before, after in pairwise(window.values)))


def slope(window: Window, from_ms: int) -> tuple[float, float] | None:
    """Least-squares slope a second, and the value at `from_ms`. None with fewer than two samples."""
    values = window.values
    if len(values) < 2:
        return None
    if all(value == values[0] for value in values):
        return (0.0, values[0]) if abs(values[0]) != math.inf else (math.nan, math.nan)
    seconds = [(time - from_ms) / 1000 for time in window.times]
    count = len(values)
    sum_x, sum_y = total(seconds), total(values)
    covariance = total(x * y for x, y in zip(seconds, values, strict=True)) - sum_x * sum_y / count
    spread = total(x * x for x in seconds) - sum_x * sum_x / count
    steepness = covariance / spread
    return steepness, sum_y / count - steepness * sum_x / count


def deriv(window: Window) -> float | None:
    """Least-squares slope a second of a gauge."""
    line = slope(window, window.times[0])
    return None if line is None else line[0]


def predict_linear(window: Window, ahead_s: float, at_ms: int) -> float | None:
    """The value that a gauge has `ahead_s` after the evaluation when it goes on along its least-squares line."""
    line = slope(window, at_ms)
    return None if line is None else line[0] * ahead_s + line[1]


def quantile_over_time(window: Window, q: float) -> float:
    """The q-quantile of the values."""
    return quantile_of(q, window.values)


def _of_values(function: Callable[[Sequence[float]], float]) -> RangeFunction:
    return lambda window: function(window.values)


RANGE_FUNCTIONS: dict[str, RangeFunction] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "irate": irate,
    "idelta": idelta,
    "changes": changes,
    "resets": resets,
    "deriv": deriv,
    "avg_over_time": _of_values(average),
    "sum_over_time": _of_values(total),
    "min_over_time": _of_values(smallest),
    "max_over_time": _of_values(largest),
    "count_over_time": _of_values(lambda values: float(len(values))),
    "stddev_over_time": _of_values(deviation),
    "stdvar_over_time": _of_values(variance),
    "last_over_time": _of_values(lambda values: values[-1]),
    "present_over_time": _of_values(lambda _: 1.0),
}
KEEPS_NAME = frozenset({"last_over_time"})
