"""Instants of documented time at which something is due."""

from __future__ import annotations

import hashlib


class Grid:
    """Every `every_ms` milliseconds, shifted by an offset. An instant that nobody came for in time is missed, not made up."""

    def __init__(self, every_ms: int, *, offset_ms: int = 0, after_ms: int) -> None:
        """The first instant is the first one at or after `after_ms`."""
        if every_ms < 1:
            raise ValueError(f"an interval must be 1 ms or more, not {every_ms} ms")
        self.every_ms = every_ms
        self.missed = 0
        self.next_ms = after_ms + (offset_ms - after_ms) % every_ms

    def take(self, now_ms: int) -> int | None:
        """The newest instant that is due, or None; older ones count as missed."""
        if now_ms < self.next_ms:
            return None
        late = (now_ms - self.next_ms) // self.every_ms
        self.missed += late
        taken = self.next_ms + late * self.every_ms
        self.next_ms = taken + self.every_ms
        return taken


def offset_of(name: str, every_ms: int) -> int:
    """Where in the interval a target is scraped: spread over it by the target's name, the same in every drill."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % every_ms
