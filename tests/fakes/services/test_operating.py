"""`eafix-cli` on running services: what it says it has done is what they do afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.commands import eafix_cli
from harness.tools import find_postgres
from tests.fakes.commands.fake_cluster import FakeCluster, fake_cluster
from tests.fakes.services.live import eventually
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real
Cli = Callable[[str], tuple[int, str]]


@pytest.fixture
def cluster(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    """A cluster's API whose services are the stack's; the operator's environment leads to it and to the stack's database."""
    if shutil.which("psql") is None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/psql").symlink_to(find_postgres().path / "psql")
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with fake_cluster() as found:
        for name, row in found.services.items():
            row["port"] = stack._ports.get(name, row["port"])
        found.addresses["redis"]["port"] = stack.redis.port
        found.answers["GET", "/objects"] = (200, {"objects": []})
        values = {
            "GAMEDAY_CONTROL": found.address, "GAMEDAY_CLOCK": str(stack.folder / "clock.page"), "PGHOST": "127.0.0.1",
            "PGPORT": str(stack.postgres.port), "PGUSER": "eafix", "PGDATABASE": stack.database,
        }  # fmt: skip
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def cli(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> Cli:
    def run(line: str) -> tuple[int, str]:
        import shlex

        code = eafix_cli.main(shlex.split(line))
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_maintenance_refuses_orders_until_it_ends(stack: Stack, cli: Cli) -> None:
    """Runbook 002:54 to 002:104: enabled with a message, refused with it, disabled, executed."""
    stack.start_order_path()
    assert cli('maintenance enable --message="System maintenance in progress"')[0] == 0
    assert stack.order("o-1").json()["error"] == "maintenance: System maintenance in progress"
    assert "maintenance mode is on" in cli("maintenance status")[1]
    assert cli("maintenance disable")[0] == 0
    assert stack.order("o-1").status_code == 201


def test_a_monitor_is_not_put_off_by_maintenance_but_by_failing_orders(stack: Stack, cluster: FakeCluster, cli: Cli) -> None:
    """Orders that maintenance refuses are no failures; those that a cut link fails are."""
    cluster.services = {name: cluster.services[name] for name in ("gui-gateway", "risk-manager", "execution-engine")}
    gate = stack.gate("gui-gateway", "risk-manager")
    stack.start_order_path()
    cli("maintenance enable")
    before = stack.metric("gui-gateway", 'http_requests_total{method="POST",path="/api/maintenance",status="200"}')
    stack.order("refused")
    code, said = cli("monitor --duration=500ms")
    assert (code, before) == (0, 1), said
    cli("maintenance disable")
    gate.shut()
    code, said = cli("monitor --duration=500ms")
    assert (code, "FAIL  at 0 s  gui-gateway: risk-manager down: " in said) == (1, True)


def test_the_balance_is_what_the_orders_made_of_it(stack: Stack, cli: Cli) -> None:
    """A hundred euros at 1.08 dollars."""
    stack.start_order_path()
    assert stack.order("o-1", quantity=100).status_code == 201
    code, said = cli("account balance --all")
    assert (code, said.splitlines()) == (
        0,
        [
            "account mt4_live, 1 fills",
            "  EUR                 100.00  +100.00 by fills",
            "  USD           9,999,892.00  -108.00 by fills",
        ],
    )


def test_a_reconnect_makes_new_connections(stack: Stack, cli: Cli) -> None:
    """And fails while the broker can't be reached from the engine, though it answers the operator."""
    gate = stack.gate("execution-engine", "broker")
    stack.start_order_path()
    stack.order("o-1")
    before = set(gate._tasks)
    assert cli("broker reconnect --broker=mt4_live")[0] == 0
    eventually(lambda: not before & gate._tasks or None)
    gate.shut()
    code, said = cli("broker reconnect --broker=mt4_live")
    assert (code, said.startswith("eafix-cli: execution-engine refused with status 503: ")) == (1, True)


def test_security_monitoring_is_switched_on(stack: Stack, cli: Cli) -> None:
    """From then on a request leaves a line in the gateway's log."""
    stack.start_order_path()
    assert cli("monitoring enhance --security-mode")[0] == 0
    stack.get("gui-gateway", "/api/positions")
    eventually(lambda: "security: GET /api/positions" in stack.log("gui-gateway") or None)


def test_what_a_config_map_says_runs_after_a_restart_only(stack: Stack, cluster: FakeCluster, cli: Cli) -> None:
    """The object alone changes nothing, and that is what `config verify` says."""
    stack.settings |= {"risk.max_position": 500, "risk.max_order_quantity": 50}
    stack.start_order_path()
    metadata = {"name": "eafix-risk-manager-config", "namespace": "default"}
    data = {"risk.max_order_quantity": "45"}
    found = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": data}
    cluster.answers["GET", "/objects"] = (200, {"objects": [found]})
    eventually(lambda: stack.get("risk-manager", "/api/risk/status")["limits"].get("max_position") == 500 or None)
    code, said = cli("config verify --service=risk-manager")
    assert (code, "object says 45, running says 50: restart the service" in said) == (1, True)
    stack.environments["risk-manager"] = data
    stack.restart("risk-manager")
    eventually(lambda: cli("config verify --service=risk-manager")[0] == 0 or None, within_s=30)


def test_a_benchmark_moves_nothing(stack: Stack, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No order, no position, no room held afterwards."""
    from fakes.commands.eafix import benchmark

    monkeypatch.setattr(benchmark, "EACH_S", 0.1)
    monkeypatch.chdir(tmp_path)
    stack.start_order_path()
    stack.start("price-primary", "price-backup", "data-ingestor", "indicator-engine")  # no signals: they would trade
    before = stack.sql("SELECT count(*) FROM orders")
    code, said = cli("benchmark run --save-results")
    assert (code, "read signals        " in said) == (1, True)
    assert " 0 failed" in next(line for line in said.splitlines() if line.startswith("check risk"))
    assert stack.sql("SELECT count(*) FROM orders") == before
    eventually(lambda: stack.metric("risk-manager", "risk_orders_in_flight") == 0 or None)
    assert len(list((tmp_path / "benchmarks").iterdir())) == 1
