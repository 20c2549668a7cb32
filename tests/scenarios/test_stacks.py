from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.errors import InvalidInput
from scenarios.places import STACKS
from scenarios.stacks import link_names, load_stack, processes
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
