"""Watches, while a drill runs, whether clients are served: for the steady state, the bite of a fault, and recovery."""

from __future__ import annotations

from fakes.clock import Clock
from harness.history import Recorder
from harness.pace import Pace
from harness.steady import outages, steady_since
from harness.workload.stream import Observer
from scenarios.model import SteadyState

_FELT_WITHIN_S = 3.0  # how long to stay at rate 1 for clients to feel a fault
_SOON_S = 15.0  # how long after the last command to stay at rate 1 for recovery to come
_CALM_S = 1.0  # clients served for so long at rate 1: recovery has probably come
_LOOK_EVERY_S = 0.02


class Recovery:
    """Asks the observer's operations. All times documented."""

    def __init__(self, observer: Observer, steady: SteadyState, clock: Clock, pace: Pace, recorder: Recorder) -> None:
        self._observer, self._steady, self._clock, self._pace, self._recorder = observer, steady, clock, pace, recorder

    async def steady_for(self, hold_s: float) -> float | None:
        """Since when the steady state holds, if that is at least `hold_s` ago."""
        return steady_since(self._observer.ops, self._steady, hold_s=hold_s, until_s=self._observer.horizon_s)

    async def felt(self, injected_s: float) -> bool:
        """Wait a little until a client's operation has gone wrong since the injection. False when none has."""
        limits = {"order": self._steady.order_within_ms, "canary": self._steady.canary_within_ms}
        until_s = self._clock.now() + _FELT_WITHIN_S
        while self._clock.now() < until_s:
            if any(op.intended_s >= injected_s and not op.within(limits[op.op]) for op in self._observer.ops[-200:]):
                return True
            await self._clock.sleep(_LOOK_EVERY_S)
        return False

    async def expect_soon(self) -> None:
        """After the last command: time runs at rate 1 until clients are served again, for a while."""
        with self._pace.measured("recovery"):
            until_s = self._clock.now() + _SOON_S
            while self._clock.now() < until_s and await self.steady_for(_CALM_S) is None:
                await self._clock.sleep(_LOOK_EVERY_S)

    def proven(self, injected_s: float) -> bool:
        """Has the steady state held for the settle time: since recovery, or, when no client felt anything, since the fault?"""
        horizon_s = self._observer.horizon_s
        if steady_since(self._observer.ops, self._steady, hold_s=self._steady.settle_s, until_s=horizon_s) is None:
            return False
        found = outages(self._observer.ops, self._steady, after_s=injected_s, until_s=horizon_s)
        if not found:
            return horizon_s > injected_s + self._steady.settle_s
        first, last = found[0], found[-1]
        if first.end is None or last.end is None:  # a second one, as of a fail-back, is waited for too
            return False
        self._recorder.record("recovery.proven", "observer", recovered_at_s=round(first.end.at_s, 6))
        return True
