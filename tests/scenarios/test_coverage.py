"""The catalogue leaves nothing out: every documented alert, row, procedure and issue has a scenario, and every fault a test."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from scenarios.faults import Fault
from scenarios.loader import LoadedScenario, load_scenario
from scenarios.places import DATA
from tests.scenarios.test_targets import CITED, RULES

TESTS = Path(__file__).resolve().parents[1]
# Fifty thousand clients are no load for a small machine.
UNREHEARSED = {("trading-engine", "websocket_connections_high")}

ISSUES = {
    "recovery table": ["002:465", "002:466", "002:467", "002:468"],
    "disaster recovery": ["002:472", "002:496", "002:517", "004:389", "004:343"],
    "deployments": ["002:34", "002:66", "002:107", "002:125", "002:50", "002:608", "003:385", "004:158", "004:174", "004:186", "004:401"],
    "troubleshooting": [
        "002:257", "002:291", "002:328", "002:365", "001:92", "001:101", "001:110", "003:97", "003:136", "003:176", "003:47",
        "004:252", "004:264", "004:280", "004:293",
    ],
    "alert glossary": ["004:27", "004:45", "004:64", "004:80", "004:97", "004:115", "004:137"],
    "security": ["002:660", "002:677", "004:309", "004:328"],
    "operations": ["002:550", "000:63", "001:147", "002:428", "002:441", "002:786"],
}  # fmt: skip
SERVICES = ("gui-gateway", "data-ingestor", "indicator-engine", "signal-generator", "risk-manager", "execution-engine")


@cache
def catalogue() -> dict[str, LoadedScenario]:
    return {path.stem: load_scenario(path) for path in sorted((DATA / "catalogue").glob("*.yaml"))}


def test_every_documented_alert_is_expected_by_a_scenario() -> None:
    """Of its own platform; what can't be rehearsed is named above."""
    expected = {
        (rule.source, rule.alert)
        for each in catalogue().values()
        for rule in each.rules
        if rule.alert in each.scenario.detection.alerts
    }
    missing = {(platform, rule.alert) for platform, rule in RULES if (rule.source, rule.alert) not in expected}
    assert missing == UNREHEARSED


@pytest.mark.parametrize("kind", ISSUES)
def test_every_documented_issue_has_a_scenario(kind: str) -> None:
    """Its heading or row is among the lines that one names as its source."""
    covered: set[tuple[str, int]] = set()
    for each in catalogue().values():
        for document, first, last in CITED.findall(" ".join(each.scenario.source)):
            covered |= {(document, line) for line in range(int(first), int(last or first) + 1)}
    wanted = [(place.split(":")[0], int(place.split(":")[1])) for place in ISSUES[kind]]
    assert [place for place in wanted if place not in covered] == []


def test_each_of_the_six_services_fails_once() -> None:
    """The first row of the recovery table, for all of them."""
    failing = {
        fault.process
        for each in catalogue().values()
        for fault in each.scenario.faults
        if fault.fault == "process.kill" and "runbooks/incident-response.md#service-failure" in each.scenario.response.procedure
    }
    assert set(SERVICES) <= failing


def kinds() -> list[str]:
    """Every fault that a file may name."""
    return sorted(get_args(each.model_fields["fault"].annotation)[0] for each in get_args(get_args(Fault)[0]))


@pytest.mark.parametrize("kind", kinds())
def test_every_fault_has_a_test(kind: str) -> None:
    """One that has it injected into a stack; what those assert is theirs."""
    texts = (path.read_text(encoding="utf-8") for path in (TESTS / "harness").rglob("test_*.py"))
    assert any(re.search(rf'"{re.escape(kind)}"', text) for text in texts)


def test_a_catalogue_of_more_than_45() -> None:
    """And passing what is expected to be missed is a failure, which `tests/harness/test_verdict.py` shows."""
    assert len(catalogue()) >= 45
    assert any(each.scenario.expect and each.scenario.expect.miss for each in catalogue().values())
