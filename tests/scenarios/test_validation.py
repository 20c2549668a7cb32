from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from scenarios.fields import FileModel
from scenarios.loader import load_scenario
from scenarios.model import Link, Scenario, Stack, TargetFile
from scenarios.validation import keys_at, read_model
from tests.scenarios.files import load_says, said, write


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: 5", "1:8: title: expected a text, found 5; put it in quotes"),
        ("title: true", "1:8: title: expected a text, found true; put it in quotes"),
        ("title: ''", "1:8: title: must not be empty"),
        ("title: [a]", "1:8: title: expected a text, found a list"),
        ("title:", "1:7: title: expected a text, found nothing"),
        ("tags: a", "1:7: tags: expected a list, found 'a'"),
        ("tags: [a, 5]", "1:11: tags, entry 2: expected a text, found 5; put it in quotes"),
        ("targets: []", "1:10: targets: needs at least one entry"),
        ("load: 25", "1:7: load: expected keys with values, found 25"),
        ("load: {orders-per-s: many}", "1:22: orders-per-s: expected a number, found 'many'"),
        ("load: {orders-per-s: '25'}", "1:22: orders-per-s: expected a number, found '25'"),
        ("load: {orders-per-s: true}", "1:22: orders-per-s: expected a number, found true"),
        ("load: {orders-per-s: 0}", "1:22: orders-per-s: must be more than 0, found 0"),
        ("load: {orders-per-s: 501}", "1:22: orders-per-s: must be at most 500, found 501"),
        ("load: {canary-every: 0s}", "1:22: canary-every: must be more than 0, found '0s'"),
        ("load: {canary-every: 5}", "1:22: canary-every: 5 is not a duration; write a number with its unit: 500ms, 30s, 5m, 2h or 1h30m"),
        ("lod: {}", "1:1: unknown key 'lod'; did you mean 'load'?"),
        ("load: {orders-per: 5}", "1:8: unknown key 'orders-per'; did you mean 'orders-per-s'?"),
        ("load: {zzz: 5}", "1:8: unknown key 'zzz'; known: canary-every, orders-per-s, symbols"),
        ("give_up_after: 5m", "1:1: unknown key 'give_up_after'; did you mean 'give-up-after'?"),
        ("response: {procedure: x#y, step: {median_s: 1s, p95: 2s}}", "1:35: unknown key 'median_s'; did you mean 'median'?"),
        ("response: {procedure: x#y, step: {median: 1s}}", "1:34: the key 'p95' is missing here"),
        ("response: {procedure: x#y, bindings: {a: 5}}", "1:42: a: expected a text, found 5; put it in quotes"),
        ("settings: 5", "1:11: settings: expected keys with values, found 5"),
        ("faults: [5]", "1:10: faults, entry 1: expected keys with values, found 5"),
        ("faults: [{process: x}]", "1:10: the key 'fault' is missing here; it is one of {KINDS}"),
        ("faults: [{fault: proces.kill, process: x}]", "1:18: unknown fault 'proces.kill'; did you mean 'process.kill'?"),
        ("faults: [{fault: process.kill}]", "1:10: the key 'process' is missing here"),
        ("faults: [{fault: process.kill, proces: x}]", "1:32: unknown key 'proces'; did you mean 'process'?"),
        ("faults: [{fault: process.kill, process: x, links: []}]", "1:44: unknown key 'links'; known: after, at, fault, heal-after, name, process, until"),
        ("faults: [{fault: link.toxic, links: [x], toxic: latenci}]", "1:49: toxic: unknown value 'latenci'; did you mean 'latency'?"),
        ("faults: [{fault: link.toxic, links: [x], toxic: latency, attributes: {latency: 1.5}}]", "1:80: latency: expected a whole number, found 1.5"),
        ("faults: [{fault: link.toxic, links: [x], toxic: latency, toxicity: 1.5}]", "1:68: toxicity: must be at most 1, found 1.5"),
        ("conditions: [{fault: link.down, links: []}]", "1:40: links: needs at least one entry"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_the_words_of_the_file(tmp_path: Path, text: str, message: str) -> None:
    """Each kind of error: its line and column, the key, what was found, the nearest valid name; once."""
    kinds = ", ".join(sorted(Scenario.model_json_schema()["properties"]["faults"]["items"]["discriminator"]["mapping"]))
    assert load_says(tmp_path, text + "\n") == [f"test.yaml:{message}".replace("{KINDS}", kinds)]


def test_a_fault_that_is_no_name_gets_some_names(tmp_path: Path) -> None:
    """Not all of them: they are many."""
    [told] = load_says(tmp_path, "faults: [{fault: 5, process: x}]\n")
    assert re.fullmatch(r"test\.yaml:1:18: unknown fault 5; known: ([a-z-]+\.[a-z-]+, ){11}[a-z-]+\.[a-z-]+ and \d+ more", told)


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Nobody wants to start again for each mistake."""
    text = "titel: x\ndescription: 5\nfaults:\n  - fault: process.kill\n    proces: x\n"
    assert said(lambda: load_scenario(write(tmp_path, text))) == [
        "test.yaml:1:1: the key 'detection' is missing here",
        "test.yaml:1:1: the key 'response' is missing here",
        "test.yaml:1:1: the key 'targets' is missing here",
        "test.yaml:1:1: unknown key 'titel'; did you mean 'title'?",
        "test.yaml:2:14: description: expected a text, found 5; put it in quotes",
        "test.yaml:5:5: unknown key 'proces'; did you mean 'process'?",
    ]


def test_names_of_things_have_a_form(tmp_path: Path) -> None:
    """The name is a key of the file, so the message stands at the key."""
    path = write(tmp_path, "targets:\n  My_RTO: {measure: time_to_recover_s, limit: 1, source: x}\n")
    assert said(lambda: read_model(path, TargetFile)) == [
        "test.yaml:2:3: 'My_RTO' is no name; use lower-case letters, digits and hyphens, a letter first"
    ]


class Diary(FileModel):
    """A model with a field of a kind that no file has yet."""

    day: date


def test_no_error_of_pydantic_shows_through(tmp_path: Path) -> None:
    """A kind of error that has no words of its own still speaks of the value, not of pydantic."""
    path = write(tmp_path, "day: tomorrow\n")
    assert said(lambda: read_model(path, Diary)) == ["test.yaml:1:6: day: 'tomorrow' cannot be used here"]


def test_known_keys_are_those_of_the_chosen_kind_of_fault() -> None:
    """What is suggested for a kill is not what belongs to a toxic."""
    schema = Scenario.model_json_schema(by_alias=True)
    assert keys_at(schema, ("faults", 0, "process.kill")) == ["after", "at", "fault", "heal-after", "name", "process", "until"]
    assert "attributes" in keys_at(schema, ("conditions", 3, "link.toxic"))
    assert keys_at(schema, ("response", "step")) == ["median", "p95"]
    assert keys_at(Stack.model_json_schema(by_alias=True), ("services", "any-name"))[:3] == ["aliases", "compose", "depends-on"]
    assert keys_at(Stack.model_json_schema(by_alias=True), ("links", 0)) == sorted(
        each.alias or "" for each in Link.model_fields.values()
    )
