"""A campaign: many nights of one plan, computed anywhere, kept on disk, and summed up from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.chunk import MET, NIGHTS, UNKNOWN
from sim.engines import chunks, open_engine
from sim.parts import FLAG, STATES
from sim.plan import Plan
from sim.statistics import describe, ordered, share
from sim.store import Nights, writing

PERCENTILES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_MIDDLE = (0.4, 0.6)
_WORST = 0.95
_SHOWN = (
    ("detect_s", "time to detect"), ("acknowledge_s", "time to acknowledge"), ("mitigate_s", "time to mitigate"),
    ("recover_s", "time to recover"), ("recovery_point_s", "recovery point"), ("outage_s", "outage"), ("lost", "lost writes"),
)  # fmt: skip
_NEWS = (
    ("first_update_s", "time to the first update"), ("update_gap_s", "longest time between updates"),
    ("resolution_update_s", "time to the news of the resolution"),
)  # fmt: skip
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """How many nights, and where. `until_width`: stop once the interval of every target's probability is no wider than this."""

    runs: int
    workers: int = 1
    until_width: float | None = None
    engine: str = "processes"
    scheduler: str | None = None


def simulate(plan: Plan, wish: Wish, path: Path, *, told: Told = lambda _done: None) -> Nights:
    """Simulate the nights of a plan into a Parquet file; `told` hears how many are done."""
    with open_engine(wish.workers, engine=wish.engine, scheduler=wish.scheduler) as executor:
        return simulate_on(executor, plan, wish, path, told=told)


def simulate_on(executor: Executor | None, plan: Plan, wish: Wish, path: Path, *, told: Told = lambda _done: None) -> Nights:
    """The same on an engine that is open: several campaigns can share its workers. One chunk is not worth another process."""
    if wish.engine == "processes" and wish.runs <= NIGHTS:
        executor = None
    met, done = [0] * len(plan.targets), 0
    about = {"scenario": plan.name, "seed": plan.seed, "segments": list(plan.segments), "targets": list(plan.targets)}
    at_once = max(wish.workers, 1)
    with writing(path, about) as file:
        for chunk in chunks(plan, _spans(wish.runs), executor, at_once=at_once):
            file.add(chunk)
            done += len(chunk["night"])
            met = [had + int((chunk[f"met {number}"] == MET).sum()) for number, had in enumerate(met)]
            told(done)
            if wish.until_width is not None and narrow(met, done, wish.until_width):
                break
    return Nights(path)


def narrow(met: list[int], done: int, width: float) -> bool:
    """Is every target's interval no wider than this?"""
    found = (share(each, done) for each in met)
    return all(each.low is not None and each.high is not None and each.high - each.low <= width for each in found)


def _spans(runs: int) -> Iterator[tuple[int, int]]:
    return ((first, min(NIGHTS, runs - first)) for first in range(0, runs, NIGHTS))


def summary(plan: Plan, nights: Nights) -> dict[str, Any]:
    """What the nights came to, as plain data: the `campaign.json` that reports read."""
    flags = nights.column("flags")
    reached = {name: int(((flags & FLAG[name]) != 0).sum()) for name in STATES}
    return {
        "schema": "gameday.campaign/1", "scenario": plan.name, "title": plan.title, "seed": plan.seed, "nights": nights.count,
        "measures": {
            name: {"title": title, **describe(nights.column(name).astype(np.float64), PERCENTILES)}
            for name, title in (*_SHOWN, *(_NEWS if plan.updates else ()))
        },
        "targets": [_target(plan, nights, number) for number in range(len(plan.targets))],
        "critical_path": critical_path(plan, nights),
        "reached": {name: {"nights": count, **share(count, nights.count).to_json()} for name, count in reached.items()},
        "never_reached": [name for name in plan.states if not reached[name]],
        "notes": list(plan.notes), "unjudged": [str(each) for each in plan.unjudged],
    }  # fmt: skip


def _target(plan: Plan, nights: Nights, number: int) -> dict[str, Any]:
    name, target = list(plan.targets.items())[number]
    codes = nights.column(f"met {number}")
    met, unknown = int((codes == MET).sum()), int((codes == UNKNOWN).sum())
    return {
        "name": name, "measure": target.measure, "limit": target.limit, "unit": target.unit, "source": target.source, "met": met,
        "unknown": unknown, "missed": nights.count - met - unknown, "probability": share(met, nights.count).to_json(),
    }  # fmt: skip


def critical_path(plan: Plan, nights: Nights) -> list[dict[str, Any]]:
    """Mean seconds of each step and wait until recovery: in the nights around the median, and in the worst 5 %."""
    recover = np.nan_to_num(nights.column("recover_s").astype(np.float64), nan=np.inf)
    rows = ordered(recover)
    if not len(rows):
        return []
    low, high, worst = (float(rows[min(int(q * len(rows)), len(rows) - 1)]) for q in (*_MIDDLE, _WORST))
    middle, late = (recover >= low) & (recover <= high), recover >= worst
    found: list[tuple[str, float, float]] = []
    for number, title in enumerate(plan.segments):
        spent = nights.column(f"spent {number}").astype(np.float64)
        found.append((title, float(spent[middle].mean()), float(spent[late].mean())))
    return [
        {"segment": title, "median_s": median_s, "worst_s": worst_s}
        for title, median_s, worst_s in found
        if median_s > 0 or worst_s > 0
    ]


def missing_states(plan: Plan, nights: Nights, demanded: tuple[str, ...]) -> list[str]:
    """Of the states that were declared, by the plan or by the caller, those that no night reached."""
    flags = nights.column("flags")
    return [name for name in dict.fromkeys((*plan.states, *demanded)) if not bool(((flags & FLAG[name]) != 0).any())]


def paired(
    before: Nights, after: Nights, name: str, ceiling_s: float | None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A column of two campaigns, night by night. What never came counts as `ceiling_s`; None: such nights are left out of both."""
    count = min(before.count, after.count)
    first, second = (each.column(name)[:count].astype(np.float64) for each in (before, after))
    if ceiling_s is None:
        known = ~(np.isnan(first) | np.isnan(second))
        return first[known], second[known]
    return np.nan_to_num(first, nan=ceiling_s), np.nan_to_num(second, nan=ceiling_s)
