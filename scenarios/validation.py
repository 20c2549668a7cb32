"""Turns a file into one of our models, and pydantic's errors into words about the file: its keys, its place, what would be right."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scenarios.errors import InvalidInput, Problem
from scenarios.fields import FileModel
from scenarios.suggestions import hint, nearest
from scenarios.yaml_source import Location, Source, describe, read_source

Model = TypeVar("Model", bound=FileModel)
Schema = Mapping[str, Any]

_KINDS = {
    "string": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "tuple": "a list", "list": "a list",
    "dict": "keys with values", "model": "keys with values", "finite": "a number",
}  # fmt: skip
_LIMITS = {"greater_than": "more than", "greater_than_equal": "at least", "less_than": "less than", "less_than_equal": "at most"}
_QUOTED = re.compile(r"'([^']*)'")


class _Finding(NamedTuple):
    """One error of pydantic, placed in the file."""

    error: ErrorDetails
    at: Location
    value: Any

    @property
    def label(self) -> str:
        """What the value is called: its key, and its place in a list."""
        if not self.at:
            return "the file"
        if isinstance(self.at[-1], int):
            name = next((part for part in reversed(self.at) if isinstance(part, str)), "the file")
            return f"{name}, entry {self.at[-1] + 1}"
        return self.at[-1]


def read_model(path: Path, model: type[Model]) -> tuple[Source, Model]:
    """Read a YAML file as this model. Raises InvalidInput with everything that is wrong in it."""
    source = read_source(path)
    return source, validate(source, model)


def validate(source: Source, model: type[Model]) -> Model:
    """Raises InvalidInput."""
    try:
        # Strict JSON: a list is a list and a text stays a text, where Python mode would take `port: true` for 1.
        return model.model_validate_json(json.dumps(source.data), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        schema = model.model_json_schema(by_alias=True)
        findings = [_placed(each, source) for each in error.errors(include_url=False)]
        findings = [finding for finding in findings if not _counted_wrong(finding)]
        unknown = {
            (finding.at[:-1], nearest(str(finding.at[-1]), keys_at(schema, finding.error["loc"][:-1])))
            for finding in findings
            if finding.error["type"] == "extra_forbidden"
        }
        # A misspelt key is also a missing one: one of the two is enough.
        told = [
            finding
            for finding in findings
            if finding.error["type"] != "missing" or (finding.at[:-1], finding.at[-1]) not in unknown
        ]
        problems = [_problem(finding, source, schema) for finding in told]
        raise InvalidInput(sorted(problems, key=lambda problem: (problem.line, problem.column))) from error


def keys_at(schema: Schema, location: tuple[int | str, ...]) -> list[str]:
    """The keys that the file may have at pydantic's location, which names the member of a union that was chosen."""
    here = schema
    for part in location:
        here = _inside(_resolved(here, schema), part)
    return sorted(_resolved(here, schema).get("properties", {}))


def _inside(here: Schema, part: int | str) -> Schema:
    if isinstance(part, int):
        return dict(here.get("items", {}))
    if part in here.get("properties", {}):
        return dict(here["properties"][part])
    if part in here.get("discriminator", {}).get("mapping", {}):
        return {"$ref": here["discriminator"]["mapping"][part]}
    patterns = [*here.get("patternProperties", {}).values(), here.get("additionalProperties")]
    return next((dict(each) for each in patterns if isinstance(each, dict)), {})


def _resolved(here: Schema, schema: Schema) -> Schema:
    while "$ref" in here:
        here = schema["$defs"][here["$ref"].rpartition("/")[2]]
    return here


def _placed(error: ErrorDetails, source: Source) -> _Finding:
    """Without what pydantic adds to a location: the member of a union, the mark of a mapping's key."""
    at: list[int | str] = []
    here = source.data
    for part in error["loc"]:
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and isinstance(part, int)):
            at.append(part)
            here = here[part]  # type: ignore[index]  # part is a key of the one or an index of the other
    if error["type"] == "missing":
        at.append(error["loc"][-1])
        here = None
    return _Finding(error, tuple(at), here)


def _counted_wrong(finding: _Finding) -> bool:
    """A list whose entries are wrong, which pydantic counts without them: it has told of each already."""
    return finding.error["type"] == "too_short" and isinstance(finding.value, list) and bool(finding.value)


def _problem(finding: _Finding, source: Source, schema: Schema) -> Problem:
    kind, at = finding.error["type"], finding.at
    if kind == "extra_forbidden":
        known = keys_at(schema, finding.error["loc"][:-1])
        return source.problem(f"unknown key '{at[-1]}'{hint(str(at[-1]), known)}", at, key=True)
    if kind == "missing":
        return source.problem(f"the key '{at[-1]}' is missing here", at[:-1])
    if finding.error["loc"][-1:] == ("[key]",):
        return source.problem(f"'{at[-1]}' is no name; {_NAME}", at, key=True)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _union(finding, source, schema)
    return source.problem(f"{finding.label}: {_expected(finding)}", at)


_NAME = "use lower-case letters, digits and hyphens, a letter first"


def _union(finding: _Finding, source: Source, schema: Schema) -> Problem:
    """The key that says which member of a union this is, is missing or wrong."""
    here = schema
    for part in finding.error["loc"]:
        here = _inside(_resolved(here, schema), part)
    tag, members = here["discriminator"]["propertyName"], sorted(here["discriminator"]["mapping"])
    if not isinstance(finding.value, dict) or tag not in finding.value:
        return source.problem(f"the key '{tag}' is missing here; it is one of {', '.join(members)}", finding.at)
    value = finding.value[tag]
    return source.problem(f"unknown {tag} {describe(value)}{hint(str(value), members)}", (*finding.at, tag))


def _expected(finding: _Finding) -> str:
    """What is wrong with a value, in plain words; nothing of pydantic's own."""
    kind, context = finding.error["type"], finding.error.get("ctx", {})
    found = f"found {describe(finding.value)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        members = _QUOTED.findall(str(context["expected"]))
        return f"unknown value {describe(finding.value)}{hint(str(finding.value), members)}"
    if kind in _LIMITS:
        limit = next(iter(context.values()))
        return f"must be {_LIMITS[kind]} {limit:g}, {found}"
    if kind == "too_short":
        return "needs at least one entry"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return f"{describe(finding.value)} is no name; {_NAME}"
    word = _KINDS.get(kind.partition("_")[0])
    if word is None:
        return f"{describe(finding.value)} cannot be used here"
    quotes = "; put it in quotes" if kind == "string_type" and isinstance(finding.value, bool | int | float) else ""
    return f"expected {word}, {found}{quotes}"
