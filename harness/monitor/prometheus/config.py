"""What Prometheus and Alertmanager are told: their configuration files and arguments, for one speed of documented time.

Both run at the drill's speed from start to end: documented durations divided by it. `harness.monitor.prometheus.holdback`
puts what they say on the documented axis, and docs/decisions/006 tells why nothing is reloaded when the rate changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from harness.monitor.prometheus.rewrite import rewritten, wall_text
from harness.monitor.series import LOOKBACK_S
from harness.monitor.target import ScrapeTarget
from scenarios.model import AlertRule

PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
PROMETHEUS_FILE, RULES_FILE, ALERTMANAGER_FILE = "prometheus.yml", "rules.yml", "alertmanager.yml"

_LONGEST_SCRAPE_S = 10.0  # documented: Prometheus' default time-out, as in the embedded monitor
# Rules are evaluated more often than documented, so that it hardly counts where Prometheus' own phase lies; the hold-back lets
# only the documented evaluations count. Wall: below 0.1 s evaluating costs more than it brings (20 ms: 31 % of a processor, 50 ms
# 15 %, 100 ms 8 %, 250 ms 5 %; Prometheus 2.42, ten targets, seven rules).
_EVALUATIONS = 10  # for each documented one, where that is not too dense
_LEAST_EVALUATE_WALL_S = 0.1
# A page is on its way through Alertmanager for 4 to 8 ms, on a busy machine for longer. In bent time it would be late by `speed`
# times as much: there Prometheus fires so much too early, and the hold-back waits for the true instant.
_WAY_WALL_S = 0.05
_GROUP_INTERVAL = "100ms"  # until Alertmanager tells that an alert is resolved, or fires again
_LOOKS_FOR_TARGETS = "100ms"  # by default it looks for its targets each 5 s, and the drill waits for the first scrape
_RESEND = "5s"  # an alert that Alertmanager missed is told again; left alone it is taken as resolved after four times this


@dataclass(frozen=True, slots=True)
class Sight:
    """What is watched, and how fast documented time runs. Durations are documented; ports are of the loopback."""

    rules: Sequence[AlertRule]
    targets: Sequence[ScrapeTarget]
    scrape_every_s: float
    evaluate_every_s: float
    speed: float
    alertmanager_port: int
    webhook_port: int

    @property
    def evaluate_wall_s(self) -> float:
        """Wall seconds between evaluations."""
        documented_s = self.evaluate_every_s / self.speed
        return min(documented_s, max(documented_s / _EVALUATIONS, _LEAST_EVALUATE_WALL_S))


def write_configuration(folder: Path, sight: Sight) -> None:
    """Write all files into a folder, readable to everybody: in containers they are read by other users. Raises BadQuery."""
    for name, content in {
        PROMETHEUS_FILE: _prometheus(sight),
        RULES_FILE: _rules(sight),
        ALERTMANAGER_FILE: _alertmanager(sight),
    }.items():
        path = folder / name
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
        path.chmod(0o644)


def prometheus_arguments(config: Path, data: Path, listen: str, *, speed: float) -> list[str]:
    """Of the program `prometheus`, without its name. `config` is the folder of the files, `data` an empty one of its own."""
    return [
        f"--config.file={config / PROMETHEUS_FILE}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address={listen}",
        "--web.enable-lifecycle",
        f"--query.lookback-delta={wall_text(LOOKBACK_S, speed)}",
        f"--rules.alert.resend-delay={_RESEND}",
        f"--scrape.discovery-reload-interval={_LOOKS_FOR_TARGETS}",
    ]


def alertmanager_arguments(config: Path, data: Path, listen: str) -> list[str]:
    """Of the program `alertmanager`, without its name. It speaks to no other Alertmanager."""
    return [
        f"--config.file={config / ALERTMANAGER_FILE}",
        f"--storage.path={data}",
        f"--web.listen-address={listen}",
        "--cluster.listen-address=",
    ]


def _prometheus(sight: Sight) -> dict[str, Any]:
    scrape = wall_text(sight.scrape_every_s, sight.speed)
    return {
        "global": {
            "scrape_interval": scrape,
            "scrape_timeout": wall_text(min(sight.scrape_every_s, _LONGEST_SCRAPE_S), sight.speed),
            "evaluation_interval": wall_text(sight.evaluate_wall_s, 1),
        },
        "rule_files": [RULES_FILE],
        "alerting": {"alertmanagers": [{"api_version": "v2", "static_configs": [_loopback(sight.alertmanager_port)]}]},
        "scrape_configs": [_scrape(target) for target in sight.targets],
    }


def _loopback(port: int) -> dict[str, Any]:
    return {"targets": [f"127.0.0.1:{port}"]}


def _scrape(target: ScrapeTarget) -> dict[str, Any]:
    url = urlsplit(target.url)
    return {"job_name": target.name, "metrics_path": url.path or "/", "static_configs": [{"targets": [url.netloc]}]}


def _rules(sight: Sight) -> dict[str, Any]:
    return {"groups": [{"name": "gameday", "rules": [_rule(rule, sight) for rule in sight.rules]}]}


def _rule(rule: AlertRule, sight: Sight) -> dict[str, Any]:
    early_s = sight.evaluate_wall_s + _WAY_WALL_S if sight.speed > 1 else 0.0
    for_wall_s = rule.for_s / sight.speed - early_s
    return {
        "alert": rule.alert,
        "expr": rewritten(rule.expr, sight.speed),
        "for": wall_text(for_wall_s, 1) if for_wall_s > 0 else "0s",
        "labels": {"severity": rule.severity},
        "annotations": {"source": rule.source},
    }


def _alertmanager(sight: Sight) -> dict[str, Any]:
    return {
        "route": {
            "receiver": "gameday",
            "group_by": ["..."],
            "group_wait": "0s",
            "group_interval": _GROUP_INTERVAL,
            "repeat_interval": "24h",
        },
        "receivers": [
            {
                "name": "gameday",
                "webhook_configs": [{"url": f"http://127.0.0.1:{sight.webhook_port}/alerts", "send_resolved": True}],
            }
        ],
    }
