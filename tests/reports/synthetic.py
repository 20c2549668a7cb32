"""Months of made-up drills for the store, each marked as synthetic. They follow a seed, and may hold a planted regression."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reports.store_record import Record

BEGIN = datetime(2025, 12, 1, 9)  # noqa: DTZ001 -- as the store's times
MONTH = timedelta(days=365.25 / 12)
SCENARIOS = (
    "service-failure",
    "redis-outage",
    "primary-database-failure",
    "database-corruption",
    "bad-release",
    "orders-failing",
)
STEPS = ("look at the containers", "restart the service", "see all services well")
_MEDIANS = {"time_to_detect_s": 35.0, "time_to_acknowledge_s": 45.0, "time_to_recover_s": 110.0, "recovery_point_s": 0.0}
_LIMITS = {"time_to_acknowledge_s": 300.0, "time_to_recover_s": 300.0, "recovery_point_s": 0.0}


@dataclass(frozen=True)
class Regression:
    """From the beginning of this month (counted from 1) on one measure of one scenario is so many times larger."""

    scenario: str = "primary-database-failure"
    measure: str = "time_to_recover_s"
    month: int = 9
    times: float = 1.5


def year(
    seed: int, *, regression: Regression | None = None, every: timedelta = timedelta(days=7), months: int = 12,
    scenarios: Sequence[str] = SCENARIOS,
) -> Iterator[Record]:  # fmt: skip
    """Drills of each scenario at this interval, log-normal around their medians."""
    draw = random.Random(seed)
    for place, scenario in enumerate(scenarios):
        at, number = BEGIN + timedelta(hours=place), 0
        while at < BEGIN + months * MONTH:
            worse = (
                regression
                if regression and regression.scenario == scenario and at >= BEGIN + (regression.month - 1) * MONTH
                else None
            )
            yield drill(scenario, at, number, draw, worse)
            at, number = at + every, number + 1


def drill(scenario: str, at: datetime, number: int, draw: random.Random, worse: Regression | None = None) -> Record:
    """One made-up drill."""
    measures = {name: draw.lognormvariate(0, 0.3) * middle for name, middle in _MEDIANS.items()}
    if worse:
        measures[worse.measure] *= worse.times
    name = f"{at:%Y%m%dT%H%M%SZ}-{scenario}-{number:06x}"
    verdicts = [
        {
            "position": place, "kind": "target", "name": measure, "target": f"{scenario}-rto", "limit": limit,
            "measured": measures[measure], "unit": "s", "known": False, "source": "002:465",
            "verdict": "fail" if measures[measure] > limit else "pass", "why": "",
        }
        for place, (measure, limit) in enumerate(_LIMITS.items())
    ]  # fmt: skip
    verdict = "fail" if any(each["verdict"] == "fail" for each in verdicts) else "pass"
    row: dict[str, Any] = {
        "drill": name, "digest": f"{draw.getrandbits(64):016x}", "folder": f"drills/{name}", "started": at, "scenario": scenario,
        "title": f"Synthetic: {scenario}", "disaster_class": "service-failure", "runbook": f"runbooks/{scenario}.md#mend",
        "stack": "embedded", "engine": "live", "respond": "auto", "variant": "", "synthetic": True, "seed": number, "speed": 40.0,
        "code": "bbbbbbb" if worse else "aaaaaaa", "versions": json.dumps({"postgres": "17.2" if worse else "16.4"}), "rerun": "",
        "status": "completed", "verdict": verdict, "exit_code": int(verdict == "fail"), "bitten": True, "time_to_mitigate_s": None,
        "outage_s": measures["time_to_recover_s"], "lost_writes": 0.0, "orders_attempted": 500, "orders_failed": 90, "orders_unknown": 1,
        "budget_allowed_s": 2.0, "budget_spent_s": 100.0, **measures,
    }  # fmt: skip
    steps = [
        {
            "position": place, "name": step, "began_s": 80.0 + 10 * place, "waited_s": draw.uniform(4, 15),
            "took_s": draw.uniform(0.2, 3), "ok": True, "why": "",
        }
        for place, step in enumerate(STEPS)
    ]  # fmt: skip
    return Record(row, verdicts, steps, json.dumps({"title": scenario, "synthetic": True, "load": 20 if worse else 10}))
