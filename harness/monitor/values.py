"""What PromQL expressions evaluate to, and the compiled form of an expression.

An expression is parsed and compiled once; a plan is then run at many instants. Times inside are whole milliseconds of
documented time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from harness.monitor.errors import BadQuery, QueryFailed
from harness.monitor.labels import Labels
from harness.monitor.series import LOOKBACK_S, Matcher, SeriesStore, to_ms

NAN = math.nan
Vector = list[tuple[Labels, float]]


class Dialect(Enum):
    """Where two major versions of Prometheus give different answers, both are known.

    Prometheus 3 leaves the oldest instant out of ranges and of the lookback. Where a counter begins inside a range, its
    `rate` and `increase` reach back by half the spacing of samples at most; Prometheus 2 goes down to the counter's zero
    if that is less than 1.1 spacings away.
    """

    PROMETHEUS_2 = 2
    PROMETHEUS_3 = 3

    def oldest_ms(self, at_ms: int, length_ms: int) -> int:
        """The oldest instant that belongs to a range of this length that ends at `at_ms`."""
        return at_ms - length_ms + (1 if self is Dialect.PROMETHEUS_3 else 0)


@dataclass(frozen=True, slots=True)
class Moment:
    """At which instant, and over which series, a plan is run."""

    store: SeriesStore
    at_ms: int
    epoch_s: float = 0.0  # Unix time of documented second 0; `time()` and `timestamp()` speak of it
    dialect: Dialect = Dialect.PROMETHEUS_3
    lookback_ms: int = to_ms(LOOKBACK_S)


@dataclass(frozen=True, slots=True)
class Window:
    """One series' samples in a range. `start_ms` to `end_ms` is the range, which the samples need not fill."""

    labels: Labels
    times: Sequence[int]
    values: Sequence[float]
    start_ms: int
    end_ms: int
    dialect: Dialect

    @property
    def range_s(self) -> float:
        return (self.end_ms - self.start_ms) / 1000


@dataclass(frozen=True, slots=True)
class Selector:
    """Which series, shifted into the past by an offset."""

    matchers: tuple[Matcher, ...]
    offset_ms: int = 0

    def samples(self, moment: Moment) -> Iterable[tuple[Labels, int, float]]:
        """Labels, time and value of each series that has a current value."""
        at_ms = moment.at_ms - self.offset_ms
        oldest_ms = moment.dialect.oldest_ms(at_ms, moment.lookback_ms)
        for series in moment.store.select(self.matchers):
            found = series.latest(at_ms, oldest_ms)
            if found is not None:
                yield series.labels, *found

    def windows(self, moment: Moment, range_ms: int) -> list[Window]:
        """Each series that has samples in the range."""
        end_ms = moment.at_ms - self.offset_ms
        oldest_ms = moment.dialect.oldest_ms(end_ms, range_ms)
        found = []
        for series in moment.store.select(self.matchers):
            times, values = series.window(end_ms, oldest_ms)
            if times:
                found.append(Window(series.labels, times, values, end_ms - range_ms, end_ms, moment.dialect))
        return found


@dataclass(frozen=True, slots=True)
class ScalarPlan:
    """Of an expression that is one number."""

    run: Callable[[Moment], float]


@dataclass(frozen=True, slots=True)
class VectorPlan:
    """Of an instant vector."""

    run: Callable[[Moment], Vector]
    selector: Selector | None = None  # when the expression is nothing but a selector


@dataclass(frozen=True, slots=True)
class MatrixPlan:
    """Of a range vector."""

    run: Callable[[Moment], list[Window]]
    selector: Selector


@dataclass(frozen=True, slots=True)
class StringPlan:
    """Of a string: a parameter of some functions."""

    value: str


Plan = ScalarPlan | VectorPlan | MatrixPlan | StringPlan


def scalar_of(plan: Plan | None) -> ScalarPlan:
    """The plan itself. Raises BadQuery when it is no scalar's."""
    if isinstance(plan, ScalarPlan):
        return plan
    raise BadQuery("a scalar is needed")


def vector_of(plan: Plan | None) -> VectorPlan:
    """The plan itself. Raises BadQuery when it is no instant vector's."""
    if isinstance(plan, VectorPlan):
        return plan
    raise BadQuery("an instant vector is needed")


def matrix_of(plan: Plan | None) -> MatrixPlan:
    """The plan itself. Raises BadQuery when it is no range vector's."""
    if isinstance(plan, MatrixPlan):
        return plan
    raise BadQuery("a range vector is needed, such as x[5m]")


def string_of(plan: Plan | None) -> str:
    """The string. Raises BadQuery when the plan is not one's."""
    if isinstance(plan, StringPlan):
        return plan.value
    raise BadQuery("a string is needed")


def distinct(vector: Vector) -> Vector:
    """The vector itself. Raises QueryFailed when two elements have become the same."""
    if len(vector) > 1 and len({labels for labels, _ in vector}) != len(vector):
        raise QueryFailed("vector cannot contain metrics with the same labelset")
    return vector


def total(values: Iterable[float]) -> float:
    """The sum with no rounding on the way. Infinities and overflow give what adding one by one gives."""
    values = list(values)
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return sum(values)


def quantile_of(q: float, values: Sequence[float]) -> float:
    """The q-quantile with linear interpolation; outside of 0 to 1 it is infinite. NaN counts as the smallest value."""
    if not values or math.isnan(q):
        return NAN
    if not 0 <= q <= 1:
        return math.copysign(math.inf, q)
    ranked = sorted(values, key=lambda value: -math.inf if math.isnan(value) else value)
    rank = q * (len(ranked) - 1)
    lower = math.floor(rank)
    upper = min(len(ranked) - 1, lower + 1)
    weight = rank - lower
    return ranked[lower] * (1 - weight) + ranked[upper] * weight


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of a population."""
    return math.sqrt(variance(values))


def variance(values: Sequence[float]) -> float:
    """Of a population, by Welford's method: equal values have none, however large they are."""
    mean = squares = 0.0
    for count, value in enumerate(values, start=1):
        distance = value - mean
        mean += distance / count
        squares += distance * (value - mean)
    return squares / len(values)


def average(values: Sequence[float]) -> float:
    """The mean of at least one value; it does not overflow where the sum does."""
    count = len(values)
    mean = total(values) / count
    return total(value / count for value in values) if math.isinf(mean) else mean


def largest(values: Iterable[float]) -> float:
    """NaN only when there is nothing else."""
    return max((value for value in values if not math.isnan(value)), default=NAN)


def smallest(values: Iterable[float]) -> float:
    """NaN only when there is nothing else."""
    return min((value for value in values if not math.isnan(value)), default=NAN)


def number_text(value: float) -> str:
    """A number as Prometheus writes it: shortest digits, never an exponent, `+Inf` and `NaN`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return format(Decimal(repr(value)), "f").removesuffix(".0")
