"""What a toxic does to one direction of one connection: the common shape, and the toxics that hold nothing back.

A stage takes chunks in order and gives them on, later, fewer, in pieces or not at all. Nothing here waits: a stage says
when it wants to be asked again (`next_at`) and the link asks it (`pump`). Times are monotonic seconds.
"""
# ruff: noqa: ARG002 - a stage is given chunk, ending and time whether it needs them or not

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

from fakes.toxiproxy.toxics import Toxic


class Ending(enum.Enum):
    """How one direction of a connection comes to its end."""

    FINISH = "the sender has finished; the other direction may go on"
    CLOSE = "both sockets are closed once what was written is out"
    RESET = "both peers see a connection reset"


class Chunk(NamedTuple):
    """Some bytes, and when they came in (or left the latency toxic before)."""

    data: bytes | memoryview
    at: float


class Outlet(Protocol):
    """Where a stage gives its chunks on to: the next stage, or the other socket."""

    @property
    def full(self) -> bool:
        """Whether it would rather have no more now. It takes what it is given all the same."""
        ...

    def push(self, chunk: Chunk, now: float) -> None: ...

    def end(self, ending: Ending, now: float) -> None: ...


class Stage(ABC):
    """One toxic at work. By itself it lets endings pass at once and holds nothing."""

    def __init__(self, toxic: Toxic, following: Outlet, now: float) -> None:
        self.toxic = toxic
        self.following = following

    @property
    def full(self) -> bool:
        return self.following.full

    @abstractmethod
    def push(self, chunk: Chunk, now: float) -> None: ...

    def end(self, ending: Ending, now: float) -> None:
        self.following.end(ending, now)

    def next_at(self) -> float | None:
        """When `pump` is due, or None while only new data or a drained outlet can move something."""
        return None

    def pump(self, now: float) -> None:  # noqa: B027 - most have nothing to do here, nor in the next two
        """Give on what is due."""

    def change(self, now: float) -> None:  # noqa: B027
        """The toxic's attributes are others now."""

    def release(self, now: float) -> None:  # noqa: B027
        """The toxic is taken away: give on whatever is still held."""


class Pass(Stage):
    """noop."""

    def push(self, chunk: Chunk, now: float) -> None:
        self.following.push(chunk, now)


class Timeout(Stage):
    """Drops all data; closes after `timeout` ms without any, never at 0. Taking it away closes too: the gap can't be mended."""

    def __init__(self, toxic: Toxic, following: Outlet, now: float) -> None:
        super().__init__(toxic, following, now)
        self.change(now)

    def change(self, now: float) -> None:
        timeout_ms = self.toxic.attributes["timeout"]
        self._close_at = now + timeout_ms / 1000 if timeout_ms else None

    def push(self, chunk: Chunk, now: float) -> None:
        self.change(now)  # the real server starts its timer anew with each chunk

    def next_at(self) -> float | None:
        return self._close_at

    def pump(self, now: float) -> None:
        if self._close_at is not None and self._close_at <= now:
            self.release(now)

    def release(self, now: float) -> None:
        self._close_at = None
        self.following.end(Ending.CLOSE, now)


class SlowClose(Pass):
    """Keeps an ending back for `delay` ms."""

    _ending: Ending | None = None
    _ended_at = 0.0

    def end(self, ending: Ending, now: float) -> None:
        self._ending, self._ended_at = ending, now

    def next_at(self) -> float | None:
        return None if self._ending is None else self._ended_at + self.toxic.attributes["delay"] / 1000

    def pump(self, now: float) -> None:
        due = self.next_at()
        if due is not None and due <= now:
            self.release(now)

    def release(self, now: float) -> None:
        if self._ending is not None:
            ending, self._ending = self._ending, None
            self.following.end(ending, now)


class ResetPeer(Stage):
    """Resets the connection `timeout` ms after the first data (or the end) in this direction, and drops what comes meanwhile."""

    _roused_at: float | None = None

    def push(self, chunk: Chunk, now: float) -> None:
        self._roused_at = now if self._roused_at is None else self._roused_at

    def end(self, ending: Ending, now: float) -> None:
        self._roused_at = now if self._roused_at is None else self._roused_at

    def next_at(self) -> float | None:
        return None if self._roused_at is None else self._roused_at + self.toxic.attributes["timeout"] / 1000

    def pump(self, now: float) -> None:
        due = self.next_at()
        if due is not None and due <= now:
            self.release(now)

    def release(self, now: float) -> None:
        if self._roused_at is not None:
            self._roused_at = None
            self.following.end(Ending.RESET, now)


class LimitData(Stage):
    """Closes the connection once `bytes` bytes have passed in this direction."""

    _passed = 0
    _over = False

    def push(self, chunk: Chunk, now: float) -> None:
        if self._over:
            return
        left = max(self.toxic.attributes["bytes"] - self._passed, 0)
        allowed = chunk.data[:left]
        self._passed += len(allowed)
        if allowed:
            self.following.push(Chunk(allowed, chunk.at), now)
        if left <= len(chunk.data):
            self._over = True
            self.following.end(Ending.CLOSE, now)
