"""Rewrites PromQL from documented time to a wall on which documented time runs `speed` times faster.

Ranges, offsets and the steps of subqueries are divided by the speed. Whatever is given per second (`rate`, `irate`,
`deriv`) is divided too, since Prometheus sees seconds of the wall: the same threshold then means the same. What speaks of
the time of day can't be told in bent time and is refused.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import promql_parser as ast

from harness.monitor.errors import BadQuery

_PER_SECOND = frozenset({"rate", "irate", "deriv"})
_OF_THE_DAY = frozenset(
    {"time", "timestamp", "minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"}
)


def rewritten(expression: str, speed: float) -> str:
    """The expression that says on the wall at `speed` what `expression` says in documented time. Raises BadQuery."""
    try:
        tree = ast.parse(expression)
    except ValueError as error:
        raise BadQuery(f"{expression}: {error}") from error
    if speed == 1:
        return expression
    return str(ast.transform(tree, post_visit=lambda node: _told_on_the_wall(node, speed)).prettify())


def wall_text(documented_s: float, speed: float) -> str:
    """A documented duration as Prometheus is told it: whole milliseconds of the wall, at least one."""
    ms = max(round(abs(documented_s) * 1000 / speed), 1)
    sign = "-" if documented_s < 0 else ""
    return sign + str(ast.display_duration(timedelta(milliseconds=ms)))


def _told_on_the_wall(node: ast.Expr, speed: float) -> ast.Expr | None:
    """The node to put in place of this one, whose children have been replaced already; None to leave it."""
    match node:
        case ast.MatrixSelector():
            return _ranged(node, speed)
        case ast.VectorSelector():
            return _selected(node, speed)
        case ast.SubqueryExpr():
            return _subquery(node, speed)
        case ast.Call():
            return _called(node, speed)
        case _:
            return None


def _selected(node: ast.VectorSelector, speed: float) -> ast.Expr | None:
    _refuse_at(node)
    if not node.offset:
        return None
    return ast.parse(f"{_without_offset(node)} offset {wall_text(node.offset.total_seconds(), speed)}")


def _ranged(node: ast.MatrixSelector, speed: float) -> ast.Expr:
    selector = node.vector_selector  # a node of its own: its offset has been divided already
    offset = f" offset {wall_text(selector.offset.total_seconds(), 1)}" if selector.offset else ""
    return ast.parse(f"{_without_offset(selector)}[{wall_text(node.range.total_seconds(), speed)}]{offset}")


def _without_offset(selector: ast.VectorSelector) -> str:
    matchers = str(selector.matchers)
    return f"{selector.name or ''}{'' if matchers == '{}' else matchers}"


def _subquery(node: ast.SubqueryExpr, speed: float) -> ast.Expr:
    _refuse_at(node)
    if node.step is None or node.range is None:
        raise BadQuery("a subquery needs its step, as in [30m:1m]: without one it is Prometheus' own evaluation interval")
    span, step = (wall_text(length.total_seconds(), speed) for length in (node.range, node.step))
    offset = f" offset {wall_text(node.offset.total_seconds(), speed)}" if node.offset else ""
    return ast.parse(f"{node.expr.prettify()}[{span}:{step}]{offset}")


def _called(node: ast.Call, speed: float) -> ast.Expr | None:
    name = node.func.name
    if name in _OF_THE_DAY:
        raise BadQuery(f"{name}() speaks of the time of day, which Prometheus cannot be told at speed {speed:g}; use speed 1")
    if name in _PER_SECOND:
        return ast.parse(f"({node.prettify()} / {speed!r})")
    if name == "predict_linear":
        series, ahead_s = node.args
        return ast.parse(f"predict_linear({series.prettify()}, ({ahead_s.prettify()}) / {speed!r})")
    return None


def _refuse_at(node: Any) -> None:
    if node.at is not None:
        raise BadQuery("the @ modifier names an instant of the wall, which is none of documented time; use speed 1")
