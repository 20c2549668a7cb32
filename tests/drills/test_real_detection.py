"""A drill detects the same with Prometheus and Alertmanager themselves as with the embedded evaluator."""

from __future__ import annotations

import pytest

from harness.history import History
from tests.drills.cli import Run
from tests.drills.conftest import Drill

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.prometheus, pytest.mark.alertmanager, pytest.mark.slow]
EVALUATION_S = 5.0


def fired(run: Run) -> set[str]:
    """The expected alerts that fired, by what they are about."""
    alerts = History.read(run.folder).of_kind("alert.firing")
    return {f"{event.subject} {event.data['labels']['job']}" for event in alerts if event.data["expected"]}


def test_both_monitors_detect_the_same_at_the_same_time(drill: Drill) -> None:
    """The same seed: the same alerts, the same verdicts, and times to detect that differ by an evaluation interval at most."""
    embedded, prometheus = drill("service-failure"), drill("service-failure", "--monitor", "prometheus")
    history = History.read(prometheus.folder)
    start = next(history.of_kind("drill.started"))
    assert start.data["monitor"] == "prometheus"
    assert {"prometheus", "alertmanager"} <= start.data["versions"].keys()
    assert start.data["command"].endswith("--monitor prometheus")
    assert list(history.of_kind("monitor.problem")) == []
    assert fired(prometheus) == fired(embedded) == {"service_down risk-manager"}
    times = [run.result["measures"]["time_to_detect_s"] for run in (embedded, prometheus)]
    assert abs(times[0] - times[1]) <= EVALUATION_S + 0.1, times
    assert prometheus.verdicts() == embedded.verdicts(), prometheus.printed
    assert prometheus.code == embedded.code == 0
