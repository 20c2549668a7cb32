from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.errors import InvalidInput
from scenarios.places import STACKS
from scenarios.stacks import link_names, load_stack, processes, stack_names
from tests.scenarios.files import said

EAFIX = (STACKS / "eafix.yaml").read_text(encoding="utf-8")


def test_the_documented_ports_are_the_stacks() -> None:
    """000:51-55, 000:135, 000:138, 001:145."""
    stack = load_stack("eafix")
    ports = {name: service.port for name, service in stack.services.items()}
    ports |= {name: address.port for name, address in stack.addresses.items()}
    documented = {
        "gui-gateway": 8080, "data-ingestor": 8081, "indicator-engine": 8082, "signal-generator": 8083, "risk-manager": 8084,
        "execution-engine": 8085, "postgres": 5432, "redis": 6379,
    }  # fmt: skip
    assert documented.items() <= ports.items()
    assert stack.services["gui-gateway"].deployment == "eafix-gateway"
    assert stack.services["risk-manager"].deployment == "eafix-risk-manager"


def test_the_documented_names_of_the_other_platforms_are_the_stacks() -> None:
    """004:40, 004:70, 004:86, 004:92, 004:103, 004:161, 004:349, 004:360, 004:420; 003:59, 003:74, 003:85, 003:91, 003:116, 003:329."""
    trading = load_stack("ai-trading")
    ports = {name: trading.services[name].port for name in ("gui-gateway", "rate-gate", "loki", "mlflow")}
    assert ports == {"gui-gateway": 8000, "rate-gate": 3001, "loki": 3100, "mlflow": 5000}
    assert (trading.helm, trading.namespace, trading.services["loki"].compose) == ("ats", "trading", "loki")
    assert trading.datastores["redis"].systemd == "redis"
    assert trading.settings["postgres.database"] == "trading_db"
    engine = load_stack("trading-engine")
    assert (engine.helm, engine.namespace) == ("trading-engine", "production")
    assert {"trading-engine-api", "trading-engine-websocket", "ingress-nginx-controller"} <= {
        service.deployment for service in engine.services.values()
    }
    assert {store.statefulset for store in engine.datastores.values()} == {"trading-engine-postgresql", "trading-engine-redis"}
    assert (engine.settings["postgres.database"], engine.settings["postgres.user"]) == ("trading_engine", "trading")


@pytest.mark.parametrize("name", stack_names())
def test_every_stack_has_what_a_drill_looks_up_by_name(name: str) -> None:
    """The observer, the monitor and the pager find their services whatever operators call them."""
    stack = load_stack(name)
    needed = {
        "gui-gateway",
        "data-ingestor",
        "signal-generator",
        "risk-manager",
        "execution-engine",
        "broker",
        "pager",
        "exporter",
    }
    assert needed <= set(stack.services)
    assert {"postgres", "redis"} <= set(stack.addresses)
    assert set(load_stack("eafix").settings) <= set(stack.settings)


def test_the_ingress_leads_where_the_stack_says() -> None:
    """The program has the hosts in its settings, the stack for whoever else asks, and the cluster in an object: all the same."""
    stack = load_stack("trading-engine")
    assert stack.ingress is not None
    settings = stack.services["ingress"].settings
    assert (settings["ingress.object"], settings["ingress.hosts"]) == (stack.ingress.name, stack.ingress.hosts)
    [found] = [each for each in stack.objects if each["kind"] == "Ingress"]
    assert found["metadata"]["name"] == stack.ingress.name
    backends = {rule["host"]: rule["http"]["paths"][0]["backend"]["service"]["name"] for rule in found["spec"]["rules"]}
    assert backends == {host: stack.services[service].deployment for host, service in stack.ingress.hosts.items()}


def test_a_stack_brings_the_texts_of_its_sql_files(tmp_path: Path) -> None:
    """A sandbox sees none of the folders that they lie in; one that can't be read is told of."""
    assert "timescaledb_information.hypertables" in load_stack("ai-trading").schemas[0]
    path = tmp_path / "mine.yaml"
    path.write_text((STACKS / "ai-trading.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    [complaint] = said(lambda: load_stack(str(path)))
    assert "ai-trading.sql cannot be read: No such file or directory" in complaint


def test_green_stands_by_for_blue() -> None:
    """002:66-85, 002:113: one service address, whose selector chooses by the label `version`."""
    stack = load_stack("eafix")
    blue, green = stack.services["gui-gateway"], stack.services["gui-gateway-green"]
    assert (blue.labels, blue.aliases) == ({"app": "eafix-gateway", "version": "blue"}, ("eafix-blue",))
    assert (green.labels, green.standby_for) == ({"app": "eafix-gateway", "version": "green"}, "gui-gateway")


def test_a_stack_is_found_by_name_or_path(tmp_path: Path) -> None:
    """A copy of the file is the same stack."""
    path = tmp_path / "mine.yaml"
    path.write_text(EAFIX, encoding="utf-8")
    assert load_stack(str(path)) == load_stack("eafix")
    assert said(lambda: load_stack("eafixx")) == ["eafixx: there is no such stack; did you mean 'eafix'?"]


def test_what_can_be_struck_is_known_by_name() -> None:
    """Processes, links, and the service addresses as links of everybody else."""
    stack = load_stack("eafix")
    assert {"risk-manager", "postgres-primary", "redis", "broker"} <= set(processes(stack))
    assert "postgres" not in processes(stack)  # an address is no process
    assert "any -> redis" in link_names(stack, with_addresses=True)
    assert "any -> redis" not in link_names(stack, with_addresses=False)
    assert len(link_names(stack, with_addresses=False)) == 20


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("from: gui-gateway, to: postgres}", "from: gui-gatewy, to: postgres}", "gui-gatewy,", "from: unknown service or datastore 'gui-gatewy'; did you mean 'gui-gateway'?"),
        ("from: gui-gateway, to: postgres}", "from: gui-gateway, to: postgress}", "postgress}", "to: unknown service or datastore 'postgress'; did you mean 'postgres'?"),
        ("from: gui-gateway, to: postgres}", "from: gui-gateway, to: redis}", "{from: gui-gateway, to: redis}", "the link gui-gateway -> redis stands here again"),
        ("role: writer}}", "role: reader}}", "{app: eafix-postgres, role: reader}", "the selector of postgres matches 0 datastores; it must match one by app (eafix-postgres, eafix-redis) and role"),
        ("app: eafix-postgres, role: writer", "app: eafix-postgres", "{app: eafix-postgres}", "the selector of postgres matches 2 datastores; it must match one by app (eafix-postgres, eafix-redis) and role"),
        ("port: 8084", "port: 8083", "8083", "port 8083 of risk-manager belongs to signal-generator already"),
        ("replica-of: postgres-primary", "replica-of: postgres", "postgres}", "unknown datastore 'postgres'; did you mean 'postgres-primary'?"),
        ("from: postgres-replica, to: postgres-primary", "from: exporter, to: postgres-primary", "postgres-primary}", "there is no link postgres-replica -> postgres-primary, which replication needs"),
        ("alerts/eafix.rules.yml", "alerts/eafix.rule.yml", "alerts/eafix.rule.yml", "there is no rule file alerts/eafix.rule.yml; did you mean 'alerts/eafix.rules.yml'?"),
        ("exporter, postgres, postgres-replica", "exporter, postgress, postgres-replica", "postgress,", "scrape: unknown service or address 'postgress'; did you mean 'postgres'?"),
        ("depends-on: [redis]", "depends-on: [reddis]", "reddis", "unknown service or datastore 'reddis'; did you mean 'redis'?"),
        ('synchronous_commit: "on"', "synchronous_commit: onn", "onn", "'onn' is not among the choices off, local, on, remote_write, remote_apply"),
        ("setting-choices:\n  postgres.s", "setting-choices:\n  postgres.zs", "postgres.zs", "unknown setting 'postgres.zsynchronous_commit'; did you mean 'postgres.synchronous_commit'?"),
        ("program: broker", "program: brocker", "brocker", "program: unknown value 'brocker'; did you mean 'broker'?"),
    ],
)  # fmt: skip
def test_a_stack_that_does_not_fit_together_is_refused(tmp_path: Path, old: str, new: str, at: str, message: str) -> None:
    """Each slip is found, at its very word."""
    assert old in EAFIX
    path = tmp_path / "test.yaml"
    path.write_text(EAFIX.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        load_stack(str(path))
    [problem] = caught.value.problems
    assert problem.message == message
    assert path.read_text(encoding="utf-8").splitlines()[problem.line - 1][problem.column - 1 :].startswith(at)
