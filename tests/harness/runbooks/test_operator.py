"""The operator of a check: how long it tries again, and in which time it waits meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.clock import ManualClock
from harness.history import History, Recorder
from harness.respond.responder import SOON_S
from harness.runbooks.operator import Operator
from harness.runbooks.plan import TERMINAL, Unit
from harness.runbooks.terminal import Typed
from scenarios.fences import read_attributes


class _Waits:
    """Plays the pace: for how long it was let go at the drill's speed."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock, self.s = clock, 0.0

    @contextmanager
    def waiting(self, why: str) -> Iterator[None]:
        began_s = self._clock.now()
        yield
        self.s += self._clock.now() - began_s


class _Shell:
    """Plays a terminal: what it is told fails until a documented time."""

    running = True
    killed_for = ""

    def __init__(self, clock: ManualClock, well_at_s: float) -> None:
        self._clock, self._well_at_s, self.tries = clock, well_at_s, 0

    async def run(self, text: str, **_options: Any) -> Typed:
        self.tries += 1
        return Typed(0 if self._clock.now() >= self._well_at_s else 1, "", 0.1)

    async def calm(self) -> bool:
        return True


@pytest.mark.parametrize(("well_at_s", "tries", "lasted_s", "done"), [(95.0, 11, 100.0, True), (500.0, 12, 110.0, False)])
def test_a_step_is_tried_again_in_documented_time(
    well_at_s: float, tries: int, lasted_s: float, done: bool, tmp_path: Path
) -> None:
    """At rate 1 while what it did may show, at the drill's speed from then on, and never beyond its budget of two minutes."""
    clock = ManualClock()
    shell = _Shell(clock, well_at_s)
    waits, recorder = _Waits(clock), Recorder(tmp_path / "history.jsonl", clock)
    spec: Any = SimpleNamespace(limits=None, speed=20.0, plan=SimpleNamespace(limit_s=30.0), workstation=tmp_path)
    played: Any = (waits, shell)
    operator = Operator(spec, recorder, played, played[0], clock)
    operator._terminals[TERMINAL], operator._whole, operator._station = played[1], False, played
    step = read_attributes('name="is it back" expect="exit 0" budget=2m retry=10s')
    unit = Unit(1, 7, 7, 1, "is it back", "true", step=step)

    assert asyncio.run(operator.carry_out([unit], "first")) is done
    recorder.close()
    finished = History.read(tmp_path).first("command.finished")
    assert finished is not None
    assert (shell.tries, finished.data["duration_s"]) == (tries, lasted_s)
    assert waits.s == pytest.approx(lasted_s - SOON_S)
