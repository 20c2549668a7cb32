"""Alert rules in YAML blocks: those of Prometheus, and lists that say the same in words of their own (`name`, `condition`, `duration`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scenarios.reading.blocks import Fence

_NAMES = ("alert", "name")
_EXPRESSIONS = ("expr", "condition", "expression", "query", "trigger")
_HOLDS = ("for", "duration")
_LANGUAGES = ("yaml", "yml")


@dataclass(frozen=True, slots=True)
class Said:
    """One value and where it stands."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert rule. What it does not say is None; `prometheus` tells whether it is written as Prometheus reads it."""

    name: Said
    expr: Said
    holds: Said | None
    severity: Said | None
    annotations: Mapping[str, Said]
    prometheus: bool
    line: int


@dataclass(frozen=True, slots=True)
class YamlBlock:
    """A block of YAML: the alert rules in it, or what is wrong with it."""

    fence: Fence
    alerts: tuple[Alert, ...] = ()
    error: Said | None = None


def read_yaml(fence: Fence) -> YamlBlock | None:
    """None when the block is of another language. YAML that cannot be read is told, not raised."""
    if fence.language.lower() not in _LANGUAGES:
        return None
    loader = yaml.SafeLoader
    try:
        documents = list(yaml.compose_all(fence.text, Loader=loader))
        return YamlBlock(fence, tuple(alert for document in documents for alert in _alerts(document, fence)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        row = mark.line if mark else 0
        return YamlBlock(
            fence, error=Said(error.problem or "this is not YAML", fence.body_line + row, (mark.column if mark else 0) + 1)
        )
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return YamlBlock(fence, error=Said(str(error).partition("\n")[0] or "nested too deeply", fence.body_line, 1))


def _alerts(node: Node | None, fence: Fence, depth: int = 0) -> Iterator[Alert]:
    """Every mapping, however deep, that has a name and a condition."""
    if depth > 20 or node is None:  # anchors can make a tree its own branch
        return
    if isinstance(node, SequenceNode):
        for each in node.value:
            yield from _alerts(each, fence, depth + 1)
    elif isinstance(node, MappingNode):
        found = _alert(node, fence)
        if found is not None:
            yield found
        else:
            for _, value in node.value:
                yield from _alerts(value, fence, depth + 1)


def _alert(node: MappingNode, fence: Fence) -> Alert | None:
    keys = {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}
    name, expr = _first(keys, _NAMES, fence), _first(keys, _EXPRESSIONS, fence)
    if name is None or expr is None:
        return None
    labels, notes = _scalars(keys.get("labels"), fence), _scalars(keys.get("annotations"), fence)
    rest = {key: _said(value, fence) for key, value in keys.items() if key not in (*_NAMES, *_EXPRESSIONS, *_HOLDS, "severity")}
    others = {key: value for key, value in rest.items() if value is not None}
    severity = _first(keys, ("severity",), fence) or labels.get("severity")
    return Alert(
        name, expr, _first(keys, _HOLDS, fence), severity, {**others, **notes}, "alert" in keys and "expr" in keys, name.line
    )  # fmt: skip


def _first(keys: Mapping[str, Node], names: tuple[str, ...], fence: Fence) -> Said | None:
    return next((_said(keys[name], fence) for name in names if name in keys), None)


def _scalars(node: Node | None, fence: Fence) -> dict[str, Said]:
    if not isinstance(node, MappingNode):
        return {}
    found = {key.value: _said(value, fence) for key, value in node.value if isinstance(key, ScalarNode)}
    return {key: value for key, value in found.items() if value is not None}


def _said(node: Node, fence: Fence) -> Said | None:
    if not isinstance(node, ScalarNode):
        return None
    row = node.start_mark.line
    indent = fence.columns[row] if row < len(fence.columns) else 1
    return Said(node.value, fence.body_line + row, indent + node.start_mark.column)
