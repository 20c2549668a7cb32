"""Reports from Prometheus and /proc: their figures follow what was scraped, and what the processes truly use."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from harness.monitor.answers import instant_answer
from harness.monitor.labels import make_labels
from harness.monitor.promql import Query
from harness.monitor.series import SeriesStore, to_ms
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.fake_cluster import NOW_S, Answer, FakeCluster
from tests.fakes.services.live import Redis


class Scraped:
    """Prometheus's query API over samples of the last ten minutes, one in five seconds, evaluated by our own PromQL."""

    def __init__(self) -> None:
        self._store = SeriesStore()

    def add(self, name: str, values: Sequence[float], job: str = "gui-gateway", **labels: str) -> None:
        """A series whose values come again and again; the last one is that of now."""
        series = self._store.series(make_labels({"__name__": name, "job": job, "instance": "127.0.0.1:1", **labels}))
        for number in range(121):
            series.append(to_ms(NOW_S - 600 + 5 * number), values[(number - 121) % len(values)])

    def count(self, name: str, each: float, **labels: str) -> None:
        """A counter that grows by this at each scrape."""
        self.add(name, [100 + each * number for number in range(121)], method="POST", path="/api/orders", **labels)

    def query(self, query: str, _body: Any) -> Answer:
        asked = Query(parse_qs(query)["query"][0])
        data = instant_answer(asked.result_type, asked.at(self._store, NOW_S), NOW_S, 0.0)
        return 200, {"status": "success", "data": data}


@pytest.fixture
def scraped(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> Scraped:
    monkeypatch.setenv("EAFIX_PROMETHEUS", cluster.web.address)
    found = Scraped()
    cluster.web.answers["GET", "/api/v1/query"] = found.query
    return found


def test_response_times_are_those_that_were_scraped(scraped: Scraped, run: Run) -> None:
    """Two requests a scrape, 20 ms each, all of them in the bucket of 25 ms; a path nobody asked for is left out."""
    name = "http_request_duration_seconds"
    scraped.add("up", [1])
    scraped.count(f"{name}_count", 2)
    scraped.count(f"{name}_sum", 0.04)
    for le, each in {"0.01": 0.0, "0.025": 2.0, "+Inf": 2.0}.items():
        scraped.count(f"{name}_bucket", each, le=le)
    for part in ("count", "sum", "bucket"):
        scraped.add(f"{name}_{part}", [7], method="GET", path="/health", le="+Inf" * (part == "bucket"))
    ended = run("eafix-cli metrics report --metric=response_time --period=10m")
    assert (ended.code, ended.out.splitlines()) == (
        0,
        [
            "period              the last 10m; 120 scrapes of 1 targets are in it",
            f"{'gui-gateway POST /api/orders':<48}about 240 requests between scrapes, 20.0 ms on average, 95 % within 24.2 ms",
        ],
    )


def test_any_other_metric_is_shown_by_its_range(scraped: Scraped, run: Run) -> None:
    """Least, most and the value of now, in the period only."""
    scraped.add("trading_orders_in_doubt", [4, 0, 1], job="execution-engine")
    ended = run("eafix-cli metrics report --metric=trading_orders_in_doubt --period=1m")
    assert (ended.code, ended.out.splitlines()[1]) == (0, f"{'execution-engine':<48}0 at least, 4 at most, 1 now")
    assert (
        run("eafix-cli metrics report --metric=trading_orders_in_doubt --period=5s")
        .out.splitlines()[1]
        .endswith("1 at most, 1 now")
    )


def test_what_was_not_scraped_is_not_reported(scraped: Scraped, run: Run) -> None:
    """Exit code 1; a name that can't be a metric's is refused before anybody is asked."""
    ended = run("eafix-cli metrics report --metric=response_time --period=7d")
    assert (ended.code, ended.out.splitlines()[-1]) == (
        1,
        "no data: Prometheus has no http_request_duration_seconds of that time",
    )
    for wrong in ("--metric=a{ --period=7d", "--period=7d", "--metric=up", "--metric=up --period=7d --by=job"):
        assert run(f"eafix-cli metrics report {wrong}").code == 2


def _parts(ended: Ended) -> dict[str, str]:
    return {line[:20].rstrip(): line[20:] for line in ended.out.splitlines()}


@pytest.mark.real
def test_resources_are_what_the_processes_and_datastores_use(
    cluster: FakeCluster, scraped: Scraped, run: Run, books: Books, tmp_path: Path
) -> None:
    """Each process from /proc, what Postgres and Redis hold, and the range that Prometheus saw."""
    scraped.add("cpu_usage_percent", [2, 6])
    scraped.add("disk_free_percent", [40, 30], job="exporter")
    for row in (*cluster.services.values(), *cluster.datastores.values()):
        row["pid"] = os.getpid()
    cluster.kill("risk-manager")
    before_s, redis = sum(os.times()[:2]), Redis(tmp_path)
    try:
        cluster.addresses["redis"]["port"] = redis.port
        ended = run("eafix-cli resources report --period=5m")
    finally:
        redis.stop()
    parts = _parts(ended)
    used = re.match(r"cpu ([\d.]+) s \(([\d.]+) % of a core since it started\), memory ([\d.]+) MiB, ", parts["gui-gateway"])
    assert used is not None
    assert before_s - 0.05 <= float(used[1]) <= sum(os.times()[:2]) + 60
    assert float(used[3]) > 20
    assert (ended.code, parts["risk-manager"]) == (0, "stopped")
    [(size,)] = books.sql("SELECT sum(pg_database_size(oid)) / 1048576 FROM pg_database")
    assert abs(float(parts["postgres data"].split()[0]) - float(size)) < 1
    assert 0.5 < float(parts["redis data"].split()[0]) < 20
    assert ended.out.splitlines()[-3:] == [
        "the last 5m, by Prometheus: 2 targets",
        f"  {'exporter':<18}disk free 30.0 % min, 40.0 % max",
        f"  {'gui-gateway':<18}cpu 4.0 % avg, 6.0 % max",
    ]


def test_what_cannot_be_seen_is_unknown(cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is not here, a database, a Redis and a Prometheus that don't answer: no figures, and exit code 1."""
    for name, value in {"PGHOST": "127.0.0.1", "PGPORT": "1", "EAFIX_PROMETHEUS": "127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    cluster.addresses["redis"]["port"] = 1
    for row in (*cluster.services.values(), *cluster.datastores.values()):
        row["pid"] = 2**22 + 1
    ended = run("eafix-cli resources report --period=7d")
    parts = _parts(ended)
    assert (ended.code, parts["gui-gateway"]) == (1, "unknown: its process can't be seen from here")
    assert parts["postgres data"].startswith("unknown: connection to server")
    assert parts["redis data"] == "unknown: 127.0.0.1:1: connection refused"
    assert ended.out.splitlines()[-1] == "the last 7d: unknown: 127.0.0.1:1: connection refused"
