"""Trading, risk, orders and broker, as eafix-cli tells of them and acts on them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster

RISK = {"status": "ok", "halted": False, "limits": {"max_order_quantity": 1e6, "max_position": 1e7}, "in_flight": 2}
POSITIONS = [
    {"symbol": "EURUSD", "quantity": -2_500_000, "status": "open"},
    {"symbol": "USDJPY", "quantity": 0, "status": "flat"},
]


@pytest.fixture(autouse=True)
def platform(cluster: FakeCluster) -> None:
    cluster.web.answers |= {
        ("GET", "/api/risk/status"): (200, RISK),
        ("GET", "/api/positions"): (200, POSITIONS),
        ("GET", "/healthz"): (200, {"status": "ok", "dependencies": {"postgres": "ok", "broker": "ok"}}),
        ("GET", "/status"): (200, {"status": "ok", "fills": 12, "open_positions": 1}),
        ("POST", "/emergency/stop-trading"): (200, {"halted": True}),
        ("POST", "/emergency/resume-trading"): (200, {"halted": False}),
    }


def test_stopping_and_starting_are_the_gateways(cluster: FakeCluster, run: Run) -> None:
    """The same doors that the runbooks' curl commands use."""
    assert run("eafix-cli trading stop --graceful --reason=drill") == Ended(0, "trading stopped\n", "")
    assert run("eafix-cli trading start") == Ended(0, "trading started\n", "")
    assert cluster.web.posts() == [("/emergency/stop-trading", {"reason": "drill"}), ("/emergency/resume-trading", None)]


def test_a_halt_that_could_not_be_written_is_no_halt(cluster: FakeCluster, run: Run) -> None:
    """Exit code 1, with what the gateway says."""
    cluster.web.answers["POST", "/emergency/stop-trading"] = (
        503,
        {"error": "postgres is down", "dependency": "postgres", "why": "timeout"},
    )
    assert run("eafix-cli trading stop") == Ended(1, "", "eafix-cli: gui-gateway refused with status 503: timeout\n")


def test_another_site_is_not_here(cluster: FakeCluster, run: Run) -> None:
    """Runbook 002:514 names one that this stack has not, and the platform may have; nothing is started."""
    ended = run("eafix-cli trading enable --site=dr --confirm-dr")
    assert (ended.code, "gameday's stand-in does not offer it" in ended.err) == (3, True)
    assert cluster.web.posts() == []


def test_risk_status_is_the_risk_managers(cluster: FakeCluster, run: Run) -> None:
    """It can decide, its dependencies, the halt, what is in flight."""
    assert run("eafix-cli risk status") == Ended(
        0,
        "ok    risk-manager: can decide\nok    broker: ok\nok    postgres: ok\nok    trading: enabled\nok    orders in flight: 2\n",
        "",
    )
    cluster.web.answers["GET", "/api/risk/status"] = (200, RISK | {"halted": True})
    ended = run("eafix-cli risk status")
    assert (ended.code, "FAIL  trading: halted" in ended.out.splitlines()) == (1, True)


def test_a_risk_manager_that_cannot_decide(cluster: FakeCluster, run: Run) -> None:
    """Exit code 1, with the dependency that is down."""
    cluster.web.answers["GET", "/healthz"] = (503, {"dependencies": {"redis": "down: connection refused"}})
    assert run("eafix-cli risk status") == Ended(
        1, "FAIL  risk-manager: cannot decide: it refuses every order\nFAIL  redis: down: connection refused\n", ""
    )


def test_limits_are_shown_with_what_they_hold(cluster: FakeCluster, run: Run) -> None:
    """Each symbol's share of the position limit; exit code 1 when one is over it."""
    assert run("eafix-cli risk limits") == Ended(
        0,
        "max_order_quantity  1000000\nmax_position        10000000\n"
        "EURUSD              -2500000 (25.0 % of max_position)\nUSDJPY              0 (0.0 % of max_position)\n",
        "",
    )
    cluster.web.answers["GET", "/api/positions"] = (200, [POSITIONS[0] | {"quantity": 10_000_001}])
    assert run("eafix-cli risk limits").code == 1


def test_resetting_limits_wants_a_confirmation(cluster: FakeCluster, run: Run) -> None:
    """Without it nothing is changed."""
    assert run("eafix-cli risk limits reset").code == 1
    assert cluster.web.posts() == []
    cluster.web.answers["POST", "/api/risk/limits/reset"] = (200, RISK)
    assert run("eafix-cli risk limits reset --confirm").out == "limits reset: max_order_quantity 1000000, max_position 10000000\n"


def test_executed_orders_are_the_execution_engines(cluster: FakeCluster, run: Run) -> None:
    """Newest first, as it has them."""
    row: dict[str, Any] = {
        "client_order_id": "o-000007",
        "side": "buy",
        "quantity": 100,
        "symbol": "EURUSD",
        "status": "filled",
        "price": 1.0832,
    }
    cluster.web.answers["GET", "/api/executions"] = (200, [row])
    assert run("eafix-cli orders list --limit=5") == Ended(0, "o-000007  buy 100 EURUSD  filled at 1.0832\n1 filled orders\n", "")
    assert cluster.web.asked[-1][1] == "/api/executions?limit=5"


def test_failed_orders_are_the_gateways(cluster: FakeCluster, run: Run) -> None:
    """Runbook 002:344."""
    row = {
        "client_order_id": "o-000008",
        "side": "sell",
        "quantity": 5,
        "symbol": "USDJPY",
        "status": "failed",
        "error": "postgres is down",
    }
    cluster.web.answers["GET", "/api/orders"] = (200, [row])
    assert run("eafix-cli orders list --status=failed --limit=20") == Ended(
        0, "o-000008  sell 5 USDJPY  failed postgres is down\n1 failed orders\n", ""
    )
    assert run("eafix-cli orders list --status=lost") == Ended(
        2, "", "eafix-cli: no status 'lost'; there are filled and failed\n"
    )


def test_the_broker_is_asked_itself_and_through_the_engine(cluster: FakeCluster, run: Run) -> None:
    """A broker that is well behind a link that is down is no use."""
    assert run("eafix-cli broker status --all") == Ended(
        0, "ok    broker: 12 fills, 1 open positions\nok    execution-engine to broker: ok\n", ""
    )
    cluster.web.answers["GET", "/healthz"] = (503, {"dependencies": {"broker": "down: timeout"}})
    assert run("eafix-cli broker status").code == 1
