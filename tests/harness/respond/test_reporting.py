"""People who report what no alert sees."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fakes.clock import ManualClock
from harness.history import Event, Recorder
from harness.monitor.pagerduty import PagerDutyNotifier
from harness.respond.reporting import Reporter


class Phone(PagerDutyNotifier):
    """A pager that only remembers what it was told."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "key", ManualClock())
        self.told: list[str] = []

    async def report(self, title: str) -> str:
        self.told.append(title)
        return "key-1"


def play(folder: Path, *events: tuple[str, str, dict[str, Any]], after_s: float | None = 60.0) -> tuple[list[str], list[Event]]:
    """Record events at 0 s, let the reporter look for two minutes, and return what the pager was told and what was recorded."""
    clock = ManualClock()
    recorder, phone, seen = Recorder(folder / "history.jsonl", clock), Phone(), list[Event]()
    recorder.listen(seen.append)
    reporter = Reporter(phone, clock, recorder, after_s=after_s, alerts={"service_down"})

    async def scene() -> None:
        for kind, subject, data in events:
            recorder.record(kind, subject, **data)
        running = asyncio.create_task(reporter.run())
        for _ in range(400):  # it looks every half second of a clock that nobody waits for
            await asyncio.sleep(0)
        running.cancel()

    asyncio.run(scene())
    recorder.close()
    return phone.told, [
        event for event in seen if event.kind in ("incident.reported", "page.sent") and event.subject == "reported"
    ]


def test_what_no_alert_sees_is_reported_after_its_time(tmp_path: Path) -> None:
    """Counted from the fault; the page is called `reported`."""
    told, events = play(tmp_path, ("fault.injected", "it", {}))
    assert told == ["reported: somebody has seen it"]
    assert [(event.kind, event.subject) for event in events] == [("incident.reported", "reported"), ("page.sent", "reported")]
    assert 60 <= events[0].at_s < 61


def test_nobody_calls_where_an_alert_has_paged(tmp_path: Path) -> None:
    """A page of an alert that is not expected changes nothing."""
    assert play(tmp_path, ("fault.injected", "it", {}), ("page.sent", "service_down", {}))[0] == []
    other = tmp_path / "other"
    other.mkdir()
    assert play(other, ("fault.injected", "it", {}), ("page.sent", "disk_space_low", {}))[0] != []


def test_planned_work_that_stops_half_way_is_reported_at_once(tmp_path: Path) -> None:
    """What was done is not reported."""
    told, events = play(tmp_path, ("change.finished", "runbook", {"outcome": "stopped"}), after_s=None)
    assert told == ["reported: the planned work has stopped half-way"]
    assert events[0].at_s < 1
    other = tmp_path / "other"
    other.mkdir()
    assert play(other, ("change.finished", "runbook", {"outcome": "done"}), after_s=None)[0] == []
