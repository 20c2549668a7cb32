"""A duration that is measured in a history: from one instant to another, in both times, or as far as it was seen."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history import Event
from harness.steady import Instant


def instant(event: Event) -> Instant:
    """When it happened."""
    return Instant(event.at_s, event.wall_s)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`. Without an end it is unknown, and `why` says so.

    `least_end_s`: what has not ended had certainly not ended before this documented time. None where that isn't known.
    """

    start: Instant | None
    end: Instant | None = None
    least_end_s: float | None = None
    why: str = ""

    @property
    def documented_s(self) -> float | None:
        return None if self.start is None or self.end is None else self.end.at_s - self.start.at_s

    @property
    def wall_s(self) -> float | None:
        return None if self.start is None or self.end is None else self.end.wall_s - self.start.wall_s

    @property
    def at_least_s(self) -> float | None:
        """What a duration that has not ended had already come to."""
        if self.start is None or self.end is not None or self.least_end_s is None:
            return None
        return max(self.least_end_s - self.start.at_s, 0.0)
