"""The documented clock: one page of shared memory that every process of a drill reads.

Targets are written in documented time and measures are given in it. Documented time runs `rate` times as fast as the
monotonic wall clock; the conductor of a drill sets the rate (1 while something is measured, `speed` while everybody
waits) and is the only writer. A page sits behind a sequence number, so a reader never sees half a change.
"""

from __future__ import annotations

import asyncio
import math
import mmap
import os
import struct
import time
from pathlib import Path
from typing import Protocol

_SEQUENCE = struct.Struct("<Q")
_BODY = struct.Struct("<ddddd")  # start, wall anchor, documented anchor, rate, highest rate
_SIZE = _SEQUENCE.size + _BODY.size
_OFFSET = struct.Struct("<d")
_SLICE_S = 0.01  # wall seconds after which a sleeper looks at the rate again


class Clock(Protocol):
    """What waiting and measuring need of time. Seconds throughout, from the start of the drill."""

    def now(self) -> float:
        """Documented seconds."""
        ...

    def wall(self) -> float:
        """Monotonic wall seconds."""
        ...

    async def sleep(self, documented_s: float) -> None:
        """Wait for a documented duration, however the rate changes meanwhile."""
        ...


class PageClock:
    """Reads a page that `ClockPage` made, from any process. A reading takes about a microsecond."""

    def __init__(self, path: Path | str) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            self._memory = mmap.mmap(descriptor, _SIZE, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)

    def _read(self) -> tuple[float, float, float, float, float]:
        while True:
            (before,) = _SEQUENCE.unpack_from(self._memory, 0)
            body = _BODY.unpack_from(self._memory, _SEQUENCE.size)
            (after,) = _SEQUENCE.unpack_from(self._memory, 0)
            if before == after and before % 2 == 0:
                return body

    def now(self) -> float:
        _, wall_s, documented_s, rate, _ = self._read()
        return documented_s + (time.monotonic() - wall_s) * rate

    def wall(self) -> float:
        return time.monotonic() - self._read()[0]

    @property
    def rate(self) -> float:
        """Documented seconds a wall second, at this moment."""
        return self._read()[3]

    @property
    def speed(self) -> float:
        """The highest rate of this drill: 1 on a game day."""
        return self._read()[4]

    async def sleep(self, documented_s: float) -> None:
        until = PageClock.now(self) + documented_s  # as a monotonic clock would: whatever the time of day does meanwhile
        bends = self.speed != 1
        while (left := until - PageClock.now(self)) > 0:
            needed = left / self.rate
            await asyncio.sleep(min(needed, _SLICE_S) if bends else needed)

    def wall_for(self, documented_s: float, *, least_s: float = 0.05) -> float:
        """Wall seconds that a modelled time-out of this documented length takes now, and at least `least_s`."""
        return max(documented_s / max(self.rate, 1.0), least_s)  # in a pause as at rate 1: a call must end some time


class OwnClock(PageClock):
    """The clock of one service: the page, and how far its own time of day is off it. Durations are right all the same."""

    def __init__(self, path: Path | str, offset: Path) -> None:
        super().__init__(path)
        if not offset.exists():
            set_offset(offset, 0.0)
        with offset.open("rb") as file:
            self._offset = mmap.mmap(file.fileno(), _OFFSET.size, access=mmap.ACCESS_READ)

    def now(self) -> float:
        (ahead_s,) = _OFFSET.unpack_from(self._offset, 0)
        return super().now() + float(ahead_s)


def set_offset(path: Path, ahead_s: float) -> None:
    """From now on the clock that reads this file is so far ahead; below 0: behind. It may be set before there is a clock."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(_OFFSET.pack(ahead_s))  # in place: whoever has it mapped sees it


class ClockPage(PageClock):
    """The one writer: makes the page and sets the rate. Documented time never jumps when the rate changes."""

    def __init__(self, path: Path | str, *, speed: float = 1.0, pauses: bool = False) -> None:
        """`pauses`: the rate may change although the speed is 1, so that sleepers look at it from time to time."""
        if speed < 1:
            raise ValueError(f"speed must be 1 or more, not {speed:g}")
        if pauses:
            speed = max(speed, math.nextafter(1.0, 2.0))
        start = time.monotonic()
        Path(path).write_bytes(_SEQUENCE.pack(0) + _BODY.pack(start, start, 0.0, 1.0, speed))
        with Path(path).open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)

    def set_rate(self, rate: float) -> None:
        """From now on documented time runs `rate` times as fast as the wall."""
        start, wall_s, documented_s, old, top = self._read()
        now = time.monotonic()
        body = _BODY.pack(start, now, documented_s + (now - wall_s) * old, rate, top)
        (sequence,) = _SEQUENCE.unpack_from(self._memory, 0)
        _SEQUENCE.pack_into(self._memory, 0, sequence + 1)
        _BODY.pack_into(self._memory, _SEQUENCE.size, *_BODY.unpack(body))
        _SEQUENCE.pack_into(self._memory, 0, sequence + 2)


class ManualClock:
    """A clock for tests: time moves only when somebody sleeps or calls `advance`."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    async def sleep(self, documented_s: float) -> None:
        self._now += max(documented_s, 0.0)
        await asyncio.sleep(0)
