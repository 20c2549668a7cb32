from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.model import AlertRule
from scenarios.places import DATA
from scenarios.rules import load_rules
from tests.scenarios.files import said, write

RULES = DATA / "alerts" / "eafix.rules.yml"


def test_the_documented_alerts_are_there_with_their_sources() -> None:
    """Names, conditions, durations and severities of 002:171-212 and 002:749-763; one condition is mended, because it could never fire."""
    found = {rule.alert: (rule.expr, rule.for_s, rule.severity, rule.source) for rule in load_rules(RULES)}
    quantile = "histogram_quantile(0.95, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m]))) > 0.5"
    assert found == {
        "service_down": ("up == 0", 30, "critical", "002:173"),
        "high_error_rate": ('rate(http_requests_total{status=~"5.."}[5m]) > 0.05', 120, "critical", "002:178"),
        "trading_system_failure": ("trading_orders_failed_total > 5", 60, "critical", "002:183"),
        "data_feed_failure": ("market_data_age_seconds > 60", 30, "critical", "002:188"),
        "high_response_time": (quantile, 300, "warning", "002:199"),
        "high_cpu_usage": ("cpu_usage_percent > 80", 600, "warning", "002:204"),
        "disk_space_low": ("disk_free_percent < 20", 300, "warning", "002:209"),
        "brute_force_attack": ("rate(failed_login_attempts[5m]) > 10", 0, "critical", "002:751"),
        "privilege_escalation": ("unauthorized_admin_access == 1", 0, "critical", "002:755"),
        "backup_integrity_check_failed": ("backup_readable == 0 or backup_encrypted == 0", 0, "critical", "002:457"),
        "backup_failed": ('backup_exit_code{backup!="verify"} != 0', 0, "warning", "none"),
        "backup_not_shipped": ('backup_age_seconds{backup="log"} > 420', 60, "warning", "none"),
    }


def rule(**changed: str) -> str:
    lines = {
        "alert": "down",
        "expr": "up == 0",
        "for": "30s",
        "labels": "{severity: critical}",
        "annotations": "{source: x, more: y}",
    } | changed
    body = "\n        ".join(f"{key}: {value}" for key, value in lines.items() if value)
    return f"groups:\n  - name: g\n    rules:\n      - {body}\n"


def test_a_rule_is_read_as_prometheus_reads_it(tmp_path: Path) -> None:
    """Without `for` it fires at once; annotations for people are passed over."""
    path = write(tmp_path, rule(**{"for": ""}))
    assert load_rules(path) == (
        AlertRule.model_validate({"alert": "down", "expr": "up == 0", "severity": "critical", "source": "x"}),
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"expr": "up = = 0"}, "5:15: expr: this is not PromQL: "),
        ({"expr": "rate(up)"}, "5:15: expr: this is not PromQL: "),
        ({"alert": "2 down"}, "4:16: '2 down' is no name of an alert; use letters, digits and underscores"),
        ({"for": "30"}, "6:14: for: 30 is not a duration; "),
        ({"fro": "30s"}, "9:9: unknown key 'fro'; did you mean 'for'?"),
        ({"labels": "{}"}, "7:17: the key 'severity' is missing here"),
        ({"labels": "{severity: critical, team: x}"}, "7:38: unknown key 'team'; known: severity"),
        ({"labels": "{severity: '{{ $labels.job }}'}"}, "7:28: severity: '{{ $labels.job }}' is a template, and nothing here"),
        ({"annotations": ""}, "4:9: the key 'annotations' is missing here"),
    ],
)
def test_a_wrong_rule_is_told_at_its_place(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    """What a drill could not use is refused before it begins."""
    [found] = said(lambda: load_rules(write(tmp_path, rule(**changed))))
    assert found.startswith(f"test.yaml:{message}")


def test_an_alert_has_one_rule(tmp_path: Path) -> None:
    """Two rules of one name could not be told apart."""
    text = rule() + "      - {alert: down, expr: up, labels: {severity: warning}, annotations: {source: x}}\n"
    assert said(lambda: load_rules(write(tmp_path, text))) == ["test.yaml:9:17: the alert down stands here again"]


def test_a_group_has_no_interval_of_its_own(tmp_path: Path) -> None:
    """The embedded evaluator knows one for all, and Prometheus would fire at other times."""
    text = rule().replace("- name: g\n", "- name: g\n    interval: 10s\n")
    [found] = said(lambda: load_rules(write(tmp_path, text)))
    assert found.startswith("test.yaml:3:15: interval: every group is evaluated as often as the stack says")
