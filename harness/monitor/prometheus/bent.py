"""When was that, in documented time? Prometheus tells times of the wall; documented time runs at changing rates."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from fakes.clock import Clock


@dataclass(frozen=True, slots=True)
class _Bend:
    """From this instant on documented time runs at this rate, until the next bend. Both times in seconds of the drill."""

    wall_s: float
    documented_s: float
    rate: float


class BentTime:
    """Maps instants of the wall to documented time, by the changes of the rate that it was told."""

    def __init__(self, clock: Clock, rate: float) -> None:
        """`rate` is the one now in force, and taken to have been so before."""
        self._clock = clock
        self._bends = [_Bend(clock.wall(), clock.now(), rate)]

    def bend(self, rate: float) -> None:
        """From now on documented time runs at this rate. To be called when the rate has just changed."""
        self._bends.append(_Bend(self._clock.wall(), self._clock.now(), rate))

    def documented(self, wall_s: float) -> float:
        """The documented time of an instant of the wall."""
        bend = self._at(wall_s)
        return bend.documented_s + (wall_s - bend.wall_s) * bend.rate

    def rate(self, wall_s: float) -> float:
        """The rate that was in force at an instant of the wall."""
        return self._at(wall_s).rate

    def _at(self, wall_s: float) -> _Bend:
        found = bisect_right(self._bends, wall_s, key=lambda bend: bend.wall_s)
        return self._bends[max(found - 1, 0)]

    def wall_of(self, unix_s: float) -> float:
        """Wall seconds of the drill at a Unix time. The two clocks are compared anew each time: one of them may be set."""
        return self._clock.wall() - (time.time() - unix_s)


def unix_of(stamp: str) -> float:
    """The Unix time of a stamp as Go writes it, with up to nine decimals. Raises ValueError."""
    moment = datetime.fromisoformat(stamp)
    if moment.tzinfo is None:
        raise ValueError(f"{stamp!r} has no time zone")
    return moment.timestamp()
