"""`eafix-cli optimize recommend`: stated rules over latency, errors, processor, connections, disk and tables as they were measured."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fakes.commands.eafix.measured import Window, by_job, connections, processes, window_of
from fakes.commands.eafix.planning import CONNECTION_TARGET, CPU_TARGET, recommend
from fakes.commands.eafix.platform import Platform, SqlFailed
from fakes.commands.eafix.reports import duration_of
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed

RECOMMEND_FLAGS = (Flag("based-on"),)
_P95_MS, _ERROR_SHARE, _DISK_FREE = 100.0, 0.001, 20.0  # 002:151, 002:152, 002:209
_MANY_ROWS, _DEAD_SHARE = 10_000, 0.2
_RULES = (
    f"95 % of a path's requests within {_P95_MS:g} ms (002:151)",
    f"under {_ERROR_SHARE:.1%} of a service's requests failed (002:152)",
    f"under {CPU_TARGET:g} % of a core on average (002:153)",
    f"over {_DISK_FREE:g} % of the disk free (002:209)",
    f"under {CONNECTION_TARGET:g} % of Postgres's connections in use",
    f"no table of {_MANY_ROWS} rows read whole more often than by index, none with over {_DEAD_SHARE:.0%} dead rows",
)
_TABLES = "SELECT relname, n_live_tup, n_dead_tup, seq_scan, coalesce(idx_scan, 0) FROM pg_stat_user_tables ORDER BY 1"


def optimize(line: Parsed, platform: Platform) -> int:
    """A recommendation for each rule that is broken, with the figure that breaks it."""
    text = line.text("based-on")
    found = re.fullmatch(r"(\w+)-data", text)
    if found is None:
        raise Failure(f"eafix-cli: --based-on={text}: expected a period and -data, such as 7d-data", 2)
    window = window_of(platform, *duration_of(line._replace(values={"based-on": [found[1]]}), "based-on"))
    print(f"optimization, {window}")
    for rule in _RULES:
        print(f"rule: {rule}")
    return recommend([
        *_slow(platform, window), *_failing(platform, window), *_busy(platform, window), *_full(platform, window),
        *_connected(platform), *_tables(platform),
    ])  # fmt: skip


def _slow(platform: Platform, window: Window) -> Iterator[str]:
    buckets = f"sum by (job, method, path, le) (increase(http_request_duration_seconds_bucket{window.range}))"
    for row in platform.query(f"histogram_quantile(0.95, {buckets})")["result"]:
        p95_ms = 1000 * float(row["value"][1])
        if p95_ms > _P95_MS:  # never of NaN, a path nobody asked for
            labels = row["metric"]
            yield f"{labels.get('job')}: {labels.get('method')} {labels.get('path')} takes {p95_ms:.0f} ms (95 %): find out what it waits for"


def _failing(platform: Platform, window: Window) -> Iterator[str]:
    failed = by_job(platform, f'sum by (job) (increase(http_requests_total{{status=~"5.."}}{window.range}))')
    total = by_job(platform, f"sum by (job) (increase(http_requests_total{window.range}))")
    for job in sorted(failed.keys() & total.keys()):
        if total[job] > 0 and failed[job] / total[job] > _ERROR_SHARE:
            yield f"{job}: {failed[job] / total[job]:.1%} of about {total[job]:.0f} requests failed: read its log"


def _busy(platform: Platform, window: Window) -> Iterator[str]:
    for each in processes(platform, window):
        if each.cpu_average is not None and each.cpu_average > CPU_TARGET:
            yield f"{each.name}: {each.cpu_average:.1f} % of a core on average: see scaling recommend"


def _full(platform: Platform, window: Window) -> Iterator[str]:
    for job, free in by_job(platform, f"min_over_time(disk_free_percent{window.range})").items():
        if free < _DISK_FREE:
            yield f"{job}: {free:.1f} % of the disk free at least: free some"


def _connected(platform: Platform) -> Iterator[str]:
    held = connections(platform)
    if 100 * held.used > CONNECTION_TARGET * held.most:
        name, count = next(iter(held.by_application.items()))
        yield f"postgres: {held.used} of {held.most} connections in use, {count} of them by {name}: pool them"


def _tables(platform: Platform) -> Iterator[str]:
    try:
        rows = platform.sql(_TABLES)
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} does not answer: {error}") from error
    for name, live, dead, whole, indexed in rows:
        if int(live) >= _MANY_ROWS and int(whole) > int(indexed):
            yield f"table {name}: {live} rows, read whole {whole} times and by index {indexed} times: an index is missing"
        if int(live) + int(dead) >= _MANY_ROWS and int(dead) > _DEAD_SHARE * (int(live) + int(dead)):
            yield f"table {name}: {dead} of {int(live) + int(dead)} rows are dead: eafix-cli database vacuum"
