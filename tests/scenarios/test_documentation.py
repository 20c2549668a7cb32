from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from scenarios.expectation import Expectation
from scenarios.fences import VALUES
from scenarios.loader import load_scenario, load_stack
from scenarios.markdown import Fence, read_sections
from scenarios.model import Scenario
from scenarios.reading import Wish, load_bindings
from scenarios.runbook import load_procedure
from scenarios.toxics import ATTRIBUTES
from tests.scenarios.files import WHOLE, said, write

PAGE = Path(__file__).resolve().parents[2] / "docs" / "writing-scenarios.md"


def fences(language: str, attributes: str = "") -> list[Fence]:
    found = [fence for section in read_sections(PAGE) for fence in section.fences]
    return [fence for fence in found if (fence.language, fence.attributes) == (language, attributes)]


@pytest.mark.parametrize("fence", fences("yaml"), ids=lambda fence: f"line {fence.line}")
def test_every_example_loads(tmp_path: Path, fence: Fence) -> None:
    """Alone when it is whole, else in place of that part of a whole one."""
    given = yaml.safe_load(fence.body)
    whole = given if "title" in given else yaml.safe_load(WHOLE) | given
    assert load_scenario(write(tmp_path, yaml.safe_dump(whole))).scenario.title == whole["title"]


def test_the_example_of_a_runbook_loads(tmp_path: Path) -> None:
    """As a procedure with three steps."""
    [fence] = fences("markdown")
    procedure = load_procedure("book.md#restart-it", write(tmp_path, fence.body, "book.md"))
    assert [step.name for step in procedure.steps] == ["see that it is down", "restart it", "see that it is well"]
    assert procedure.placeholders == {"service-name"}


def test_the_example_of_bindings_loads_and_names_every_key(tmp_path: Path) -> None:
    """Whatever a bindings file may say of a procedure stands on the page."""
    [fence] = fences("yaml", "bindings")
    bindings = load_bindings(write(tmp_path, fence.body, "bindings.yaml"))
    wish = bindings.wish("incident-response.md#permanent-fixes")
    assert (wish.incident, wish.again, wish.limit_s) == ("redis-outage", "unsafe", 60.0)
    assert {field.alias for field in Wish.model_fields.values()} <= set(re.findall(r"[a-z]+(?=:)", fence.body))


def test_the_messages_are_those_of_the_loader(tmp_path: Path) -> None:
    """First the wrong key; without it, everything else."""
    [broken], [keys, names] = fences("yaml", "broken"), fences("text")
    assert said(lambda: load_scenario(write(tmp_path, broken.body, "broken.yaml"))) == keys.body.splitlines()
    mended = broken.body.replace("    heal_after: 5m\n", "")
    assert said(lambda: load_scenario(write(tmp_path, mended, "broken.yaml"))) == names.body.splitlines()


def test_the_page_names_every_key_setting_toxic_and_attribute() -> None:
    """What is not on the page is not known to exist."""
    words = set(re.findall(r"`([^`\n]+)`", PAGE.read_text(encoding="utf-8")))
    keys = {field.alias for field in Scenario.model_fields.values()}
    assert keys <= words
    assert load_stack("eafix").settings.keys() <= words
    assert {*ATTRIBUTES, *(name for names in ATTRIBUTES.values() for name in names)} <= words
    assert set(VALUES) <= words
    assert all(Expectation.of(clause) for clause in words if clause.startswith(("exit ", "output ")) and "REGEX" not in clause)


def test_the_defaults_of_settings_are_right() -> None:
    """The table repeats what the stack file says."""
    rows = [row.split("|")[1:3] for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]
    told = {
        name: value
        for names, values in rows
        for name, value in zip(re.findall("`([^`]+)`", names), re.findall("`([^`]+)`", values), strict=False)
    }
    for name, default in load_stack("eafix").settings.items():
        assert yaml.safe_load(told[name]) in (default, str(default), default == "on"), name
