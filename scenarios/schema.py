"""The JSON Schema of scenario files, for editors. `python -m scenarios.schema` writes it anew."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from scenarios.fields import format_duration
from scenarios.model import Scenario
from scenarios.places import DATA
from scenarios.toxics import ATTRIBUTES

SCHEMA_FILE = DATA / "scenario.schema.json"


def scenario_schema() -> dict[str, Any]:
    """The schema of a scenario file as it is written: hyphenated keys, durations as texts."""
    schema = Scenario.model_json_schema(by_alias=True)
    _tidy(schema)
    toxics = schema["$defs"]["LinkToxic"]
    known = sorted({name for names in ATTRIBUTES.values() for name in names})
    toxics["properties"]["attributes"]["propertyNames"] = {"enum": known}
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "title": "A gameday scenario"}


def _tidy(node: Any) -> None:
    """Defaults of durations as a file writes them; without the titles that only repeat a key."""
    if isinstance(node, list):
        for each in node:
            _tidy(each)
    if not isinstance(node, dict):
        return
    properties = node.get("properties")
    for each in properties.values() if isinstance(properties, dict) else ():
        each.pop("title", None)
        if isinstance(each.get("default"), float) and "anyOf" in each:
            each["default"] = format_duration(each["default"])
    for each in node.values():
        _tidy(each)


def schema_text() -> str:
    return json.dumps(scenario_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
