"""Maintenance, trading on another site, balances and the broker's connections: what the services are told and what they say."""

from __future__ import annotations

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import NOW_S, FakeCluster

OFF = {"active": False, "kind": "", "message": "", "since_s": 0.0}
ON = {"active": True, "kind": "scheduled", "message": "System maintenance in progress", "since_s": NOW_S - 90}


def _green(cluster: FakeCluster) -> None:
    """A second gateway, as a deployment of its own."""
    more = {"standby_for": "gui-gateway", "labels": {"version": "green"}, "deployment": "eafix-gateway-green"}
    cluster.services["gui-gateway-green"] = cluster.services["gui-gateway"] | more


def test_every_gateway_is_told_of_maintenance(cluster: FakeCluster, run: Run) -> None:
    """The one that serves and the one that was brought up beside it, with the same message."""
    _green(cluster)
    cluster.web.answers["POST", "/api/maintenance"] = (200, ON)
    ended = run('eafix-cli maintenance enable --message="System maintenance in progress"')
    assert ended == Ended(0, "maintenance mode is on: System maintenance in progress; orders are refused with status 503\n", "")
    told = {"active": True, "kind": "", "message": "System maintenance in progress"}
    assert cluster.web.posts() == [("/api/maintenance", told)] * 2


def test_scheduled_maintenance_is_held_against_its_windows(cluster: FakeCluster, run: Run) -> None:
    """The stack's calendar stands on a Saturday at 11:10, outside; 15 h 20 min later it is Sunday 02:30, within."""
    cluster.web.answers["POST", "/api/maintenance"] = (200, ON)
    ended = run("eafix-cli maintenance enable --scheduled")
    assert (ended.code, ended.out.splitlines()[1][:54]) == (0, "warning: it is Saturday 11:10 UTC, outside the windows")
    assert cluster.web.posts() == [
        ("/api/maintenance", {"active": True, "kind": "scheduled", "message": "scheduled maintenance"})
    ]
    before = cluster.state()
    cluster.answers["GET", "/state"] = (200, before | {"epoch_s": before["epoch_s"] + 55_200})
    assert (
        run("eafix-cli maintenance enable --scheduled").out.splitlines()[1] == "it is Sunday 02:30 UTC: within the weekly window"
    )


def test_ending_maintenance_tells_how_long_it_was(cluster: FakeCluster, run: Run) -> None:
    """After a security incident the gateway's record says so; what was not on is not ended."""
    cluster.web.answers |= {("GET", "/api/maintenance"): (200, ON), ("POST", "/api/maintenance"): (200, OFF)}
    assert run("eafix-cli maintenance status").out == (
        "maintenance mode is on (scheduled) for 90 s: System maintenance in progress\n"
    )
    ended = run("eafix-cli maintenance disable --security-incident")
    assert ended == Ended(0, "maintenance mode is off after the security incident; it lasted 90 s\n", "")
    assert cluster.web.posts() == [
        ("/api/maintenance", {"active": False, "kind": "security", "message": "after a security incident"})
    ]
    cluster.web.answers["GET", "/api/maintenance"] = (200, OFF)
    assert run("eafix-cli maintenance disable") == Ended(0, "maintenance mode was not on\n", "")
    assert run("eafix-cli maintenance status").out == "maintenance mode is off\n"
    assert len(cluster.web.posts()) == 1


def test_maintenance_that_nobody_carries_out_is_not_claimed(cluster: FakeCluster, run: Run) -> None:
    """Exit code 1 when the gateway refuses, does not answer or does not run."""
    cluster.web.answers["POST", "/api/maintenance"] = (503, {"error": "postgres is down", "why": "timeout"})
    assert run("eafix-cli maintenance enable") == Ended(1, "", "eafix-cli: gui-gateway refused with status 503: timeout\n")
    cluster.services["gui-gateway"]["port"] = 1
    assert run("eafix-cli maintenance enable").err == "eafix-cli: no answer from 127.0.0.1:1: connection refused\n"
    cluster.kill("gui-gateway")
    assert run("eafix-cli maintenance enable").err.startswith("eafix-cli: no gateway runs")


def test_another_site_must_be_there_and_be_confirmed(cluster: FakeCluster, run: Run) -> None:
    """Nothing is enabled where no service is labelled so, nor without --confirm-dr; then it is the site's own gateway that is told."""
    cluster.web.answers["POST", "/emergency/resume-trading"] = (200, {"halted": False})
    nowhere = run("eafix-cli trading enable --site=dr --confirm-dr")
    assert (nowhere.code, "gameday's stand-in does not offer it" in nowhere.err) == (3, True)
    _green(cluster)
    cluster.services["gui-gateway-green"]["labels"] = {"site": "dr"}
    assert run("eafix-cli trading enable --site=paris").err == "eafix-cli: no site 'paris' here; there are dr\n"
    assert run("eafix-cli trading enable --site=dr").code == 1
    assert cluster.web.posts() == []
    assert run("eafix-cli trading enable --site=dr --confirm-dr") == Ended(0, "trading started on site dr\n", "")
    assert run("eafix-cli trading enable") == Ended(0, "trading started\n", "")


ACCOUNTS = [
    {"account": "mt4_live", "fills": 2, "opening": {"USD": 10_000_000.0}, "balances": {"EUR": 1000.0, "USD": 9_998_920.0}}
]


def test_balances_are_the_brokers(cluster: FakeCluster, run: Run) -> None:
    """Each currency, and what the fills moved."""
    cluster.web.answers["GET", "/accounts"] = (200, ACCOUNTS)
    shown = (
        "account mt4_live, 2 fills\n"
        "  EUR               1,000.00  +1,000.00 by fills\n"
        "  USD           9,998,920.00  -1,080.00 by fills\n"
    )
    assert run("eafix-cli account balance --all") == Ended(0, shown, "")
    assert run("eafix-cli account balance --account=mt4_live").out == shown
    assert run("eafix-cli account balance --account=demo").err == "eafix-cli: no account 'demo'; there are mt4_live\n"
    assert run("eafix-cli account balance").code == 2


def test_a_reconnect_is_the_engines(cluster: FakeCluster, run: Run) -> None:
    """A broker that is not this stack's is none to connect to; an engine that gets no answer has not reconnected."""
    cluster.web.answers |= {
        ("GET", "/accounts"): (200, ACCOUNTS),
        ("POST", "/admin/broker/reconnect"): (200, {"status": "connected", "took_ms": 1.5}),
    }
    assert run("eafix-cli broker reconnect --broker=mt4_live") == Ended(
        0, "execution-engine: connections to mt4_live made anew, it answered in 1.5 ms\n", ""
    )
    assert run("eafix-cli broker reconnect --broker=oanda").err == "eafix-cli: no broker 'oanda'; there are mt4_live\n"
    cluster.web.answers["POST", "/admin/broker/reconnect"] = (503, {"error": "broker is down", "why": "Connection refused"})
    assert run("eafix-cli broker reconnect --broker=mt4_live") == Ended(
        1, "", "eafix-cli: execution-engine refused with status 503: Connection refused\n"
    )


@pytest.mark.parametrize(
    "line", ["maintenance enable now", "maintenance disable --message=x", "broker reconnect", "account balance --all --account=x"]
)
def test_the_grammar_is_strict(cluster: FakeCluster, run: Run, line: str) -> None:
    """Usage errors end with 2, and nobody is told anything."""
    assert run(f"eafix-cli {line}").code == 2
    assert cluster.web.posts() == []
