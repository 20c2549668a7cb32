"""Plans and recommendations: they follow what was measured, say how far back that is, and find nothing where nothing is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes.commands.conftest import Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.eafix.test_trends import Scraped
from tests.fakes.commands.fake_cluster import FakeCluster

_REACH = "based on 10 min 0 s of data; 30d asked for".replace(" 0 s", "")


@pytest.fixture
def scraped(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scraped:
    """Ten minutes of samples of two services, whose processes are this one."""
    monkeypatch.setenv("EAFIX_PROMETHEUS", cluster.web.address)
    monkeypatch.delenv("GAMEDAY_CLOCK", raising=False)
    monkeypatch.chdir(tmp_path)
    cluster.services = {name: cluster.services[name] | {"pid": os.getpid()} for name in ("gui-gateway", "risk-manager")}
    cluster.datastores = {}
    found = Scraped()
    cluster.web.answers["GET", "/api/v1/query"] = found.query
    found.add("up", [1])
    return found


def test_scaling_follows_the_processor(cluster: FakeCluster, scraped: Scraped, run: Run) -> None:
    """Over 70 % of a core on average wants more replicas; several that idle want fewer; anything between stays."""
    scraped.add("cpu_usage_percent", [60, 70])
    scraped.add("cpu_usage_percent", [3], job="risk-manager")
    line = "eafix-cli scaling recommend --services=all --timeframe=30d"
    ended = run(line)
    assert (ended.code, ended.out.splitlines()[0], ended.out.splitlines()[-1]) == (
        0, f"scaling, {_REACH}", "nothing to recommend",
    )  # fmt: skip
    cluster.services["risk-manager"]["replicas"] = 3
    assert run(line).out.splitlines()[2:] == ["risk-manager: 3.0 % of a core on average: from 3 to 1 replicas"]
    scraped.add("cpu_usage_percent", [80], job="signal-generator")
    cluster.services = {"signal-generator": cluster.services["risk-manager"] | {"replicas": 1}}
    assert run(line).out.splitlines()[2:] == ["signal-generator: 80.0 % of a core on average: from 1 to 2 replicas"]
    scraped.add("cpu_usage_percent", [69], job="execution-engine")
    cluster.services = {"execution-engine": cluster.services["signal-generator"]}
    assert (
        run("eafix-cli scaling recommend --services=execution-engine --timeframe=5m").out.splitlines()[-1]
        == "nothing to recommend"
    )
    assert run("eafix-cli scaling recommend --services=nobody --timeframe=5m").code == 1
    assert run("eafix-cli scaling recommend --services=all").code == 2


def test_without_data_nothing_is_recommended(cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it said that nothing is to be recommended: exit code 1."""
    monkeypatch.setenv("EAFIX_PROMETHEUS", cluster.web.address)
    cluster.web.answers["GET", "/api/v1/query"] = Scraped().query
    for line in (
        "scaling recommend --timeframe=30d", "cost analyze", "capacity analyze", "capacity plan --forecast=3m",
        "optimize recommend --based-on=7d-data",
    ):  # fmt: skip
        ended = run(f"eafix-cli {line}")
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("eafix-cli: not enough data: Prometheus has 0 s; ")
    monkeypatch.setenv("EAFIX_PROMETHEUS", "127.0.0.1:1")
    assert run("eafix-cli cost analyze").err == "eafix-cli: no answer from 127.0.0.1:1: connection refused\n"


@pytest.mark.usefixtures("scraped")
def test_costs_are_amounts_and_no_prices(run: Run) -> None:
    """Processor and memory of each process; an idle one that holds much memory is named."""
    ended = run("eafix-cli cost analyze --optimization-opportunities")
    lines = ended.out.splitlines()
    assert (ended.code, lines[0]) == (
        0,
        "amounts since each process started, memory that processes share is counted in each; this stack knows no prices",
    )
    assert [line.split()[0] for line in lines[1:4]] == ["gui-gateway", "risk-manager", "all"]
    assert " core-seconds, " in lines[1]
    assert not {"$", "€", "USD"} & set(ended.out.split())


def test_an_idle_process_that_holds_much_memory_is_an_opportunity(scraped: Scraped, run: Run) -> None:
    """Both hold half of it; only one idles."""
    scraped.add("cpu_usage_percent", [0.5])
    scraped.add("cpu_usage_percent", [30], job="risk-manager")
    last = run("eafix-cli cost analyze --optimization-opportunities").out.splitlines()[-1]
    assert last.startswith("gui-gateway: 0.50 % of a core, but 50 % of all memory (")
    assert run("eafix-cli cost analyze").out.splitlines()[-1].startswith("all ")


@pytest.mark.real
def test_capacity_is_used_of_what_there_is(scraped: Scraped, run: Run, books: Books, tmp_path: Path) -> None:
    """Each with its target; the report is what was printed."""
    scraped.add("cpu_usage_percent", [90, 70])
    scraped.add("disk_free_percent", [50, 15], job="exporter")
    ended = run("eafix-cli capacity analyze --generate-report")
    lines = ended.out.splitlines()
    assert (ended.code, lines[0]) == (0, f"capacity, {_REACH}")
    assert lines[1] == f"{'cpu of gui-gateway':<30} 79.9 % of a core on average, 90.0 % at most; OVER the target of 70 %"
    assert f"{'disk of exporter':<30} 85.0 % in use at most; OVER the target of 80 %" in lines
    [(limit,)] = books.sql("SELECT current_setting('max_connections')")
    assert any(line.startswith("connections ") and f"of {limit}, " in line and "eafix-cli 1" in line for line in lines)
    assert lines[-1] == "report: reports/capacity-20261121-111000.txt"
    assert (tmp_path / "reports/capacity-20261121-111000.txt").read_text() == "\n".join(lines[:-1]) + "\n"


def test_a_plan_is_a_straight_line_and_says_how_little_it_rests_on(scraped: Scraped, run: Run) -> None:
    """A database that grows by a MiB in 5 s, a disk that loses a per cent in a minute; what stays is left out."""
    scraped.add("pg_database_size_bytes", [2**20 * number for number in range(121)], job="postgres")
    scraped.add("disk_free_percent", [80 - number / 12 for number in range(121)], job="exporter")
    scraped.add("redis_memory_used_bytes", [2**20], job="redis")
    ended = run("eafix-cli capacity plan --forecast=3m --based-on=historical-data")
    assert (ended.code, ended.out.splitlines()) == (
        0,
        [
            "forecast for 3m (91 days), based on 10 min of data",
            "warning: 3m (91 days) is 13150 times as long as the data; nobody should rely on such a line",
            "pg_database_size_bytes of postgres: 120.0 MiB now, +17280.00 MiB a day, 1578129.6 MiB then",
            "disk_free_percent of exporter: 70.0 % now, -1440.00 % a day, none left in 1 h 10 min",
        ],
    )
    assert run("eafix-cli capacity plan --forecast=3").code == 2
    assert run("eafix-cli capacity plan --forecast=3m --based-on=dreams").code == 2


def test_where_nothing_grows_nothing_is_planned(scraped: Scraped, run: Run) -> None:
    """No figure is made up."""
    scraped.add("pg_database_size_bytes", [2**20], job="postgres")
    assert run("eafix-cli capacity plan --forecast=1d").out.splitlines()[-1] == "nothing grows"


_OPTIMIZE = "eafix-cli optimize recommend --based-on=7d-data"


@pytest.mark.real
@pytest.mark.usefixtures("books")
def test_nothing_is_recommended_while_every_rule_holds(scraped: Scraped, run: Run) -> None:
    """The rules are printed, so that one sees what was looked at."""
    scraped.add("cpu_usage_percent", [5])
    scraped.count("http_requests_total", 10, status="201")
    ended = run(_OPTIMIZE)
    assert (ended.code, ended.out.splitlines()[0]) == (0, "optimization, based on 10 min of data; 7d asked for")
    assert [line.split(":")[0] for line in ended.out.splitlines()[1:]] == ["rule"] * 6 + ["nothing to recommend"]


@pytest.mark.real
def test_each_rule_that_is_broken_gives_its_figure(scraped: Scraped, run: Run, books: Books) -> None:
    """Latency, failures, processor, disk and a table that is read whole."""
    scraped.add("cpu_usage_percent", [95])
    scraped.add("disk_free_percent", [12], job="exporter")
    scraped.count("http_requests_total", 9, status="201")
    scraped.count("http_requests_total", 1, status="503")
    for le, each in {"0.1": 0.0, "0.5": 10.0, "+Inf": 10.0}.items():
        scraped.count("http_request_duration_seconds_bucket", each, le=le)
    books.sql("INSERT INTO positions SELECT 'S' || n, 1, 0 FROM generate_series(1, 10000) AS n")
    for _ in range(3):
        books.sql("SELECT sum(quantity) FROM positions")
    books.sql("ANALYZE positions")
    found = [line for line in run(_OPTIMIZE).out.splitlines() if not line.startswith(("rule: ", "optimization"))]
    assert found[0] == "gui-gateway: POST /api/orders takes 480 ms (95 %): find out what it waits for"
    assert found[1] == "gui-gateway: 10.0% of about 1205 requests failed: read its log"
    assert found[2] == "gui-gateway: 95.0 % of a core on average: see scaling recommend"
    assert found[3] == "exporter: 12.0 % of the disk free at least: free some"
    assert found[4].startswith("table positions: 10000 rows, read whole ")
    assert run("eafix-cli optimize recommend --based-on=7d").code == 2
    assert run("eafix-cli optimize recommend --based-on=x-data").code == 2
