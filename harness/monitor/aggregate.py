"""PromQL aggregations: `sum`, `topk`, `quantile` and the others, by or without labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from harness.monitor.labels import EMPTY, NAME, Labels, drop, keep, with_labels
from harness.monitor.values import (
    Moment,
    Plan,
    ScalarPlan,
    Vector,
    VectorPlan,
    average,
    deviation,
    largest,
    number_text,
    quantile_of,
    scalar_of,
    smallest,
    string_of,
    total,
    variance,
)

Grouping = Callable[[Labels], Labels]

_PLAIN: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": total,
    "avg": average,
    "min": smallest,
    "max": largest,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
    "stddev": deviation,
    "stdvar": variance,
}
AGGREGATIONS = frozenset({*_PLAIN, "quantile", "topk", "bottomk", "count_values"})


def by(names: Sequence[str]) -> Grouping:
    """Groups of equal values of these labels."""
    kept = frozenset(names)
    return lambda labels: keep(labels, kept)


def without(names: Sequence[str]) -> Grouping:
    """Groups of equal values of all labels but these."""
    dropped = frozenset({*names, NAME})
    return lambda labels: drop(labels, dropped)


def altogether(_labels: Labels) -> Labels:
    """No grouping: everything is one group."""
    return EMPTY


def build_aggregation(op: str, grouping: Grouping, vector: VectorPlan, parameter: Plan | None) -> VectorPlan:
    """The plan of one aggregation; `op` is one of AGGREGATIONS. Raises BadQuery when the parameter is of the wrong type."""
    if op in _PLAIN:
        return _plain(_PLAIN[op], grouping, vector)
    if op == "count_values":
        return _count_values(string_of(parameter), grouping, vector)
    if op == "quantile":
        return _quantile(scalar_of(parameter), grouping, vector)
    return _ranked(scalar_of(parameter), grouping, vector, highest=op == "topk")


def _grouped(elements: Vector, grouping: Grouping) -> dict[Labels, list[float]]:
    groups: dict[Labels, list[float]] = {}
    for labels, value in elements:
        groups.setdefault(grouping(labels), []).append(value)
    return groups


def _plain(function: Callable[[Sequence[float]], float], grouping: Grouping, vector: VectorPlan) -> VectorPlan:
    def run(moment: Moment) -> Vector:
        return [(labels, function(values)) for labels, values in _grouped(vector.run(moment), grouping).items()]

    return VectorPlan(run)


def _quantile(q: ScalarPlan, grouping: Grouping, vector: VectorPlan) -> VectorPlan:
    def run(moment: Moment) -> Vector:
        wanted = q.run(moment)
        return [(ls, quantile_of(wanted, values)) for ls, values in _grouped(vector.run(moment), grouping).items()]

    return VectorPlan(run)


def _ranked(count: ScalarPlan, grouping: Grouping, vector: VectorPlan, *, highest: bool) -> VectorPlan:
    """`topk` and `bottomk`: elements keep all their labels; NaN is chosen only where nothing else is left."""
    worst = -math.inf if highest else math.inf

    def rank(element: tuple[Labels, float]) -> tuple[float, bool]:
        value = element[1]
        is_nan = math.isnan(value)
        return (worst if is_nan else value), is_nan != highest

    def run(moment: Moment) -> Vector:
        wanted = count.run(moment)
        if not wanted >= 1:
            return []
        groups: dict[Labels, Vector] = {}
        for element in vector.run(moment):
            groups.setdefault(grouping(element[0]), []).append(element)
        return [
            element
            for elements in groups.values()
            for element in sorted(elements, key=rank, reverse=highest)[: int(min(wanted, len(elements)))]
        ]

    return VectorPlan(run)


def _count_values(label: str, grouping: Grouping, vector: VectorPlan) -> VectorPlan:
    def run(moment: Moment) -> Vector:
        counted: dict[Labels, float] = {}
        for labels, value in vector.run(moment):
            key = with_labels(grouping(labels), {label: number_text(value)})
            counted[key] = counted.get(key, 0.0) + 1
        return list(counted.items())

    return VectorPlan(run)
