"""Market data, providers and the cache, as eafix-cli tells of them and acts on them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.commands.wire import Redis, Unreachable
from harness.errors import MissingTool
from harness.tools import find_redis
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster


def feed(*, active: str = "primary", age_s: float = 0.4, state: str = "ok") -> dict[str, Any]:
    return {
        "active": active,
        "age_s": age_s,
        "providers": {
            "primary": {"service": "price-primary", "active": active == "primary", "state": state},
            "backup": {"service": "price-backup", "active": active == "backup", "state": "ok"},
        },
        "latest": {
            "EURUSD": {"price": 1.0832, "at_s": 100.0, "age_s": age_s},
            "GBPUSD": {"price": None, "at_s": 1.0, "age_s": 99.0},
        },
    }


@pytest.fixture(autouse=True)
def ingestor(cluster: FakeCluster) -> FakeCluster:
    cluster.web.answers["GET", "/admin/feed"] = (200, feed())
    cluster.web.answers["GET", "/healthz"] = (200, {"status": "ok", "dependencies": {}})
    return cluster


def test_a_fresh_feed_is_ok(run: Run) -> None:
    """Which provider is read, how each is, how old the newest price is."""
    assert run("eafix-cli data-feed status") == Ended(
        0,
        "active provider: primary\nbackup (price-backup): ok\nprimary (price-primary): ok\nnewest price: 0.4 s old\ndata feed: ok\n",
        "",
    )


@pytest.mark.parametrize("state", [feed(age_s=75.0), feed(state="down: stale market data: no tick for 20 s")])
def test_an_interrupted_feed_is_not(cluster: FakeCluster, run: Run, state: dict[str, Any]) -> None:
    """Stale prices or a provider that is down: exit code 1."""
    cluster.web.answers["GET", "/admin/feed"] = (200, state)
    ended = run("eafix-cli data-feed status")
    assert (ended.code, ended.out.splitlines()[-1]) == (1, "data feed: INTERRUPTED")


def test_a_provider_can_be_well_and_its_link_down(cluster: FakeCluster, run: Run) -> None:
    """The provider is asked itself, and the ingestor what it gets from it: the difference is the diagnosis."""
    cluster.web.answers["GET", "/admin/feed"] = (200, feed(state="down: TimeoutError"))
    assert run("eafix-cli data-feed test --provider=all") == Ended(
        1,
        "ok    backup: price-backup answers with HTTP status 200\n"
        "ok    backup to data-ingestor: ok\n"
        "ok    primary: price-primary answers with HTTP status 200\n"
        "FAIL  primary to data-ingestor: down: TimeoutError\n",
        "",
    )
    assert run("eafix-cli data-feed test --provider=backup").code == 0
    assert run("eafix-cli data-feed test --provider=third") == Ended(
        1, "", "eafix-cli: no provider 'third'; there are backup, primary\n"
    )


def test_switching_is_asked_of_the_ingestor(cluster: FakeCluster, run: Run) -> None:
    """And its answer is what is printed."""
    cluster.web.answers["POST", "/admin/feed"] = (200, feed(active="backup"))
    assert run("eafix-cli data-feed switch --to=backup") == Ended(0, "data feed reads from backup\n", "")
    assert cluster.web.posts() == [("/admin/feed", {"action": "switch", "to": "backup"})]


def test_a_refusal_of_the_ingestor_is_passed_on(cluster: FakeCluster, run: Run) -> None:
    """With its own words, and exit code 1."""
    cluster.web.answers["POST", "/admin/feed"] = (400, {"error": "to: expected primary or backup, found 'third'"})
    assert run("eafix-cli data-feed switch --to=third") == Ended(
        1, "", "eafix-cli: data-ingestor refused: to: expected primary or backup, found 'third'\n"
    )
    assert run("eafix-cli data-feed switch") == Ended(2, "", "eafix-cli: data-feed switch needs --to=PROVIDER\n")


def test_restarting_is_for_the_provider_that_is_read(cluster: FakeCluster, run: Run) -> None:
    """There is no connection to the other one."""
    cluster.web.answers["POST", "/admin/feed"] = (200, feed())
    assert run("eafix-cli data-feed restart --provider=primary") == Ended(0, "connection to primary restarted\n", "")
    assert run("eafix-cli data-feed restart --provider=backup").code == 1
    assert cluster.web.posts() == [("/admin/feed", {"action": "restart"})]


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("eafix-cli data latest --symbol=EURUSD", Ended(0, "EURUSD 1.0832, 0.4 s old\n", "")),
        ("eafix-cli data latest --symbol=GBPUSD", Ended(1, "GBPUSD price unknown, 99.0 s old\n", "")),
        ("eafix-cli data latest --symbol=XXXYYY", Ended(1, "", "eafix-cli: no price of XXXYYY; there are EURUSD, GBPUSD\n")),
        ("eafix-cli data latest", Ended(2, "", "eafix-cli: data latest needs --symbol=SYMBOL\n")),
    ],
)
def test_the_newest_price_of_a_symbol(run: Run, line: str, ended: Ended) -> None:
    """Exit code 1 when it is stale or unknown."""
    assert run(line) == ended


@pytest.fixture
def redis(cluster: FakeCluster, tmp_path: Path) -> Iterator[str]:
    """A real Redis behind the service address."""
    import socket

    try:
        program = find_redis("redis-server").path
    except MissingTool as missing:
        pytest.skip(str(missing))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen([str(program), *options], stdout=subprocess.DEVNULL)
    address, deadline = f"127.0.0.1:{port}", time.monotonic() + 20
    try:
        while True:
            try:
                with Redis(address) as connection:
                    connection.call("PING")
                break
            except Unreachable:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        cluster.addresses["redis"]["port"] = port
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.real
def test_clearing_the_cache_deletes_the_keys_that_match_and_no_other(redis: str, run: Run) -> None:
    """More keys than one page of the scan holds, and the count is what was really deleted."""
    with Redis(redis) as connection:
        connection.call("MSET", *(word for number in range(1200) for word in (f"market_data_{number}", "1")))
        connection.call("SET", "price:EURUSD", "1.08")
        assert run('eafix-cli cache clear --pattern="market_data_*"') == Ended(
            0, "1200 keys deleted that match market_data_*\n", ""
        )
        assert connection.call("KEYS", "*") == ["price:EURUSD"]
    assert run("eafix-cli cache clear --pattern=nothing_*").out == "0 keys deleted that match nothing_*\n"


def test_a_redis_that_is_down_is_told(cluster: FakeCluster, run: Run) -> None:
    """Exit code 1 with the address."""
    cluster.addresses["redis"]["port"] = 1
    assert run("eafix-cli cache clear --pattern=x") == Ended(1, "", "eafix-cli: no answer from 127.0.0.1:1: connection refused\n")
