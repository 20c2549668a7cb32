"""Claims about the exporter."""

from __future__ import annotations

import pytest

from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real


def test_each_instance_is_queried_for_real(stack: Stack) -> None:
    """The metrics of Postgres and of Redis, each at its own target."""
    stack.start("exporter")
    for target in ("postgres", "postgres-replica"):
        path = f"/metrics/{target}"
        assert stack.metric("exporter", "pg_up", path) == 1
        assert stack.metric("exporter", "pg_replication_lag_seconds", path) == 0
        assert stack.metric("exporter", "database_connections_active", path) >= 1
        assert stack.metric("exporter", "database_connections_max", path) == 100
        assert stack.metric("exporter", 'pg_stat_activity_count{state="active"}', path) >= 1
    assert stack.metric("exporter", "redis_up", "/metrics/redis") == 1
    assert 0 <= stack.metric("exporter", "redis_cache_hit_rate", "/metrics/redis") <= 1
    assert stack.metric("exporter", "redis_memory_used_bytes", "/metrics/redis") > 0
    assert 0 < stack.metric("exporter", "disk_free_percent") <= 100


@pytest.mark.parametrize("target", ["postgres", "postgres-replica", "redis"])
@pytest.mark.parametrize("loss", ["shut", "hush"])
def test_an_instance_that_cannot_be_queried_is_not_up(stack: Stack, target: str, loss: str) -> None:
    """Its target answers 503 while it is cut off or silent, the others go on, and it is up as soon as it is back."""
    gate = stack.gate("exporter", target)
    stack.start("exporter")
    path = f"/metrics/{target}"
    assert stack.client.get(stack.url("exporter", path)).status_code == 200
    getattr(gate, loss)()
    assert stack.client.get(stack.url("exporter", path)).status_code == 503
    for other in {"postgres", "postgres-replica", "redis"} - {target}:
        assert stack.client.get(stack.url("exporter", f"/metrics/{other}")).status_code == 200
    assert stack.healthy("exporter")
    if loss == "shut":
        gate.open()
    else:
        gate.speak()
    assert stack.client.get(stack.url("exporter", path)).status_code == 200
