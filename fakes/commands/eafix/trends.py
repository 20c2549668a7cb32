"""`eafix-cli metrics report` and `resources report`: what Prometheus has of a period, and what the processes use now."""

from __future__ import annotations

import re

from fakes.commands.control import Unit
from fakes.commands.eafix.platform import Platform, SqlFailed
from fakes.commands.eafix.reports import PERIOD_FLAGS, period_of
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.processes import usage
from fakes.commands.wire import Unreachable

REPORT_FLAGS = (*PERIOD_FLAGS, Flag("metric"))
RESOURCE_FLAGS = PERIOD_FLAGS
_DURATION = "http_request_duration_seconds"
_BY = "job, method, path"
_MIB = 2**20


def metrics_report(line: Parsed, platform: Platform) -> int:
    """`response_time` by service and path, or the range of any other metric; 1 when Prometheus has none of it."""
    period, period_s = period_of(line)
    metric = line.text("metric")
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", metric):
        raise Failure(f"eafix-cli: --metric={metric}: expected response_time or the name of a metric", 2)
    window = f"[{period_s}s]"
    scrapes = _values(platform, f"sum by (job) (count_over_time(up{window}))")
    print(f"period              the last {period}; {sum(scrapes.values()):.0f} scrapes of {len(scrapes)} targets are in it")
    rows = _response_times(platform, window) if metric == "response_time" else _ranges(platform, metric, window)
    for row in rows:
        print(row)
    if not rows:
        print(f"no data: Prometheus has no {_DURATION if metric == 'response_time' else metric} of that time")
    return 0 if rows else 1


def _response_times(platform: Platform, window: str) -> list[str]:
    """A row for each path that was asked for. Of what was there at a series' first scrape Prometheus's estimate knows nothing."""
    counts = _values(platform, f"sum by ({_BY}) (increase({_DURATION}_count{window}))")
    sums = _values(platform, f"sum by ({_BY}) (increase({_DURATION}_sum{window}))")
    most = _values(platform, f"histogram_quantile(0.95, sum by ({_BY}, le) (increase({_DURATION}_bucket{window})))")
    return [
        f"{' '.join(labels):<48}about {count:.0f} requests between scrapes, {1000 * sums[labels] / count:.1f} ms on average, 95 % within {1000 * most[labels]:.1f} ms"
        for labels, count in sorted(counts.items())
        if count > 0 and labels in sums and labels in most
    ]


def _ranges(platform: Platform, metric: str, window: str) -> list[str]:
    least, most = (_values(platform, f"{kind}_over_time({metric}{window})") for kind in ("min", "max"))
    now = _values(platform, metric)
    return [
        f"{' '.join(labels):<48}{least[labels]:.12g} at least, {value:.12g} at most, {f'{now[labels]:.12g}' if labels in now else 'gone'} now"
        for labels, value in sorted(most.items())
        if labels in least
    ]


def _values(platform: Platform, expression: str) -> dict[tuple[str, ...], float]:
    """By the labels' values; what names the target comes first, its address is left out."""
    found = {}
    for row in platform.query(expression)["result"]:
        labels = {key: value for key, value in row["metric"].items() if key not in ("__name__", "instance")}
        found[labels.pop("job", "?"), *(value for _, value in sorted(labels.items()))] = float(row["value"][1])
    return found


def resources_report(line: Parsed, platform: Platform) -> int:
    """What each process uses, what the datastores hold, and what Prometheus saw of it; 1 when some of that is unknown."""
    period, period_s = period_of(line)
    known = [_print_process(unit) for unit in (*platform.state.services(), *platform.state.datastores())]
    known += [_print_postgres(platform), _print_redis(platform)]
    try:
        rows = _trends(platform, f"[{period_s}s]")
    except Unreachable as error:
        print(f"the last {period}: unknown: {error}")
        return 1
    print(f"the last {period}, by Prometheus: {len(rows)} targets")
    for row in rows:
        print(row)
    return 0 if all(known) and rows else 1


def _print_process(unit: Unit) -> bool:
    if not unit.running:
        print(f"{unit.name:<20}stopped")
        return True
    used = usage(unit.pid) if unit.pid else None
    if not used:
        print(f"{unit.name:<20}unknown: its process can't be seen from here")
        return False
    shared = " (what they share is counted in each)" if used.processes > 1 else ""
    disk = f"{used.read / _MIB:.1f} MiB read, {used.written / _MIB:.1f} MiB written" if used.tells_disk else "disk unknown"
    print(
        f"{unit.name:<20}cpu {used.cpu_s:.2f} s ({100 * used.cpu_s / used.age_s:.1f} % of a core since it started), "
        f"memory {used.memory / _MIB:.1f} MiB, {disk}, processes: {used.processes}{shared}"
    )
    return True


def _print_postgres(platform: Platform) -> bool:
    try:
        ((databases, log),) = platform.sql(
            "SELECT (SELECT sum(pg_database_size(oid)) FROM pg_database), (SELECT sum(size) FROM pg_ls_waldir())"
        )
    except SqlFailed as error:
        print(f"postgres data       unknown: {error}")
        return False
    print(f"postgres data       {int(databases) / _MIB:.1f} MiB of databases, {int(log) / _MIB:.1f} MiB of write-ahead log")
    return True


def _print_redis(platform: Platform) -> bool:
    try:
        with platform.redis() as redis:
            found = dict(each.split(":", 1) for each in str(redis.call("INFO", "memory")).split() if ":" in each)
    except Unreachable as error:
        print(f"redis data          unknown: {error}")
        return False
    print(
        f"redis data          {int(found['used_memory']) / _MIB:.1f} MiB in memory, {int(found['used_memory_peak']) / _MIB:.1f} MiB at most"
    )
    return True


def _trends(platform: Platform, window: str) -> list[str]:
    """A row for each target that tells of its processor, memory or disk."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for title, metric, kinds, per, unit in (
        ("cpu", "cpu_usage_percent", ("avg", "max"), 1, "%"),
        ("memory", "process_resident_memory_bytes", ("avg", "max"), _MIB, "MiB"),
        ("memory", "redis_memory_used_bytes", ("avg", "max"), _MIB, "MiB"),
        ("database", "pg_database_size_bytes", ("min", "max"), _MIB, "MiB"),
        ("disk free", "disk_free_percent", ("min", "max"), 1, "%"),
    ):
        first, second = (_values(platform, f"{kind}_over_time({metric}{window})") for kind in kinds)
        for labels in first.keys() & second.keys():
            found = f"{title} {first[labels] / per:.1f} {unit} {kinds[0]}, {second[labels] / per:.1f} {unit} {kinds[1]}"
            rows.setdefault(labels, []).append(found)
    return [f"  {' '.join(labels):<18}{'; '.join(found)}" for labels, found in sorted(rows.items())]
