"""Claims about the risk manager: its limits hold, and what it can't know it refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.services.live import eventually
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real


def test_the_position_limit_holds_under_fifty_orders_at_once(stack: Stack) -> None:
    """Fifty buyers of 100 and room for 1,000: ten get it, forty are refused, in whatever order they come."""
    stack.settings |= {"risk.max_position": 1000, "risk.max_order_quantity": 100}
    stack.start_order_path()
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(lambda number: stack.order(f"o-{number}", quantity=100), range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 40
    assert {answer.json()["reason"] for answer in answers if answer.status_code == 409} == {"max_position"}
    assert stack.sql("SELECT quantity FROM positions") == [(1000,)]
    assert stack.order("too-large", side="sell", quantity=101).json()["reason"] == "max_order_quantity"
    assert stack.order("back", side="sell", quantity=100).status_code == 201
    assert stack.order("again", quantity=100).status_code == 201


def test_room_is_given_once_before_anything_is_executed(stack: Stack) -> None:
    """Fifty checks at once, none of them executed yet: ten are approved; a repeated check asks for no new room."""
    stack.settings["risk.max_position"] = 1000
    stack.start_order_path()

    def check(number: int) -> int:
        order = {"client_order_id": f"o-{number}", "symbol": "EURUSD", "side": "buy", "quantity": 100}
        return stack.post("risk-manager", "/api/risk/check", order).status_code

    with ThreadPoolExecutor(50) as clients:
        statuses = list(clients.map(check, range(50)))
    assert sorted(statuses) == [200] * 10 + [409] * 40
    assert check(statuses.index(200)) == 200
    assert check(50) == 409


def test_a_failed_order_gives_its_room_back(stack: Stack) -> None:
    """What the execution engine certainly did not do takes no room from the next order."""
    stack.settings["risk.max_position"] = 100
    gate = stack.gate("gui-gateway", "execution-engine")
    stack.start_order_path()
    gate.shut()
    assert stack.order("o-1", quantity=100).status_code == 503
    assert stack.metric("risk-manager", "risk_orders_in_flight") == 0
    gate.open()
    assert stack.order("o-2", quantity=100).status_code == 201


@pytest.mark.parametrize(("age_s", "status"), [(58.0, 201), (61.0, 409)])
def test_a_stale_price_is_refused(stack: Stack, age_s: float, status: int) -> None:
    """Over 60 documented seconds old, a price is no base for an order; the order counts as failed."""
    stack.start_order_path()
    stack.set_price("EURUSD", 1.08, age_s=age_s)
    answer = stack.order("o-1")
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["reason"] == "stale_market_data"
        assert stack.metric("gui-gateway", "trading_orders_failed_total") == 1


def test_an_unknown_price_is_refused(stack: Stack) -> None:
    """A symbol that was never quoted can't be traded."""
    stack.start_order_path()
    assert stack.order("o-1", symbol="XAUUSD").json()["reason"] == "stale_market_data"


@pytest.mark.parametrize("missing", ["redis", "postgres"])
def test_without_redis_or_postgres_nothing_is_approved(stack: Stack, missing: str) -> None:
    """It fails closed: a 503 that names what is missing, nothing executed, and its own health says so."""
    gate = stack.gate("risk-manager", missing)
    stack.start_order_path()
    gate.shut()
    order = {"client_order_id": "o-1", "symbol": "EURUSD", "side": "buy", "quantity": 1}
    answer = stack.post("risk-manager", "/api/risk/check", order)
    assert (answer.status_code, answer.json()["dependency"]) == (503, missing)
    assert stack.client.get(stack.url("risk-manager", "/healthz")).status_code == 503
    assert stack.sql("SELECT count(*) FROM executions") == [(0,)]


def test_limits_come_from_the_configuration_and_can_be_reset(stack: Stack) -> None:
    """What somebody changed in the database goes back to what is configured."""
    stack.settings |= {"risk.max_position": 500, "risk.max_order_quantity": 50}
    stack.start_order_path()
    configured = {"max_position": 500, "max_order_quantity": 50}
    assert eventually(lambda: stack.get("risk-manager", "/api/risk/status"))["limits"] == configured
    stack.sql("UPDATE risk_settings SET value = 1")
    assert stack.order("o-1", quantity=50).status_code == 409
    assert stack.post("risk-manager", "/api/risk/limits/reset").json()["limits"] == configured
    assert stack.order("o-2", quantity=50).status_code == 201


def test_what_its_deployment_gives_it_goes_before_the_settings(stack: Stack) -> None:
    """The figures of a ConfigMap are read at the start, used, and told of; without a restart nothing changes."""
    stack.settings |= {"risk.max_position": 500, "risk.max_order_quantity": 50}
    stack.environments["risk-manager"] = {"risk.max_order_quantity": "40", "risk.stale_after_s": "30"}
    stack.start_order_path()
    configured = {"risk.max_order_quantity": 40, "risk.max_position": 500, "risk.signal_quantity": 1000, "risk.stale_after_s": 30}
    eventually(lambda: stack.get("risk-manager", "/api/risk/status")["configuration"] == configured or None)
    assert stack.order("o-1", quantity=41).json()["reason"] == "max_order_quantity"
    stack.environments["risk-manager"]["risk.max_order_quantity"] = "45"
    assert stack.order("o-2", quantity=41).status_code == 409
    stack.restart("risk-manager")
    stack.set_price("EURUSD", 1.08)
    eventually(lambda: stack.order("o-3", quantity=41).status_code == 201 or None)
