"""Every alert rule fires when it should and not otherwise: by promtool, and by our own evaluator on the very same files.

The unit tests are `alerts/*.test.yml` beside this module, in promtool's own format.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.monitor.values import Dialect
from scenarios.model import AlertRule
from scenarios.places import DATA
from scenarios.rules import load_rules
from tests.scenarios.alerts.cases import Case, UnitTests, complaints, read_unit_tests

RULE_FILES = sorted((DATA / "alerts").iterdir())
TEST_FILES = sorted((Path(__file__).parent / "alerts").glob("*.test.yml"))
EAFIX = Path(__file__).parent / "alerts" / "eafix.test.yml"


def promtool(*arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def rules_of(tests: UnitTests) -> list[AlertRule]:
    return [rule for file in tests.rule_files for rule in load_rules(file)]


# --- every rule is tested ---


def fires_to_the_second(case: Case, alert: str, every_s: float) -> bool:
    """Whether it expects the alert at one evaluation and not at the one before."""
    expected = {test.eval_time: bool(test.exp_alerts) for test in case.alert_rule_test if test.alertname == alert}
    return any(fires and expected.get(at_s - every_s) is False for at_s, fires in expected.items())


def stays_silent(case: Case, alert: str) -> bool:
    """Whether it speaks of the alert and never expects it."""
    expected = [bool(test.exp_alerts) for test in case.alert_rule_test if test.alertname == alert]
    return bool(expected) and not any(expected)


def untested(alerts: Sequence[str], files: Sequence[UnitTests]) -> list[str]:
    """What is missing: for each alert a case in which it fires from an exact instant on, and a near miss."""
    cases = [(case, file.evaluation_interval) for file in files for case in file.tests]
    without_firing = [alert for alert in alerts if not any(fires_to_the_second(case, alert, every) for case, every in cases)]
    without_silence = [alert for alert in alerts if not any(stays_silent(case, alert) for case, _ in cases)]
    return [f"{alert} never fires" for alert in without_firing] + [f"{alert} is never silent" for alert in without_silence]


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_every_rule_has_a_case_that_fires_and_one_that_does_not(path: Path) -> None:
    """In the unit tests that name its file; a new rule without them is red, and so is a case of a rule that is gone."""
    files = [tests for tests in map(read_unit_tests, TEST_FILES) if path in tests.rule_files]
    alerts = [rule.alert for rule in load_rules(path)]
    assert not untested(alerts, files)
    assert {test.alertname for file in files for case in file.tests for test in case.alert_rule_test} <= set(alerts)


def test_a_rule_without_cases_is_noticed() -> None:
    """The guard above would see a new one."""
    assert untested(["service_down", "new"], [read_unit_tests(EAFIX)]) == ["new never fires", "new is never silent"]


# --- the rules do what the cases say ---


@pytest.mark.prometheus
@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_prometheus_accepts_every_rule_file(path: Path) -> None:
    """promtool finds nothing to complain of."""
    code, printed = promtool("check", "rules", path)
    assert (code, "SUCCESS" in printed) == (0, True), printed


@pytest.mark.prometheus
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_prometheus_gives_the_expected_alerts(path: Path) -> None:
    """With these labels and annotations, at these instants."""
    code, printed = promtool("test", "rules", path)
    assert code == 0, printed


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_our_evaluator_gives_the_same_alerts(path: Path, dialect: Dialect) -> None:
    """As either version of Prometheus."""
    tests = read_unit_tests(path)
    rules = rules_of(tests)
    every_s = tests.evaluation_interval
    assert [said for case in tests.tests for said in complaints(case, rules, every_s=every_s, dialect=dialect)] == []


# --- the cases notice when a rule is changed ---

EXPRESSIONS = [
    ("service_down", "== 0", "== 1"),
    ("service_down", "up", '{__name__=~"up|dependency_up"}'),
    ("high_error_rate", "> 0.05", "> 0.053"),
    ("high_error_rate", "> 0.05", "> 0.047"),
    ("high_error_rate", "5..", "50[12]"),
    ("high_error_rate", "5..", "[45].."),
    ("high_error_rate", "[5m]", "[4m]"),
    ("high_error_rate", "[5m]", "[6m]"),
    ("trading_system_failure", "> 5", ">= 5"),
    ("trading_system_failure", "> 5", "> 6"),
    ("data_feed_failure", "> 60", ">= 60"),
    ("data_feed_failure", "> 60", "> 65"),
    ("high_response_time", "> 0.5", ">= 0.5"),
    ("high_response_time", "> 0.5", "> 0.51"),
    ("high_response_time", "0.95", "0.94"),
    ("high_response_time", "0.95", "0.96"),
    ("high_response_time", "(job, le)", "(job, path, le)"),
    ("high_response_time", "(job, le)", "(le)"),
    ("high_response_time", "[5m]", "[6m]"),
    ("high_cpu_usage", "> 80", ">= 80"),
    ("high_cpu_usage", "> 80", "> 80.5"),
    ("disk_space_low", "< 20", "<= 20"),
    ("disk_space_low", "< 20", "< 19.5"),
]


def go_red(changed: AlertRule, tests: UnitTests) -> bool:
    """Whether a case of the rule complains when the rule is this."""
    cases = [case for case in tests.tests if case.names(changed.alert)]
    every_s = tests.evaluation_interval
    return any(any(complaints(case, [changed], every_s=every_s, dialect=Dialect.PROMETHEUS_3)) for case in cases)


@pytest.mark.parametrize(("alert", "old", "new"), EXPRESSIONS)
def test_another_condition_is_noticed(alert: str, old: str, new: str) -> None:
    """A threshold that moved, an edge that counts, other series, another range: some case goes red."""
    tests = read_unit_tests(EAFIX)
    [rule] = [rule for rule in rules_of(tests) if rule.alert == alert]
    changed = rule.model_copy(update={"expr": rule.expr.replace(old, new)})
    assert changed != rule
    assert go_red(changed, tests)


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_another_for_is_noticed(path: Path) -> None:
    """One evaluation longer or shorter, for every rule; as it is, its cases alone do not complain."""
    tests = read_unit_tests(path)
    for rule in rules_of(tests):
        held_s = [rule.for_s + late_s for late_s in (-5.0, 0.0, 5.0) if rule.for_s + late_s >= 0]
        red = {for_s: go_red(rule.model_copy(update={"for_s": for_s}), tests) for for_s in held_s}
        assert red == {for_s: for_s != rule.for_s for for_s in held_s}, rule.alert
