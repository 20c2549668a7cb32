"""A chunk of nights as columns: what a worker computes and a file keeps. The same bytes, whoever computes it."""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scenarios.model import Target
from sim.night import Night
from sim.plan import Plan
from sim.tally import AFTER_END_S, tally
from sim.updates import Told

NIGHTS = 500  # of one chunk, whatever the number of workers: chunks are written in their order
MET, MISSED, UNKNOWN = 1, 0, 2
MEASURES = (
    "detect_s",
    "acknowledge_s",
    "mitigate_s",
    "recover_s",
    "recovery_point_s",
    "outage_s",
    "hour",
    "recover_least_s",
    "observed_s",
    "lost",
)
COUNTS = ("outages", "witnesses", "flags", "level")
_COLUMNS = {
    "time_to_detect_s": "detect_s", "time_to_acknowledge_s": "acknowledge_s", "time_to_mitigate_s": "mitigate_s",
    "time_to_first_update_s": "first_update_s", "longest_update_gap_s": "update_gap_s", "time_to_resolution_update_s": "resolution_update_s",
    "time_to_recover_s": "recover_s", "recovery_point_s": "recovery_point_s", "lost_writes": "lost",
}  # fmt: skip
_NEWS = Told._fields
_TOLD = ("time_to_first_update_s", "longest_update_gap_s", "time_to_resolution_update_s")
Columns = dict[str, NDArray[np.generic]]


def run_chunk(plan: Plan, first: int, count: int) -> Columns:
    """The nights `first` to `first + count - 1` of a plan. Seconds; nan for what never came; `met N`: 1 met, 0 missed, 2 unknown."""
    # A night's processes and events hold each other. All of a chunk's are collected at once, and nothing that was there before is looked at.
    collecting = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        return _columns(plan, first, count)
    finally:
        gc.collect()
        gc.unfreeze()
        if collecting:
            gc.enable()


def _columns(plan: Plan, first: int, count: int) -> Columns:
    rows: list[tuple[float, ...]] = []
    spent: list[list[float]] = []
    news: list[tuple[float, ...]] = []
    for row in plan.draws.rows(first, count):
        night = Night(plan, row).run()
        found = tally(night)
        rows.append((
            found.detect_s, found.acknowledge_s, found.mitigate_s, found.recover_s, found.recovery_point_s, found.outage_s, found.hour,
            found.recover_least_s, found.observed_s + AFTER_END_S, found.lost, found.outages, found.witnesses, found.flags, found.level,
            found.out_at_end, night.bitten,
        ))  # fmt: skip
        spent.append(found.spent_s)
        if found.told is not None:
            news.append(found.told)
    table = np.array(rows, dtype=np.float64).reshape(count, len(MEASURES) + len(COUNTS) + 2)
    columns: Columns = {"night": np.arange(first, first + count, dtype=np.int64)}
    columns |= {name: table[:, number].copy() for number, name in enumerate(MEASURES)}
    columns |= {name: table[:, len(MEASURES) + number].astype(np.int64) for number, name in enumerate(COUNTS)}
    if news:
        columns |= dict(zip(_NEWS, np.array(news, dtype=np.float64).T.copy(), strict=True))
    out_at_end, bitten = table[:, -2] > 0, table[:, -1] == len(plan.conditions)
    for number, target in enumerate(plan.targets.values()):
        columns[f"met {number}"] = judged(target, columns, out_at_end=out_at_end, bitten=bitten)
    path = np.array(spent, dtype=np.float32)
    columns |= {f"spent {number}": path[:, number].copy() for number in range(path.shape[1])}
    return columns


def judged(
    target: Target, columns: Mapping[str, NDArray[np.generic]], *, out_at_end: NDArray[np.bool_], bitten: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Each night against one target, by the rules of `harness.verdict.judge_target`."""
    nights = len(bitten)
    if target.measure not in _COLUMNS or _COLUMNS[target.measure] not in columns:
        return np.full(nights, UNKNOWN, dtype=np.int8)
    measured = np.asarray(columns[_COLUMNS[target.measure]], dtype=np.float64)
    least = _least(target.measure, columns)
    found = np.full(nights, UNKNOWN, dtype=np.int8)
    missing = np.isnan(measured)
    good = ~missing & (measured <= target.limit) & bitten
    if target.measure in {"recovery_point_s", "lost_writes"}:
        good &= np.asarray(columns["witnesses"]) > 0
    if target.measure == "longest_update_gap_s":
        good &= np.asarray(columns["updates_due_s"]) > target.limit  # otherwise it was over before the next one was due
    if target.measure == "time_to_recover_s":
        good &= ~out_at_end
    found[good] = MET
    found[~missing & (measured > target.limit)] = MISSED
    if target.measure == "recovery_point_s" and target.limit == 0:
        found[np.asarray(columns["lost"]) > 0] = MISSED
    found[missing & (least > target.limit) & bitten] = MISSED
    return found


def _least(measure: str, columns: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float64]:
    """What a duration that had not ended had certainly come to; minus infinity where that is not known."""
    observed = np.asarray(columns["observed_s"], dtype=np.float64)
    if measure in {"time_to_detect_s", "time_to_mitigate_s"}:
        return observed
    if measure == "time_to_acknowledge_s":
        return np.nan_to_num(observed - np.asarray(columns["detect_s"], dtype=np.float64), nan=-math.inf)
    if measure in _TOLD:
        least = columns[f"{_COLUMNS[measure].removesuffix('_s')}_least_s"]
        return np.nan_to_num(np.asarray(least, dtype=np.float64), nan=-math.inf)
    if measure == "time_to_recover_s":
        return np.nan_to_num(np.asarray(columns["recover_least_s"], dtype=np.float64), nan=-math.inf)
    return np.full(len(observed), -math.inf)
