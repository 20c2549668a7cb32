from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from scenarios.places import CATALOGUE
from scenarios.schema import SCHEMA_FILE, scenario_schema, schema_text
from tests.scenarios.files import WHOLE


def errors(text: str) -> list[str]:
    data: Any = yaml.safe_load(text)
    return [error.message for error in Draft202012Validator(scenario_schema()).iter_errors(data)]


def test_the_committed_schema_is_current() -> None:
    """`python -m scenarios.schema` writes it anew."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_it_is_a_schema() -> None:
    """Of draft 2020-12."""
    schema = scenario_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", sorted(CATALOGUE.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_catalogue_satisfies_it(path: Any) -> None:
    """An editor underlines nothing in our own files, and knows where the schema is."""
    text = path.read_text(encoding="utf-8")
    assert errors(text) == []
    assert text.startswith("# yaml-language-server: $schema=../scenario.schema.json\n")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: A test", "titel: A test", "'titel' was unexpected"),
        ("targets: [service-failure-rto]", "targets: []", "[] should be non-empty"),
        ("targets:", "give-up-after: 300\ntargets:", "300 is not valid under any of the given schemas"),
        ("fault: process.kill", "fault: process.kil", "is not valid under any of the given schemas"),
    ],
)
def test_what_the_loader_refuses_an_editor_underlines(old: str, new: str, said: str) -> None:
    """Unknown keys, empty lists, durations without a unit, unknown faults."""
    assert errors(WHOLE) == []
    assert any(said in message for message in errors(WHOLE.replace(old, new)))


def test_keys_and_defaults_are_those_of_the_file() -> None:
    """Hyphens, durations as texts, and a word on each key that needs one."""
    text = json.dumps(scenario_schema())
    assert '_s"' not in text.replace("slow_close", "")
    steady = scenario_schema()["$defs"]["SteadyState"]["properties"]
    assert (steady["settle"]["default"], steady["success-ratio"]["default"]) == ("1m", 0.99)
    assert "recovery" in steady["settle"]["description"]
