"""Past drills for other tools: tables as CSV or Parquet, and OpenMetrics text for Prometheus and Grafana."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.store_tables import MEASURES

if TYPE_CHECKING:
    from pandas import DataFrame

    from reports.store import Store

FORMATS = ("csv", "parquet", "openmetrics")
_LABELS = ("scenario", "stack", "disaster_class", "engine", "respond", "variant", "synthetic")
_VERDICTS = {"fail": 0.0, "unknown": 0.5, "pass": 1.0}
_STEP_S = 0.001  # two drills of one instant are told apart by so much: a series holds one sample at a time
FAMILIES = {
    **{
        f"gameday_drill_{name.removesuffix('_s')}_seconds": f"Measure {name} of a drill, in documented time."
        for name in MEASURES
        if name.endswith("_s")
    },
    "gameday_drill_lost_writes": "Acknowledged orders that were not there afterwards.",
    "gameday_drill_verdict": "Verdict of a drill: 1 pass, 0.5 unknown, 0 fail.",
    "gameday_drill_error_budget_spent_ratio": "Error budget spent, as a multiple of what the steady state allows.",
    "gameday_target_seconds": "Documented limit of a measure, the strictest that the drill was judged by.",
}


def export_tables(store: Store, folder: Path, form: str) -> list[Path]:
    """Write drills, verdicts, steps and campaigns as `csv` or `parquet` into a folder, each file whole or not at all.

    Raises MissingTool, OSError, StoreError.
    """
    frames = {"drills": store.drills(), "verdicts": store.verdicts(), "steps": store.steps(), "campaigns": store.campaigns()}
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(frame, folder / f"{name}.{form}", form) for name, frame in frames.items()]


def _write(frame: DataFrame, path: Path, form: str) -> Path:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        if form == "csv":
            frame.to_csv(fresh, index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
        else:
            frame.assign(**{name: frame[name].dt.tz_localize("UTC") for name in ("started",) if name in frame}).to_parquet(
                fresh, index=False
            )
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def openmetrics(store: Store, *, latest: bool = False) -> str:
    """OpenMetrics text. Each completed drill is a sample at its time, as `promtool tsdb create-blocks-from openmetrics` takes it.

    `latest`: only the newest drill of each series, without its time, for a scrape or the node exporter's textfile collector; when it
    took place is then `gameday_drill_last_timestamp_seconds`.
    """
    drills = store.drills()
    drills = drills[(drills["status"] == "completed") & drills["started"].notna()].sort_values(["started", "drill"])
    drills = drills.assign(at=drills["started"].dt.tz_localize("UTC").map(lambda each: each.timestamp()))
    if latest:
        drills = drills.groupby(list(_LABELS), sort=True).tail(1)
    lines = list(_families(drills, store.targets(), timed=not latest))
    if latest:
        lines += _family(
            "gameday_drill_last_timestamp_seconds", "When the newest drill took place.", drills, drills["at"], timed=False
        )
    return "\n".join([*lines, "# EOF", ""])


def _families(drills: DataFrame, targets: DataFrame, *, timed: bool) -> Iterator[str]:
    values: dict[str, Any] = {
        f"gameday_drill_{name.removesuffix('_s')}_seconds": drills[name] for name in MEASURES if name.endswith("_s")
    }
    values["gameday_drill_lost_writes"] = drills["lost_writes"]
    values["gameday_drill_verdict"] = drills["verdict"].map(_VERDICTS)
    values["gameday_drill_error_budget_spent_ratio"] = (drills["budget_spent_s"] / drills["budget_allowed_s"]).replace(
        [math.inf], math.nan
    )
    for name, column in values.items():
        yield from _family(name, FAMILIES[name], drills, column, timed=timed)
    limits = (
        targets[targets["name"].str.endswith("_s")]
        .dropna(subset=["limit"])
        .groupby(["drill", "name"])["limit"]
        .min()
        .reset_index()
    )
    joined = drills.merge(limits.rename(columns={"name": "measure"}), on="drill").sort_values(["at", "drill"])
    yield from _family(
        "gameday_target_seconds", FAMILIES["gameday_target_seconds"], joined, joined["limit"], timed=timed, more=("measure",)
    )


def _family(name: str, about: str, rows: DataFrame, values: Any, *, timed: bool, more: tuple[str, ...] = ()) -> list[str]:
    """A gauge with its samples: those of one series together, in the order of time, each at a time of its own."""
    series: dict[str, list[tuple[float, float]]] = {}
    columns = [
        rows[label].astype(str).str.lower() if label == "synthetic" else rows[label].astype(str) for label in (*_LABELS, *more)
    ]
    for at, value, *labels in zip(rows["at"], values, *columns, strict=True):
        if value is None or math.isnan(value):
            continue
        found = series.setdefault(
            ",".join(f'{label}="{_escaped(text)}"' for label, text in zip((*_LABELS, *more), labels, strict=True)), []
        )
        found.append((max(at, found[-1][0] + _STEP_S) if found else at, value))
    lines = [f"# TYPE {name} gauge", *([f"# UNIT {name} seconds"] if name.endswith("_seconds") else []), f"# HELP {name} {about}"]
    for name_of, samples in series.items():
        lines += [f"{name}{{{name_of}}} {value!r}" + (f" {at:.3f}" if timed else "") for at, value in samples]
    return lines if series else []


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
