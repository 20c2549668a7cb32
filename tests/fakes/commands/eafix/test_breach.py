"""A breach and its answer on live services: real logins over HTTP, and the documented commands against what they left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.commands.conftest import Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.fake_cluster import EPOCH_S, FakeCluster
from tests.fakes.services.live import Redis, eventually
from tests.fakes.services.stack import ForkServer, Stack

pytestmark = pytest.mark.real
_ORDER = {"client_order_id": "o-1", "symbol": "EURUSD", "side": "buy", "quantity": 300}


@pytest.fixture
def stack(tmp_path: Path, books: Books, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """All that an order needs, live, where the control API says that the gateway is."""
    (tmp_path / "stack").mkdir()
    redis, forks = Redis(tmp_path), ForkServer(tmp_path)
    made = Stack(tmp_path / "stack", forks, books.server, books.name, redis, speed=20)
    try:
        made.start_order_path()
        cluster.services["gui-gateway"] |= {"port": made._ports["gui-gateway"], "pid": made.pid("gui-gateway")}
        cluster.answers["GET", "/state"] = lambda _query, _body: (
            200,
            cluster.state() | {"now_s": made.clock.now(), "epoch_s": EPOCH_S},
        )
        monkeypatch.setenv("EAFIX_PROMETHEUS", "127.0.0.1:1")
        yield made
    finally:
        made.close()
        forks.stop()
        redis.stop()


def _login(stack: Stack, password: str, address: str) -> httpx.Response:
    given = {"user": "trader-1", "password": password}
    return stack.client.post(stack.url("gui-gateway", "/auth/login"), json=given, headers={"X-Forwarded-For": address})


def _asks(stack: Stack, token: str, method: str, path: str, body: dict[str, Any] | None = None) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return stack.client.request(method, stack.url("gui-gateway", path), json=body, headers=headers).status_code


def test_a_breach_is_found_contained_and_undone(stack: Stack, run: Run, books: Books) -> None:
    """Guessed, let in, traded, found, marked, locked out at once, reset; others trade on all the while."""
    for number in range(12):
        assert _login(stack, f"guess {number}", "198.51.100.66").status_code == 401
    assert run('eafix-cli audit query "event_type=login_failed" --count --since=24h').out == "12\n"
    assert stack.metric("gui-gateway", "failed_login_attempts") == 12
    token = _login(stack, "trader-1-password", "198.51.100.66").json()["token"]
    assert _asks(stack, token, "POST", "/api/orders", _ORDER) == 201
    assert _asks(stack, token, "POST", "/emergency/stop-trading") == 403

    assert run("eafix-cli incident create --type=security --severity=critical --title=Breach").code == 0
    analysis = run("eafix-cli security analyze --incident-id=INC-1").out
    assert "failed logins       12: trader-1 from 198.51.100.66 12\n" in analysis
    assert analysis.endswith("compromised         trader-1: marked\n")
    impact = run("eafix-cli security impact-assessment --incident-id=INC-1").out
    assert "executed: buy 300 EURUSD in 1 orders\n" in impact
    assert run("eafix-cli audit review --suspicious-only --since=24h").code == 1
    assert run("eafix-cli security verify").code == 1

    assert run("eafix-cli auth revoke --user-id=trader-1").out == "trader-1 locked, 1 tokens revoked\n"
    assert _asks(stack, token, "GET", "/auth/me") == 401
    assert _login(stack, "trader-1-password", "198.51.100.66").status_code == 401
    assert stack.order("o-2").status_code == 201
    assert run("eafix-cli auth reset --compromised-accounts").code == 0
    before = run("eafix-cli audit review --suspicious-only").out.splitlines()[:-1]
    assert run("eafix-cli security verify").code == 0
    assert run("eafix-cli audit review --suspicious-only").out.splitlines()[:-1] == before  # its own trial is no attack
    report = run("eafix-cli incident report --incident-id=INC-1").out
    assert "login_failed  trader-1 from 198.51.100.66: log in trader-1 [refused]: wrong password (12 times" in report
    assert "operator_action  operator from workstation: auth revoke --user-id=trader-1 [ok]" in report


def test_a_reset_account_waits_for_its_owner(stack: Stack, run: Run, books: Books) -> None:
    """Its session ends, and its old password opens nothing any more."""
    token = _login(stack, "trader-1-password", "192.0.2.1").json()["token"]
    assert _asks(stack, token, "GET", "/auth/me") == 200
    run("eafix-cli auth mark --user-id=trader-1")
    run("eafix-cli auth reset --compromised-accounts")
    assert _asks(stack, token, "GET", "/auth/me") == 401
    assert _login(stack, "trader-1-password", "192.0.2.1").status_code == 401


def test_tokens_that_match_a_pattern_are_refused_at_once(stack: Stack, run: Run, books: Books) -> None:
    """Others go on."""
    token = _login(stack, "trader-1-password", "192.0.2.1").json()["token"]
    stack.sql("UPDATE api_tokens SET name = 'compromised_export' WHERE name = 'nightly-export'")
    assert _asks(stack, "svc-reporting-nightly-export-token", "GET", "/api/positions") == 200
    assert run('eafix-cli tokens revoke --pattern="compromised_*"').out.endswith("1 tokens revoked\n")
    assert _asks(stack, "svc-reporting-nightly-export-token", "GET", "/api/positions") == 401
    assert _asks(stack, token, "GET", "/api/positions") == 200


def test_the_trail_outlives_the_gateway(stack: Stack, run: Run, books: Books) -> None:
    """A restart loses the metric, not the count of the trail."""
    _login(stack, "guess", "192.0.2.1")
    stack.restart("gui-gateway")
    eventually(lambda: stack.healthy("gui-gateway") or None)
    assert stack.metric("gui-gateway", "failed_login_attempts") == 0
    assert run('eafix-cli audit query "event_type=login_failed" --count').out == "1\n"
