"""Reports over a period: their figures are the stack's, and they say how far back these reach."""

from __future__ import annotations

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.fake_cluster import FakeCluster
from tests.fakes.services.live import eventually

pytestmark = pytest.mark.usefixtures("cluster")


def _lines(ended: Ended, head: str) -> list[str]:
    return [line.removeprefix(head).strip() for line in ended.out.splitlines() if line.startswith(head)]


@pytest.mark.real
def test_the_database_is_reported_as_far_back_as_its_statistics_reach(run: Run, books: Books) -> None:
    """A period longer than that is not covered; of a shorter one nothing can be told apart."""
    books.order("o-0")
    books.sql("ANALYZE")
    long = run("eafix-cli database performance-report --period=7d")
    assert long.code == 0
    [since] = _lines(long, "statistics")
    [(reset,)] = books.sql(
        "SELECT to_char(least(a.stats_reset, b.stats_reset), 'YYYY-MM-DD HH24:MI:SS.MS TZ') FROM pg_stat_archiver a, pg_stat_bgwriter b"
    )
    assert since.startswith(f"since {reset}, ")
    assert since.endswith(" s ago: not all of the 7d asked for")
    of_a_second = "eafix-cli database performance-report --period=1s"
    eventually(lambda: "all of that time, the 1s asked for and what was before" in run(of_a_second).out or None)
    assert any(line.startswith("executions: ") and " 1 rows, 0 dead; " in line for line in _lines(long, "table"))
    assert _lines(long, "statements") == ["not recorded: this database has no pg_stat_statements"]


@pytest.mark.real
def test_a_reset_of_the_statistics_is_where_the_report_begins(run: Run, books: Books) -> None:
    """The sums before it are gone, and the report doesn't claim them."""
    books.sql("SELECT pg_stat_reset()")
    [since] = _lines(run("eafix-cli database performance-report --period=7d"), "statistics")
    [(reset,)] = books.sql(
        "SELECT to_char(stats_reset, 'YYYY-MM-DD HH24:MI:SS.MS TZ') FROM pg_stat_database WHERE datname = current_database()"
    )
    assert since.startswith(f"since {reset}, ")


@pytest.mark.real
def test_the_statements_that_took_longest_come_first(run: Run, books: Books) -> None:
    """Those of this database, where Postgres records them."""
    if not books.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_stat_statements'"):
        pytest.skip("this Postgres has no pg_stat_statements")
    books.sql("CREATE EXTENSION pg_stat_statements")
    books.sql("SELECT pg_stat_statements_reset()")
    books.sql("SELECT pg_sleep(0.3)")
    ended = run("eafix-cli database performance-report --period=7d")
    assert _lines(ended, "statements")[0].endswith(" s ago: not all of the 7d asked for")
    first = [line for line in _lines(ended, "statement ") if "pg_sleep" in line]
    assert first == _lines(ended, "statement ")[:1]
    assert first[0].endswith(" ms a call, 1 calls: SELECT pg_sleep($1)")


@pytest.mark.parametrize("period", ["", "soon", "0d", "-7d", "7"])
def test_a_period_must_be_one(run: Run, period: str) -> None:
    """No period is guessed."""
    assert run(f"eafix-cli database performance-report --period={period}") == Ended(
        2, "", f"eafix-cli: --period={period}: expected a number and s, m, h, d or w, such as 7d\n"
    )


def test_a_database_that_is_down_is_not_reported_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 with Postgres's reason."""
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    ended = run("eafix-cli database performance-report --period=7d")
    assert (ended.code, ended.out, ended.err[:40]) == (1, "", "database at 127.0.0.1:1 does not answer:")


METRICS = """# TYPE risk_checks_total counter
risk_checks_total{result="approved"} 7
risk_checks_total{result="trading_halted"} 2
trading_orders_total{result="filled"} 5
"""


@pytest.mark.real
def test_trading_is_reported_as_it_is_booked(cluster: FakeCluster, run: Run, books: Books) -> None:
    """Fills of the period, what they moved and how long they took; refusals as counted since each service's start."""
    cluster.web.answers["GET", "/metrics"] = (200, METRICS)
    books.order("o-0", placed_at_s=100.0)
    books.order("o-1", placed_at_s=3500.0)
    books.sql("UPDATE executions SET executed_at_s = 3502, booked_at_s = 3502.25 WHERE client_order_id = 'o-1'")
    assert run("eafix-cli trading performance-report --period=10m") == Ended(
        0,
        "period              the last 10m; the books' clock began 3600 s ago\n"
        "fills               1, 1 of source client\n"
        "volume EURUSD       100 in 1 fills, 100 bought, 0 sold, at 1.50000 on average\n"
        "placed to filled    half within 2000.0 ms, 95 % within 2000.0 ms, the slowest 2000.0 ms\n"
        "filled to booked    half within 250.0 ms, 95 % within 250.0 ms, the slowest 250.0 ms\n"
        "decisions           approved 7, trading_halted 2 (risk-manager, in the 300 s since it started)\n"
        "clients' orders     filled 5 (gui-gateway, in the 300 s since it started)\n",
        "",
    )
    assert _lines(run("eafix-cli trading performance-report --period=7d"), "volume EURUSD")[0].startswith("200 in 2 fills, ")


@pytest.mark.real
def test_what_a_dead_service_counted_is_unknown(cluster: FakeCluster, run: Run, books: Books) -> None:
    """Exit code 1: no refusals are claimed where nobody can tell; without fills there is no latency."""
    cluster.web.answers["GET", "/metrics"] = (200, METRICS)
    cluster.services["risk-manager"]["port"] = 1
    ended = run("eafix-cli trading performance-report --period=7d")
    assert (ended.code, _lines(ended, "fills")) == (1, ["0"])
    assert _lines(ended, "decisions") == ["unknown: risk-manager does not answer: connection refused"]
    assert not _lines(ended, "placed")
