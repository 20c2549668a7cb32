"""Claims about the gateway: what a client of the stack may rely on, on live services."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.services.live import Gate, Postgres, Replica, eventually
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real


def executed(stack: Stack) -> int:
    return int(stack.sql("SELECT count(*) FROM executions")[0][0])


def test_an_order_is_executed_once_however_often_it_comes(stack: Stack) -> None:
    """The same order at once from ten clients, and again later: one execution, which all of them get."""
    stack.start_order_path()
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda _: stack.order("o-1", quantity=100), range(10)))
    answers.append(stack.order("o-1", quantity=100))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [201]
    assert len({answer.json()["execution_id"] for answer in answers}) == 1
    assert answers[0].json()["status"] == "filled"
    assert stack.sql("SELECT symbol, quantity FROM positions") == [("EURUSD", 100)]
    assert executed(stack) == len(stack.get("broker", "/fills")) == 1


def test_an_id_used_for_another_order_is_refused(stack: Stack) -> None:
    """The second order isn't mistaken for a repetition of the first."""
    stack.start_order_path()
    assert stack.order("o-1", quantity=100).status_code == 201
    answer = stack.order("o-1", quantity=200)
    assert (answer.status_code, answer.json()["reason"]) == (409, "client_order_id_reused")


def test_a_senseless_order_is_a_400(stack: Stack) -> None:
    """The field is named, nothing counts as failed."""
    stack.start_order_path()
    assert stack.order("o-1", side="hold").json() == {"error": "side: expected buy or sell, found 'hold'"}
    answer = stack.client.post(stack.url("gui-gateway", "/api/orders"), content=b"no json")
    assert answer.status_code == 400
    assert stack.metric("gui-gateway", "trading_orders_failed_total") == 0


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("gui-gateway", "risk-manager"), ("gui-gateway", "execution-engine"), ("execution-engine", "postgres"),
        ("execution-engine", "broker"), ("risk-manager", "postgres"), ("risk-manager", "redis"),
    ],
)  # fmt: skip
def test_the_first_order_after_an_outage_succeeds(stack: Stack, source: str, target: str) -> None:
    """While a link of the order path is down every order is a 503 that names it; the next one after its return is executed."""
    gate = stack.gate(source, target)
    stack.start_order_path()
    assert stack.order("before").status_code == 201
    gate.shut()
    for name in ("during-1", "during-2"):
        answer = stack.order(name)
        assert (answer.status_code, answer.json()["dependency"], answer.json()["outcome"]) == (503, target, "failed")
    gate.open()
    assert stack.order("after").status_code == 201
    assert {row[0] for row in stack.sql("SELECT client_order_id FROM executions")} == {"before", "after"}
    assert stack.metric("gui-gateway", "trading_orders_failed_total") == 2
    assert [row["client_order_id"] for row in stack.get("gui-gateway", "/api/orders?status=failed")] == ["during-2", "during-1"]


@pytest.fixture
def replica(postgres: Postgres, database: str, memory_folder: Path) -> Iterator[Replica]:
    folder = memory_folder / "replica"
    folder.mkdir()
    made = Replica(postgres, folder)
    yield made
    made.stop()


def test_orders_follow_a_failover(stack: Stack, replica: Replica) -> None:
    """Led to a replica, orders are certain failures; once it is promoted the next order is executed, nobody being restarted."""
    gates = [stack.gate(name, "postgres") for name in ("gui-gateway", "risk-manager", "execution-engine")]
    stack.start_order_path()
    stack.order("before")
    eventually(lambda: replica.sql(stack.database, "SELECT 1 FROM executions") or None)
    for gate in gates:
        gate.point_at(replica.port)
    answer = stack.order("during").json()
    assert (answer["why"], answer["outcome"]) == ("only a read-only copy is there", "failed")
    assert stack.post("gui-gateway", "/emergency/stop-trading").json()["outcome"] == "failed"
    replica.promote()
    assert stack.order("after").status_code == 201
    assert stack.order("before").status_code == 200
    assert replica.sql(stack.database, "SELECT quantity FROM positions") == [(200,)]


def test_health_follows_a_dependency(stack: Stack) -> None:
    """/healthz is a 503 while Postgres is away, in the log stands since when, and /health tells of the whole stack."""
    gate = stack.gate("gui-gateway", "postgres")
    stack.start_order_path()
    gate.shut()
    body = eventually(lambda: unavailable(stack))
    assert body["dependencies"]["postgres"].startswith("down: ")
    assert stack.client.get(stack.url("gui-gateway", "/health")).json()["status"] == "degraded"
    assert "ERROR gui-gateway postgres is down: " in stack.log("gui-gateway")
    gate.open()
    eventually(lambda: stack.healthy("gui-gateway") or None)
    stack.start("price-primary", "price-backup", "data-ingestor", "indicator-engine", "signal-generator")
    health = eventually(lambda: stack.get("gui-gateway", "/health"))
    assert health["status"] == "ok"
    assert set(health["services"]) > {"data-ingestor", "signal-generator", "execution-engine"}


def unavailable(stack: Stack) -> dict[str, dict[str, str]] | None:
    answer = stack.client.get(stack.url("gui-gateway", "/healthz"))
    return answer.json() if answer.status_code == 503 else None


def test_the_loss_of_what_is_not_needed_is_told_and_harms_nothing(stack: Stack) -> None:
    """Without its own link to Redis the gateway shows positions without prices and goes on trading."""
    gate = stack.gate("gui-gateway", "redis")
    stack.start_order_path()
    stack.order("o-1", quantity=100)
    assert stack.get("gui-gateway", "/api/positions")[0]["price"] == 1.08
    gate.shut()
    assert stack.get("gui-gateway", "/api/positions")[0]["price"] is None
    assert stack.get("gui-gateway", "/healthz")["dependencies"]["redis"].startswith("down: ")
    assert stack.order("o-2").status_code == 201


def test_a_halt_holds_and_survives_restarts(stack: Stack) -> None:
    """After a halt nothing is executed, whoever is restarted; what was executed before is still answered for."""
    stack.start_order_path()
    stack.order("o-1")
    assert stack.post("gui-gateway", "/emergency/stop-trading", {"reason": "drill"}).json()["status"] == "halted"
    for name in ("risk-manager", "execution-engine", "gui-gateway"):
        stack.restart(name)
        answer = stack.order(f"after-{name}")
        assert (answer.status_code, answer.json()["reason"]) == (409, "trading_halted")
    assert stack.order("o-1").status_code == 200
    assert stack.get("risk-manager", "/api/risk/status")["halted"] is True
    stack.post("gui-gateway", "/emergency/resume-trading")
    assert stack.order("o-2").status_code == 201
    assert stack.sql("SELECT halted, reason FROM trading_halt_log ORDER BY entry") == [(True, "drill"), (False, "resumed")]


def test_nothing_commits_after_a_halt_is_acknowledged(stack: Stack) -> None:
    """Orders that come from all sides while trading is halted: what is there at the acknowledgement is all there will be."""
    stack.start_order_path()
    stop = False
    numbers = itertools.count()

    def place(client: int) -> set[int]:
        seen = set()
        while not stop:
            seen.add(stack.order(f"c{client}-{next(numbers)}", symbol="EURUSD", quantity=1).status_code)
        return seen

    with ThreadPoolExecutor(8) as clients:
        placing = [clients.submit(place, client) for client in range(8)]
        eventually(lambda: executed(stack) > 20 or None)
        halt = stack.post("gui-gateway", "/emergency/stop-trading")
        at_acknowledgement = executed(stack)
        eventually(lambda: stack.metric("gui-gateway", 'trading_orders_total{result="rejected"}') > 20 or None)
        stop = True
        seen = set().union(*(each.result() for each in placing))
    assert halt.status_code == 200
    assert seen == {201, 409}
    assert executed(stack) == at_acknowledgement
    assert stack.sql("SELECT count(*) FROM executions WHERE executed_at_s >= %s", halt.json()["changed_at_s"]) == [(0,)]


def plant_in_positions(stack: Stack) -> None:
    stack.sql("UPDATE positions SET quantity = quantity + 7")


def plant_in_executions(stack: Stack) -> None:
    stack.sql("DELETE FROM orders WHERE client_order_id = 'o-1'")


def plant_at_the_broker(stack: Stack) -> None:
    fill = {"client_order_id": "planted", "symbol": "EURUSD", "side": "sell", "quantity": 7, "price": 1.0}
    assert stack.post("broker", "/orders", fill).status_code == 201


@pytest.mark.parametrize(
    ("plant", "position", "executions", "broker"),
    [(plant_in_positions, 157, 150, 150), (plant_in_executions, 150, 50, 150), (plant_at_the_broker, 150, 150, 143)],
)
def test_reconciliation_finds_a_planted_difference(
    stack: Stack, plant: Callable[[Stack], None], position: int, executions: int, broker: int
) -> None:
    """Position, sum of the executions and the broker's position are compared; each can be the one that differs."""
    stack.start_order_path()
    stack.order("o-1", quantity=100)
    stack.order("o-2", quantity=50)
    assert stack.get("gui-gateway", "/api/reconcile/positions") == {"status": "matched", "differences": []}
    plant(stack)
    difference = {"symbol": "EURUSD", "position": position, "executions": executions, "broker": broker}
    assert stack.get("gui-gateway", "/api/reconcile/positions") == {"status": "different", "differences": [difference]}


def test_positions_are_open_or_flat(stack: Stack) -> None:
    """A position that was closed is still listed."""
    stack.start_order_path()
    stack.set_price("GBPUSD", 1.27)
    for name, symbol, side in (("o-1", "EURUSD", "buy"), ("o-2", "GBPUSD", "sell"), ("o-3", "EURUSD", "sell")):
        stack.order(name, symbol=symbol, side=side, quantity=10)
    found = [(row["symbol"], row["quantity"], row["status"]) for row in stack.get("gui-gateway", "/api/positions")]
    assert found == [("EURUSD", 0, "flat"), ("GBPUSD", -10, "open")]


def test_a_silent_database_fails_orders_in_time(stack: Stack) -> None:
    """When Postgres says nothing at all, an order is a certain failure after its time-out, and the next one after is executed."""
    gate: Gate = stack.gate("execution-engine", "postgres")
    stack.start_order_path()
    stack.clock.set_rate(20)
    stack.order("before")
    gate.hush()
    answer = stack.order("during")
    assert (answer.status_code, answer.json()["dependency"], answer.json()["outcome"]) == (503, "postgres", "failed")
    gate.speak()
    stack.set_price("EURUSD", 1.08)
    assert stack.order("after").status_code == 201
