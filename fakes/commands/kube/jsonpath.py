"""JSONPath as kubectl reads it: fields, indices, slices, wildcards, filters, `..`, and `range ... end`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from fakes.commands.entry import Failure

_STEP = re.compile(
    r"(?P<deep>\.\.)(?P<below>[\w-]+|\*)?"
    r"|\.(?P<field>(?:[\w/-]|\\.)+|\*)"
    r"|\[\?\((?P<filter>.*?)\)\]"
    r"|\[(?P<inside>[^\[\]]*)\]"
)
_FILTER = re.compile(r"\s*@(?P<path>[^=!<>\s]*)\s*(?:(?P<sign>==|!=|<=|>=|<|>)\s*(?P<value>.+?))?\s*$")
_BLOCK = re.compile(r"\{((?:\"(?:\\.|[^\"])*\"|'(?:\\.|[^'])*'|[^{}\"'])*)\}")
_PIECE = re.compile(r"\s*(\"(?:\\.|[^\"])*\"|'(?:\\.|[^'])*'|[^\s\"'\[]+(?:\[(?:[^\[\]]|\[[^\]]*\])*\][^\s\[]*)*|\[[^\]]*\]\S*)")


def render(template: str, root: Any) -> str:
    """What `-o jsonpath=TEMPLATE` prints. Raises Failure."""
    parts = list(_parts(template if "{" in template else "{" + template + "}", template))
    text, left = _render(parts, root, root, template)
    if left:
        raise _bad(template, "not in range, nothing to end")
    return text


def found(expression: str, root: Any) -> list[Any]:
    """The values that a path such as `.status.phase` leads to; braces around it are fine. Raises Failure."""
    path = expression.strip().removeprefix("{").removesuffix("}").strip()
    return _walk(path if path.startswith((".", "[", "$", "@")) else f".{path}", [root], expression)


def _parts(template: str, whole: str) -> Iterator[tuple[str, str]]:
    place = 0
    while place < len(template):
        start = template.find("{", place)
        if start < 0:
            yield "text", template[place:]
            return
        if start > place:
            yield "text", template[place:start]
        block = _BLOCK.match(template, start)
        if block is None:
            raise _bad(whole, "unclosed action")
        yield "action", block[1].strip()
        place = block.end()


def _render(parts: list[tuple[str, str]], root: Any, here: Any, whole: str) -> tuple[str, list[tuple[str, str]]]:
    """The text of the parts up to an `end`, and what is left from that on."""
    text = ""
    while parts:
        (kind, value), parts = parts[0], parts[1:]
        if kind == "text":
            text += value
        elif value == "end":
            return text, [("end", ""), *parts]
        elif value.startswith("range"):
            items, after = _walk(value[5:].strip(), [here], whole, root), parts
            for item in items:
                added, after = _render(parts, root, item, whole)
                text += added
            if not items:
                _, after = _render(parts, root, _Nothing(), whole)
            if not after or after[0][0] != "end":
                raise _bad(whole, "unexpected end of range")
            parts = after[1:]
        else:
            text += "".join(_action(piece, root, here, whole) for piece in _PIECE.findall(value))
    return text, []


class _Nothing(dict[str, Any]):
    """What stands for the items of an empty range, while its end is looked for."""


def _action(piece: str, root: Any, here: Any, whole: str) -> str:
    if piece[0] in "\"'":
        return piece[1:-1].encode("latin-1", "backslashreplace").decode("unicode_escape")
    if isinstance(here, _Nothing):
        return ""
    return " ".join(_show(value) for value in _walk(piece, [here], whole, root))


def _walk(path: str, values: list[Any], whole: str, root: Any = None) -> list[Any]:
    if path.startswith("$"):
        path, values = path[1:], [root if root is not None else values[0]]
    path = path.removeprefix("@")
    path = path if path.startswith((".", "[")) or not path else f".{path}"
    place = 0
    while place < len(path):
        if path[place:] == ".":
            return values
        step = _STEP.match(path, place)
        if step is None:
            raise _bad(whole, f"unrecognized character in action: U+{ord(path[place]):04X} {path[place]!r}")
        values = _stepped(step, values, whole)
        place = step.end()
    return values


def _stepped(step: re.Match[str], values: list[Any], whole: str) -> list[Any]:
    if step["deep"]:
        every = [below for value in values for below in _below(value)]
        return every if step["below"] in (None, "*") else _fields(every, step["below"])
    if step["field"]:
        return _fields(values, re.sub(r"\\(.)", r"\1", step["field"]))
    if step["filter"] is not None:
        return [item for value in values for item in _items(value) if _holds(step["filter"], item, whole)]
    inside = step["inside"].strip()
    if inside == "*":
        return [item for value in values for item in _items(value)]
    if inside[:1] in "\"'" and inside:
        return _fields(values, inside[1:-1])
    return [item for value in values for item in _indexed(value, inside, whole)]


def _fields(values: list[Any], key: str) -> list[Any]:
    if key == "*":
        return [item for value in values for item in _items(value)]
    return [value[key] for value in values if isinstance(value, dict) and key in value]


def _items(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []


def _below(value: Any) -> Iterator[Any]:
    yield value
    for item in _items(value):
        yield from _below(item)


def _indexed(value: Any, inside: str, whole: str) -> list[Any]:
    rows = value if isinstance(value, list) else []
    if ":" in inside:
        return rows[slice(*(int(part) if part else None for part in inside.split(":")))]
    picked = []
    for part in inside.split(","):
        if not re.fullmatch(r"-?\d+", part.strip()):
            raise _bad(whole, f"invalid array index {inside}")
        index = int(part)
        if not -len(rows) <= index < len(rows):
            raise Failure(
                "error: error executing jsonpath "
                f'"{whole}": Error executing template: array index out of bounds: index {index}, length {len(rows)}.'
            )
        picked.append(rows[index])
    return picked


def _holds(text: str, item: Any, whole: str) -> bool:
    read = _FILTER.match(text)
    if read is None:
        raise _bad(whole, f"unrecognized filter {text!r}")
    left = _walk(read["path"], [item], whole) if read["path"] else [item]
    if read["sign"] is None:
        return bool(left)
    value = read["value"]
    wanted: Any = value[1:-1] if value[:1] in "\"'" else _literal(value)
    return bool(left) and _compared(left[0], read["sign"], wanted)


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _compared(left: Any, sign: str, right: Any) -> bool:
    if sign in ("==", "!="):
        return bool(left == right) == (sign == "==")
    if isinstance(left, str) != isinstance(right, str):
        return False
    return bool({"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign])


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _bad(template: str, why: str) -> Failure:
    return Failure(f"error: error parsing jsonpath {template}, {why}")
