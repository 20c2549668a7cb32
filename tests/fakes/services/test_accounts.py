"""Claims about the gateway's door: logins, tokens and the audit trail, over HTTP on live services."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.fakes.services.live import SCHEMA
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real


def _login(stack: Stack, user: str, password: str, address: str = "198.51.100.7") -> httpx.Response:
    given = {"user": user, "password": password}
    return stack.client.post(stack.url("gui-gateway", "/auth/login"), json=given, headers={"X-Forwarded-For": address})


def _with(stack: Stack, token: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return stack.client.request(method, stack.url("gui-gateway", path), json=body, headers=headers)


def _trail(stack: Stack, event_type: str) -> list[tuple[Any, ...]]:
    return stack.sql("SELECT actor, address, detail FROM audit_log WHERE event_type = %s ORDER BY entry", event_type)


def test_failed_logins_are_counted_and_written_down(stack: Stack) -> None:
    """The metric of the brute-force alert moves, and the trail tells who tried what from where, and why it failed."""
    stack.start_order_path()
    assert _login(stack, "trader-1", "guess").status_code == 401
    assert _login(stack, "nobody", "guess", "203.0.113.9, 10.0.0.1").status_code == 401
    stack.sql("UPDATE users SET locked_at_s = 0 WHERE user_id = 'trader-2'")
    assert _login(stack, "trader-2", "trader-2-password").status_code == 401
    assert _login(stack, "svc-reporting", "!").status_code == 401
    assert stack.metric("gui-gateway", "failed_login_attempts") == 4
    assert _trail(stack, "login_failed") == [
        ("trader-1", "198.51.100.7", "wrong password"),
        ("nobody", "203.0.113.9", "no such user"),
        ("trader-2", "198.51.100.7", "locked"),
        ("svc-reporting", "198.51.100.7", "wrong password"),
    ]
    assert "login of 'nobody' from 203.0.113.9 failed: no such user" in stack.log("gui-gateway")


def test_a_senseless_login_is_a_400(stack: Stack) -> None:
    """It is no attempt, and nothing breaks on it."""
    stack.start_order_path()
    for given in (
        {},
        {"user": "a"},
        {"user": "a\0", "password": "b"},
        {"user": "\ud800", "password": "b"},
        {"user": 1, "password": 2},
    ):
        answer = stack.client.post(stack.url("gui-gateway", "/auth/login"), content=json.dumps(given))
        assert answer.status_code == 400
    assert stack.metric("gui-gateway", "failed_login_attempts") == 0


def test_a_session_lasts_until_its_logout(stack: Stack) -> None:
    """The token of a login says who one is; after the logout it is refused, which is written down."""
    stack.start_order_path()
    answer = _login(stack, "trader-1", "trader-1-password").json()
    assert (answer["user"], answer["role"]) == ("trader-1", "trader")
    me = {"user": "trader-1", "role": "trader", "token": "session-trader-1"}
    assert _with(stack, answer["token"], "GET", "/auth/me").json() == me
    assert _with(stack, answer["token"], "POST", "/auth/logout").status_code == 200
    assert _with(stack, answer["token"], "GET", "/api/positions").status_code == 401
    assert _trail(stack, "token_refused") == [("trader-1", "127.0.0.1", "session-trader-1")]
    assert stack.sql("SELECT uses FROM api_tokens WHERE name = 'session-trader-1'") == [(2,)]
    assert answer["token"] not in str(stack.sql("SELECT * FROM api_tokens"))


@pytest.mark.parametrize("header", ["Bearer nobodys", "Bearer", "Basic dHJhZGVyLTE6eA==", ""])
def test_a_false_token_is_refused_on_whatever_it_comes(stack: Stack, header: str) -> None:
    """Also where nobody needs one: without any the same order is executed."""
    stack.start_order_path()
    order = {"client_order_id": "o-1", "symbol": "EURUSD", "side": "buy", "quantity": 100}
    url = stack.url("gui-gateway", "/api/orders")
    assert stack.client.post(url, json=order, headers={"Authorization": header}).status_code == 401
    assert stack.sql("SELECT count(*) FROM orders") == [(0,)]
    assert stack.client.post(url, json=order).status_code == 201
    assert stack.client.get(stack.url("gui-gateway", "/auth/me")).status_code == 401
    assert stack.client.get(stack.url("gui-gateway", "/healthz"), headers={"Authorization": header}).status_code == 200


def test_orders_with_a_token_are_in_their_users_name(stack: Stack) -> None:
    """One without is nobody's."""
    stack.start_order_path()
    token = _login(stack, "trader-1", "trader-1-password").json()["token"]
    order = {"client_order_id": "o-1", "symbol": "EURUSD", "side": "buy", "quantity": 100}
    assert _with(stack, token, "POST", "/api/orders", order).status_code == 201
    assert stack.order("o-2").status_code == 201
    assert stack.sql("SELECT actor, target FROM audit_log WHERE event_type = 'order_placed'") == [("trader-1", "o-1")]


def test_only_operators_may_stop_trading(stack: Stack) -> None:
    """A trader's attempt is refused, told by a metric and written down; an operator's is done and written down."""
    stack.start_order_path()
    trader = _login(stack, "trader-1", "trader-1-password").json()["token"]
    assert stack.metric("gui-gateway", "unauthorized_admin_access") == 0
    assert _with(stack, trader, "POST", "/emergency/stop-trading").status_code == 403
    assert stack.metric("gui-gateway", "unauthorized_admin_access") == 1
    assert stack.sql("SELECT halted FROM trading_halt") == [(False,)]
    operator = _login(stack, "ops-1", "ops-1-password").json()["token"]
    assert _with(stack, operator, "POST", "/emergency/stop-trading").status_code == 200
    assert stack.sql("SELECT halted FROM trading_halt") == [(True,)]
    assert (_trail(stack, "admin_refused")[0][0], _trail(stack, "admin_action")[0][0]) == ("trader-1", "ops-1")


def test_a_password_that_must_be_changed_opens_nothing(stack: Stack) -> None:
    """It is good for its change alone, which ends all sessions; then the new one opens."""
    stack.start_order_path()
    token = _login(stack, "trader-1", "trader-1-password").json()["token"]
    stack.sql("UPDATE users SET must_change = true WHERE user_id = 'trader-1'")
    assert _login(stack, "trader-1", "trader-1-password").status_code == 403
    change = {"user": "trader-1", "password": "trader-1-password", "new_password": "short"}
    assert stack.post("gui-gateway", "/auth/password", change).status_code == 400
    change["new_password"] = "a longer password"
    assert stack.post("gui-gateway", "/auth/password", change | {"password": "guess"}).status_code == 401
    assert stack.post("gui-gateway", "/auth/password", change).status_code == 200
    assert _with(stack, token, "GET", "/auth/me").status_code == 401
    assert _login(stack, "trader-1", "a longer password").status_code == 200
    assert _trail(stack, "password_changed") == [("trader-1", "127.0.0.1", "1 tokens revoked")]


def test_nobody_logs_in_while_the_database_is_away(stack: Stack) -> None:
    """That is a 503 and no failed login; orders that show a token fail too, for certain."""
    gate = stack.gate("gui-gateway", "postgres")
    stack.start_order_path()
    token = _login(stack, "trader-1", "trader-1-password").json()["token"]
    gate.shut()
    assert _login(stack, "trader-1", "guess").status_code == 503
    assert stack.metric("gui-gateway", "failed_login_attempts") == 0
    order = {"client_order_id": "o-1", "symbol": "EURUSD", "side": "buy", "quantity": 100}
    answer = _with(stack, token, "POST", "/api/orders", order)
    assert (answer.status_code, answer.json()["outcome"]) == (503, "failed")
    gate.open()
    assert _with(stack, token, "POST", "/api/orders", order).status_code == 201


def test_the_first_users_are_those_of_the_schema(stack: Stack) -> None:
    """Their passwords and the one token are as the schema says; installing it again changes nothing."""
    stack.start_order_path()
    for user, role in {"trader-1": "trader", "trader-2": "trader", "ops-1": "operator"}.items():
        assert _login(stack, user, f"{user}-password").json()["role"] == role
    assert _with(stack, "svc-reporting-nightly-export-token", "GET", "/auth/me").json()["token"] == "nightly-export"
    before = stack.sql("SELECT * FROM audit_log")
    stack.sql(SCHEMA.read_text(encoding="utf-8"))
    assert stack.sql("SELECT * FROM audit_log") == before
