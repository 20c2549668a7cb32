"""PromQL binary operators: arithmetic, comparisons and set operators, between scalars and vectors.

The matching of vectors follows `VectorBinop` in Prometheus' promql/engine.go, error messages included.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.monitor.errors import QueryFailed
from harness.monitor.labels import NAME, Labels, drop, keep, show, value_of, with_labels, without_name
from harness.monitor.values import NAN, Dialect, Moment, Plan, ScalarPlan, Vector, VectorPlan, distinct, scalar_of, vector_of

Operator = Callable[[float, float], float]


def _divide(a: float, b: float) -> float:
    if b:
        return a / b
    return NAN if a == 0 or math.isnan(a) or math.isnan(b) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _modulo(a: float, b: float) -> float:
    """The remainder has the sign of the dividend."""
    return math.fmod(a, b) if b and not math.isinf(a) else NAN


def _power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:  # 0 to a negative power, or a root of a negative number
        return (math.copysign(math.inf, a) if b % 2 == 1 else math.inf) if a == 0 else NAN


ARITHMETIC: dict[str, Operator] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _modulo,
    "^": _power,
    "atan2": math.atan2,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
SET_OPERATORS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Matching:
    """How elements of two vectors find each other. `include` are the labels of `group_left(...)` or `group_right(...)`."""

    cardinality: Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"] = "one-to-one"
    on: bool = False
    labels: frozenset[str] = frozenset()
    include: tuple[str, ...] = ()
    returns_bool: bool = False

    def signature(self, labels: Labels) -> Labels:
        """What two elements must have in common."""
        return keep(labels, self.labels) if self.on else drop(labels, self.labels | {NAME})

    def result(self, many: Labels, one: Labels, *, drops_name: bool) -> Labels:
        labels = without_name(many) if drops_name else many
        if self.cardinality == "one-to-one":
            return keep(labels, self.labels) if self.on else drop(labels, self.labels)
        return with_labels(labels, {name: value_of(one, name) for name in self.include}) if self.include else labels


def build_binary(op: str, left: Plan, right: Plan, matching: Matching) -> Plan:
    """The plan of one operation. Raises BadQuery when an operand is of the wrong type."""
    if isinstance(left, ScalarPlan) and isinstance(right, ScalarPlan):
        return _between_scalars(op, left, right)
    if isinstance(left, VectorPlan) and isinstance(right, VectorPlan):
        if op in SET_OPERATORS:
            return _between_sets(op, left, right, matching)
        return VectorPlan(lambda moment: _match(op, left.run(moment), right.run(moment), matching, moment.dialect))
    if isinstance(left, VectorPlan) and isinstance(right, ScalarPlan):
        return _with_scalar(op, left, right, returns_bool=matching.returns_bool, swapped=False)
    return _with_scalar(op, vector_of(right), scalar_of(left), returns_bool=matching.returns_bool, swapped=True)


def _between_scalars(op: str, left: ScalarPlan, right: ScalarPlan) -> ScalarPlan:
    if op in COMPARISONS:
        compare = COMPARISONS[op]
        return ScalarPlan(lambda moment: float(compare(left.run(moment), right.run(moment))))
    compute = ARITHMETIC[op]
    return ScalarPlan(lambda moment: compute(left.run(moment), right.run(moment)))


def _with_scalar(op: str, vector: VectorPlan, scalar: ScalarPlan, *, returns_bool: bool, swapped: bool) -> VectorPlan:
    if op in COMPARISONS:
        compare = COMPARISONS[op]

        def run(moment: Moment) -> Vector:
            limit = scalar.run(moment)
            judged = [
                (labels, value, compare(limit, value) if swapped else compare(value, limit))
                for labels, value in vector.run(moment)
            ]
            if returns_bool:
                return distinct([(without_name(labels), float(holds)) for labels, _, holds in judged])
            return [(labels, value) for labels, value, holds in judged if holds]

        return VectorPlan(run)
    compute = ARITHMETIC[op]

    def run_arithmetic(moment: Moment) -> Vector:
        other = scalar.run(moment)
        elements = vector.run(moment)
        if swapped:
            return distinct([(without_name(labels), compute(other, value)) for labels, value in elements])
        return distinct([(without_name(labels), compute(value, other)) for labels, value in elements])

    return VectorPlan(run_arithmetic)


def _between_sets(op: str, left: VectorPlan, right: VectorPlan, matching: Matching) -> VectorPlan:
    signature = matching.signature

    def run(moment: Moment) -> Vector:
        first, second = left.run(moment), right.run(moment)
        if op == "or":
            present = {signature(labels) for labels, _ in first}
            return distinct(first + [element for element in second if signature(element[0]) not in present])
        present = {signature(labels) for labels, _ in second}
        return [element for element in first if (signature(element[0]) in present) == (op == "and")]

    return VectorPlan(run)


def _match(op: str, left: Vector, right: Vector, matching: Matching, dialect: Dialect) -> Vector:
    """Raises QueryFailed when several elements match where one must."""
    if not left or not right:
        return []
    swapped = matching.cardinality == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    partners = _by_signature(one, matching, "left" if swapped else "right")
    compare = COMPARISONS.get(op)
    drops_name = compare is None or matching.returns_bool
    taken: set[tuple[Labels, Labels | None]] = set()
    result: Vector = []
    for labels, value in many:
        signature = matching.signature(labels)
        partner = partners.get(signature)
        if partner is None:
            continue
        a, b = (partner[1], value) if swapped else (value, partner[1])
        holds = compare is None or compare(a, b)
        if not holds and not matching.returns_bool and dialect is Dialect.PROMETHEUS_2:
            continue  # Prometheus 3 also complains of ambiguous pairs that the comparison then filters out
        found = matching.result(labels, partner[0], drops_name=drops_name)
        _take(taken, signature, found, matching)
        if matching.returns_bool:
            result.append((found, float(holds)))
        elif holds:
            result.append((found, ARITHMETIC[op](a, b) if compare is None else a))
    return distinct(result)


def _by_signature(one: Vector, matching: Matching, side: str) -> dict[Labels, tuple[Labels, float]]:
    partners: dict[Labels, tuple[Labels, float]] = {}
    for element in one:
        signature = matching.signature(element[0])
        if signature in partners:
            pair = ", ".join(sorted((show(element[0]), show(partners[signature][0]))))
            raise QueryFailed(
                f"found duplicate series for the match group {show(signature) or '{}'} on the {side} hand-side of the operation: "
                f"[{pair}];many-to-many matching not allowed: matching labels must be unique on one side"
            )
        partners[signature] = element
    return partners


def _take(taken: set[tuple[Labels, Labels | None]], signature: Labels, found: Labels, matching: Matching) -> None:
    """Note a pair; the same pair twice is ambiguous."""
    pair = (signature, None if matching.cardinality == "one-to-one" else found)
    if pair in taken and matching.cardinality == "one-to-one":
        raise QueryFailed("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
    if pair in taken:
        raise QueryFailed("multiple matches for labels: grouping labels must ensure unique matches")
    taken.add(pair)
