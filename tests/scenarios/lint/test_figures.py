"""Thresholds that contradict each other."""

from __future__ import annotations

from scenarios.lint.figures import contradicting_threshold, threshold_order, threshold_without_alert
from tests.scenarios.lint.shelf import found, shared

TABLE = "# Shop\n\n| Metric | Target | Warning | Critical |\n|---|---|---|---|\n| API Response Time | < 100ms | > 200ms | > 500ms |\n| Disk Usage | < 80% | > 85% | > 95% |\n"
RULE = "\n```yaml\nalerts:\n  - name: slow\n    condition: {}\n    severity: {}\n```\n"
SLOW = "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > {}"


def test_a_warning_at_the_critical_value() -> None:
    """The alert is a warning where the table says critical: seconds and milliseconds are one figure."""
    (finding,) = found(contradicting_threshold, TABLE + RULE.format(SLOW.format(0.5), "warning"))
    assert "which the table calls critical (a.md:5)" in finding.message
    assert "> 200ms" in finding.message
    assert [each.line for each in finding.related] == [5]
    assert found(contradicting_threshold, TABLE + RULE.format(SLOW.format(0.5), "critical")) == []
    assert found(contradicting_threshold, TABLE + RULE.format(SLOW.format(0.2), "warning")) == []


def test_free_is_the_rest_of_used() -> None:
    """20 % free are 80 % used: no warning of the table begins there. 15 % free are its 85 %."""
    (finding,) = found(contradicting_threshold, TABLE + RULE.format("disk_free_percent < 20", "warning"))
    assert "disk usage > 80 % (`< 20`), but the table's warning is > 85%" in finding.message
    assert found(contradicting_threshold, TABLE + RULE.format("disk_free_percent < 15", "warning")) == []


def test_two_tables() -> None:
    """Two tables of one platform differ; of two platforms they may."""
    assert len(found(contradicting_threshold, TABLE, TABLE.replace("> 95%", "> 90%"))) == 1
    assert found(contradicting_threshold, TABLE, TABLE.replace("> 95%", "> 90%").replace("# Shop", "# Bank")) == []
    assert found(contradicting_threshold, TABLE, TABLE) == []
    assert found(contradicting_threshold, TABLE, TABLE.replace("> 95%", "> 500 GB")) == []


def test_an_incident_of_another_scale() -> None:
    """A P1 begins at a multiple of what is critical. Twice as much would be another opinion, not another scale."""
    table = "# Shop\n\n| Metric | Critical |\n|---|---|\n| Signal Latency | > 200ms |\n"
    incident = "# Shop\n\n**P1 - High**\n- Significant latency increase ({} for signals)\n"
    (finding,) = found(contradicting_threshold, table, incident.format(">5s"))
    assert (finding.severity, finding.file.name) == ("warning", "b.md")
    assert found(contradicting_threshold, table, incident.format(">400ms")) == []


def test_a_trigger_beyond_the_table() -> None:
    """The only trigger is a full pool, the table alerts at 90 %; a second trigger at 90 % would do."""
    table = "# Shop\n\n| Metric | Normal | Alert Threshold |\n|---|---|---|\n| Database Connections | < 80% of max | > 90% of max |\n\n"
    full = "- **Trigger:** `database_connections_active >= database_connections_max`\n"
    assert len(found(contradicting_threshold, table + full)) == 1
    assert found(contradicting_threshold, table + full + "- **Trigger:** `database_connections_percent > 90%`\n") == []


def test_levels_in_order() -> None:
    """Target, warning and critical come one after another, whichever side is bad."""
    assert found(threshold_order, TABLE) == []
    (finding,) = found(threshold_order, TABLE.replace("> 85%", "> 97%"))
    assert (finding.line, finding.message) == (6, "disk usage: warning (> 97%) and critical (> 95%) are the wrong way round")


def test_a_threshold_that_nothing_watches() -> None:
    """One finding a table, with what no alert is about, by its condition or its name; without any alerts nothing is said."""
    (finding,) = found(threshold_without_alert, TABLE + RULE.format(SLOW.format(0.5), "critical"))
    assert "watches disk usage," in finding.message
    assert (
        found(
            threshold_without_alert,
            TABLE + RULE.format("disk_free_percent < 5", "critical").replace("slow", "slow_api_response_time"),
        )
        == []
    )
    assert found(threshold_without_alert, TABLE) == []
    feed = TABLE.replace("Disk Usage", "Data Feed Latency")
    rule = RULE.format("http_request_duration_seconds > 1", "critical")
    assert len(found(threshold_without_alert, feed + rule)) == 1
    assert found(threshold_without_alert, feed + rule.replace("slow", "data_feed_failure")) == []


def test_the_five_documents() -> None:
    """Two alerts of the operations runbook, the P1 of the incident runbook, the full pool of the AI Trading System."""
    assert shared(contradicting_threshold) == [("001", 53), ("002", 200), ("002", 210), ("004", 46)]
    assert shared(threshold_order) == []
    assert shared(threshold_without_alert) == [("002", 154), ("002", 161)]
