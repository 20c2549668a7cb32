"""What the terminal of an exercise shows while nobody may know what broke."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from gameday.exercise import Exercise, Participants
from harness.history import Event
from tests.gameday.drilled import history_of, load


def told(*events: Event, surprise_s: float = 0.0) -> str:
    """What stands on the terminal after these."""
    console = Console(file=io.StringIO(), width=200)
    hear = Participants(console, Path("drills"), Exercise(surprise_s))
    for each in events:
        hear(each)
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return written


def test_nothing_of_the_fault_is_told_before_it_is_over() -> None:
    """Neither the scenario nor the fault, nor the procedure that answers it and its steps; alerts and acknowledgements are."""
    loaded = load()
    history = history_of(loaded)
    said = told(*(each for each in history.events if each.kind != "drill.finished"))
    steps = [step.name for step in loaded.procedure.steps]
    secrets = [loaded.name, loaded.scenario.title, "redis-unreachable", "link.down", loaded.scenario.response.procedure, *steps]
    assert [secret for secret in secrets if secret in said] == []
    assert "service_down fires" in said
    assert "acknowledged" in said


def test_what_people_do_is_told_to_everybody() -> None:
    """A step by its number, a surprise without its moment."""
    step = Event(
        9.0,
        9.0,
        "step.finished",
        "Restart Redis",
        {"index": 2, "ok": False, "state": "skipped", "by": "alice", "why": "it is up"},
    )
    opened = Event(1.0, 1.0, "exercise.opened", "redis-outage", {})
    said = told(opened, step, Event(10.0, 10.0, "hint.given", "carol", {"text": "look at the links"}), surprise_s=1800)
    assert "It breaks within 30 min" in said
    assert "step 2 skipped (alice): it is up" in said
    assert "hint of carol: look at the links" in said
    assert "Restart Redis" not in said
    assert "redis-outage" not in said
