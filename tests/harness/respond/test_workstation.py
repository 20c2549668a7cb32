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
from harness.respond.workstation import Endpoints, build_workstation, compose_file
from tests.harness.respond.operators import STACK, workstation


def test_the_environment_is_made_of_the_workstation_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the caller's environment is in it, and the commands' own folder comes first on PATH."""
    monkeypatch.setenv("KUBECONFIG", "/root/.kube/config")
    station = workstation(tmp_path)
    assert dict(station.environment) == {
        "PATH": f"{tmp_path}/station/bin:/usr/bin:/bin",
        "HOME": f"{tmp_path}/station/home",
        "USER": "operator",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PGHOST": "127.0.0.1",
        "PGPORT": "5432",
        "PGUSER": "eafix",
        "PGDATABASE": "eafix_prod",
        "PGCONNECT_TIMEOUT": "5",
        "AWS_CONFIG_FILE": f"{tmp_path}/station/home/.aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": f"{tmp_path}/station/home/.aws/credentials",
        "GAMEDAY_CONTROL": "127.0.0.1:6443",
        "GAMEDAY_MACHINE": f"{tmp_path}/station/root",
        "GAMEDAY_CLOUD": f"{tmp_path}/station/cloud",
        "GAMEDAY_ZONE_ID": "Z123456789",
        "EAFIX_PROMETHEUS": "127.0.0.1:9090",
    }


def test_the_stacks_own_variables_have_the_actual_ports(tmp_path: Path) -> None:
    """`{port:NAME}` of an address or a service; what is not known beside them is left out."""
    told = {"DATABASE_URL": "postgresql://eafix@127.0.0.1:{port:postgres}/eafix_prod", "GATEWAY_PORT": "{port:gui-gateway}"}
    station = workstation(tmp_path, stack=STACK.model_copy(update={"environment": told}), ports={5432: 45432, 6379: 46379})
    assert station.environment["DATABASE_URL"] == "postgresql://eafix@127.0.0.1:45432/eafix_prod"
    assert station.environment["GATEWAY_PORT"] == "8080"
    assert station.environment["REDIS_PORT"] == "46379"
    assert not {"GAMEDAY_CLOCK", "CURL_CA_BUNDLE", "EAFIX_PAGER"} & station.environment.keys()


def test_a_port_of_nothing_is_one_sentence(tmp_path: Path) -> None:
    """A stack file that names an address that it has not."""
    with pytest.raises(HarnessError, match=r"the environment of the operator names \{port:nope\}, and the stack has no 'nope'"):
        workstation(tmp_path, stack=STACK.model_copy(update={"environment": {"A": "{port:nope}"}}))


def test_clock_certificates_and_pager_are_told_where_there_are_any(tmp_path: Path) -> None:
    """Scripts measure in documented time, curl trusts the ingress, and alert-send.sh knows whom to page."""
    pager = STACK.services["broker"].model_copy(update={"program": "pager", "port": 9700})
    stack = STACK.model_copy(update={"services": {**STACK.services, "pager": pager}})
    endpoints = Endpoints("c", "p", "d", "u", clock=Path("/run/clock"), certificates=Path("/run/ca.pem"))
    environment = build_workstation(tmp_path, stack, endpoints, programs={}).environment
    assert (environment["GAMEDAY_CLOCK"], environment["CURL_CA_BUNDLE"]) == ("/run/clock", "/run/ca.pem")
    assert environment["EAFIX_PAGER"] == "127.0.0.1:9700"
    assert len(environment["EAFIX_PAGER_KEY"]) == 32


def test_python_knows_the_packages_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts have psycopg, redis and httpx; our own modules are not theirs, wherever the project is installed."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    station = workstation(tmp_path)
    block = "python -c 'import psycopg, redis, httpx'; echo $?; for each in harness fakes scenarios; do python -c \"import $each\" 2>&1 | tail -1; done"
    ran = asyncio.run(run_block(block, environment=station.environment, folder=station.checkout, limit_s=20))
    missing = [f"ModuleNotFoundError: No module named '{name}'" for name in ("harness", "fakes", "scenarios")]
    assert ran.output.splitlines() == ["0", *missing]


def test_aws_and_alembic_are_the_real_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the drill's own cloud and made-up credentials, whatever the caller has."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    station = workstation(tmp_path)
    block = "aws --version; alembic --version; aws configure get endpoint_url; aws configure list | grep -c gameday; ls ~/.aws"
    ran = asyncio.run(run_block(block, environment=station.environment, folder=station.checkout, limit_s=30))
    lines = ran.output.splitlines()
    assert lines[0].startswith("aws-cli/1.")
    assert lines[1].startswith("alembic 1.")
    assert lines[2] == "http://127.0.0.1:1"
    assert lines[-2:] == ["config", "credentials"]


def test_scripts_of_the_platform_are_commands_too(tmp_path: Path) -> None:
    """002:454 calls restore-test.sh by its name; what the scripts only read is no command."""
    station = workstation(tmp_path)
    ran = asyncio.run(
        run_block(
            "command -v restore-test.sh common.sh; restore-test.sh",
            environment=station.environment,
            folder=station.checkout,
            limit_s=20,
        )
    )
    assert ran.output == f"{tmp_path}/station/bin/restore-test.sh\nrestore-test.sh: usage: restore-test.sh ARCHIVE NAMESPACE\n"
    assert ran.exit_code == 2


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
    assert compose_file(STACK, context="../..") == (
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
        "    build: ../..\n"
        "    image: eafix/gui-gateway:1.0.0\n"
        '    ports: ["127.0.0.1:8080:8080"]\n'
        '    healthcheck: {test: ["CMD", "curl", "-fsS", "http://localhost:8080/healthz"]}\n'
        "    depends_on: [risk-manager, postgres]\n"
        "  risk-manager:\n"
        "    build: ../..\n"
        "    image: eafix/risk-manager:1.0.0\n"
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


def test_curls_format_is_what_curl_reads(tmp_path: Path) -> None:
    """000:147: a line for each of its times."""
    assert (
        (workstation(tmp_path).checkout / "curl-format.txt")
        .read_text()
        .startswith("     time_namelookup:  %{time_namelookup}s\\n")
    )


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
