"""Go templates as docker's `--format` takes them: fields, `json`, and the table form with docker's headings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fakes.commands.containers.project import print_columns
from fakes.commands.entry import Failure, not_modelled

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_PATH = re.compile(r"\.|(?:\.\w+)+")


def show(form: str, rows: Sequence[Mapping[str, Any]], heads: Mapping[str, str], standard: Sequence[str], kind: str) -> None:
    """Print rows as `--format` says: a table of the `standard` fields, `table TEMPLATE`, `json`, or a template. Raises Failure.

    `kind` is what docker calls such a row when a template asks for a field that it has not.
    """
    if form == "json":
        for row in rows:
            print(json.dumps(dict(row), separators=(",", ":")))
        return
    word, _, template = form.partition(" ")
    if word != "table":
        filled(form, heads, kind)  # docker fills in the headings first: an unknown field fails even when there is no row
        for row in rows:
            print(filled(form, row, kind))
        return
    template = template.strip() or "\t".join("{{." + name + "}}" for name in standard)
    print_columns([filled(template, row, kind).split("\t") for row in (heads, *rows)])


def filled(template: str, row: Mapping[str, Any], kind: str) -> str:
    """One row through a template. Raises Failure in docker's words, or says what is not modelled."""

    def value(found: re.Match[str]) -> str:
        words = found[1].split()
        as_json = words[:1] == ["json"]
        if len(words) != 1 + as_json or not _PATH.fullmatch(words[-1]):
            raise not_modelled("docker", f"the template {found[0]}")
        reached = _reached(words[-1], row, kind, found.start() + 2)
        return json.dumps(reached, separators=(",", ":")) if as_json else _plain(reached)

    return _ACTION.sub(value, template.replace("\\t", "\t").replace("\\n", "\n"))


def _reached(path: str, row: Mapping[str, Any], kind: str, place: int) -> Any:
    value: Any = row
    for key in path.split("."):
        if not key:
            continue
        if not isinstance(value, Mapping) or key not in value:
            reason = f"can't evaluate field {key} in type {kind}" if kind else f'map has no entry for key "{key}"'
            raise Failure(f'failed to execute template: template: :1:{place}: executing "" at <{path}>: {reason}')
        value = value[key]
    return value


def _plain(value: Any) -> str:
    """As Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<no value>"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{_plain(part)}" for key, part in sorted(value.items())) + "]"
    return "[" + " ".join(map(_plain, value)) + "]" if isinstance(value, list | tuple) else str(value)
