"""Watching for a time: what goes wrong meanwhile is told once, and makes the exit code 1."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fakes.clock import ClockPage
from fakes.commands.eafix import monitoring
from tests.fakes.commands.conftest import Run
from tests.fakes.commands.fake_cluster import Answer, FakeCluster

WELL = (200, {"status": "ok", "dependencies": {}})


class Gateway:
    """A gateway whose counters a test moves at each scrape."""

    def __init__(self) -> None:
        self.scrapes = 0
        self.failed_each = 0
        self.refused_each = 0
        self.slow = False
        self.logins = 0

    def metrics(self, _query: str, _body: Any) -> Answer:
        n = self.scrapes
        self.scrapes += 1
        bad, refused = n * self.failed_each, n * self.refused_each
        total, fast = 10 * n + 5, 0 if self.slow else 10 * n + 5
        return 200, (
            f'http_requests_total{{method="POST",path="/api/orders",status="201"}} {total - bad - refused}\n'
            f'http_requests_total{{method="POST",path="/api/orders",status="503"}} {bad + refused}\n'
            f'http_request_duration_seconds_bucket{{method="POST",path="/api/orders",le="0.1"}} {fast}\n'
            f'http_request_duration_seconds_bucket{{method="POST",path="/api/orders",le="1"}} {total}\n'
            f'http_request_duration_seconds_bucket{{method="POST",path="/api/orders",le="+Inf"}} {total}\n'
            f'trading_orders_total{{result="maintenance"}} {refused}\n'
            f"failed_login_attempts {self.logins}\n"
        )


class Ticks:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def monotonic(self) -> float:
        return self._now_s

    def sleep(self, seconds: float) -> None:
        self._now_s += seconds


@pytest.fixture
def gateway(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Two services; everything is well."""
    cluster.services = {name: cluster.services[name] for name in ("gui-gateway", "risk-manager")}
    found = Gateway()
    monkeypatch.setenv("EAFIX_PROMETHEUS", cluster.web.address)
    monkeypatch.delenv("GAMEDAY_CLOCK", raising=False)
    monkeypatch.setattr(monitoring, "time", Ticks())
    cluster.web.answers |= {
        ("GET", "/healthz"): WELL,
        ("GET", "/api/positions"): (200, []),
        ("GET", "/metrics"): found.metrics,
        ("GET", "/api/v1/query"): (200, {"status": "success", "data": {"resultType": "vector", "result": []}}),
        ("GET", "/admin/monitoring"): (200, {"security": True, "since_s": 0}),
    }
    return found


@pytest.mark.usefixtures("gateway")
def test_a_platform_that_stays_well_passes(run: Run) -> None:
    """Looked at four times and at the end, with the figures that the gateway counted."""
    ended = run("eafix-cli monitor --duration=200ms --environment=production")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "watching for 200ms: gui-gateway 1.0.0, risk-manager 1.0.0",
        "gui-gateway: 40 requests, 0.0% failed, 95 % within 95 ms",
        ended.out.splitlines()[2],
        "watched 0 s, 5 looks: 0 failures, 0 warnings",
    ]
    assert ended.out.splitlines()[2].startswith("GET /api/positions: 5 answers, the slowest in ")


def test_a_failure_in_between_is_seen_though_it_ended(cluster: FakeCluster, gateway: Gateway, run: Run) -> None:
    """It is told when it begins and when it is over, once each, and counts."""
    looks: list[int] = []

    def health(_query: str, _body: Any) -> Answer:
        looks.append(1)
        return (503, {"dependencies": {"redis": "down: timeout"}}) if 3 <= len(looks) <= 6 else WELL

    cluster.web.answers["GET", "/healthz"] = health
    ended = run("eafix-cli monitor --duration=200ms")
    assert ended.code == 1
    assert [line for line in ended.out.splitlines() if " at 0 s " in line] == [
        "FAIL  at 0 s  gui-gateway: redis down: timeout",
        "FAIL  at 0 s  risk-manager: redis down: timeout",
        "ok    at 0 s  gui-gateway: well again",
        "ok    at 0 s  risk-manager: well again",
    ]


@pytest.mark.parametrize(
    ("failed", "slow", "code", "told"),
    [
        (1, False, 1, "FAIL  at 0 s  error rate: 10.0%, over 5 % (002:152)"),
        (0, True, 1, "FAIL  at 0 s  response time: 95 % within 955 ms (002:151)"),
    ],
)
def test_the_documented_thresholds_decide(gateway: Gateway, run: Run, failed: int, slow: bool, code: int, told: str) -> None:
    """Over 5 % of requests failed, or 95 % not within half a second."""
    gateway.failed_each, gateway.slow = failed, slow
    ended = run("eafix-cli monitor --duration=100ms")
    assert (ended.code, told in ended.out.splitlines()) == (code, True)


def test_what_maintenance_refuses_is_no_failure(gateway: Gateway, run: Run) -> None:
    """Runbook 002:82 monitors while maintenance mode is on."""
    gateway.refused_each = 10
    ended = run("eafix-cli monitor --duration=100ms")
    assert (ended.code, "gui-gateway: 40 requests, 0.0% failed, 95 % within 95 ms" in ended.out.splitlines()) == (0, True)
    assert "gui-gateway: 40 orders were refused by maintenance mode; they are not counted as failed" in ended.out.splitlines()


def test_an_environment_is_the_services_with_its_label(cluster: FakeCluster, gateway: Gateway, run: Run) -> None:
    """Without them there is nothing to watch; with them it is their gateway that is asked."""
    ended = run("eafix-cli monitor --duration=1s --environment=green")
    assert (ended.code, ended.err) == (1, "eafix-cli: no environment 'green' here; this is production\n")
    green = {
        "standby_for": "gui-gateway",
        "labels": {"version": "green"},
        "deployment": "eafix-gateway-green",
        "version": "2.0.0",
    }
    cluster.services["gui-gateway-green"] = cluster.services["gui-gateway"] | green
    cluster.services["gui-gateway"] |= {"port": 1}
    ended = run("eafix-cli monitor --duration=100ms --environment=green")
    assert (ended.code, ended.out.splitlines()[0]) == (0, "watching for 100ms: gui-gateway-green 2.0.0")
    smoke = run("eafix-cli test smoke --environment=green").out.splitlines()
    assert (smoke[0], smoke[-1]) == ("ok    gui-gateway-green: ok", "ok    positions: HTTP status 200, 0 positions")
    assert run("eafix-cli doctor --environment=green").out == "ok    gui-gateway-green: ok\n"
    assert run("eafix-cli status --environment=green").out.splitlines()[-1] == "green: ok"


@pytest.mark.usefixtures("gateway")
def test_the_time_is_that_of_the_drills_clock(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a rate of 200 half an hour passes in 9 s, and 20 s in 0.1 s; a look every 5 documented seconds."""
    page = ClockPage(tmp_path / "clock.page", speed=200)
    page.set_rate(200)
    monkeypatch.setenv("GAMEDAY_CLOCK", str(tmp_path / "clock.page"))
    began_s = page.wall()
    ended = run("eafix-cli monitor --duration=100s")
    watched = re.match(r"watched (?:(\d+) min )?(\d+) s", ended.out.splitlines()[-1])
    assert watched is not None
    watched_s = int(watched[1] or 0) * 60 + int(watched[2])
    assert 100 <= watched_s <= (page.wall() - began_s) * 200 + 5


@pytest.mark.parametrize(
    "line", ["monitor", "monitor --duration=0s", "monitor --duration=5", "monitoring watch", "monitoring enhance"]
)
def test_a_duration_is_needed(run: Run, cluster: FakeCluster, line: str) -> None:
    """A watch without an end is not begun."""
    assert run(f"eafix-cli {line}").code == 2


def test_security_monitoring_is_the_gateways(cluster: FakeCluster, gateway: Gateway, run: Run) -> None:
    """What it answers is what is printed; it can be ended."""
    cluster.web.answers["POST", "/admin/monitoring"] = (200, {"security": True, "since_s": 3600})
    assert run("eafix-cli monitoring enhance --security-mode").out == (
        "security monitoring is on, for 0 s; gui-gateway logs every request\n"
    )
    cluster.web.answers["POST", "/admin/monitoring"] = (200, {"security": False, "since_s": 3600})
    assert run("eafix-cli monitoring enhance --security-mode=false").out.startswith("security monitoring is off")
    assert cluster.web.posts() == [("/admin/monitoring", {"security": True}), ("/admin/monitoring", {"security": False})]


def test_a_watch_tells_of_refused_logins_and_alerts_as_they_come(cluster: FakeCluster, gateway: Gateway, run: Run) -> None:
    """Those of before the watch are left out; each new one is told once, and the gateway's log says where from."""
    gateway.logins = 3
    old = "2026-11-21T10:00:00.000Z WARNING gui-gateway security: POST /auth/login from 10.0.0.1: 401"
    cluster.logs["gui-gateway"] = [old]
    asked: list[str] = []

    def alerts(_query: str, _body: Any) -> Answer:
        asked.append("")
        if len(asked) == 2:
            gateway.logins = 5
            cluster.logs["gui-gateway"].append(old.replace("10.0.0.1", "10.0.0.9"))
        firing = [{"metric": {"alertname": "service_down", "job": "x"}, "value": [0, "1"]}] if len(asked) == 3 else []
        return 200, {"status": "success", "data": {"resultType": "vector", "result": firing}}

    cluster.web.answers["GET", "/api/v1/query"] = alerts
    ended = run("eafix-cli monitoring watch --security-focus --duration=200ms")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "security monitoring is on",
        "watching for 200ms",
        "FAIL  at 0 s  failed logins: 2 more, 5 since gui-gateway started",
        f"warn  at 0 s  log: {old.replace('10.0.0.1', '10.0.0.9')}",
        "FAIL  at 0 s  alert service_down x: firing",
        "ok    at 0 s  alert service_down x: well again",
        "watched 0 s, 5 looks: 2 failures, 1 warnings",
    ]


@pytest.mark.usefixtures("gateway")
def test_a_quiet_watch_ends_well(run: Run) -> None:
    """Nothing seen, nothing told."""
    ended = run("eafix-cli monitoring watch --duration=100ms")
    assert (ended.code, ended.out) == (0, "watching for 100ms\nwatched 0 s, 5 looks: 0 failures, 0 warnings\n")
