"""What a person sees while a drill runs."""

from __future__ import annotations

import io

from rich.console import Console

from gameday.progress import Progress
from harness.history import Event
from tests.reports.histories import database_failure


def _shown(events: list[Event]) -> list[str]:
    printed = io.StringIO()
    progress = Progress(Console(file=printed, width=200))
    for event in events:
        progress(event)
    return printed.getvalue().splitlines()


def test_a_whole_drill_reads_as_a_story() -> None:
    """Fault, alert, acknowledgement, commands, failover and recovery, each with its time; single operations are left out."""
    events = [event for event in database_failure().events if event.kind not in ("drill.started", "stack.booted")]
    told = [line.split()[1] for line in _shown(events)]
    assert told[:4] == ["steady", "FAULT", "FAULT", "alert"]
    assert {"on", "runbook", "command", "step", "failover", "heal", "drill"} <= set(told)
    assert len(told) < 45


def test_an_alert_for_each_of_many_series_is_one_line() -> None:
    """Nine series of one dead feed do not hide what else happens."""
    alert = Event(95.0, 5.0, "alert.firing", "data_feed_failure", {"labels": {"job": "data-ingestor"}, "expected": True})
    assert _shown([alert] * 9) == ["   1:35  alert    data_feed_failure fires for data-ingestor"]


def test_a_warning_is_shown_before_anything_else() -> None:
    """Nobody runs without namespaces unawares."""
    data = {"seed": 7, "speed": 20.0, "sandbox": "ports", "scenario": {"title": "It dies"}, "warnings": ["free ports are used"]}
    started = Event(0.0, 0.0, "drill.started", "it-dies", data)
    assert _shown([started]) == ["warning: free ports are used", "   0:00  drill    It dies: seed 7, speed 20, ports"]
