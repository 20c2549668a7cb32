"""Alert rules in runbooks."""

from __future__ import annotations

import pytest

from scenarios.lint import Rule
from scenarios.lint.alerts import (
    alert_never_fires,
    alert_never_resolves,
    alert_not_prometheus,
    alert_not_promql,
    alert_undefined,
    alert_unit,
    alert_without_for,
    alert_without_severity,
    query_without_answer,
)
from tests.scenarios.lint.shelf import found, shared, shell


def alert(condition: str, more: str = "    duration: 1m\n    severity: critical\n") -> str:
    return f"# Shop\n\n```yaml\nalerts:\n  - name: broken\n    condition: '{condition}'\n{more}```\n"


@pytest.mark.parametrize(
    "condition",
    [
        "histogram_quantile(0.95, http_request_duration_seconds) > 0.5", "transfer > threshold", "up == 2", "up > 1", "disk_free_percent > 100",
        "disk_free_percent < 0", "histogram_quantile(95, sum by (le) (rate(x_bucket[5m]))) > 1",
    ],
)  # fmt: skip
def test_conditions_that_never_fire(condition: str) -> None:
    """A quantile of no buckets, a word for a number, a comparison outside of what the metric can be."""
    (finding,) = found(alert_never_fires, alert(condition))
    assert finding.line == 6
    assert "never fires" in finding.message


@pytest.mark.parametrize(
    "condition",
    [
        "up == 0", "up < 1", "up != 1", "disk_free_percent < 20", "cpu_usage_percent > 250", "a > b", "transfer > 1e9",
        "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m]))) > 1", "histogram_quantile(0.95, rate(native_seconds[5m])) > 1",
        "histogram_quantile(0.9, job:x:rate5m) > 1",
    ],
)  # fmt: skip
def test_conditions_that_can_fire(condition: str) -> None:
    """Native histograms, recorded series and several processors are no mistakes."""
    assert found(alert_never_fires, alert(condition)) == []


def test_a_native_histogram_has_no_buckets() -> None:
    """It is one series, and has quantiles as it is. Only what the document says of its sum or count tells that there is none."""
    (perhaps,) = found(alert_never_fires, alert("histogram_quantile(0.95, x_seconds) > 0.5"))
    (classic,) = found(alert_never_fires, alert("histogram_quantile(0.95, x_seconds) > 0.5") + "\n`rate(x_seconds_sum[5m])`\n")
    assert (perhaps.severity, classic.severity) == ("warning", "error")
    assert perhaps.message == f"{classic.message}, unless that is a native histogram"


@pytest.mark.parametrize("more", ["and changes(orders_failed_total[9m]) > 0", "unless on (job) maintenance == 1"])
def test_what_stands_beside_a_counter_may_end_the_alert(more: str) -> None:
    """A counter above a number is for ever; what it is joined to is not. An alternative beside it ends nothing."""
    assert found(alert_never_resolves, alert(f"orders_failed_total > 5 {more}")) == []
    assert len(found(alert_never_resolves, alert("(orders_failed_total > 5) or up == 0"))) == 1


def test_a_counter_never_falls() -> None:
    """A bare counter above a number stays there; its increase does not, and "no such thing yet" (== 0) does not either."""
    assert len(found(alert_never_resolves, alert("orders_failed_total > 5"))) == 1
    assert len(found(alert_never_resolves, alert("5 < orders_failed_total"))) == 1
    assert found(alert_never_resolves, alert("increase(orders_failed_total[5m]) > 5")) == []
    assert found(alert_never_resolves, alert("orders_total == 0")) == []


def test_not_promql() -> None:
    """In a rule that is an error, in a trigger told in prose it is information."""
    (error,) = found(alert_not_promql, alert("restarts > 3 in 5 minutes"))
    (told,) = found(alert_not_promql, "# Shop\n\n- **Trigger:** `restarts > 3 in 5 minutes`\n- **Trigger:** `a >= b`\n")
    assert (error.severity, told.severity, told.line) == ("error", "info", 3)
    assert found(alert_not_promql, alert("rate(restarts[5m]) > 3")) == []


def test_a_rate_is_no_share() -> None:
    """The table says 5 %, the alert compares failures per second with 0.05; divided by all requests it is a share."""
    table = "# Shop\n\n| Metric | Critical |\n|---|---|\n| Error Rate | > 5% |\n\n"
    rule = "```yaml\nalerts:\n  - name: high_error_rate\n    condition: {}\n    severity: critical\n```\n"
    rate = 'rate(r_total{status=~"5.."}[5m])'
    (finding,) = found(alert_unit, table + rule.format(f"{rate} > 0.05"))
    assert [each.line for each in finding.related] == [5]
    assert found(alert_unit, table + rule.format(f"{rate} / rate(r_total[5m]) > 0.05")) == []
    assert found(alert_unit, table + rule.format(f"{rate} > 3")) == []


def test_what_a_rule_leaves_out() -> None:
    """A severity, a word that the document knows as one, a time to hold, the names that Prometheus reads."""
    bare = alert("a > 1", "")
    prometheus = "# Shop\n\n```yaml\ngroups:\n- name: g\n  rules:\n  - alert: broken\n    expr: a > 1\n    for: 0s\n    labels: {severity: page}\n```\n"
    for rule in (alert_without_severity, alert_without_for, alert_not_prometheus):
        assert len(found(rule, bare)) == 1
        assert found(rule, prometheus) == []
    assert "'urgent'" in found(alert_without_severity, alert("a > 1", "    severity: urgent\n"))[0].message


def test_a_query_in_a_command() -> None:
    """The same quantile in a command never has an answer."""
    assert len(found(query_without_answer, shell("eafix-cli metrics query 'histogram_quantile(0.95, x_seconds)'"))) == 1
    assert found(query_without_answer, shell("eafix-cli metrics query 'sum(rate(x_total[5m]))'")) == []


def test_alerts_that_no_rule_defines() -> None:
    """A procedure names an alert that is not defined; where the documents define none at all nothing is said."""
    rules = alert("a > 1")
    assert len(found(alert_undefined, rules, "# Shop\n\nUse it when `broken_link` fires.\n")) == 1
    assert found(alert_undefined, rules.replace("broken", "broken_link"), "# Shop\n\nUse it when `broken_link` fires.\n") == []
    assert found(alert_undefined, "# Shop\n\nUse it when `broken_link` fires.\n") == []


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (alert_never_fires, [200, 760]), (alert_never_resolves, [184]), (alert_unit, [179]), (query_without_answer, [301]),
        (alert_without_severity, [751, 755, 759, 763]), (alert_not_prometheus, [170, 196, 748]), (alert_undefined, []),
    ],
)  # fmt: skip
def test_the_five_documents(rule: Rule, lines: list[int]) -> None:
    """Only the operations runbook defines alerts."""
    assert shared(rule) == [("002", line) for line in lines]
