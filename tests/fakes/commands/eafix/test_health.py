"""How the platform is, in eafix-cli's words; every answer changes with the stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import Answer, FakeCluster


@pytest.fixture(autouse=True)
def small(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two services and the datastores; what has no service here is on no port."""
    cluster.services = {name: cluster.services[name] for name in ("gui-gateway", "risk-manager", "broker")}
    cluster.web.answers["GET", "/healthz"] = (200, {"status": "ok", "dependencies": {"postgres": "ok", "redis": "ok"}})
    monkeypatch.setenv("EAFIX_PROMETHEUS", cluster.web.address)


def test_status_names_every_part(cluster: FakeCluster, run: Run) -> None:
    """Services, instances, and where each service address leads."""
    assert run("eafix-cli status") == Ended(
        0,
        "gui-gateway         running, ready\n"
        "risk-manager        running, ready\n"
        "postgres-primary    running, ready, writer\n"
        "postgres-replica    running, ready, replica\n"
        "redis               running, ready, primary\n"
        "postgres            leads to postgres-primary\n"
        "redis               leads to redis\n"
        "platform: ok\n",
        "",
    )


def test_status_is_not_ok_while_anything_that_is_needed_is_down(cluster: FakeCluster, run: Run) -> None:
    """A dead service and an address that leads to a dead instance count; a dead instance nobody is led to does not."""
    cluster.kill("risk-manager")
    cluster.kill("postgres-primary")
    ended = run("eafix-cli status --verbose")
    assert ended.code == 1
    assert "risk-manager        stopped, NOT READY  version 1.0.0" in ended.out
    assert ended.out.splitlines()[-3:] == [
        "postgres            leads to postgres-primary, NOT READY", "redis               leads to redis", "platform: 2 not ready",
    ]  # fmt: skip
    cluster.addresses["postgres"]["instance"] = "postgres-replica"
    assert run("eafix-cli status").out.splitlines()[-1] == "platform: 1 not ready"


def test_a_gateway_that_another_stands_in_for_is_not_missed(cluster: FakeCluster, run: Run) -> None:
    """Blue scaled down after the switch to green, 002:85: the platform is ok; it is not while the address leads to blue."""
    more = {"standby_for": "gui-gateway", "deployment": "eafix-green", "labels": {"version": "green"}}
    cluster.services["gui-gateway-green"] = cluster.services["gui-gateway"] | more
    cluster.kill("gui-gateway")
    cluster.services["gui-gateway"] |= {"leads_to": "gui-gateway"}
    assert run("eafix-cli status").code == 1
    cluster.services["gui-gateway"] |= {"leads_to": "gui-gateway-green"}
    ended = run("eafix-cli status")
    assert (ended.code, ended.out.splitlines()[0]) == (
        0,
        "gui-gateway         stopped, NOT READY, its address leads to gui-gateway-green",
    )


def test_another_environment_is_not_here(run: Run) -> None:
    """Runbook 002:511 asks for one that this stack is not: no answer about another is made up."""
    other = "exists in the real tool, but gameday's stand-in does not offer it"
    said = f"eafix-cli: --environment=dr, which is not production, {other}\n"
    assert run("eafix-cli doctor --environment=dr") == Ended(3, "", said)
    assert run("eafix-cli test trading --environment=dr") == Ended(3, "", said)
    assert run("eafix-cli status --environment=green").code == 1
    assert run("eafix-cli status --environment=production").code == 0


def test_health_checks_ask_the_services_themselves(cluster: FakeCluster, run: Run) -> None:
    """What is down is named with its reason, not with the state the cluster believes in."""
    assert run("eafix-cli health-check") == Ended(0, "ok    gui-gateway: ok\nok    risk-manager: ok\n", "")
    cluster.web.answers["GET", "/healthz"] = (
        503,
        {"status": "unavailable", "dependencies": {"postgres": "down: timeout", "redis": "ok"}},
    )
    assert run("eafix-cli health-check") == Ended(
        1, "FAIL  gui-gateway: postgres down: timeout\nFAIL  risk-manager: postgres down: timeout\n", ""
    )
    cluster.services["risk-manager"]["port"] = 1
    assert run("eafix-cli health-check").out.splitlines()[-1] == "FAIL  risk-manager: connection refused"


def test_dependencies_are_those_that_the_service_tells_of(cluster: FakeCluster, run: Run) -> None:
    """By the service's name or its deployment's, as runbook 002:276 has it."""
    assert run("eafix-cli dependencies check --service=eafix-risk-manager") == Ended(
        0, "ok    postgres: ok\nok    redis: ok\n", ""
    )
    assert run("eafix-cli dependencies check --service=nobody") == Ended(
        1, "", "eafix-cli: no service 'nobody'; there are gui-gateway, risk-manager, broker\n"
    )
    assert run("eafix-cli dependencies check").code == 2


def vector(*rows: tuple[dict[str, str], str]) -> Answer:
    return 200, {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": labels, "value": [1, value]} for labels, value in rows]},
    }


def test_metrics_are_prometheus_answers(cluster: FakeCluster, run: Run) -> None:
    """The expression arrives as it was written, and each series is a line; none is exit code 1."""
    asked: list[str] = []

    def answer(query: str, _body: Any) -> Answer:
        asked.append(query)
        return vector(({"__name__": "up", "job": "risk-manager"}, "1"))

    cluster.web.answers["GET", "/api/v1/query"] = answer
    assert run("""eafix-cli metrics query 'rate(a_sum[5m]) / rate(a_count{job="x"}[5m])'""") == Ended(
        0, 'up{job="risk-manager"} 1\n', ""
    )
    assert asked == ["query=rate%28a_sum%5B5m%5D%29%20%2F%20rate%28a_count%7Bjob%3D%22x%22%7D%5B5m%5D%29"]
    cluster.web.answers["GET", "/api/v1/query"] = vector()
    assert run("eafix-cli metrics query nothing") == Ended(1, "no data\n", "")
    cluster.web.answers["GET", "/api/v1/query"] = (400, {"status": "error", "error": "unexpected end of input"})
    assert run("eafix-cli metrics query 'sum('") == Ended(1, "", "eafix-cli: unexpected end of input\n")


def test_services_are_stopped_and_started_all_or_by_name(cluster: FakeCluster, run: Run) -> None:
    """The platform's own: neither the broker, which belongs to others, nor the datastores."""
    assert run("eafix-cli services stop --all") == Ended(0, "gui-gateway stopped\nrisk-manager stopped\n", "")
    assert run("eafix-cli services start risk-manager") == Ended(0, "risk-manager started\n", "")
    assert [path for path, _ in cluster.posts()] == [
        "/services/gui-gateway/stop",
        "/services/risk-manager/stop",
        "/services/risk-manager/start",
    ]
    assert run("eafix-cli services stop").code == 2


def test_services_that_need_each_other_all_start_before_one_is_awaited(cluster: FakeCluster, run: Run) -> None:
    """The gateway is healthy only when the risk manager is: waiting for it first would wait for ever."""
    run("eafix-cli services stop --all")
    before = len(cluster.posts())
    assert run("eafix-cli services start --all") == Ended(0, "gui-gateway started\nrisk-manager started\n", "")
    assert cluster.posts()[before:] == [
        ("/services/gui-gateway/start", {"wait": False}),
        ("/services/risk-manager/start", {"wait": False}),
        ("/services/gui-gateway/start", {"wait": True}),
        ("/services/risk-manager/start", {"wait": True}),
    ]


def test_the_doctor_goes_on_after_what_is_down(
    cluster: FakeCluster, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part that does not answer is a failed check; the others are looked at all the same."""
    monkeypatch.setenv("PATH", str(tmp_path))  # no psql either
    cluster.services |= {
        name: cluster.services["risk-manager"] | {"inside": False, "port": 1} for name in ("data-ingestor", "execution-engine")
    }
    cluster.addresses["redis"]["port"] = 1
    cluster.web.answers["GET", "/api/risk/status"] = (200, {"halted": True})
    cluster.web.answers["GET", "/status"] = (200, {"fills": 0, "open_positions": 0})
    cluster.web.answers["GET", "/api/v1/query"] = vector(({"job": "redis"}, "0"), ({"job": "risk-manager"}, "1"))
    ended = run("eafix-cli doctor")
    assert ended == Ended(
        1,
        "ok    gui-gateway: ok\n"
        "ok    risk-manager: ok\n"
        "FAIL  database read: database at 127.0.0.1:5432 does not answer: psql: No such file or directory\n"
        "FAIL  redis: 127.0.0.1:1: connection refused\n"
        "FAIL  market data: 127.0.0.1:1: connection refused\n"
        "FAIL  trading: halted\n"
        "ok    broker: 0 fills, 0 open positions\n"
        "FAIL  execution-engine to broker: execution-engine does not answer: connection refused\n"
        "ok    monitoring: 2 targets scraped, down: redis\n",
        "",
    )


def test_unknown_commands_end_with_the_usage(run: Run) -> None:
    """Exit code 2, the documents' other subcommands among them: none of them pretends to have done something."""
    for line in ("eafix-cli", "eafix-cli database restore", "eafix-cli benchmark walk --save-results"):
        ended = run(line)
        assert (ended.code, ended.out) == (2, "")
        assert "  eafix-cli database verify [--full-check] [--timeout=SECONDS]\n" in ended.err
    assert run("eafix-cli database restore").err.splitlines()[0] == "eafix-cli: unknown command 'database restore'"
    assert run("eafix-cli database ping --fast") == Ended(
        2, "", "eafix-cli database ping: unknown flag: --fast\nusage: eafix-cli database ping [--timeout=SECONDS]\n"
    )
    assert run("eafix-cli data-feed switch backup").code == 2
