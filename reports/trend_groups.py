"""Past drills from other sides: by disaster class, runbook, stack and month; what was covered when; which steps lost most time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST_MONTHS = 24
_LEAGUE = 12
GROUPS = {"disaster_class": "Disaster class", "runbook": "Runbook", "stack": "Stack", "month": "Month"}


@dataclass(frozen=True, slots=True)
class Group:
    """Drills that have something in common. Times to recover are of completed drills whose fault had bitten; None where there are none."""

    name: str
    drills: int
    pass_rate: float | None
    median_s: float | None
    lower_s: float | None
    upper_s: float | None
    lost_writes: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many drills of each scenario were completed in each month, and how many of them failed. `months` as 2026-11."""

    months: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class SlowStep:
    """A step of a runbook and the time that it cost: waiting before it (people) and carrying it out (the machine)."""

    runbook: str
    name: str
    times: int
    total_s: float
    waited_s: float  # median
    took_s: float  # median
    slow_s: float  # one in ten took longer, both together
    failed: int


def with_month(drills: DataFrame) -> DataFrame:
    """The frame with a column `month`, such as 2026-11; drills whose time is not known have "unknown"."""
    return drills.assign(month=drills["started"].dt.strftime("%Y-%m").fillna("unknown"))


def groups(drills: DataFrame, by: str) -> list[Group]:
    """The groups of a column of `with_month`, in the order of names."""
    return [_group(str(name) or "none", rows) for name, rows in drills.groupby(by, sort=True)]


def _group(name: str, rows: DataFrame) -> Group:
    done = rows[rows["status"] == "completed"]
    times = done.loc[done["bitten"].astype(bool), "time_to_recover_s"].dropna()
    lower, middle, upper = (float(each) for each in times.quantile([0.25, 0.5, 0.75])) if len(times) else (None, None, None)
    last: Any = rows["started"].max()
    return Group(
        name, len(rows), float((done["verdict"] == "pass").mean()) if len(done) else None, middle, lower, upper,
        int(done["lost_writes"].fillna(0).sum()), None if last != last else last.to_pydatetime(),  # noqa: PLR0124 -- a missing time
    )  # fmt: skip


def coverage(drills: DataFrame, until: datetime) -> Coverage:
    """Every scenario that was drilled to the end against the months from the first drill to now, the last two years at most."""
    import pandas as pd

    known = drills[(drills["month"] != "unknown") & (drills["status"] == "completed")]
    first = known["started"].min() if len(known) else until
    found = [str(each) for each in pd.period_range(min(first, until), until, freq="M")][-_MOST_MONTHS:]
    counts = known.groupby(["scenario", "month"]).size()
    failed = known[known["verdict"] == "fail"].groupby(["scenario", "month"]).size()
    names = sorted(set(known["scenario"]))
    rows = [
        (
            name,
            tuple(int(counts.get((name, month), 0)) for month in found),
            tuple(int(failed.get((name, month), 0)) for month in found),
        )
        for name in names
    ]
    return Coverage(tuple(found), tuple(rows))


def slowest_steps(drills: DataFrame, steps: DataFrame) -> list[SlowStep]:
    """The steps that cost most time in completed drills, all of it added up."""
    done = drills.loc[drills["status"] == "completed", ["drill", "runbook"]]
    found = steps.merge(done, on="drill")
    found = found.assign(took_s=found["took_s"].fillna(0.0), failed=found["ok"].map(lambda ok: ok is not None and not ok))
    found["cost_s"] = found["waited_s"] + found["took_s"]
    league = (
        found.groupby(["runbook", "name"])
        .agg(
            times=("cost_s", "size"), total_s=("cost_s", "sum"), waited_s=("waited_s", "median"), took_s=("took_s", "median"),
            slow_s=("cost_s", lambda each: each.quantile(0.9)), failed=("failed", "sum"),
        )
        .sort_values("total_s", ascending=False)
        .head(_LEAGUE)
        .reset_index()
    )  # fmt: skip
    return [SlowStep(**{**row, "times": int(row["times"]), "failed": int(row["failed"])}) for row in league.to_dict("records")]
