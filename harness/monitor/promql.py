"""PromQL: `Query` parses an expression once (with the `promql-parser` package) and evaluates it at many instants.

Answers are those of Prometheus, by the definitions in its promql/ folder; `Dialect` says where versions 2 and 3 differ.
Left out, each with a message that says so: subqueries, `@`, `or` inside a selector's braces, `fill` modifiers, native
histograms, and a few functions.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import promql_parser as ast

from harness.monitor.aggregate import AGGREGATIONS, Grouping, altogether, build_aggregation, by, without
from harness.monitor.binary import ARITHMETIC, COMPARISONS, SET_OPERATORS, Matching, build_binary
from harness.monitor.errors import BadQuery
from harness.monitor.functions import build_call
from harness.monitor.labels import EMPTY, NAME, without_name
from harness.monitor.series import Matcher, SeriesStore, to_ms
from harness.monitor.values import (
    Dialect,
    MatrixPlan,
    Moment,
    Plan,
    ScalarPlan,
    Selector,
    StringPlan,
    Vector,
    VectorPlan,
    Window,
    distinct,
    vector_of,
)

Result = float | Vector | list[Window] | str
ResultType = Literal["scalar", "vector", "matrix", "string"]
_SUPPORTED = AGGREGATIONS | ARITHMETIC.keys() | COMPARISONS.keys() | SET_OPERATORS


class Query:
    """A PromQL expression, ready to be evaluated."""

    def __init__(self, text: str) -> None:
        """Raises BadQuery with the parser's words, or when the expression uses something that is not supported."""
        self.text = text
        try:
            self.plan = _build(ast.parse(text))
        except ValueError as error:
            raise BadQuery(f"{text}: {error}") from error
        except BadQuery as error:
            raise BadQuery(f"{text}: {error}") from error

    @property
    def result_type(self) -> ResultType:
        match self.plan:
            case ScalarPlan():
                return "scalar"
            case VectorPlan():
                return "vector"
            case MatrixPlan():
                return "matrix"
            case _:
                return "string"

    def at(self, store: SeriesStore, at_s: float, *, epoch_s: float = 0.0, dialect: Dialect = Dialect.PROMETHEUS_3) -> Result:
        """The value at a documented time. `epoch_s` is the Unix time of documented second 0. Raises QueryFailed."""
        moment = Moment(store, to_ms(at_s), epoch_s, dialect)
        plan = self.plan
        return plan.value if isinstance(plan, StringPlan) else plan.run(moment)

    def vector_at(
        self, store: SeriesStore, at_s: float, *, epoch_s: float = 0.0, dialect: Dialect = Dialect.PROMETHEUS_3
    ) -> Vector:
        """The same as a vector, as rules need it; a scalar is one element without labels. Raises BadQuery, QueryFailed."""
        result = self.at(store, at_s, epoch_s=epoch_s, dialect=dialect)
        if isinstance(result, float):
            return [(EMPTY, result)]
        if isinstance(self.plan, VectorPlan):
            return result  # type: ignore[return-value]  # a vector plan gives a vector
        raise BadQuery(f"{self.text}: a rule needs an instant vector or a scalar, this is a {self.result_type}")


def _build(node: ast.Expr) -> Plan:
    match node:
        case ast.NumberLiteral():
            number = float(node.val)
            return ScalarPlan(lambda _: number)
        case ast.StringLiteral():
            return StringPlan(node.val)
        case ast.ParenExpr():
            return _build(node.expr)
        case ast.VectorSelector():
            return _instant_vector(_selector(node))
        case ast.MatrixSelector():
            return _range_vector(_selector(node.vector_selector), to_ms(node.range.total_seconds()))
        case ast.UnaryExpr():
            return _negated(_build(node.expr))
        case ast.Call():
            return build_call(node.func.name, [_build(argument) for argument in node.args])
        case ast.AggregateExpr():
            return _aggregation(node)
        case ast.BinaryExpr():
            return build_binary(_operator(node.op), _build(node.lhs), _build(node.rhs), _matching(node.modifier))
        case ast.SubqueryExpr():
            raise BadQuery("subqueries such as x[5m:1m] are not supported by the embedded evaluator")
        case _:
            raise BadQuery(f"{type(node).__name__} is not supported by the embedded evaluator")


def _instant_vector(selector: Selector) -> VectorPlan:
    return VectorPlan(lambda moment: [(labels, value) for labels, _, value in selector.samples(moment)], selector)


def _range_vector(selector: Selector, range_ms: int) -> MatrixPlan:
    return MatrixPlan(lambda moment: selector.windows(moment, range_ms), selector)


def _negated(plan: Plan) -> Plan:
    if isinstance(plan, ScalarPlan):
        return ScalarPlan(lambda moment: -plan.run(moment))
    vector = vector_of(plan)
    return VectorPlan(lambda moment: distinct([(without_name(labels), -value) for labels, value in vector.run(moment)]))


_MATCH_OPS: dict[str, Literal["=", "!=", "=~", "!~"]] = {
    str(ast.MatchOp.Equal): "=",
    str(ast.MatchOp.NotEqual): "!=",
    str(ast.MatchOp.Re): "=~",
    str(ast.MatchOp.NotRe): "!~",
}


def _selector(node: ast.VectorSelector) -> Selector:
    if node.at is not None:
        raise BadQuery("the @ modifier is not supported by the embedded evaluator")
    if node.matchers.or_matchers:
        raise BadQuery("`or` between matchers is not supported by the embedded evaluator")
    matchers = [Matcher(matcher.name, _MATCH_OPS[str(matcher.op)], matcher.value) for matcher in node.matchers.matchers]
    named = [Matcher(NAME, "=", node.name)] if node.name else []
    offset = node.offset or timedelta()
    return Selector((*named, *matchers), to_ms(offset.total_seconds()))


def _aggregation(node: ast.AggregateExpr) -> VectorPlan:
    parameter = None if node.param is None else _build(node.param)
    return build_aggregation(_operator(node.op), _grouping(node.modifier), vector_of(_build(node.expr)), parameter)


def _grouping(modifier: ast.AggModifier | None) -> Grouping:
    if modifier is None:
        return altogether
    return (by if modifier.type == ast.AggModifierType.By else without)(modifier.labels)


def _operator(token: ast.TokenType) -> str:
    op = str(token)
    if op not in _SUPPORTED:
        raise BadQuery(f"{op} is not supported by the embedded evaluator")
    return op


_CARDINALITIES: dict[str, Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]] = {
    str(ast.VectorMatchCardinality.OneToOne): "one-to-one",
    str(ast.VectorMatchCardinality.ManyToOne): "many-to-one",
    str(ast.VectorMatchCardinality.OneToMany): "one-to-many",
    str(ast.VectorMatchCardinality.ManyToMany): "many-to-many",
}


def _matching(modifier: ast.BinModifier | None) -> Matching:
    if modifier is None:
        return Matching()
    if modifier.fill_values.lhs is not None or modifier.fill_values.rhs is not None:
        raise BadQuery("fill modifiers are not supported by the embedded evaluator")
    cardinality = _CARDINALITIES[str(modifier.card)]
    include = tuple(modifier.group_labels or ()) if cardinality in ("many-to-one", "one-to-many") else ()
    matching = modifier.matching
    on = matching is not None and matching.type == ast.LabelModifierType.Include
    labels = frozenset(matching.labels) if matching is not None else frozenset()
    return Matching(cardinality, on, labels, include, modifier.return_bool)
