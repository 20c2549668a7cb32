"""A campaign beside another with something changed: the same nights, the same draws, so that the difference is the change's."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.campaign import paired
from sim.chunk import MET
from sim.plan import Plan
from sim.statistics import describe, mean
from sim.store import Nights

_PERCENTILES = (0.5, 0.95)


def compared(name: str, plan: Plan, before: Nights, after: Nights) -> dict[str, Any]:
    """What the change `name` did, with 95 % intervals of the differences, night by night."""
    ceiling_s = plan.give_up_after_s
    count = min(before.count, after.count)
    found: dict[str, Any] = {"change": name, "nights": count, "measures": {}, "targets": []}
    for column in ("acknowledge_s", "recover_s", "outage_s", "lost"):
        old, new = paired(before, after, column, None if column == "lost" else ceiling_s)
        found["measures"][column] = {
            "before": describe(before.column(column)[:count].astype(np.float64), _PERCENTILES)["percentiles"],
            "after": describe(after.column(column)[:count].astype(np.float64), _PERCENTILES)["percentiles"],
            "mean_difference": mean(new - old).to_json(),
        }
    for number, target in enumerate(plan.targets):
        old, new = (each.column(f"met {number}")[:count] == MET for each in (before, after))
        found["targets"].append({
            "name": target, "before": float(old.mean()), "after": float(new.mean()),
            "difference": mean(new.astype(np.float64) - old).to_json(),
        })  # fmt: skip
    return found
