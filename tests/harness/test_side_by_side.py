"""Drills that take turns: never more at once than was asked for, each heard of, all of them stopped by a signal."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from harness import side_by_side
from harness.errors import MissingTool
from harness.run import DrillOptions, Outcome
from harness.side_by_side import Done, Turn, most_at_once, run_side_by_side
from scenarios.loader import catalogue, find_scenarios, load_scenario


class Stage:
    """Plays `run_drill`: every drill waits until as many as are expected are there."""

    def __init__(self, expected: int) -> None:
        self.most = self.now = 0
        self.barrier = threading.Barrier(expected)
        self.turn = threading.Lock()

    def __call__(self, loaded: Any, options: DrillOptions, on_event: Any, stopper: Any) -> Outcome:
        with self.turn:
            self.now += 1
            self.most = max(self.most, self.now)
        self.barrier.wait(20)
        with self.turn:
            self.now -= 1
        if loaded.name == "redis-outage":
            raise MissingTool("redis", "Install it.")
        return Outcome(Path(loaded.name), None)  # type: ignore[arg-type] # nobody looks at the result


@pytest.fixture
def turns() -> list[Turn]:
    names = ("service-failure", "redis-outage", "primary-database-failure", "market-data-feed-interruption")
    return [Turn(load_scenario(path), DrillOptions(seed=1)) for path in find_scenarios(names)]


def test_they_run_side_by_side_and_are_told_in_order(turns: list[Turn], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at a time; one that cannot start stops nobody else."""
    stage = Stage(2)
    monkeypatch.setattr(side_by_side, "run_drill", stage)
    told: list[Done] = []
    done, received = run_side_by_side(turns, 2, lambda turn, event: None, told.append)
    assert (stage.most, received, len(told)) == (2, None, 4)
    assert [each.turn for each in done] == turns
    assert [str(each.outcome.folder) if each.outcome else str(each.error)[:5] for each in done] == [
        "service-failure", "redis", "primary-database-failure", "market-data-feed-interruption",
    ]  # fmt: skip


def test_a_signal_stops_those_that_run_and_starts_no_more(turns: list[Turn], monkeypatch: pytest.MonkeyPatch) -> None:
    """And the caller learns which signal it was."""
    heard: list[int] = []

    def runs_until_it_is_stopped(loaded: Any, options: DrillOptions, on_event: Any, stopper: Any) -> Outcome:
        ended = threading.Event()

        class Conductor:
            def send_signal(self, number: int, /) -> None:
                heard.append(number)
                ended.set()

            def kill(self) -> None:
                ended.set()

        stopper.pass_to(Conductor())
        os.kill(os.getpid(), signal.SIGTERM)
        assert ended.wait(20)
        return Outcome(Path(loaded.name), None, stopper.received)  # type: ignore[arg-type] # nobody looks at the result

    monkeypatch.setattr(side_by_side, "run_drill", runs_until_it_is_stopped)
    before = signal.getsignal(signal.SIGTERM)
    done, received = run_side_by_side(turns, 1, lambda turn, event: None, lambda done: None)
    assert (received, heard, signal.getsignal(signal.SIGTERM)) == (signal.SIGTERM, [signal.SIGTERM], before)
    assert [each.outcome.signal if each.outcome else None for each in done] == [signal.SIGTERM, None, None, None]
    assert [each.error for each in done] == [None] * 4


@pytest.mark.parametrize(("cores", "free_mb", "most"), [(2, 8000, 2), (16, 8000, 16), (16, 3000, 5), (2, 600, 1), (None, 100, 1)])
def test_how_many_the_machine_bears(cores: int | None, free_mb: float, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One a core, within what memory is free; one always."""
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(side_by_side, "free_memory_mb", lambda: free_mb)
    assert most_at_once() == most


def test_the_whole_catalogue_can_be_loaded() -> None:
    """So that one bad file does not keep the others from their turn."""
    assert len([load_scenario(path) for path in find_scenarios(catalogue())]) == len(catalogue())
