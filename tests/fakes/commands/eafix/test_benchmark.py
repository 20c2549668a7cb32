"""The benchmark: reads and decisions only, figures of what was asked, and the last time's beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.commands.eafix import benchmark
from tests.fakes.commands.conftest import Run
from tests.fakes.commands.fake_cluster import FakeCluster
from tests.fakes.services.live import Redis


@pytest.fixture
def quick(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A twentieth of a second for each kind, in a folder of its own."""
    monkeypatch.setattr(benchmark, "EACH_S", 0.05)
    monkeypatch.chdir(tmp_path)
    cluster.web.answers |= {
        ("GET", "/api/positions"): (200, []),
        ("GET", "/api/signals"): (200, []),
        ("POST", "/api/risk/check"): (200, {"approved": True}),
        ("POST", "/api/risk/release"): (200, {}),
    }


@pytest.mark.real
@pytest.mark.usefixtures("quick")
def test_a_benchmark_asks_and_gives_back(cluster: FakeCluster, run: Run, tmp_path: Path) -> None:
    """Whatever room a risk check took is released; no order is placed; the results are saved, and the next run shows them."""
    redis = Redis(tmp_path)
    try:
        cluster.addresses["redis"]["port"] = redis.port
        ended = run("eafix-cli benchmark run --save-results")
        again = run("eafix-cli benchmark run")
    finally:
        redis.stop()
    checked = [body["client_order_id"] for path, body in cluster.web.posts() if path == "/api/risk/check"]
    released = [body["client_order_id"] for path, body in cluster.web.posts() if path == "/api/risk/release"]
    assert (ended.code, checked == released, {path for path, _ in cluster.web.posts()}) == (
        0, True, {"/api/risk/check", "/api/risk/release"},
    )  # fmt: skip
    assert ended.out.splitlines()[-1] == "results: benchmarks/benchmark-20261121-111000.json"
    saved = json.loads((tmp_path / "benchmarks/benchmark-20261121-111000.json").read_text())
    assert [row["name"] for row in saved["results"]] == ["read positions", "read signals", "check risk", "ping redis"]
    assert all(
        row["requests"] > 0 and row["failed"] == 0 and row["p50_ms"] <= row["p95_ms"] <= row["most_ms"]
        for row in saved["results"]
    )
    assert f"95 % within {saved['results'][0]['p95_ms']:.1f} ms the last time" in again.out
    assert not list((tmp_path / "benchmarks").glob("*2.json"))


@pytest.mark.usefixtures("quick")
def test_what_does_not_answer_fails_the_benchmark(cluster: FakeCluster, run: Run) -> None:
    """Refusals of the risk manager are decisions; errors and silence are failures."""
    cluster.addresses["redis"]["port"] = 1
    cluster.web.answers["POST", "/api/risk/check"] = (409, {"error": "halted"})
    ended = run("eafix-cli benchmark run")
    lines = {line[:20].strip(): line for line in ended.out.splitlines()}
    assert ended.code == 1
    assert ", 0 failed, " in lines["check risk"]
    count = lines["ping redis"][20:].split()[0]
    assert f"{count} requests, {count} failed" in lines["ping redis"]
