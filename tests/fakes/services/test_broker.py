"""Claims about the broker."""

from __future__ import annotations

import signal

import httpx
import pytest

from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real

ORDER = {"client_order_id": "o-1", "symbol": "EURUSD", "side": "buy", "quantity": 5, "price": 1.08}


def test_an_order_is_filled_once_also_across_a_restart(stack: Stack) -> None:
    """The same id gets the same fill, from a broker that was killed meanwhile too; another order under it is refused."""
    stack.start("broker")
    first = stack.post("broker", "/orders", ORDER)
    assert first.status_code == 201
    stack.restart("broker", signal.SIGKILL)
    again = stack.post("broker", "/orders", ORDER)
    assert (again.status_code, again.json()) == (200, first.json())
    assert stack.get("broker", "/positions") == {"EURUSD": 5}
    assert stack.post("broker", "/orders", {**ORDER, "quantity": 6}).json()["reason"] == "client_order_id_reused"


def test_a_cancelled_order_is_never_filled(stack: Stack) -> None:
    """Cancelling tells the fill if there is one; if not, a late order is refused, also after a restart."""
    stack.start("broker")
    assert stack.post("broker", "/orders/o-1/cancel").json() == {"fill": None}
    stack.restart("broker", signal.SIGKILL)
    assert stack.post("broker", "/orders", ORDER).json()["reason"] == "cancelled"
    fill = stack.post("broker", "/orders", {**ORDER, "client_order_id": "o-2"}).json()
    assert stack.post("broker", "/orders/o-2/cancel").json() == {"fill": fill}
    assert stack.get("broker", "/status") == {"status": "ok", "fills": 1, "open_positions": 1}


def test_a_price_is_needed(stack: Stack) -> None:
    """An order without one can't be filled."""
    stack.start("broker")
    assert stack.post("broker", "/orders", {**ORDER, "price": 0}).json() == {"error": "price: expected a number above 0, found 0"}


def test_fills_move_the_balances(stack: Stack) -> None:
    """What is bought comes in and its price goes out, to the cent; the same order again moves nothing, nor does a restart."""
    stack.start("broker")
    assert stack.get("broker", "/accounts") == [
        {"account": "mt4_live", "fills": 0, "opening": {"USD": 10_000_000.0}, "balances": {"USD": 10_000_000.0}}
    ]
    for _ in range(2):
        stack.post("broker", "/orders", {**ORDER, "quantity": 1000})
    stack.post("broker", "/orders", {**ORDER, "client_order_id": "o-2", "symbol": "USDJPY", "side": "sell", "price": 150.25})
    balances = {"EUR": 1000.0, "USD": 9_998_915.0, "JPY": 751.25}
    for _ in range(2):
        [account] = stack.get("broker", "/accounts")
        assert (account["fills"], account["balances"]) == (2, balances)
        stack.restart("broker", signal.SIGKILL)


def test_an_order_that_was_filled_twice_stays_so_across_a_restart(stack: Stack) -> None:
    """Both fills are told and count, the client gets the first, and it is no behaviour of a restarted broker."""
    stack.start("broker")
    stack.post("broker", "/admin/behaviours", {"double-fills": 1})
    first = stack.post("broker", "/orders", ORDER)
    for _ in range(2):
        assert [fill["fill_id"] for fill in stack.get("broker", "/fills")] == ["F-00000001", "F-00000002"]
        assert (stack.get("broker", "/positions"), stack.get("broker", "/status")["fills"]) == ({"EURUSD": 10}, 2)
        again = stack.post("broker", "/orders", ORDER)
        assert (again.status_code, again.json()) == (200, first.json())
        stack.restart("broker", signal.SIGKILL)
    assert stack.get("broker", "/admin/behaviours") == {}
    assert stack.post("broker", "/orders", {**ORDER, "client_order_id": "o-2"}).json()["fill_id"] == "F-00000003"


def test_every_second_order_that_gets_no_answer_is_filled(stack: Stack) -> None:
    """Whoever asks cannot tell which; probes do not count."""
    stack.start("broker")
    stack.post("broker", "/admin/behaviours", {"disconnects": 1})
    for number in range(4):
        for path, body in (("/orders", {**ORDER, "client_order_id": f"o-{number}"}), ("/healthz", None)):
            with pytest.raises(httpx.RemoteProtocolError):
                stack.client.request("POST" if body else "GET", stack.url("broker", path), json=body)
    stack.post("broker", "/admin/behaviours", {"disconnects": None})
    assert [fill["client_order_id"] for fill in stack.get("broker", "/fills")] == ["o-1", "o-3"]


def test_a_broker_rejects_new_orders_only(stack: Stack) -> None:
    """What it filled before it knows; half of the orders are half of them, evenly."""
    stack.start("broker")
    known = stack.post("broker", "/orders", ORDER).json()
    stack.post("broker", "/admin/behaviours", {"rejects": 0.5})
    assert stack.post("broker", "/orders", ORDER).json() == known
    found = [stack.post("broker", "/orders", {**ORDER, "client_order_id": f"n-{number}"}).status_code for number in range(6)]
    assert found == [409, 201] * 3
