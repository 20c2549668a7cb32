"""One direction of one connection: what one socket received goes through the toxics to the other socket."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic

from fakes.toxiproxy.delays import Bandwidth, Latency, Slicer
from fakes.toxiproxy.stages import Chunk, Ending, LimitData, Outlet, Pass, ResetPeer, SlowClose, Stage, Timeout
from fakes.toxiproxy.toxics import Toxic

_STAGES: dict[str, type[Stage]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slow_close": SlowClose,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "slicer": Slicer,
    "limit_data": LimitData,
    "noop": Pass,
}


class _Sink:
    """The end of a link: the socket that is written to, which may not be connected yet."""

    def __init__(self, ended: Callable[[Ending], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self.full = True  # until it is connected
        self.over = False
        self._ended = ended
        self._early: list[bytes | memoryview] = []
        self._early_ending: Ending | None = None

    def connect(self, transport: asyncio.Transport) -> None:
        self.transport, self.full = transport, False
        for data in self._early:
            transport.write(data)
        self._early.clear()
        if self._early_ending is not None:
            self._ended(self._early_ending)

    def push(self, chunk: Chunk, now: float) -> None:  # noqa: ARG002 - an Outlet is told the time
        if self.over:
            return
        if self.transport is None:
            self._early.append(chunk.data)
        else:
            self.transport.write(chunk.data)

    def end(self, ending: Ending, now: float) -> None:  # noqa: ARG002 - an Outlet is told the time
        if ending is Ending.FINISH and self.over:
            return
        self.over = True
        if self.transport is None:
            self._early_ending = ending
        else:
            self._ended(ending)


@dataclass(slots=True)
class _Placed:
    """A toxic in the chain. It acts while the connection's draw for it is below its toxicity."""

    toxic: Toxic
    draw: float
    stage: Stage | None = None

    @property
    def acts(self) -> bool:
        return self.draw < self.toxic.toxicity


class Link:
    """Toxics act in the order in which they were added, and come, change and go while data flows.

    `feed` takes what the source received. Without toxics it is the other socket's own `write`.
    `ended` hears of each ending that has come through all toxics.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, toxics: Iterable[Toxic], ended: Callable[[Ending], None]) -> None:
        self.feed: Callable[[bytes], None] = self._push
        self._loop = loop
        self._sink = _Sink(ended)
        self._source: asyncio.Transport | None = None
        self._paused = False
        self._timer: asyncio.Handle | None = None
        self._timer_at = math.inf
        self._placed = [_Placed(toxic, toxic.dice.random()) for toxic in toxics]
        self._stages: tuple[Stage, ...] = ()
        self._first: Outlet = self._sink
        self._arrange()

    # --- sockets ----------------------------------------------------------------------------------------------

    def take_from(self, source: asyncio.Transport) -> None:
        """The socket to pause while there is no room."""
        self._source = source

    def give_to(self, transport: asyncio.Transport) -> None:
        """The other socket is connected: what came early goes out."""
        self._sink.connect(transport)
        self._arrange()
        self._advance()

    def block(self, blocked: bool) -> None:  # noqa: FBT001 - what asyncio's two calls come down to
        """The other socket's write buffer is full, or has drained."""
        self._sink.full = blocked
        self._advance()

    def end(self, ending: Ending) -> None:
        """The source sends no more. What is still under way goes first."""
        self._source = None
        self._first.end(ending, monotonic())
        self._advance()

    def stop(self) -> None:
        """Nothing goes through any more, at once."""
        self.feed = _drop
        self._sink.over = True
        self._stages, self._placed, self._first, self._source = (), [], self._sink, None
        self._cancel_timer()

    # --- toxics -----------------------------------------------------------------------------------------------

    def add(self, toxic: Toxic) -> None:
        self._placed.append(_Placed(toxic, toxic.dice.random()))
        self._arrange()
        self._advance()

    def change(self, toxic: Toxic) -> None:
        """The toxic has other attributes or another toxicity than before."""
        now = monotonic()
        for placed in self._placed:
            if placed.toxic is toxic and placed.stage is not None:
                if placed.acts:
                    placed.stage.change(now)
                else:
                    placed.stage.release(now)
                    placed.stage = None
        self._arrange()
        self._advance()

    def remove(self, toxic: Toxic) -> None:
        """What the toxic held goes on at once."""
        for placed in [placed for placed in self._placed if placed.toxic is toxic]:
            if placed.stage is not None:
                placed.stage.release(monotonic())
        self._placed = [placed for placed in self._placed if placed.toxic is not toxic]
        self._arrange()
        self._advance()

    def _arrange(self) -> None:
        """Chain the stages of the toxics that act, and choose the shortest way for the data."""
        following: Outlet = self._sink
        for placed in reversed(self._placed):
            if placed.stage is None and placed.acts:
                placed.stage = _STAGES[placed.toxic.type](placed.toxic, following, monotonic())
            if placed.stage is not None:
                placed.stage.following = following
                following = placed.stage
        self._first = following
        self._stages = tuple(placed.stage for placed in self._placed if placed.stage is not None)
        transport = self._sink.transport
        if self.feed is not _drop:
            self.feed = self._push if self._stages or transport is None or self._sink.over else transport.write

    # --- data -------------------------------------------------------------------------------------------------

    def _push(self, data: bytes) -> None:
        now = monotonic()
        self._first.push(Chunk(data, now), now)
        self._advance()

    def _advance(self) -> None:
        """Move what is due, pause or resume the source, and set the timer for what is due next."""
        if self._stages:
            now = monotonic()
            for stage in self._stages:
                stage.pump(now)
            self._set_timer(now)
        if self._source is not None and self._first.full is not self._paused:
            self._paused = not self._paused
            if self._paused:
                self._source.pause_reading()
            else:
                self._source.resume_reading()

    def _set_timer(self, now: float) -> None:
        due = min((at for stage in self._stages if (at := stage.next_at()) is not None), default=math.inf)
        if due >= self._timer_at:
            return  # the timer looks again when it rings
        self._cancel_timer()
        if due <= now:
            self._timer = self._loop.call_soon(self._ring)
        else:
            # Whole milliseconds upwards: uvloop rounds, and a timer that rings early would have to ring again.
            self._timer = self._loop.call_later(math.ceil((due - now) * 1000) / 1000, self._ring)
        self._timer_at = due

    def _ring(self) -> None:
        self._timer, self._timer_at = None, math.inf
        self._advance()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, math.inf


def _drop(data: bytes) -> None:
    """What comes after the end."""
