"""Claims about the gateway's modes: what maintenance refuses, and what security monitoring writes down."""

from __future__ import annotations

import pytest

from tests.fakes.services.live import eventually
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real
ON = {"active": True, "kind": "scheduled", "message": "System maintenance in progress"}


def test_no_order_is_taken_in_maintenance(stack: Stack) -> None:
    """A 503 with the message, certainly not executed, no failure of the trading system; afterwards orders go through again."""
    stack.start_order_path()
    told = stack.post("gui-gateway", "/api/maintenance", ON)
    assert (told.status_code, told.json()["active"], told.json()["kind"]) == (200, True, "scheduled")
    refused = stack.order("o-1")
    body = refused.json()
    assert (refused.status_code, body["reason"], body["outcome"]) == (503, "maintenance", "failed")
    assert body["error"] == "maintenance: System maintenance in progress"
    assert body["since_s"] == told.json()["since_s"] > 0
    assert stack.sql("SELECT count(*) FROM executions") == [(0,)]
    assert stack.metric("gui-gateway", "trading_orders_failed_total") == 0
    assert stack.metric("gui-gateway", 'trading_orders_total{result="maintenance"}') == 1
    assert stack.metric("gui-gateway", "maintenance_mode") == 1
    stack.post("gui-gateway", "/api/maintenance", {"active": False})
    assert stack.order("o-1").status_code == 201
    assert stack.sql("SELECT active, kind, message FROM maintenance_log ORDER BY entry") == [
        (True, "scheduled", "System maintenance in progress"),
        (False, "", ""),
    ]


def test_maintenance_holds_across_a_restart_and_for_every_gateway(stack: Stack) -> None:
    """It stands in the database: a gateway that starts knows it, and one that was not told hears of it."""
    stack.start_order_path()
    stack.post("gui-gateway", "/api/maintenance", ON)
    stack.restart("gui-gateway")
    assert stack.order("o-1").json()["reason"] == "maintenance"
    stack.sql("UPDATE maintenance SET active = false")
    eventually(lambda: stack.order("o-2").status_code == 201 or None)


def test_maintenance_that_lasts_keeps_its_beginning(stack: Stack) -> None:
    """A second message does not make it younger."""
    stack.start_order_path()
    first = stack.post("gui-gateway", "/api/maintenance", ON).json()
    second = stack.post("gui-gateway", "/api/maintenance", ON | {"message": "longer than planned"}).json()
    assert (second["message"], second["since_s"]) == ("longer than planned", first["since_s"])


def test_maintenance_is_not_claimed_without_a_database(stack: Stack) -> None:
    """It could not be written: a 503, and orders are taken as before."""
    gate = stack.gate("gui-gateway", "postgres")
    stack.start_order_path()
    stack.order("o-1")
    gate.shut()
    assert stack.post("gui-gateway", "/api/maintenance", ON).status_code == 503
    assert stack.order("o-2").status_code == 201


@pytest.mark.parametrize("body", [{}, {"active": "yes"}, {"active": True, "kind": "whenever"}, {"active": True, "message": 7}])
def test_a_change_must_make_sense(stack: Stack, body: dict[str, object]) -> None:
    """Nothing is guessed."""
    stack.start_order_path()
    assert stack.post("gui-gateway", "/api/maintenance", body).status_code == 400
    assert stack.sql("SELECT count(*) FROM maintenance_log") == [(0,)]


def test_a_halt_shows_in_the_metrics(stack: Stack) -> None:
    """A dashboard can tell that trading is halted."""
    stack.start_order_path()
    eventually(lambda: stack.metric("gui-gateway", "trading_halted") == 0 or None)
    stack.post("gui-gateway", "/emergency/stop-trading")
    eventually(lambda: stack.metric("gui-gateway", "trading_halted") == 1 or None)


def test_security_monitoring_logs_every_request(stack: Stack) -> None:
    """Off, requests leave no line; on, each has one, a refused login as a warning; it stays on across a restart."""
    stack.start_order_path()
    stack.get("gui-gateway", "/api/positions")
    assert stack.post("gui-gateway", "/admin/monitoring", {"security": True}).json()["security"] is True
    stack.restart("gui-gateway")
    assert eventually(lambda: stack.metric("gui-gateway", "security_monitoring") or None) == 1
    stack.post("gui-gateway", "/auth/login", {"user": "u", "password": "guess"})
    stack.get("gui-gateway", "/api/positions")
    lines = [line for line in stack.log("gui-gateway").splitlines() if "security: " in line]
    assert [line.split(" ", 3)[1] for line in lines if "/auth/login" in line] == ["WARNING"]
    assert sum("security: GET /api/positions from 127.0.0.1: 200" in line for line in lines) == 1
    assert not any("/healthz" in line for line in lines)
    stack.post("gui-gateway", "/admin/monitoring", {"security": False})
    before = stack.log("gui-gateway").count("security: ")
    stack.get("gui-gateway", "/api/positions")
    assert stack.log("gui-gateway").count("security: ") == before
    assert stack.post("gui-gateway", "/admin/monitoring", {"security": 1}).status_code == 400
