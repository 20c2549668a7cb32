"""Which figure matters: each is moved from the low to the high end of what is plausible, all other draws the same (a tornado)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.assumptions import Assumptions, Figure
from sim.chunk import MET, NIGHTS
from sim.engines import chunks
from sim.plan import Plan

Make = Callable[[Assumptions], Plan]
_FIRST = 100  # nights that tell whether a figure does anything here


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure: the mean time to recover (nights given up count as long as they were watched) and the share that met, at both ends."""

    figure: str
    low: float
    high: float
    recover_base_s: float  # with the figure as it is
    recover_low_s: float
    recover_high_s: float
    met_low: float
    met_high: float
    per_unit_s: float  # what one unit more (a second, a person, the whole of a probability) adds to the mean time to recover
    source: str
    seconds: bool  # `low` and `high` are durations

    @property
    def swing_s(self) -> float:
        return abs(self.recover_high_s - self.recover_low_s)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def tornado(
    make: Make, assumptions: Assumptions, nights: int, executor: Executor | None = None, *, workers: int = 1
) -> list[Bar]:
    """A bar for each figure that changes anything, the widest first. `make` turns assumptions into a plan of the one scenario."""
    base = make(assumptions)
    first = _recover(base, min(_FIRST, nights), None, 1)
    bars: list[Bar] = []
    base_s, _ = _both(base, nights, executor, workers)
    for figure in assumptions.figures.values():
        ends = [make(assumptions.changed({figure.name: value})) for value in (figure.low, figure.high)]
        if figure.low == figure.high or all(np.array_equal(_recover(end, min(_FIRST, nights), None, 1), first) for end in ends):
            continue
        bars.append(_bar(figure, base_s, [_both(end, nights, executor, workers) for end in ends]))
    return sorted(bars, key=lambda bar: (-bar.swing_s, bar.figure))


def _bar(figure: Figure, base_s: float, ends: list[tuple[float, float]]) -> Bar:
    (low_s, met_low), (high_s, met_high) = ends
    return Bar(
        figure.name,
        figure.low,
        figure.high,
        base_s,
        low_s,
        high_s,
        met_low,
        met_high,
        (high_s - low_s) / (figure.high - figure.low),
        figure.source,
        figure.seconds,
    )


def _both(plan: Plan, nights: int, executor: Executor | None, workers: int) -> tuple[float, float]:
    """Mean time to recover, and the share of nights that met every target on recovery."""
    recover, met = [], []
    numbers = [number for number, target in enumerate(plan.targets.values()) if target.measure == "time_to_recover_s"]
    for chunk in chunks(plan, _spans(nights), executor, at_once=workers):
        recover.append(np.nan_to_num(chunk["recover_s"].astype(np.float64), nan=plan.give_up_after_s))
        met.append(
            np.all([chunk[f"met {number}"] == MET for number in numbers] or [np.ones(len(recover[-1]), dtype=bool)], axis=0)
        )
    return float(np.concatenate(recover).mean()), float(np.concatenate(met).mean())


def _recover(plan: Plan, nights: int, executor: Executor | None, workers: int) -> NDArray[np.float64]:
    parts = (chunk["recover_s"].astype(np.float64) for chunk in chunks(plan, _spans(nights), executor, at_once=workers))
    return np.asarray(np.nan_to_num(np.concatenate(list(parts)), nan=plan.give_up_after_s), dtype=np.float64)


def _spans(nights: int) -> Iterator[tuple[int, int]]:
    return ((first, min(NIGHTS, nights - first)) for first in range(0, nights, NIGHTS))
