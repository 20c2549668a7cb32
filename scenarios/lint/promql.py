"""What can be told of a PromQL expression without any series: whether it parses, can fire, can stop firing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser as ast

_COMPARISONS = {">", ">=", "<", "<=", "==", "!="}
_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_BLANKS = ("threshold", "limit", "value", "x", "n", "baseline", "max_value", "min_value", "number")


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left side right` with the number on the right."""

    left: ast.Expr
    side: str
    right: float


@dataclass(frozen=True, slots=True)
class Never:
    """Why something gives nothing. Not `certain` where that hangs on what the expression does not tell."""

    reason: str
    certain: bool = True


def parse(text: str) -> ast.Expr | str:
    """The expression, or what the parser of Prometheus says against it."""
    try:
        return ast.parse(text)
    except ValueError as error:
        return str(error).strip().partition("\n")[0]


def every(expr: ast.Expr) -> Iterator[ast.Expr]:
    """The expression and all in it."""
    yield expr
    match expr:
        case ast.BinaryExpr():
            yield from every(expr.lhs)
            yield from every(expr.rhs)
        case ast.Call():
            for each in expr.args:
                yield from every(each)
        case ast.MatrixSelector():
            yield from every(expr.vector_selector)
        case ast.AggregateExpr() | ast.ParenExpr() | ast.SubqueryExpr() | ast.UnaryExpr():
            yield from every(expr.expr)
        case _:
            return


def bare(expr: ast.Expr) -> ast.Expr:
    while isinstance(expr, ast.ParenExpr):
        expr = expr.expr
    return expr


def comparisons(expr: ast.Expr) -> Iterator[Comparison]:
    """Those with a number on one side."""
    for each in every(expr):
        if isinstance(each, ast.BinaryExpr) and str(each.op) in _COMPARISONS:
            left, right = bare(each.lhs), bare(each.rhs)
            if (number := _number(right)) is not None:
                yield Comparison(left, str(each.op), number)
            elif (number := _number(left)) is not None:
                yield Comparison(right, _TURNED[str(each.op)], number)


def _number(expr: ast.Expr) -> float | None:
    if isinstance(expr, ast.UnaryExpr):
        inner = _number(bare(expr.expr))
        return None if inner is None else -inner
    return float(expr.val) if isinstance(expr, ast.NumberLiteral) else None


def metric(expr: ast.Expr) -> str:
    """The name of a bare selector."""
    return expr.name or "" if isinstance(expr, ast.VectorSelector) else ""


def never_true(expr: ast.Expr, document: str = "") -> Iterator[Never]:
    """Why the expression gives nothing, whatever happens. What `document` says of a metric tells whether it is a classic histogram."""
    for call in every(expr):
        if isinstance(call, ast.Call) and call.func.name == "histogram_quantile":
            yield from _quantile(call, document)
    yield from (Never(each) for each in _never_true(expr))


def _never_true(expr: ast.Expr) -> Iterator[str]:
    for each in comparisons(expr):
        name = metric(each.left)
        if name == "up" and not _possible(each, 0.0, 1.0, steps=(0.0, 1.0)):
            yield f"up is 0 or 1, never {each.side} {each.right:g}"
        elif name.endswith("_percent") and "cpu" not in name and not _possible(each, 0.0, 100.0):
            yield f"{name} lies between 0 and 100, never {each.side} {each.right:g}"
        elif name.endswith("_ratio") and not _possible(each, 0.0, 1.0) and each.right > 1:
            yield f"{name} is a ratio, between 0 and 1, never {each.side} {each.right:g}"
    for part in every(expr):
        if isinstance(part, ast.BinaryExpr) and str(part.op) in _COMPARISONS and metric(bare(part.rhs)).lower() in _BLANKS:
            yield f"'{metric(bare(part.rhs))}' is no number: Prometheus looks for a series of that name, and finds none"


def _quantile(call: ast.Call, document: str) -> Iterator[Never]:
    """Of a native histogram, which is one series with neither buckets nor a sum beside it, a quantile can be had as it is."""
    quantile, argument = _number(bare(call.args[0])), bare(call.args[1])
    if quantile is not None and not 0 <= quantile <= 1:
        yield Never(f"a quantile lies between 0 and 1, not at {quantile:g}")
    names = [each.name for each in every(argument) if isinstance(each, ast.VectorSelector) and each.name]
    wrong = [each for each in names if not each.endswith("_bucket") and ":" not in each]
    functions = {each.func.name for each in every(argument) if isinstance(each, ast.Call)}
    if wrong and not functions & {"rate", "increase", "irate"}:
        classic = re.search(rf"\b{re.escape(wrong[0])}_(?:bucket|sum|count)\b", document) is not None
        unless = "" if classic else ", unless that is a native histogram"
        reason = f"histogram_quantile needs the buckets of a histogram, `{wrong[0]}_bucket` with its label le: of `{wrong[0]}` it makes nothing{unless}"
        yield Never(reason, certain=classic)


def _possible(each: Comparison, low: float, high: float, steps: tuple[float, ...] = ()) -> bool:
    values = steps or (low, high, min(max(each.right, low), high), (low + high) / 2)
    tests = {
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
    }
    return any(tests[each.side](value, each.right) for value in values)


def never_false_again(expr: ast.Expr) -> Iterator[str]:
    """Why the alert stays once it has fired: a counter only grows. What stands beside it with `and` or `unless` may end it."""
    for each in _alone(expr):
        name = metric(each.left)
        if name.endswith("_total") and each.side in (">", ">=") and each.right >= 0:
            yield name


def _alone(expr: ast.Expr) -> Iterator[Comparison]:
    """Comparisons each of which is enough for the whole to be true."""
    whole = bare(expr)
    if isinstance(whole, ast.BinaryExpr) and str(whole.op) == "or":
        yield from _alone(whole.lhs)
        yield from _alone(whole.rhs)
    elif isinstance(whole, ast.BinaryExpr) and str(whole.op) in _COMPARISONS:
        yield from (each for each in comparisons(whole) if each.left in (bare(whole.lhs), bare(whole.rhs)))


def per_second(expr: ast.Expr) -> Comparison | None:
    """A comparison of a rate, not divided by anything, with a number."""
    for each in comparisons(expr):
        inside = [type(part).__name__ for part in every(each.left)]
        calls = {part.func.name for part in every(each.left) if isinstance(part, ast.Call)}
        if calls & {"rate", "irate"} and "BinaryExpr" not in inside:
            return each
    return None
