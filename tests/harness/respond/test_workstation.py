"""What an operator finds on the workstation of a drill."""

from __future__ import annotations

import asyncio
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.respond.shell import run_block
from harness.respond.workstation import compose_file
from tests.harness.respond.operators import STACK, workstation


def test_the_environment_is_made_of_the_workstation_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's environment is in it, and the commands' own folder comes first on PATH."""
    monkeypatch.setenv("KUBECONFIG", "/root/.kube/config")
    station = workstation(tmp_path)
    assert dict(station.environment) == {
        "PATH": f"{tmp_path}/station/bin:/usr/bin:/bin",
        "HOME": f"{tmp_path}/station/home",
        "LANG": "C.UTF-8",
        "PGHOST": "127.0.0.1",
        "PGPORT": "5432",
        "PGUSER": "eafix",
        "PGDATABASE": "eafix_prod",
        "PGCONNECT_TIMEOUT": "5",
        "GAMEDAY_CONTROL": "127.0.0.1:6443",
        "EAFIX_PROMETHEUS": "127.0.0.1:9090",
    }


def test_the_stand_ins_hide_the_machines_own_tools(tmp_path: Path) -> None:
    """A `kubectl` of the machine, which may know a real cluster, is never the one that a runbook's command finds."""
    station = workstation(tmp_path)
    block = "command -v kubectl docker eafix-cli"
    ran = asyncio.run(run_block(block, environment=station.environment, folder=station.checkout, limit_s=20))
    assert ran.output.split() == [f"{tmp_path}/station/bin/{name}" for name in ("kubectl", "docker", "eafix-cli")]


def test_a_stand_in_starts_from_its_launcher(tmp_path: Path) -> None:
    """The launcher finds interpreter and project from anywhere, without PYTHONPATH."""
    station = workstation(tmp_path)
    ran = asyncio.run(run_block("kubectl frobnicate", environment=station.environment, folder=station.checkout, limit_s=20))
    assert (ran.exit_code, ran.output) == (1, 'error: unknown command "frobnicate" for "kubectl"\n')


def test_compose_finds_the_project_from_the_checkout(tmp_path: Path) -> None:
    """`docker compose ps` needs no -f there: .env names the file, and the answer is the daemon's, not compose's."""
    station = workstation(tmp_path)
    environment = {**station.environment, "GAMEDAY_CONTROL": "127.0.0.1:1"}
    ran = asyncio.run(run_block("docker compose ps", environment=environment, folder=station.checkout, limit_s=20))
    assert ran.output == "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?\n"


def test_the_compose_file_describes_the_stack() -> None:
    """Datastores first, services with what they depend on in the project; parties outside it are not in it."""
    assert compose_file(STACK) == (
        "name: eafix\n"
        "services:\n"
        "  postgres:\n"
        "    image: postgres\n"
        '    ports: ["127.0.0.1:15432:15432"]\n'
        '    healthcheck: {test: ["CMD", "pg_isready", "-p", "15432"]}\n'
        "  redis:\n"
        "    image: redis\n"
        '    ports: ["127.0.0.1:16379:16379"]\n'
        '    healthcheck: {test: ["CMD", "redis-cli", "-p", "16379", "ping"]}\n'
        "  gui-gateway:\n"
        "    image: eafix/gui-gateway\n"
        '    ports: ["127.0.0.1:8080:8080"]\n'
        '    healthcheck: {test: ["CMD", "curl", "-fsS", "http://localhost:8080/healthz"]}\n'
        "    depends_on: [risk-manager, postgres]\n"
        "  risk-manager:\n"
        "    image: eafix/risk-manager\n"
        '    ports: ["127.0.0.1:8084:8084"]\n'
        '    healthcheck: {test: ["CMD", "curl", "-fsS", "http://localhost:8084/healthz"]}\n'
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_a_real_make_reads_the_makefile(tmp_path: Path) -> None:
    """The checkout's Makefile is one, and its targets call the platform's own commands."""
    station = workstation(tmp_path)
    shown = subprocess.run(
        ["make", "-n", "smoke", "docker-down"], cwd=station.checkout, capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines() == ["eafix-cli test smoke", "docker compose -f deploy/compose/docker-compose.yml down"]


def test_commands_stay_as_they_are_where_documented_ports_are_real(tmp_path: Path) -> None:
    """In a sandbox nothing is translated."""
    assert workstation(tmp_path).translated("curl localhost:8080") == "curl localhost:8080"


@pytest.mark.parametrize(
    ("block", "ran"),
    [
        ("curl http://localhost:8080/health", "curl http://localhost:40080/health"),
        ("curl 127.0.0.1:8080/health", "curl 127.0.0.1:40080/health"),
        ("psql -h localhost -p 5432 -c 'SELECT 1'", "psql -h localhost -p 45432 -c 'SELECT 1'"),
        ("redis-cli -p6379 ping", "redis-cli -p46379 ping"),
        ("psql 'host=localhost port=5432'", "psql 'host=localhost port=45432'"),
        ("pg_isready --port=5432", "pg_isready --port=45432"),
        ("curl http://myhost.localhost:8080/", "curl http://myhost.localhost:8080/"),
        ("curl localhost:9999; mkdir -p 8080", "curl localhost:9999; mkdir -p 40080"),
        ("kubectl logs --tail=5432", "kubectl logs --tail=5432"),
    ],
)
def test_addresses_in_commands_are_mapped_without_a_network_of_their_own(tmp_path: Path, block: str, ran: str) -> None:
    """Documented ports become the actual ones, in the forms in which runbooks write them."""
    station = workstation(tmp_path, ports={8080: 40080, 5432: 45432, 6379: 46379})
    assert station.translated(block) == ran
    assert station.environment["PGPORT"] == "45432"


def test_redis_cli_told_nothing_talks_to_the_drill(tmp_path: Path) -> None:
    """On shared ports the standard one may be somebody else's Redis: it is never taken by default."""
    client = tmp_path / "client"
    client.write_text('#!/bin/sh\necho "$@"\n')
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    station = workstation(tmp_path, ports={6379: 46379}, programs={"redis-cli": client})
    ran = asyncio.run(run_block("redis-cli ping", environment=station.environment, folder=station.checkout, limit_s=20))
    assert ran.output == "-p 46379 ping\n"


def test_a_folder_that_cannot_be_written_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    """No traceback for a full or read-only disk."""
    (tmp_path / "station").write_text("a file in the way")
    with pytest.raises(HarnessError, match=r"workstation could not be made: .*station.*choose another place with --out DIR"):
        workstation(tmp_path)
