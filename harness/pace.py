"""Bends time only while everybody waits: documented time runs at `speed`, and at 1 while anybody measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fakes.clock import ClockPage
from harness.history import Recorder

_STILL = 1e-9  # documented seconds a wall second: as good as none


class Pace:
    """Holds the clock at rate 1 for as long as at least one `measured` block is open."""

    def __init__(self, clock: ClockPage, recorder: Recorder) -> None:
        self._clock, self._recorder = clock, recorder
        self._holders: list[str] = []
        self._waiting = 0
        self._still = False
        self._listeners: list[Callable[[float], None]] = []

    def listen(self, listener: Callable[[float], None]) -> None:
        """Have `listener` called with the new rate, right after each change of it."""
        self._listeners.append(listener)

    @contextmanager
    def measured(self, why: str) -> Iterator[None]:
        """Documented time runs at rate 1 inside. `why` stands in the history."""
        self._holders.append(why)
        self._set(why)
        try:
            yield
        finally:
            self._holders.remove(why)
            self._set(f"end of {why}")

    @contextmanager
    def waiting(self, why: str) -> Iterator[None]:
        """Documented time runs at the drill's speed inside, whoever measures: everybody waits for a documented time to pass."""
        self._waiting += 1
        self._set(why)
        try:
            yield
        finally:
            self._waiting -= 1
            self._set(f"end of {why}")

    def stand_still(self) -> None:
        """Documented time stands still until `go_on`, whoever waits or measures. The clock's page must be one that pauses."""
        self._still = True
        self._set("paused")

    def go_on(self) -> None:
        self._still = False
        self._set("end of the pause")

    def _set(self, why: str) -> None:
        rate = _STILL if self._still else 1.0 if self._holders and not self._waiting else self._clock.speed
        if rate != self._clock.rate:
            self._clock.set_rate(rate)
            for listener in self._listeners:
                listener(rate)
            self._recorder.record("rate", why, rate=rate)

    def start(self) -> None:
        """From now on time runs at the drill's speed unless somebody measures."""
        self._set("waiting")
