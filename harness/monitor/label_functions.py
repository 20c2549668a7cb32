"""The PromQL functions that are about labels: `label_replace`, `label_join`, `absent`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.monitor.errors import BadQuery
from harness.monitor.labels import EMPTY, NAME, Labels, make_labels, value_of, with_labels
from harness.monitor.values import MatrixPlan, Moment, Plan, Selector, Vector, VectorPlan, Window, distinct, string_of, vector_of

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


def label_replace(arguments: Sequence[Plan]) -> VectorPlan:
    """Set a label from another one's value where a pattern matches all of it."""
    vector = vector_of(arguments[0])
    target, replacement, source, text = (string_of(plan) for plan in arguments[1:])
    _check_label_name(target, "label_replace")
    try:
        pattern = re.compile(text, re.DOTALL)
    except re.error as error:
        raise BadQuery(f"invalid regular expression in label_replace(): {text} ({error})") from error

    def replaced(labels: Labels) -> Labels:
        match = pattern.fullmatch(value_of(labels, source))
        if match is None:
            return labels
        return with_labels(labels, {target: _REFERENCE.sub(lambda found: _referred(match, found), replacement)})

    return VectorPlan(lambda moment: distinct([(replaced(labels), value) for labels, value in vector.run(moment)]))


def _referred(match: re.Match[str], reference: re.Match[str]) -> str:
    name = reference[1] or reference[2]
    if name is None:
        return "$"
    try:
        return match[int(name) if name.isdigit() else name] or ""
    except IndexError:  # a group that is not there is empty
        return ""


def label_join(arguments: Sequence[Plan]) -> VectorPlan:
    """Set a label to the values of others, joined."""
    vector = vector_of(arguments[0])
    target, separator, *sources = (string_of(plan) for plan in arguments[1:])
    _check_label_name(target, "label_join")

    def joined(labels: Labels) -> Labels:
        return with_labels(labels, {target: separator.join(value_of(labels, name) for name in sources)})

    return VectorPlan(lambda moment: distinct([(joined(labels), value) for labels, value in vector.run(moment)]))


def _check_label_name(name: str, function: str) -> None:
    if not _LABEL_NAME.fullmatch(name):
        raise BadQuery(f"invalid destination label name in {function}(): {name}")


def absent(arguments: Sequence[Plan]) -> VectorPlan:
    """`absent` and `absent_over_time`: one element when there is none, with the labels that the selector asks for."""
    plan = arguments[0] if isinstance(arguments[0], MatrixPlan) else vector_of(arguments[0])
    labels = _labels_asked_for(plan.selector) if plan.selector else EMPTY

    def run(moment: Moment) -> Vector:
        found: Vector | list[Window] = plan.run(moment)
        return [] if found else [(labels, 1.0)]

    return VectorPlan(run)


def _labels_asked_for(selector: Selector) -> Labels:
    asked: dict[str, str] = {}
    for matcher in selector.matchers:
        # A second condition on the same label takes it out again, whatever the first was.
        if matcher.name != NAME:
            asked[matcher.name] = matcher.value if matcher.op == "=" and matcher.name not in asked else ""
    return make_labels(asked)
