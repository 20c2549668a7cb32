"""Runs many drills side by side, as many as the machine can bear, and stops all of them at a signal."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from types import FrameType

from harness.errors import HarnessError
from harness.history import Event
from harness.run import DrillOptions, Outcome, Stopper, run_drill, warm_up
from harness.sandbox.launch import free_memory_mb
from harness.sandbox.warm import Warm
from scenarios.loader import LoadedScenario

MEMORY_OF_A_DRILL_MB = 450.0  # 340 MB of a stack, its conductor and observer, and the monitor's: measured, rounded up
_LEFT_FREE_MB = 512.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One drill to be run."""

    loaded: LoadedScenario
    options: DrillOptions


@dataclass(frozen=True, slots=True)
class Done:
    """One drill that has had its turn. Neither outcome nor error: it was not started, because of a signal."""

    turn: Turn
    outcome: Outcome | None = None
    error: HarnessError | None = None


def most_at_once() -> int:
    """How many drills this machine bears: one a core, within the memory that is free now."""
    return max(1, min(os.cpu_count() or 1, int((free_memory_mb() - _LEFT_FREE_MB) / MEMORY_OF_A_DRILL_MB)))


def run_side_by_side(
    turns: Sequence[Turn], at_once: int, on_event: Callable[[Turn, Event], None], tell: Callable[[Done], None]
) -> tuple[list[Done], int | None]:
    """Run them in their order, `at_once` at a time; what came of each, in that order, and the signal that ended it early.

    `tell` hears of each as it ends, in the caller's thread; `on_event` of all events, in others.
    """
    done: dict[int, Done] = {}
    with ExitStack() as undo, _stopped_by_signals() as stops, ThreadPoolExecutor(max_workers=max(1, at_once)) as workers:
        warm = undo.enter_context(closing(warm_up())) if any(each.options.stack == "embedded" for each in turns) else None
        futures = {workers.submit(_run, turn, warm, on_event, stops): number for number, turn in enumerate(turns)}
        for future in as_completed(futures):
            done[futures[future]] = future.result()
            if future.result().outcome or future.result().error:
                tell(future.result())
    return [done[number] for number in range(len(turns))], stops.received


class _Stops:
    """All drills that run now, and whether they shall go on."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._stoppers: list[Stopper] = []
        self._turn = threading.RLock()  # the handler may come while the main thread has it

    def hear(self, number: int, _frame: FrameType | None = None) -> None:
        with self._turn:
            self.received = self.received or number
            stoppers = list(self._stoppers)
        for each in stoppers:
            each.stop(number)

    @contextmanager
    def one(self) -> Iterator[Stopper | None]:
        """The stopper of one more drill; None when none shall start any more."""
        stopper = Stopper()
        with self._turn:
            stopped = self.received is not None
            if not stopped:
                self._stoppers.append(stopper)
        try:
            yield None if stopped else stopper
        finally:
            with self._turn:
                self._stoppers = [each for each in self._stoppers if each is not stopper]


def _run(turn: Turn, warm: Warm | None, on_event: Callable[[Turn, Event], None], stops: _Stops) -> Done:
    with stops.one() as stopper:
        if stopper is None:
            return Done(turn)
        options = replace(turn.options, warm=warm)
        try:
            return Done(turn, run_drill(turn.loaded, options, lambda event: on_event(turn, event), stopper))
        except HarnessError as error:
            return Done(turn, error=error)


@contextmanager
def _stopped_by_signals() -> Iterator[_Stops]:
    stops = _Stops()
    before = {number: signal.signal(number, stops.hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stops
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
