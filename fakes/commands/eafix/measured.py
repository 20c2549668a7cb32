"""What was measured of the platform, and how far back that reaches: what plans and recommendations rest on."""

from __future__ import annotations

import math
from typing import NamedTuple

from fakes.commands.control import Unit
from fakes.commands.eafix.platform import Platform, SqlFailed
from fakes.commands.entry import Failure
from fakes.commands.processes import memory_total, usage

MIB = 2**20
_LEAST_S = 10.0


class Window(NamedTuple):
    """The time asked for, and how much of it Prometheus has; documented seconds."""

    asked: str
    asked_s: int
    reach_s: float

    @property
    def range(self) -> str:
        return f"[{self.asked_s}s]"

    def __str__(self) -> str:
        if self.reach_s < self.asked_s * 0.99:
            return f"based on {spoken(self.reach_s)} of data; {self.asked} asked for"
        return f"based on the last {self.asked}"


class Process(NamedTuple):
    """One process: the processor from Prometheus where it is scraped, the rest from the process itself. None: unknown."""

    name: str
    replicas: int
    cpu_average: float | None  # percent of a core
    cpu_most: float | None
    cpu_s: float | None  # since it started
    memory: int | None  # bytes
    age_s: float | None  # wall


class Connections(NamedTuple):
    """Of Postgres, by who holds them."""

    used: int
    most: int
    by_application: dict[str, int]


def window_of(platform: Platform, asked: str, asked_s: int) -> Window:
    """Raises Failure when Prometheus has next to nothing, Unreachable when it doesn't answer."""
    series = platform.query(f"up[{asked_s}s]")["result"]
    times = [float(moment) for row in series for moment, _ in row["values"]]
    reach_s = max(times) - min(times) if times else 0.0
    if reach_s < _LEAST_S:
        raise Failure(f"eafix-cli: not enough data: Prometheus has {spoken(reach_s)}; {asked} asked for")
    return Window(asked, asked_s, reach_s)


def by_job(platform: Platform, expression: str) -> dict[str, float]:
    """The most of each target's values; no value (NaN) is none."""
    found: dict[str, float] = {}
    for row in platform.query(expression)["result"]:
        job, value = str(row["metric"].get("job", "?")), float(row["value"][1])
        if not math.isnan(value):
            found[job] = max(found.get(job, value), value)
    return found


def processes(platform: Platform, window: Window) -> list[Process]:
    """All that run, services first."""
    average = by_job(platform, f"avg_over_time(cpu_usage_percent{window.range})")
    most = by_job(platform, f"max_over_time(cpu_usage_percent{window.range})")
    running = [unit for unit in (*platform.state.services(), *platform.state.datastores()) if unit.running]
    return [_process(unit, average.get(unit.name), most.get(unit.name)) for unit in running]


def _process(unit: Unit, average: float | None, most: float | None) -> Process:
    used = usage(unit.pid) if unit.pid else None
    if used is None:
        return Process(unit.name, unit.wanted, average, most, None, None, None)
    if average is None and used.age_s:
        average = 100 * used.cpu_s / used.age_s
    return Process(unit.name, unit.wanted, average, most, used.cpu_s, used.memory, used.age_s)


def connections(platform: Platform) -> Connections:
    """Raises Failure when the database doesn't answer."""
    try:
        rows = platform.sql(
            "SELECT coalesce(nullif(application_name, ''), 'unnamed'), count(*), current_setting('max_connections')"
            " FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 2 DESC, 1"
        )
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} does not answer: {error}") from error
    held = {name: int(count) for name, count, _ in rows}
    return Connections(sum(held.values()), int(rows[0][2]), held)


def machine_memory() -> int:
    """Bytes."""
    return memory_total()


def spoken(seconds: float) -> str:
    """`3 min 20 s`."""
    whole = round(seconds)
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return " ".join(parts[:2]) or "0 s"
