"""What clients saw, in small windows of documented time: how operations ended, and how long they took."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.history import History

Outcome = Literal["in time", "late", "unknown", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("in time", "late", "unknown", "failed")
_NICE_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_HAIR = 1e-9  # what is a boundary but for rounding belongs to the window that begins there
_WINDOWS = 180  # about as many as a picture can show


@dataclass(frozen=True, slots=True)
class Operation:
    """One order or canary. It belongs to the moment for which it was intended, not to that of its answer."""

    intended_s: float
    outcome: Outcome
    latency_ms: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """The operations intended in [from_s, to_s). Latencies are of those that were acknowledged, None where there are none."""

    from_s: float
    to_s: float
    counts: dict[Outcome, int]
    p50_ms: float | None
    p95_ms: float | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def share(self, outcome: Outcome) -> float:
        """From 0 to 1."""
        return self.counts[outcome] / self.total


def operations(history: History, op: str, *, late_after_ms: float | None, zero_s: float = 0.0) -> list[Operation]:
    """All operations of one sort ("order" or "canary") in the order of their intended times.

    One without an end is unknown; an acknowledged one slower than `late_after_ms` is late. Times are counted from `zero_s`.
    """
    invoked = {event.subject: event for event in history.of_kind("op.invoke") if event.data.get("op") == op}
    ended = {event.subject: event for event in history.of_kind("op.ok", "op.fail", "op.info") if event.subject in invoked}
    found = []
    for name, start in invoked.items():
        outcome: Outcome = "unknown"
        latency: float | None = None
        end = ended.get(name)
        if end is not None and end.kind == "op.ok":
            latency = float(end.data.get("latency_ms", 0.0))
            outcome = "late" if late_after_ms is not None and latency > late_after_ms else "in time"
        elif end is not None and end.kind == "op.fail":
            outcome = "failed"
        found.append(Operation(float(start.data.get("intended_s", start.at_s)) - zero_s, outcome, latency))
    return sorted(found, key=lambda operation: operation.intended_s)


def nice_width_s(span_s: float) -> float:
    """A window width that a person can name, so that about 180 of them fill the span."""
    return next((width for width in _NICE_S if width * _WINDOWS >= span_s), _NICE_S[-1])


def windows(found: Iterable[Operation], width_s: float) -> list[Window]:
    """The windows that hold at least one operation, on a grid that has a boundary at zero."""
    cells: dict[int, list[Operation]] = {}
    for operation in found:
        cells.setdefault(math.floor(operation.intended_s / width_s + _HAIR), []).append(operation)
    return [_window(cell * width_s, (cell + 1) * width_s, cells[cell]) for cell in sorted(cells)]


def _window(from_s: float, to_s: float, found: list[Operation]) -> Window:
    counts: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
    for operation in found:
        counts[operation.outcome] += 1
    latencies = sorted(operation.latency_ms for operation in found if operation.latency_ms is not None)
    return Window(from_s, to_s, counts, percentile(latencies, 0.50), percentile(latencies, 0.95))


def percentile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank percentile of ordered values; None of none."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
