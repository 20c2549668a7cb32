"""The part of Go's templates that charts of a few services need: fields, pipelines, `if`, `range`, `with`, and helm's own functions.

A template that goes beyond it is refused as a whole: nothing is rendered half.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from fakes.commands.entry import not_modelled

_TOKEN = re.compile(r"\s*(\"(?:\\.|[^\"])*\"|`[^`]*`|:=|[()|,]|[^\s()|,\"]+)")
Node = tuple[Any, ...]


def render(text: str, data: dict[str, Any]) -> str:
    """Raises Failure for what is not read here."""
    nodes, rest = _block(_split(text))
    if rest:
        raise _beyond(rest[0][1])
    return _render(nodes, data, {"$": data})


def _split(text: str) -> list[tuple[str, str]]:
    """Text and actions, the blanks that `{{-` and `-}}` take away gone."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"(\{\{.*?\}\})", text, flags=re.DOTALL):
        if not part.startswith("{{"):
            found.append(("text", part))
            continue
        inner = part[2:-2]
        if inner.startswith("- "):
            found[-1] = ("text", found[-1][1].rstrip())
        trims = inner.endswith(" -")
        inner = inner.removeprefix("- ").removesuffix(" -").strip()
        found.append(("action" if not inner.startswith("/*") else "comment", inner))
        found.append(("trim", "") if trims else ("text", ""))
    joined: list[tuple[str, str]] = []
    for kind, value in found:
        trimmed = value.lstrip() if kind == "text" and joined and joined[-1][0] == "trim" else value
        if kind != "comment" and not (kind == "text" and not value):
            joined.append((kind, trimmed))
    return [row for row in joined if row[0] != "trim"]


def _block(parts: list[tuple[str, str]]) -> tuple[list[Node], list[tuple[str, str]]]:
    """The nodes up to an `else` or `end` that belongs to what is around, and the rest from that on."""
    nodes: list[Node] = []
    while parts:
        (kind, value), parts = parts[0], parts[1:]
        word = value.split(maxsplit=1)[0] if kind == "action" and value else ""
        if kind == "text":
            nodes.append(("text", value))
        elif word in ("else", "end"):
            return nodes, [(kind, value), *parts]
        elif word in ("if", "range", "with"):
            body, parts = _block(parts)
            otherwise, parts = _otherwise(value, parts)
            nodes.append((word, value[len(word) :].strip(), body, otherwise))
        else:
            nodes.append(("action", value))
    return nodes, []


def _otherwise(opening: str, parts: list[tuple[str, str]]) -> tuple[list[Node], list[tuple[str, str]]]:
    if not parts:
        raise _beyond(opening)
    value, parts = parts[0][1], parts[1:]
    if value == "end":
        return [], parts
    if value.startswith("else if"):
        body, parts = _block(parts)
        otherwise, parts = _otherwise(value, parts)
        return [("if", value.removeprefix("else if").strip(), body, otherwise)], parts
    body, parts = _block(parts)
    if not parts or parts[0][1] != "end":
        raise _beyond(opening)
    return body, parts[1:]


def _render(nodes: list[Node], dot: Any, names: dict[str, Any]) -> str:
    text = ""
    for node in nodes:
        kind, value = node[0], node[1]
        if kind == "text":
            text += value
        elif kind == "range":
            text += _range(node, dot, names)
        elif kind in ("if", "with"):
            found = _evaluate(value, dot, names)
            text += _render(node[2] if found else node[3], found if kind == "with" and found else dot, dict(names))
        elif assigned := re.fullmatch(r"(\$\w+)\s*:?=\s*(.+)", value, re.DOTALL):
            names[assigned[1]] = _evaluate(assigned[2], dot, names)
        else:
            text += _shown(_evaluate(value, dot, names))
    return text


def _range(node: Node, dot: Any, names: dict[str, Any]) -> str:
    _, value, body, otherwise = node
    read = re.fullmatch(r"(?:(\$\w+)\s*(?:,\s*(\$\w+)\s*)?:=\s*)?(.+)", value, re.DOTALL)
    assert read is not None
    found = _evaluate(read[3], dot, names)
    pairs = sorted(found.items()) if isinstance(found, dict) else list(enumerate(found or []))
    text = ""
    for key, item in pairs:
        inner = dict(names)
        if read[2]:
            inner[read[1]], inner[read[2]] = key, item
        elif read[1]:
            inner[read[1]] = item
        text += _render(body, item, inner)
    return text if pairs else _render(otherwise, dot, dict(names))


def _evaluate(text: str, dot: Any, names: dict[str, Any]) -> Any:
    tokens = _TOKEN.findall(text)
    value, rest = _pipeline(tokens, dot, names, text)
    if rest:
        raise _beyond(text)
    return value


def _pipeline(tokens: list[str], dot: Any, names: dict[str, Any], whole: str) -> tuple[Any, list[str]]:
    value: Any = None
    first = True
    while True:
        words: list[Any] = []
        name = ""
        while tokens and tokens[0] not in ("|", ")"):
            token, tokens = tokens[0], tokens[1:]
            if token == "(":  # noqa: S105 - a parenthesis
                inner, tokens = _pipeline(tokens, dot, names, whole)
                if not tokens or tokens[0] != ")":
                    raise _beyond(whole)
                tokens = tokens[1:]
                if tokens and tokens[0].startswith("."):
                    inner, tokens = _field(inner, tokens[0]), tokens[1:]
                words.append(inner)
            elif not words and not name and re.fullmatch(r"[a-zA-Z]\w*", token) and token not in ("true", "false", "nil"):
                name = token
            else:
                words.append(_operand(token, dot, names, whole))
        arguments = words if first else [*words, value]
        if name:
            value = _call(name, arguments, whole)
        elif first and len(words) == 1:
            value = words[0]
        else:
            raise _beyond(whole)
        first = False
        if not tokens or tokens[0] == ")":
            return value, tokens
        tokens = tokens[1:]


def _operand(token: str, dot: Any, names: dict[str, Any], whole: str) -> Any:
    if token[0] == '"':
        return json.loads(token)
    if token[0] == "`":
        return token[1:-1]
    if re.fullmatch(r"-?\d+", token):
        return int(token)
    if token in ("true", "false", "nil"):
        return {"true": True, "false": False, "nil": None}[token]
    if token == ".":  # noqa: S105 - the dot
        return dot
    if token[0] == ".":
        return _field(dot, token)
    if token[0] == "$":
        name, _, path = token.partition(".")
        if name in names:
            return _field(names[name], f".{path}") if path else names[name]
    raise _beyond(whole)


def _field(value: Any, path: str) -> Any:
    for step in path.split(".")[1:]:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _call(name: str, given: list[Any], whole: str) -> Any:
    from fakes.commands.yaml_text import dump

    def indented(text: str, width: int) -> str:
        return "\n".join(" " * width + row for row in str(text).split("\n"))

    calls: dict[str, Callable[..., Any]] = {
        "toYaml": lambda value: dump(value).rstrip("\n"),
        "toJson": json.dumps,
        "quote": lambda value: json.dumps(_shown(value)),
        "squote": lambda value: f"'{_shown(value)}'",
        "indent": lambda width, text: indented(text, width),
        "nindent": lambda width, text: "\n" + indented(text, width),
        "default": lambda otherwise, value=None: value or otherwise,
        "index": lambda value, *keys: _index(value, keys),
        "eq": lambda one, *others: one in others,
        "ne": lambda one, other: one != other,
        "not": lambda value: not value,
        "and": lambda *values: next((value for value in values if not value), values[-1]),
        "or": lambda *values: next((value for value in values if value), values[-1]),
        "lower": lambda text: str(text).lower(),
        "upper": lambda text: str(text).upper(),
        "int": int,
        "toString": _shown,
        "trunc": lambda width, text: str(text)[:width],
        "trimSuffix": lambda suffix, text: str(text).removesuffix(suffix),
        "printf": lambda form, *values: re.sub(r"%[svd]", "{}", form).format(*map(_shown, values)),
    }
    if name not in calls:
        raise _beyond(whole)
    try:
        return calls[name](*given)
    except (TypeError, ValueError) as error:
        raise _beyond(whole) from error


def _index(value: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else value[key] if isinstance(value, list) else None
    return value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _beyond(action: str) -> Exception:
    return not_modelled("helm", f"the template action {{{{ {action} }}}}")
