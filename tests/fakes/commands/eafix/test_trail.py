"""What operators do is in the audit trail, whether it succeeded or not."""

from __future__ import annotations

import pytest

from fakes.commands.eafix.trail import CHANGING
from fakes.commands.eafix_cli import _COMMANDS
from tests.fakes.commands.conftest import Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.fake_cluster import FakeCluster
from tests.fakes.services.live import eventually

_TRAIL = "SELECT actor, action, target, outcome, at_s FROM audit_log WHERE event_type = 'operator_action' ORDER BY entry"
# What only looks. A new subcommand stands here or in CHANGING.
READING = {
    "status", "doctor", "health-check", "database ping", "database verify", "database performance", "database performance-report",
    "data-feed status", "data-feed test", "data latest", "trading status", "trading performance-report", "risk status",
    "risk limits", "orders list", "broker status", "metrics query", "metrics report", "dependencies check", "resources report",
    "test smoke", "contracts validate", "incident list", "incident show", "incident report", "security impact-assessment",
    "security updates", "security verify", "security ids-status", "audit export", "audit query", "audit review",
    "certificates check", "backup verify-encryption",
    "account balance", "capacity analyze", "capacity plan", "change-request list", "change-request show", "config validate",
    "config verify", "cost analyze", "dashboard verify", "maintenance status", "monitor", "monitoring watch",
    "optimize recommend", "scaling recommend", "test config",
}  # fmt: skip


def test_every_subcommand_is_known_to_change_something_or_not() -> None:
    """Nobody forgets the trail when a subcommand is added, and it names none that is gone."""
    names = set(_COMMANDS)
    assert {"in both": CHANGING & READING, "in neither": names - CHANGING - READING, "gone": (CHANGING | READING) - names} == {
        "in both": set(), "in neither": set(), "gone": set(),
    }  # fmt: skip


@pytest.mark.real
def test_an_operators_action_is_written_down(
    cluster: FakeCluster, run: Run, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who, what, on what, when, and how it ended; a failure as well. What only looks, and what makes no sense, is not."""
    monkeypatch.setenv("EAFIX_USER", "olga")
    cluster.web.answers["POST", "/emergency/stop-trading"] = (200, {})
    assert run('eafix-cli trading stop --reason="it\'s over"').code == 0
    cluster.web.answers["POST", "/emergency/stop-trading"] = (503, {"error": "no"})
    assert run("eafix-cli trading stop").code == 1
    assert run("eafix-cli trading stop --loud").code == 2
    assert run("eafix-cli database ping").code == 0
    assert run("eafix-cli incident list").code == 0
    assert books.sql(_TRAIL) == [
        ("olga", "trading stop", "--reason=it's over", "ok", 3600.0),
        ("olga", "trading stop", "", "failed, exit code 1", 3600.0),
    ]


def test_a_trail_that_cannot_be_written_hinders_nothing(cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command ends as it would have, and says that it is not written down."""
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    cluster.web.answers["POST", "/emergency/stop-trading"] = (200, {})
    ended = run("eafix-cli trading stop")
    assert (ended.code, ended.out) == (0, "trading stopped\n")
    assert ended.err.startswith("eafix-cli: warning: trading stop is not in the audit trail: ")


def test_what_is_done_at_a_site_is_written_there(cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first site's database, which the environment names, may be what is lost. Where no site is named it is that one."""
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    selector = {"app": "eafix-postgres", "role": "dr"}
    cluster.addresses["postgres-dr-site"] = {
        **cluster.addresses["postgres"],
        "port": 2,
        "selector": selector,
        "instance": "postgres-replica",
    }
    cluster.services["gui-gateway"]["labels"] = {"site": "dr"}
    cluster.web.answers["POST", "/emergency/resume-trading"] = (200, {})
    assert "port 1 failed" in run("eafix-cli trading enable").err
    assert "port 2 failed" in run("eafix-cli trading enable --site=dr --confirm-dr").err


@pytest.mark.real
def test_an_entry_waits_for_no_standby(cluster: FakeCluster, run: Run, books: Books) -> None:
    """While every other commit waits for a standby that is gone, what operators do is written down."""
    cluster.web.answers["POST", "/emergency/stop-trading"] = (200, {})
    _name_a_standby(books, "SET synchronous_standby_names = 'gone'", "gone")
    try:
        ended = run("eafix-cli trading stop")
    finally:
        _name_a_standby(books, "RESET synchronous_standby_names", "")
    assert (ended.code, ended.err) == (0, "")
    assert [row[1] for row in books.sql(_TRAIL)] == ["trading stop"]


def _name_a_standby(books: Books, setting: str, seen: str) -> None:
    """For all sessions of the server. Returns when new ones see it."""
    books.sql(f"ALTER SYSTEM {setting}")
    books.sql("SELECT pg_reload_conf()")
    eventually(lambda: books.sql("SHOW synchronous_standby_names") == [(seen,)] or None)
