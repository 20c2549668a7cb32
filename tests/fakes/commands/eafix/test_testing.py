"""Smoke tests, the trading test and the contracts: true of the stack, whatever it is like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.eafix.test_database import FakePsql
from tests.fakes.commands.fake_cluster import Answer, FakeCluster


class Ticks:
    """An ingestor and a signal generator: a tick becomes a signal, unless the pipeline is cut; earlier signals stay."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.cut = False

    def tick(self, _query: str, body: Any) -> Answer:
        assert body["symbol"] == "CANARY"
        self.seen.append(body["tick_id"])
        return 200, body

    def signals(self, _query: str, _body: Any) -> Answer:
        earlier = [{"tick_id": "c-earlier"}]
        return 200, earlier if self.cut else [{"tick_id": tick} for tick in self.seen] + earlier


@pytest.fixture
def ticks(cluster: FakeCluster) -> Ticks:
    ticks = Ticks()
    cluster.web.answers |= {
        ("GET", "/api/risk/status"): (200, {"halted": False}),
        ("GET", "/healthz"): (200, {"status": "ok", "service": "x", "version": "1", "dependencies": {"broker": "ok"}}),
        ("GET", "/status"): (200, {"fills": 3, "open_positions": 1}),
        ("GET", "/api/reconcile/positions"): (200, {"status": "matched", "differences": []}),
        ("GET", "/api/positions"): (200, [{"symbol": "EURUSD", "quantity": 1, "status": "open"}]),
        ("POST", "/test/simulate-tick"): ticks.tick,
        ("GET", "/api/signals"): ticks.signals,
    }
    return ticks


def test_trading_works_when_a_canary_comes_through_and_the_books_agree(ticks: Ticks, run: Run) -> None:
    """No order is placed: the canary's symbol is traded by nobody."""
    ended = run("eafix-cli test trading --environment=production")
    lines = ended.out.splitlines()
    assert lines.pop(1).startswith("ok    pipeline: tick to signal in ")
    assert (ended.code, lines) == (
        0,
        [
            "ok    trading: enabled",
            "ok    broker: 3 fills, 1 open positions",
            "ok    execution-engine to broker: ok",
            "ok    reconciliation: HTTP status 200, matched",
        ],
    )


def test_trading_does_not_work_with_a_cut_pipeline_or_different_books(
    cluster: FakeCluster, ticks: Ticks, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a failed check."""
    from fakes.commands.eafix import testing

    monkeypatch.setattr(testing, "_CANARY_S", 0.1)
    ticks.cut = True
    cluster.web.answers["GET", "/api/reconcile/positions"] = (200, {"status": "different", "differences": [{}]})
    ended = run("eafix-cli test trading")
    assert ended.code == 1
    assert f"FAIL  pipeline: tick {ticks.seen[0]} became no signal within 0.1 s" in ended.out.splitlines()
    assert ended.out.splitlines()[-1] == "FAIL  reconciliation: HTTP status 200, different"


@pytest.mark.usefixtures("ticks")
def test_the_smoke_test_covers_services_datastores_and_positions(
    cluster: FakeCluster, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database in recovery does not pass: nothing could be written."""
    cluster.services = {"gui-gateway": cluster.services["gui-gateway"]}
    cluster.addresses["redis"]["port"] = 1
    psql = FakePsql(tmp_path)
    psql.say("pg_is_in_recovery", "t\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("PGPORT", "5432")
    assert run("eafix-cli test smoke") == Ended(
        1,
        "ok    gui-gateway: ok\n"
        "FAIL  postgres: 127.0.0.1:5432, in recovery\n"
        "FAIL  redis: 127.0.0.1:1: connection refused\n"
        "ok    positions: HTTP status 200, 1 positions\n",
        "",
    )


@pytest.mark.usefixtures("ticks")
def test_contracts_hold_the_answers_against_what_the_documents_read(cluster: FakeCluster, run: Run) -> None:
    """A field that is missing or of another type is named."""
    cluster.web.answers |= {
        ("GET", "/health"): (503, {"status": "degraded", "services": {}}),
        ("GET", "/api/signals"): (200, []),
        ("GET", "/api/executions"): (
            200,
            [{"execution_id": "E-1", "client_order_id": "o-1", "symbol": "EURUSD", "price": "1.08"}],
        ),
        ("GET", "/admin/feed"): (200, {"active": "primary", "age_s": 1, "providers": {}, "latest": {}}),
        ("GET", "/api/positions"): (200, [{"symbol": "EURUSD", "status": "open"}]),
    }
    ended = run("eafix-cli contracts validate --full")
    assert ended.code == 1
    assert ended.out.splitlines()[-5:] == [
        "ok    gui-gateway /health: 1 rows",
        "FAIL  gui-gateway /api/positions: missing or of another type: quantity",
        "ok    signal-generator /api/signals?limit=5: 0 rows",
        "FAIL  execution-engine /api/executions?since=1h&limit=5: missing or of another type: price",
        "ok    data-ingestor /admin/feed: 1 rows",
    ]


@pytest.mark.usefixtures("ticks")
def test_the_integration_test_goes_from_tick_to_decision_and_gives_back_what_it_held(cluster: FakeCluster, run: Run) -> None:
    """No order is placed; a refusal of the risk manager fails it with the reason."""
    cluster.web.answers |= {
        ("POST", "/api/risk/check"): (200, {"approved": True}),
        ("POST", "/api/risk/release"): (200, {}),
    }
    assert "ok    risk check: approved" in run("eafix-cli test integration").out.splitlines()
    posts = dict(cluster.web.posts())
    assert posts["/api/risk/release"]["client_order_id"] == posts["/api/risk/check"]["client_order_id"]
    assert "/api/orders" not in posts
    cluster.web.answers["POST", "/api/risk/check"] = (409, {"error": "trading is halted", "reason": "trading_halted"})
    ended = run("eafix-cli test integration --namespace=default")
    assert (ended.code, "FAIL  risk check: trading is halted" in ended.out.splitlines()) == (1, True)


@pytest.mark.real
def test_a_namespace_is_tested_by_what_a_restore_put_there(cluster: FakeCluster, run: Run, books: Books) -> None:
    """Nothing there fails; a database named after it is read, table by table, and so is a service that runs there."""
    known = [{"metadata": {"name": "eafix-dr-drill"}}]
    cluster.answers["GET", "/objects"] = (200, {"objects": known})
    line = "eafix-cli test integration --namespace=eafix-dr-drill"
    assert run(line).out == (
        "FAIL  eafix-dr-drill: nothing is there to be tested: no service, and no database eafix-dr-drill or eafix_dr_drill\n"
    )
    books.sql("CREATE DATABASE eafix_dr_drill TEMPLATE template_eafix")
    try:
        ended = run(line)
        assert (ended.code, "FAIL" in ended.out) == (0, False)
        assert "database eafix_dr_drill positions: 0 symbols differ from the sum of their executions" in ended.out
        books.server.sql("eafix_dr_drill", "INSERT INTO positions VALUES ('EURUSD', 7, 0)")
        ended = run(line)
        assert (ended.code, "FAIL  database eafix_dr_drill positions: 1 symbols differ" in ended.out) == (1, True)
    finally:
        books.sql("DROP DATABASE eafix_dr_drill WITH (FORCE)")
    cluster.services["risk-manager"] |= {"namespace": "eafix-dr-drill", "port": 1}
    assert run(line).out == "FAIL  risk-manager: connection refused\n"
    assert (
        run("eafix-cli test integration --namespace=nowhere").err
        == "eafix-cli: no namespace 'nowhere'; there are eafix-dr-drill\n"
    )
