"""The exporter: asks the datastores how they are, each through its own link, when it is scraped.

    GET /metrics/postgres    GET /metrics/postgres-replica (where there is one)    GET /metrics/redis

Each scrape does a real query, answers within 0.5 s of the wall, and with 503 when the instance can't be queried: to
whoever scrapes it that instance is then not up. GET /metrics is about the exporter, its machine, and how the backups stand, as
whoever takes them has written it into the exporter's state folder.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from fakes.services.base import Service, run
from fakes.services.bus import Bus
from fakes.services.database import Database
from fakes.services.health import Dependency
from fakes.services.metrics import CONTENT_TYPE, Registry

DISKS = "disks.json"  # where the disks are that datastores have for themselves; what harness/stack/embedded.py writes
BACKUPS = "backups.json"  # what harness/stack/backup_status.py writes
_STEP_S = 0.2  # wall, for connecting and for the query
_REDIS_S = 0.4

_ABOUT_POSTGRES = (
    "SELECT pg_is_in_recovery()::int, current_setting('max_connections')::int, pg_database_size(current_database()),"
    " (SELECT count(*) FROM pg_stat_replication), (SELECT count(*) FROM pg_stat_wal_receiver),"
    # Nothing to replay is no lag, but only while somebody sends.
    " CASE WHEN NOT pg_is_in_recovery() THEN 0"
    " WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0"
    " ELSE greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())) END::float8,"
    " (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())"
)
_ABOUT_CONNECTIONS = (
    "SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1"
)


async def about_postgres(database: Database) -> str:
    """The metrics of one instance. Raises DependencyDown."""
    async with database.session(_STEP_S) as session:
        [row], states = await session.batch([(_ABOUT_POSTGRES, ()), (_ABOUT_CONNECTIONS, ())])
    in_recovery, max_connections, size_bytes, replicas, receivers, lag_s, commits = row
    activity: dict[tuple[str, ...], float] = {(state,): float(count) for state, count in states}
    registry = Registry()
    for name, value in {
        "pg_up": 1,
        "pg_in_recovery": in_recovery,
        "pg_replication_lag_seconds": lag_s if lag_s is not None else 0,
        "pg_replicas": replicas,
        "pg_wal_receivers": receivers,
        "pg_database_size_bytes": size_bytes,
        "pg_stat_database_xact_commit": commits,
        "database_connections_active": sum(activity.values()),
        "database_connections_max": max_connections,
    }.items():
        _constant(registry, name, float(value))
    registry.gauges("pg_stat_activity_count", ("state",), lambda: activity)
    return registry.render()


async def about_redis(bus: Bus) -> str:
    """The metrics of one instance. Raises DependencyDown."""
    async with bus.asking(_REDIS_S) as client:
        info: Mapping[str, Any] = await client.info()
    hits, misses = int(info["keyspace_hits"]), int(info["keyspace_misses"])
    registry = Registry()
    for name, value in {
        "redis_up": 1,
        "redis_cache_hit_rate": hits / (hits + misses) if hits + misses else 1,
        "redis_memory_used_bytes": info["used_memory"],
        "redis_connected_clients": info["connected_clients"],
        "redis_commands_processed_total": info["total_commands_processed"],
        "redis_connected_replicas": info["connected_slaves"],
        "redis_uptime_seconds": info["uptime_in_seconds"],
    }.items():
        _constant(registry, name, float(value))
    return registry.render()


def _constant(registry: Registry, name: str, value: float) -> None:
    registry.gauge(name, lambda: value)


async def start(service: Service) -> None:
    """Answer for the datastores. Their loss is no loss of the exporter, so its own health does not speak of them."""
    linked = [name for name in ("postgres", "postgres-replica") if name in service.config.addresses]
    postgres = {name: Database(service.config, service.clock, Dependency(name)) for name in linked}
    bus = Bus(service.config, service.clock, Dependency("redis"))
    for close in (bus.close, *(each.close for each in postgres.values())):
        service.on_close(close)
    service.metrics.gauge("disk_free_percent", lambda: _free_percent(service))
    for name, label, read in about_backups(Path(service.config.state_dir), service.clock.now):
        service.metrics.gauges(name, (label,), read)

    async def of_postgres(request: web.Request) -> web.Response:
        return _text(await about_postgres(postgres[request.path.rpartition("/")[2]]))

    async def of_redis(_: web.Request) -> web.Response:
        return _text(await about_redis(bus))

    for name in postgres:
        service.get(f"/metrics/{name}", of_postgres)
    service.get("/metrics/redis", of_redis)


def about_backups(
    folder: Path, now: Callable[[], float]
) -> Iterator[tuple[str, str, Callable[[], dict[tuple[str, ...], float]]]]:
    """Metrics of the backups: name, label, and what reads it. Where none are taken they have no series.

    backup_exit_code{backup}: of its last run. backup_failures_total{backup}. backup_age_seconds{backup}: documented time since what the
    last one that ended well reaches; a job that hangs shows here alone. backup_readable{place}: whether the newest base backup
    there could be read when it was looked at last. backup_encrypted{place}: whether all that lies off site was.
    """

    def told(key: str) -> dict[str, float]:
        try:
            found = json.loads((folder / BACKUPS).read_text())[key]
        except (OSError, ValueError, KeyError):
            return {}
        return {str(name): float(value) for name, value in found.items()} if isinstance(found, dict) else {}

    def labelled(key: str) -> Callable[[], dict[tuple[str, ...], float]]:
        return lambda: {(name,): value for name, value in told(key).items()}

    yield "backup_exit_code", "backup", labelled("exit_code")
    yield "backup_failures_total", "backup", labelled("failures")
    yield "backup_age_seconds", "backup", lambda: {(name,): max(now() - at_s, 0.0) for name, at_s in told("reached_s").items()}
    yield "backup_readable", "place", labelled("readable")
    yield "backup_encrypted", "place", labelled("encrypted")


def _text(metrics: str) -> web.Response:
    return web.Response(body=metrics.encode(), headers={"Content-Type": CONTENT_TYPE})


def _free_percent(service: Service) -> float:
    """Of the fullest disk: its own, and those that datastores have for themselves."""
    folder = Path(service.config.state_dir)
    usages = [shutil.disk_usage(folder)]
    with contextlib.suppress(OSError, ValueError):  # there are none, or one is gone
        usages += [shutil.disk_usage(place) for place in json.loads((folder / DISKS).read_text())]
    return min(round(100 * usage.free / usage.total, 2) for usage in usages)


def main(config: Mapping[str, Any]) -> None:
    """Be the exporter."""
    run(config, start)
