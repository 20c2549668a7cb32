"""Values of a release: from files, and from `--set` in helm's grammar (`a.b=c,d[0]=e,f={1,2}`)."""

from __future__ import annotations

import re
from typing import Any

from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed

_UNESCAPED_COMMA = re.compile(r"(?<!\\),(?![^{]*\})")
_UNESCAPED_DOT = re.compile(r"(?<!\\)\.")
_INDEX = re.compile(r"(.*?)((?:\[\d+\])*)")


def told(line: Parsed) -> dict[str, Any]:
    """What a command line says: files first, then `--set`, then `--set-string`. Raises Failure."""
    from fakes.commands.yaml_text import load_all

    found: dict[str, Any] = {}
    for name in [part for text in line.texts("values") for part in text.split(",")]:
        try:
            with open(name, encoding="utf-8") as file:
                documents = load_all(file.read())
        except OSError as error:
            raise Failure(f"Error: open {name}: {(error.strerror or '').lower()}") from error
        except ValueError as error:
            raise Failure(f"Error: failed to parse {name}: error converting YAML to JSON: {error}") from error
        for document in documents:
            if not isinstance(document, dict):
                raise Failure(
                    f"Error: failed to parse {name}: error unmarshaling JSON: json: cannot unmarshal into Go value of type map[string]interface {{}}"
                )
            found = over(found, document)
    for flag in ("set", "set-string"):
        for text in line.texts(flag):
            found = over(found, parse_set(text, flag, found))
    return found


def parse_set(text: str, flag: str = "set", base: dict[str, Any] | None = None) -> dict[str, Any]:
    """`a.b=c,d=e` as values; numbers, true, false and null are read as such, but for `--set-string`. Raises Failure."""
    found = dict(base or {})
    for part in _UNESCAPED_COMMA.split(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise Failure(f'Error: failed parsing --{flag} data: key "{key}" has no value')
        found = over(found, {}, keep_null=True)
        _place(found, [step.replace("\\.", ".") for step in _UNESCAPED_DOT.split(key)], _value(value, plain=flag == "set"))
    return found


def _place(target: dict[str, Any], steps: list[str], value: Any) -> None:
    here: Any = target
    for number, step in enumerate(steps):
        read = _INDEX.fullmatch(step)
        assert read is not None
        name, indices = read[1], [int(one) for one in re.findall(r"\d+", read[2])]
        last = number == len(steps) - 1
        if not indices:
            if last:
                here[name] = value
                return
            if not isinstance(here.get(name), dict):
                here[name] = {}
            here = here[name]
            continue
        rows = here.setdefault(name, [])
        for index in indices:
            rows += [None] * (index + 1 - len(rows))
        if last:
            rows[indices[-1]] = value
            return
        if not isinstance(rows[indices[-1]], dict):
            rows[indices[-1]] = {}
        here = rows[indices[-1]]


def _value(text: str, *, plain: bool) -> Any:
    if text.startswith("{") and text.endswith("}"):
        return [_value(part, plain=plain) for part in text[1:-1].split(",")] if text != "{}" else []
    text = text.replace("\\,", ",")
    if not plain:
        return text
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return int(text)
    return text


def over(base: dict[str, Any], more: dict[str, Any], *, keep_null: bool = True) -> dict[str, Any]:
    """`base` with `more` over it, maps merged; null takes a value away unless it is to be kept."""
    found: dict[str, Any] = {
        key: over(value, {}) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
        for key, value in base.items()
    }
    for key, value in more.items():
        if value is None and not keep_null:
            found.pop(key, None)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            found[key] = over(found[key], value, keep_null=keep_null)
        else:
            found[key] = value
    return found
