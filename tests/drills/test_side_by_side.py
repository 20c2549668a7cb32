"""Drills that run at the same time neither see nor disturb one another: two workers of pytest, then four commands at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from harness.history import History
from reports.junit import SCHEMA_FILE
from reports.store import Store
from scenarios.places import CATALOGUE
from tests.drills.cli import THOROUGH, Run, start
from tests.drills.conftest import SEED

pytestmark = [pytest.mark.alone, pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]
SCENARIOS = ("service-failure", "primary-database-failure", "market-data-feed-interruption", "redis-outage")
LOSES_WRITES = "primary-database-failure"  # by asynchronous replication, and says so
TOGETHER = SCENARIOS if THOROUGH else 2 * SCENARIOS[:2]
ELEMENT = {"fail": "failure", "unknown": "error"}
SECRET = "T0PSECRET-hooks-abcdef"
SECRETS = {"GAMEDAY_SLACK_URL": f"https://hooks.example/{SECRET}", "GAMEDAY_HOOK_TOKEN": SECRET, "PGPASSWORD": SECRET}


@dataclass(frozen=True)
class ByPytest:
    """What a run of pytest over four scenarios left in `folder`."""

    code: int
    printed: str
    folder: Path

    def result(self, scenario: str) -> dict[str, Any]:
        """Of the one drill of this scenario."""
        (found,) = (self.folder / "drills").glob(f"*-{scenario}-*/result.json")
        result: dict[str, Any] = json.loads(found.read_text())
        return result

    def verdicts(self, scenario: str) -> dict[str, str]:
        return {(row["target"] or row["name"]): row["verdict"] for row in self.result(scenario)["verdicts"]}

    def tests(self, scenario: str) -> Iterator[ET.Element]:
        """Those of the JUnit."""
        for each in ET.parse(self.folder / "junit.xml").iter("testcase"):
            if each.attrib["classname"] == f"catalogue.{scenario}.yaml":
                yield each


@pytest.fixture(scope="module")
def by_pytest(tmp_path_factory: pytest.TempPathFactory) -> ByPytest:
    """In a project that is not ours, with warnings as errors and secrets in the environment."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "catalogue").mkdir()
    for name in SCENARIOS:
        shutil.copy(CATALOGUE / f"{name}.yaml", folder / "catalogue")
    options = ["--gameday", f"--gameday-seed={SEED}", "--gameday-monitor=embedded", "--junitxml=junit.xml", "-W", "error", "-v"]
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-n", "2", *options, "catalogue"], cwd=folder,
        env={**os.environ, **SECRETS, "CI": "1"}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip
    return ByPytest(process.returncode, process.stdout + process.stderr, folder)


def test_two_workers_of_pytest_drill_four_scenarios_once_each(by_pytest: ByPytest) -> None:
    """What belongs to one drill stays on one worker, both have work, and only the scenario that loses writes fails."""
    assert by_pytest.code == pytest.ExitCode.TESTS_FAILED, by_pytest.printed
    on = {
        (found[2], found[1])
        for found in re.finditer(r"^\[(gw\d)\].* catalogue/([\w-]+)\.yaml::", by_pytest.printed, re.MULTILINE)
    }
    assert sorted(name for name, _ in on) == sorted(SCENARIOS)
    assert {worker for _, worker in on} == {"gw0", "gw1"}
    for name in SCENARIOS:
        assert by_pytest.result(name)["exit_code"] == (1 if name == LOSES_WRITES else 0), by_pytest.printed
        _assert_only_own_orders(next((by_pytest.folder / "drills").glob(f"*-{name}-*")))


def test_their_junit_is_right_by_its_schema_and_tells_the_verdicts(by_pytest: ByPytest) -> None:
    """A `failure` where a target was missed, nothing where it was met; with the seed at each test, and all measures at the drill's."""
    xmlschema.XMLSchema(Path(__file__).with_name("pytest-junit.xsd")).validate(by_pytest.folder / "junit.xml")
    for name in SCENARIOS:
        tests = {each.attrib["name"].partition(": ")[2]: each for each in by_pytest.tests(name)}
        for about, verdict in by_pytest.verdicts(name).items():
            told = {each.tag for each in tests[about]} & {"failure", "error", "skipped"}
            assert told == ({ELEMENT[verdict]} if verdict in ELEMENT else set()), f"{name} {about}: {verdict}"
        properties = {each.attrib["name"]: each.attrib["value"] for each in tests["carried out"].iter("property")}
        assert (properties["seed"], properties["scenario"]) == (str(SEED), name)
        assert int(properties["lost_writes"]) == by_pytest.result(name)["measures"]["lost_writes"]
        assert all(each.find("properties/property[@name='seed']") is not None for each in tests.values())


def test_two_workers_at_once_put_every_drill_into_one_store(by_pytest: ByPytest) -> None:
    """None is lost, and none is there twice."""
    drills = Store.open(by_pytest.folder / "drills").drills()
    assert sorted(drills["scenario"]) == sorted(SCENARIOS)


def test_no_secret_of_the_environment_is_in_any_file_they_leave(by_pytest: ByPytest) -> None:
    """Histories, logs, reports, JUnit, the store; nor in what is printed."""
    files = [path for path in by_pytest.folder.rglob("*") if path.is_file()]
    assert {"history.jsonl", "result.json", "report.md", "incident.html", "conductor.log", "junit.xml"} <= {
        path.name for path in files
    }
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in by_pytest.printed


def test_four_commands_at_once_come_to_the_same_verdicts(tmp_path: Path, by_pytest: ByPytest) -> None:
    """All four at once, each in its own network: no order of another is seen, and each leaves a JUnit that is right by our schema."""
    started = [
        start(_arguments(name, tmp_path / f"{number}.xml"), tmp_path / str(number)) for number, name in enumerate(TOGETHER)
    ]
    for number, (name, process) in enumerate(zip(TOGETHER, started, strict=True)):
        printed, _ = process.communicate(timeout=400)
        together = Run(process.returncode, printed, tmp_path / str(number))
        assert by_pytest.result(name)["status"] == "completed", by_pytest.printed
        assert "unknown" not in by_pytest.verdicts(name).values(), "drills that tested nothing are equal too"
        assert together.verdicts() == by_pytest.verdicts(name), together.printed
        assert together.code == by_pytest.result(name)["exit_code"]
        _assert_only_own_orders(together.folder)
        xmlschema.XMLSchema(SCHEMA_FILE).validate(tmp_path / f"{number}.xml")


def _arguments(scenario: str, junit: Path) -> list[str]:
    return ["run", scenario, "--speed", "20", "--seed", str(SEED), "--junit", str(junit)]


def _assert_only_own_orders(folder: Path) -> None:
    own = f"{folder.name[-6:]}-"
    readback = next(History.read(folder).of_kind("readback.orders"))
    foreign = [order for order in readback.data["present"] if "-o-" in order and not order.startswith(own)]
    assert foreign == []
