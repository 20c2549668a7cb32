"""The toxics that keep data for a while: latency, bandwidth, slicer."""
# ruff: noqa: ARG002 - a stage is told the time whether it needs it or not

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator

from fakes.toxiproxy.stages import Chunk, Ending, Outlet, Stage
from fakes.toxiproxy.toxics import Toxic

_CATCH_UP_S = 0.05  # timers tick in milliseconds: how much of a pace may be made up for after a late tick
_PIECE_S = 0.01  # a bandwidth limit gives on at once what passes in this time
_MEBIBYTE = 1024 * 1024


class _Holding(Stage):
    """Keeps chunks for a while, in order, an ending behind them."""

    capacity = 64 * 1024  # bytes held at which the sender is paused

    def __init__(self, toxic: Toxic, following: Outlet, now: float) -> None:
        super().__init__(toxic, following, now)
        self.queue: deque[Chunk] = deque()
        self._held = 0
        self._ending: Ending | None = None

    @property
    def full(self) -> bool:
        return self._held > self.capacity

    def push(self, chunk: Chunk, now: float) -> None:
        self.queue.append(chunk)
        self._held += len(chunk.data)

    def end(self, ending: Ending, now: float) -> None:
        self._ending = ending
        self._end_if_drained(now)

    def release(self, now: float) -> None:
        for chunk in self.queue:
            self.following.push(chunk, now)
        self.queue.clear()
        self._held = 0
        self._end_if_drained(now)

    def give(self, size: int, now: float, at: float) -> None:
        """Give on the first `size` bytes of the queue's first chunk."""
        chunk = self.queue[0]
        if size >= len(chunk.data):
            self.queue.popleft()
            self.following.push(Chunk(chunk.data, at), now)
        else:
            view = memoryview(chunk.data)
            self.queue[0] = Chunk(view[size:], chunk.at)
            self.following.push(Chunk(view[:size], at), now)
        self._held -= min(size, len(chunk.data))
        self._end_if_drained(now)

    def _end_if_drained(self, now: float) -> None:
        if self._ending is not None and not self.queue:
            ending, self._ending = self._ending, None
            self.following.end(ending, now)


class Latency(_Holding):
    """Delays each chunk by latency +/- jitter milliseconds; order is kept, and throughput with it: much may be under way."""

    capacity = 64 * _MEBIBYTE

    def __init__(self, toxic: Toxic, following: Outlet, now: float) -> None:
        super().__init__(toxic, following, now)
        self._dice = random.Random(toxic.dice.random())
        self._due: deque[float] = deque()

    def push(self, chunk: Chunk, now: float) -> None:
        super().push(chunk, now)
        self._due.append(self._due_of(chunk))

    def _due_of(self, chunk: Chunk) -> float:
        jitter_ms = self.toxic.attributes["jitter"]
        delay_ms = self.toxic.attributes["latency"] + (self._dice.randrange(-jitter_ms, jitter_ms) if jitter_ms else 0)
        return chunk.at + max(delay_ms, 0) / 1000

    def next_at(self) -> float | None:
        return self._due[0] if self._due and not self.following.full else None

    def pump(self, now: float) -> None:
        while self._due and self._due[0] <= now and not self.following.full:
            self.give(len(self.queue[0].data), now, self._due.popleft())

    def change(self, now: float) -> None:
        self._due.clear()
        for chunk in self.queue:
            self._due.append(self._due_of(chunk))

    def release(self, now: float) -> None:
        self._due.clear()
        super().release(now)


class Bandwidth(_Holding):
    """Lets `rate` kilobytes a second pass, evenly; none at rate 0."""

    def __init__(self, toxic: Toxic, following: Outlet, now: float) -> None:
        super().__init__(toxic, following, now)
        self.change(now)

    def change(self, now: float) -> None:
        self._bytes_per_s = self.toxic.attributes["rate"] * 1000
        self._piece = max(int(self._bytes_per_s * _PIECE_S), 1)
        self.capacity = min(max(_Holding.capacity, self._piece), 16 * _MEBIBYTE)
        self._free_at = now  # when the line will have sent all that was given on

    def push(self, chunk: Chunk, now: float) -> None:
        if not self.queue:
            self._free_at = max(self._free_at, now)
        super().push(chunk, now)

    def next_at(self) -> float | None:
        if not self.queue or self.following.full or not self._bytes_per_s:
            return None
        return self._free_at + min(len(self.queue[0].data), self._piece) / self._bytes_per_s

    def pump(self, now: float) -> None:
        while (due := self.next_at()) is not None and due <= now:
            self._free_at = max(due, now - _CATCH_UP_S)
            self.give(self._piece, now, now)


class Slicer(_Holding):
    """Cuts chunks into slices of average_size +/- size_variation bytes, `delay` microseconds apart."""

    def __init__(self, toxic: Toxic, following: Outlet, now: float) -> None:
        super().__init__(toxic, following, now)
        self._dice = random.Random(toxic.dice.random())
        self._sizes: Iterator[int] = iter(())
        self._free_at = now

    def next_at(self) -> float | None:
        return self._free_at if self.queue and not self.following.full else None

    def push(self, chunk: Chunk, now: float) -> None:
        if not self.queue:
            self._free_at = max(self._free_at, now)
        super().push(chunk, now)

    def pump(self, now: float) -> None:
        """One slice a call: two in one turn of the event loop would leave as one packet."""
        due = self.next_at()
        if due is None or due > now:
            return
        size = next(self._sizes, 0)
        if not size:
            attributes = self.toxic.attributes
            self._sizes = slice_sizes(
                len(self.queue[0].data), attributes["average_size"], attributes["size_variation"], self._dice
            )
            size = next(self._sizes)
        self._free_at = max(due, now - _CATCH_UP_S) + self.toxic.attributes["delay"] / 1_000_000
        self.give(size, now, now)

    def change(self, now: float) -> None:
        self._sizes = iter(())
        self._free_at = min(self._free_at, now)


def slice_sizes(length: int, average: int, variation: int, dice: random.Random) -> Iterator[int]:
    """Sizes that add up to `length`: halves of halves, each cut off the middle by at most `variation`.

    Needs `variation` < `average`; then each is at least 1 and at most `average` + `variation`.
    """
    spans = [length]
    while spans:
        span = spans.pop()
        if span - average <= variation:
            yield span
            continue
        left = span // 2 + (dice.randrange(-variation, variation) if variation else 0)
        spans += (span - left, left)
