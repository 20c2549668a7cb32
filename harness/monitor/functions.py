"""The PromQL functions over instant vectors and scalars: each builds the plan of one call from the plans of its arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from harness.monitor.errors import BadQuery
from harness.monitor.histogram import histogram_quantile
from harness.monitor.label_functions import absent, label_join, label_replace
from harness.monitor.labels import EMPTY, Labels, without_name
from harness.monitor.ranges import KEEPS_NAME, RANGE_FUNCTIONS, RangeFunction, predict_linear, quantile_over_time
from harness.monitor.values import (
    NAN,
    MatrixPlan,
    Moment,
    Plan,
    ScalarPlan,
    Vector,
    VectorPlan,
    distinct,
    matrix_of,
    scalar_of,
    vector_of,
)

Builder = Callable[[Sequence[Plan]], Plan]


def build_call(name: str, arguments: Sequence[Plan]) -> Plan:
    """The plan of a call whose argument types the parser has checked. Raises BadQuery for a function that is not supported."""
    if name in RANGE_FUNCTIONS:
        return _over_range(RANGE_FUNCTIONS[name], matrix_of(arguments[0]), keeps_name=name in KEEPS_NAME)
    if name in _BUILDERS:
        return _BUILDERS[name](arguments)
    if name in _ELEMENTWISE:
        return _elementwise(_ELEMENTWISE[name], vector_of(arguments[0]))
    if name in _CALENDAR:
        return _calendar(_CALENDAR[name], arguments)
    known = ", ".join(sorted({*RANGE_FUNCTIONS, *_BUILDERS, *_ELEMENTWISE, *_CALENDAR}))
    raise BadQuery(f"the function {name} is not supported by the embedded evaluator; it knows {known}")


# --- over range vectors --------------------------------------------------------------------------------------------


def _over_range(function: RangeFunction, matrix: MatrixPlan, *, keeps_name: bool = False) -> VectorPlan:
    def run(moment: Moment) -> Vector:
        found = [(window.labels, function(window)) for window in matrix.run(moment)]
        return distinct([(ls if keeps_name else without_name(ls), value) for ls, value in found if value is not None])

    return VectorPlan(run)


def _quantile_over_time(arguments: Sequence[Plan]) -> VectorPlan:
    q, matrix = scalar_of(arguments[0]), matrix_of(arguments[1])

    def run(moment: Moment) -> Vector:
        wanted = q.run(moment)
        return distinct([(without_name(w.labels), quantile_over_time(w, wanted)) for w in matrix.run(moment)])

    return VectorPlan(run)


def _predict_linear(arguments: Sequence[Plan]) -> VectorPlan:
    matrix, ahead = matrix_of(arguments[0]), scalar_of(arguments[1])

    def run(moment: Moment) -> Vector:
        ahead_s = ahead.run(moment)
        found = [(w.labels, predict_linear(w, ahead_s, moment.at_ms)) for w in matrix.run(moment)]
        return distinct([(without_name(labels), value) for labels, value in found if value is not None])

    return VectorPlan(run)


# --- over instant vectors ------------------------------------------------------------------------------------------


def _elementwise(function: Callable[[float], float], vector: VectorPlan) -> VectorPlan:
    return VectorPlan(lambda moment: distinct([(without_name(ls), function(value)) for ls, value in vector.run(moment)]))


def _with_scalars(function: Callable[..., float], *defaults: float) -> Builder:
    """Of `function(value, *scalars)`, where the last scalars have defaults."""

    def build(arguments: Sequence[Plan]) -> VectorPlan:
        vector = vector_of(arguments[0])
        scalars = [scalar_of(plan) for plan in arguments[1:]]

        def run(moment: Moment) -> Vector:
            given = [plan.run(moment) for plan in scalars]
            given += defaults[len(given) :]
            return distinct([(without_name(labels), function(value, *given)) for labels, value in vector.run(moment)])

        return VectorPlan(run)

    return build


def _clamp(arguments: Sequence[Plan]) -> VectorPlan:
    vector, low, high = vector_of(arguments[0]), scalar_of(arguments[1]), scalar_of(arguments[2])

    def run(moment: Moment) -> Vector:
        elements, least, most = vector.run(moment), low.run(moment), high.run(moment)
        if least > most:
            return []
        return distinct([(without_name(labels), _at_least(_at_most(value, most), least)) for labels, value in elements])

    return VectorPlan(run)


def _at_least(value: float, low: float) -> float:
    return NAN if math.isnan(value) or math.isnan(low) else max(value, low)


def _at_most(value: float, high: float) -> float:
    return NAN if math.isnan(value) or math.isnan(high) else min(value, high)


def _round(value: float, nearest: float) -> float:
    inverse = 1 / nearest if nearest else math.inf
    return _whole(math.floor)(value * inverse + 0.5) / inverse


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(function(value)) if math.isfinite(value) else value


def _log(function: Callable[[float], float]) -> Callable[[float], float]:
    def safe(value: float) -> float:
        if value == 0:
            return -math.inf
        return function(value) if value > 0 else NAN

    return safe


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _sign(value: float) -> float:
    return float(value > 0) - float(value < 0) if not math.isnan(value) else value


def _sorted(*, reverse: bool) -> Builder:
    def build(arguments: Sequence[Plan]) -> VectorPlan:
        vector = vector_of(arguments[0])
        last = -math.inf if reverse else math.inf  # NaN comes last both ways

        def key(element: tuple[Labels, float]) -> float:
            return last if math.isnan(element[1]) else element[1]

        return VectorPlan(lambda moment: sorted(vector.run(moment), key=key, reverse=reverse))

    return build


def _histogram_quantile(arguments: Sequence[Plan]) -> VectorPlan:
    q, buckets = scalar_of(arguments[0]), vector_of(arguments[1])
    return VectorPlan(lambda moment: histogram_quantile(q.run(moment), buckets.run(moment)))


# --- scalars and time ----------------------------------------------------------------------------------------------


def _time(_arguments: Sequence[Plan]) -> ScalarPlan:
    return ScalarPlan(lambda moment: moment.epoch_s + moment.at_ms / 1000)


def _to_vector(arguments: Sequence[Plan]) -> VectorPlan:
    scalar = scalar_of(arguments[0])
    return VectorPlan(lambda moment: [(EMPTY, scalar.run(moment))])


def _to_scalar(arguments: Sequence[Plan]) -> ScalarPlan:
    vector = vector_of(arguments[0])

    def run(moment: Moment) -> float:
        elements = vector.run(moment)
        return elements[0][1] if len(elements) == 1 else NAN

    return ScalarPlan(run)


def _timestamp(arguments: Sequence[Plan]) -> VectorPlan:
    vector = vector_of(arguments[0])
    selector = vector.selector

    def run(moment: Moment) -> Vector:
        if selector is None:
            return distinct([(without_name(ls), moment.epoch_s + moment.at_ms / 1000) for ls, _ in vector.run(moment)])
        return distinct([(without_name(ls), moment.epoch_s + at_ms / 1000) for ls, at_ms, _ in selector.samples(moment)])

    return VectorPlan(run)


def _calendar(part: Callable[[datetime], int], arguments: Sequence[Plan]) -> VectorPlan:
    vector = vector_of(arguments[0]) if arguments else _to_vector([_time([])])

    def of(value: float) -> float:
        try:
            return float(part(datetime.fromtimestamp(int(value), UTC)))
        except (ValueError, OverflowError, OSError):  # NaN, infinite, or no year that a calendar has
            return NAN

    return _elementwise(of, vector)


_CALENDAR: dict[str, Callable[[datetime], int]] = {
    "minute": lambda when: when.minute,
    "hour": lambda when: when.hour,
    "day_of_week": lambda when: when.isoweekday() % 7,
    "day_of_month": lambda when: when.day,
    "day_of_year": lambda when: when.timetuple().tm_yday,
    "month": lambda when: when.month,
    "year": lambda when: when.year,
}
_ELEMENTWISE: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "exp": _exp,
    "ln": _log(math.log),
    "log2": _log(math.log2),
    "log10": _log(math.log10),
    "sqrt": lambda value: math.sqrt(value) if value >= 0 else NAN,
    "sgn": _sign,
}
_BUILDERS: dict[str, Builder] = {
    "absent": absent,
    "absent_over_time": absent,
    "clamp": _clamp,
    "clamp_max": _with_scalars(_at_most),
    "clamp_min": _with_scalars(_at_least),
    "histogram_quantile": _histogram_quantile,
    "label_join": label_join,
    "label_replace": label_replace,
    "predict_linear": _predict_linear,
    "quantile_over_time": _quantile_over_time,
    "round": _with_scalars(_round, 1.0),
    "scalar": _to_scalar,
    "sort": _sorted(reverse=False),
    "sort_desc": _sorted(reverse=True),
    "time": _time,
    "timestamp": _timestamp,
    "vector": _to_vector,
}
