"""The instants of documented time at which the documented monitor looks, whatever Prometheus does on the wall.

They are those of the embedded monitor: evaluations at multiples of their interval, scrapes shifted by the target's name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from harness.monitor.grid import offset_of
from harness.monitor.series import to_ms

_PLAY_MS = 1e-3  # a thousandth of a millisecond: what adding floats may cost


class Cadence:
    """Grids of documented seconds."""

    def __init__(self, *, scrape_every_s: float, evaluate_every_s: float, jobs: Iterable[str]) -> None:
        self._scrape_ms, self._evaluate_ms = to_ms(scrape_every_s), to_ms(evaluate_every_s)
        self._offsets = {job: offset_of(job, self._scrape_ms) for job in jobs}

    def evaluation(self, at_s: float) -> float:
        """The first evaluation at or after this time."""
        return _next_ms(at_s * 1000, self._evaluate_ms, 0) / 1000

    def noticed(self, at_s: float, job: str, *, dense: bool) -> float:
        """The evaluation that notices what Prometheus noticed at this time.

        `dense`: documented time ran slower then than Prometheus was set up for, so it looked more often than it should;
        what it saw counts from the target's next scrape on. A change that is no single target's counts at once.
        """
        at_ms = at_s * 1000
        if dense and job in self._offsets:
            at_ms = _next_ms(at_ms, self._scrape_ms, self._offsets[job])
        return _next_ms(at_ms, self._evaluate_ms, 0) / 1000


def _next_ms(at_ms: float, every_ms: int, offset_ms: int) -> int:
    return math.ceil((at_ms - offset_ms - _PLAY_MS) / every_ms) * every_ms + offset_ms
