"""What the two programs are told."""

from __future__ import annotations

import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.monitor.prometheus.config import Sight, alertmanager_arguments, prometheus_arguments, write_configuration
from harness.monitor.target import ScrapeTarget
from scenarios.places import DATA
from scenarios.rules import load_rules
from tests.harness.monitor.stages import rule

SIGHT = Sight(
    [rule("rate(x[5m]) > 1", name="Fast", for_="30s"), rule("up == 0", name="AtOnce")],
    [ScrapeTarget("risk-manager", "http://127.0.0.1:18084/metrics"), ScrapeTarget("redis", "http://127.0.0.1:19187/metrics/redis")],
    scrape_every_s=5.0, evaluate_every_s=5.0, speed=20.0, alertmanager_port=9093, webhook_port=9095,
)  # fmt: skip


def written(folder: Path, sight: Sight) -> dict[str, Any]:
    write_configuration(folder, sight)
    return {path.stem: yaml.safe_load(path.read_text()) for path in folder.iterdir()}


def test_everything_is_as_much_faster_as_the_drill(tmp_path: Path) -> None:
    """At speed 20: scraped each 0.25 s; the `for` so much shorter that a page has time to come through."""
    files = written(tmp_path, SIGHT)
    assert files["prometheus"]["global"] == {
        "scrape_interval": "250ms", "scrape_timeout": "250ms", "evaluation_interval": "100ms",
    }  # fmt: skip
    fast, at_once = files["rules"]["groups"][0]["rules"]
    assert (fast["expr"], fast["for"], fast["labels"]) == ("(rate(x[15s]) / 20) > 1", "1s350ms", {"severity": "critical"})
    assert at_once["for"] == "0s"


def test_at_speed_1_the_rules_are_as_documented(tmp_path: Path) -> None:
    """Interval, expression and `for`; only the evaluations are denser."""
    files = written(tmp_path, replace(SIGHT, speed=1.0))
    assert files["prometheus"]["global"]["scrape_interval"] == "5s"
    assert files["prometheus"]["global"]["evaluation_interval"] == "500ms"
    fast = files["rules"]["groups"][0]["rules"][0]
    assert (fast["expr"], fast["for"]) == ("rate(x[5m]) > 1", "30s")


@pytest.mark.parametrize(("speed", "wall_s"), [(1, 0.5), (5, 0.1), (20, 0.1), (60, 5 / 60), (100, 0.05)])
def test_evaluations_are_dense_but_not_too_dense(speed: float, wall_s: float) -> None:
    """Ten for each documented one, and not more often than each 0.1 s, unless a documented one is."""
    assert replace(SIGHT, speed=speed).evaluate_wall_s == pytest.approx(wall_s)


def test_a_documented_scrape_times_out_after_ten_seconds(tmp_path: Path) -> None:
    """Prometheus' default, also where the interval is longer."""
    files = written(tmp_path, replace(SIGHT, speed=1.0, scrape_every_s=60.0))
    assert files["prometheus"]["global"]["scrape_timeout"] == "10s"


def test_targets_carry_the_names_of_the_embedded_monitor(tmp_path: Path) -> None:
    """`job` is the name, `instance` host and port."""
    rows = written(tmp_path, SIGHT)["prometheus"]["scrape_configs"]
    assert [(row["job_name"], row["metrics_path"], row["static_configs"][0]["targets"]) for row in rows] == [
        ("risk-manager", "/metrics", ["127.0.0.1:18084"]),
        ("redis", "/metrics/redis", ["127.0.0.1:19187"]),
    ]


def test_each_alert_is_passed_on_at_once_and_on_its_own(tmp_path: Path) -> None:
    """No waiting for others, and its end is told."""
    manager = written(tmp_path, SIGHT)["alertmanager"]
    assert (manager["route"]["group_wait"], manager["route"]["group_by"]) == ("0s", ["..."])
    assert manager["receivers"][0]["webhook_configs"] == [{"url": "http://127.0.0.1:9095/alerts", "send_resolved": True}]


def test_whoever_runs_the_programs_can_read_the_files(tmp_path: Path) -> None:
    """In a container that is another user."""
    write_configuration(tmp_path, SIGHT)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o644}


def test_both_listen_on_the_loopback_only() -> None:
    """And Alertmanager looks for no others; how long a value counts is as much shorter as all else."""
    config, data = Path("/config"), Path("/data")
    assert prometheus_arguments(config, data, "127.0.0.1:9090", speed=20.0) == [
        "--config.file=/config/prometheus.yml",
        "--storage.tsdb.path=/data",
        "--web.listen-address=127.0.0.1:9090",
        "--web.enable-lifecycle",
        "--query.lookback-delta=15s",
        "--rules.alert.resend-delay=5s",
        "--scrape.discovery-reload-interval=100ms",
    ]
    assert alertmanager_arguments(config, data, "127.0.0.1:9093") == [
        "--config.file=/config/alertmanager.yml",
        "--storage.path=/data",
        "--web.listen-address=127.0.0.1:9093",
        "--cluster.listen-address=",
    ]


@pytest.mark.prometheus
@pytest.mark.parametrize("speed", [1.0, 7.0, 20.0, 60.0, 100.0])
def test_prometheus_takes_the_files(tmp_path: Path, speed: float) -> None:
    """promtool checks configuration and rules, with the documented alerts in them."""
    write_configuration(tmp_path, replace(SIGHT, speed=speed, rules=load_rules(DATA / "alerts" / "eafix.rules.yml")))
    for check in (["config", "prometheus.yml"], ["rules", "rules.yml"]):
        done = subprocess.run(["promtool", "check", *check], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "12 rules found" in done.stdout
