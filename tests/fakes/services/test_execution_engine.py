"""Claims about the execution engine where it is hard: a commit nobody heard of, a death between broker and book."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.fakes.services.live import eventually
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real

# A transaction that books an execution while there is a row in `slow` waits in its COMMIT.
SLOW_COMMITS = """
    CREATE TABLE slow (seconds int);
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(seconds) FROM slow; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON executions DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
COMMITTING = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'execution-engine' AND query = 'COMMIT' AND state = 'active'"
)


@contextmanager
def caught_in_its_commit(stack: Stack, order_id: str) -> Iterator[tuple[Future[httpx.Response], int]]:
    """An order whose transaction is in its COMMIT, and the process id of the server's side of it."""
    stack.sql(SLOW_COMMITS)
    stack.sql("INSERT INTO slow VALUES (30)")
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(stack.order, order_id)
        [(pid,)] = eventually(lambda: stack.sql(COMMITTING) or None)
        stack.sql("DELETE FROM slow")  # later ones don't wait
        yield answer, pid


def booked(stack: Stack, order_id: str) -> list[tuple[object, ...]] | None:
    return stack.sql("SELECT executed_at_s, booked_at_s FROM executions WHERE client_order_id = %s", order_id) or None


def test_an_order_lost_in_its_commit_is_unknown_and_gets_booked(stack: Stack) -> None:
    """The client hears that the outcome is unknown; the broker has filled the order, so it is booked, once."""
    stack.start_order_path()
    with caught_in_its_commit(stack, "o-1") as (answer, pid):
        stack.sql("SELECT pg_terminate_backend(%s)", pid)
    body = answer.result().json()
    assert answer.result().status_code == 503
    assert (body["error"], body["dependency"], body["outcome"]) == ("outcome unknown", "postgres", "unknown")
    assert stack.metric("gui-gateway", 'trading_orders_total{result="unknown"}') == 1
    eventually(lambda: booked(stack, "o-1"))
    assert stack.order("o-1").status_code == 200
    eventually(lambda: stack.metric("execution-engine", "trading_orders_in_doubt") == 0 or None)
    assert stack.get("gui-gateway", "/api/reconcile/positions")["status"] == "matched"


def test_an_order_that_an_engine_took_with_it_is_booked_by_the_next(stack: Stack) -> None:
    """Killed between the broker and the book, the engine comes back and books the fill at the time at which it happened."""
    stack.start_order_path()
    with caught_in_its_commit(stack, "o-1") as (answer, pid):
        stack.stop("execution-engine", signal.SIGKILL)
        stack.sql("SELECT pg_terminate_backend(%s)", pid)
    assert answer.result().json()["outcome"] == "unknown"
    assert booked(stack, "o-1") is None
    stack.start("execution-engine")
    [(executed_at_s, booked_at_s)] = eventually(lambda: booked(stack, "o-1"))
    assert executed_at_s == stack.get("broker", "/fills")[0]["at_s"] < booked_at_s
    assert stack.get("gui-gateway", "/api/reconcile/positions")["status"] == "matched"


def test_what_was_filled_before_a_halt_is_booked_after_it(stack: Stack) -> None:
    """A halt stops orders, it does not undo a fill; nor can a client have the order executed anew."""
    stack.start_order_path()
    with caught_in_its_commit(stack, "o-1") as (_, pid):
        stack.stop("execution-engine", signal.SIGKILL)
        stack.sql("SELECT pg_terminate_backend(%s)", pid)
    assert stack.post("gui-gateway", "/emergency/stop-trading").status_code == 200
    stack.start("execution-engine")
    eventually(lambda: booked(stack, "o-1"))
    assert stack.order("o-1").status_code == 200
    assert stack.order("o-2").status_code == 409
    assert len(stack.get("broker", "/fills")) == 1


def test_an_order_that_never_reached_the_broker_is_cancelled_there(stack: Stack) -> None:
    """When the broker's answer was lost, the engine asks: what was not filled never will be."""
    gate = stack.gate("execution-engine", "broker")
    stack.start_order_path()
    order = {"client_order_id": "o-1", "symbol": "EURUSD", "side": "buy", "quantity": 1}
    journal = stack.folder / "execution-engine" / "intents.jsonl"
    stack.stop("execution-engine")
    terms = {"price": 1.0, "price_at_s": 0.0, "source": "client", "placed_at_s": 0.0}
    journal.write_text(json.dumps({"order": order, "terms": terms}) + "\n", encoding="utf-8")
    gate.shut()
    stack.start_unready("execution-engine")
    eventually(lambda: stack.metric("execution-engine", "trading_orders_in_doubt") == 1 or None)
    gate.open()
    eventually(lambda: stack.metric("execution-engine", "trading_orders_in_doubt") == 0 or None)
    assert stack.get("broker", "/fills") == []
    answer = stack.post("broker", "/orders", {**order, "price": 1.0})
    assert (answer.status_code, answer.json()["reason"]) == (409, "cancelled")


def test_every_execution_reaches_the_bus(stack: Stack) -> None:
    """Also those that were committed while Redis was away, in the order in which they were committed."""
    gate = stack.gate("execution-engine", "redis")
    stack.start_order_path()
    stack.order("o-1")
    eventually(lambda: stack.sql("SELECT count(*) FROM outbox") == [(0,)] or None)
    gate.shut()
    assert stack.order("o-2").status_code == 201
    assert stack.order("o-3").status_code == 201
    gate.open()
    eventually(lambda: len(stack.redis.stream("executions")) >= 3 or None)
    assert [row["client_order_id"] for row in stack.redis.stream("executions")] == ["o-1", "o-2", "o-3"]
    eventually(lambda: stack.sql("SELECT count(*) FROM outbox") == [(0,)] or None)


def test_executions_of_the_last_hour_are_listed(stack: Stack) -> None:
    """`since` counts documented time back from now; the newest comes first."""
    stack.start_order_path()
    for name in ("o-1", "o-2"):
        stack.order(name)
    stack.sql("UPDATE executions SET executed_at_s = executed_at_s - 7200 WHERE client_order_id = 'o-1'")
    ids = [row["client_order_id"] for row in stack.get("execution-engine", "/api/executions")]
    assert ids == ["o-2", "o-1"]
    assert [row["client_order_id"] for row in stack.get("execution-engine", "/api/executions?since=1h")] == ["o-2"]
    assert stack.client.get(stack.url("execution-engine", "/api/executions?since=soon")).status_code == 400


def test_the_engine_itself_holds_the_position_limit(stack: Stack) -> None:
    """Orders that passed the risk check are refused all the same when the position would go beyond it, also all at once."""
    stack.start_order_path()
    stack.sql("UPDATE risk_settings SET value = 350 WHERE name = 'max_position'")
    order = {"symbol": "EURUSD", "side": "buy", "quantity": 100, "price": 1.0, "price_at_s": 0.0}

    def place(number: int) -> httpx.Response:
        return stack.post("execution-engine", "/api/orders", {**order, "client_order_id": f"o-{number}"})

    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(place, range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 7
    assert {answer.json()["reason"] for answer in answers if answer.status_code == 409} == {"max_position"}
    assert len(stack.get("broker", "/fills")) == 3


def test_the_connections_to_the_broker_are_made_anew(stack: Stack) -> None:
    """The old ones are closed, the broker is reached on others, and no order fails by that."""
    gate = stack.gate("execution-engine", "broker")
    stack.start_order_path()
    stack.order("o-1")
    before = set(gate._tasks)
    assert before
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(stack.post, "execution-engine", "/admin/broker/reconnect")
        placed = [stack.order(f"during-{number}").status_code for number in range(20)]
    assert (answer.result().status_code, answer.result().json()["status"]) == (200, "connected")
    assert set(placed) == {201}
    eventually(lambda: not before & gate._tasks or None)
    assert stack.order("o-2").status_code == 201
    assert "the connections to the broker were dropped and made anew" in stack.log("execution-engine")


def test_a_broker_that_does_not_answer_is_not_reconnected(stack: Stack) -> None:
    """A 503 that says why; when the broker is back, orders go through without another reconnect."""
    gate = stack.gate("execution-engine", "broker")
    stack.start_order_path()
    gate.shut()
    answer = stack.post("execution-engine", "/admin/broker/reconnect")
    assert (answer.status_code, answer.json()["dependency"], answer.json()["outcome"]) == (503, "broker", "failed")
    gate.open()
    assert stack.order("o-1").status_code == 201
