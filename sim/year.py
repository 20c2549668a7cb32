"""A year of operation: incidents come at a rate, each is one of the campaign's nights; availability and loss come out."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.parts import FLAG
from sim.statistics import mean, ordered, percentile
from sim.store import Nights

YEAR_S = 365.25 * 86400.0
_YEARS = 4000
_AT_ONCE = 200_000  # incidents drawn at a time: memory stays flat


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of incident: its nights, how often a year it comes, and how long an outage at most was watched."""

    name: str
    nights: Nights
    a_year: float
    ceiling_s: float


def year(kinds: list[Kind], *, seed: int, success_ratio: float, loss_per_minute: float) -> dict[str, Any]:
    """4,000 years of these incidents. An outage that was not seen to end counts as long as it was watched, and a note says how many."""
    out_s, loss = np.zeros(_YEARS), np.zeros(_YEARS)
    endless = 0.0
    for kind in kinds:
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 0xA11, zlib.crc32(kind.name.encode())])))
        outage = kind.nights.column("outage_s").astype(np.float64)
        endless = max(endless, float(np.isnan(outage).mean()))
        outage = np.nan_to_num(outage, nan=kind.ceiling_s)
        trading = (kind.nights.column("flags") & FLAG["market-hours"]) != 0
        incidents = rng.poisson(kind.a_year, _YEARS)
        owner = np.repeat(np.arange(_YEARS), incidents)
        for first in range(0, len(owner), _AT_ONCE):
            chosen = rng.integers(0, len(outage), len(owner[first : first + _AT_ONCE]))
            part = owner[first : first + _AT_ONCE]
            np.add.at(out_s, part, outage[chosen])
            np.add.at(loss, part, outage[chosen] * trading[chosen] / 60.0 * loss_per_minute)
    availability = 1 - out_s / YEAR_S
    allowed_s = (1 - success_ratio) * YEAR_S
    rows = ordered(out_s)
    return {
        "years": _YEARS, "incidents_a_year": sum(kind.a_year for kind in kinds), "kinds": [kind.name for kind in kinds],
        "availability": mean(availability).to_json(), "worst_year_availability": float(1 - rows[int(0.99 * _YEARS)] / YEAR_S),
        "outage_minutes": {"mean": mean(out_s / 60).to_json(), "p95": percentile(rows / 60, 0.95).to_json()},
        "error_budget": {"allowed_minutes": allowed_s / 60, "burn": mean(out_s / allowed_s).to_json() if allowed_s else None},
        "loss": {"mean": mean(loss).to_json(), "p95": percentile(ordered(loss), 0.95).to_json(), "unit": "euros, as assumed"},
        "outages_without_end": endless,
    }  # fmt: skip
