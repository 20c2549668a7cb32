"""The operator's workstation of a drill: home, commands and checkout, and an environment that knows nothing of the caller.

    <folder>/home       HOME
    <folder>/bin        first on PATH: the stand-ins, and the real clients of the datastores
    <folder>/checkout   where commands run: Makefile, curl-format.txt, deploy/compose/docker-compose.yml

Nothing of the caller gets in: not HOME, not PATH, no credentials.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fakes.commands.install import install_commands
from fakes.commands.make import makefile
from harness.errors import HarnessError
from scenarios.model import Datastore, Service, Stack

POSTGRES, REDIS = "postgres", "redis"  # the names of the service addresses
_REDIS_PORT = 6379  # what redis-cli takes when it is told nothing
_CONNECT_TIMEOUT_S = 5
_SYSTEM = "/usr/bin:/bin"
_COMPOSE = Path("deploy/compose/docker-compose.yml")
_HOST_PORT = re.compile(r"(?<![\w.])(localhost|127\.0\.0\.1):(\d{2,5})\b")
_PORT_OPTION = re.compile(r"((?<=\s)-p\s*|--port[= ]|\bport=)(\d{2,5})\b")
_CURL_FORMAT = "".join(f"{name:>20}:  %{{{name}}}s\n" for name in (
    "time_namelookup", "time_connect", "time_appconnect", "time_pretransfer", "time_starttransfer", "time_total",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the commands find what they act through, host:port, and the database they open when told nothing."""

    control: str
    prometheus: str
    database: str
    user: str
    ports: Mapping[int, int] = field(default_factory=dict)  # documented to actual, of those that differ


@dataclass(frozen=True, slots=True)
class Workstation:
    """A workstation that was built."""

    folder: Path
    environment: Mapping[str, str]
    ports: Mapping[int, int]

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    def translated(self, block: str) -> str:
        """The block with documented ports replaced by the actual ones; the block itself where they are the same.

        Finds `localhost:8080`, `127.0.0.1:8080`, `-p 5432`, `--port=5432` and `port=5432`; a port that the shell itself
        puts together is not found.
        """
        if not self.ports:
            return block

        def actual(found: re.Match[str]) -> str:
            port = int(found[2])
            return found[0].removesuffix(found[2]) + str(self.ports.get(port, port))

        return _PORT_OPTION.sub(actual, _HOST_PORT.sub(actual, block))


def build_workstation(
    folder: Path, stack: Stack, endpoints: Endpoints, *, programs: Mapping[str, Path], python: str = sys.executable
) -> Workstation:
    """Make a workstation in `folder`. `programs` are real programs by command name: psql, redis-cli, jq ...

    Raises HarnessError when the folder cannot be written.
    """
    home, commands, checkout = folder / "home", folder / "bin", folder / "checkout"
    try:
        home.mkdir(parents=True, exist_ok=True)
        install_commands(commands, python, programs)
        _make_checkout(checkout, stack)
        if _REDIS_PORT in endpoints.ports and "redis-cli" in programs:
            _default_port(commands / "redis-cli", programs["redis-cli"], endpoints.ports[_REDIS_PORT])
    except OSError as error:
        raise HarnessError(
            f"the operator's workstation could not be made: {error.filename or folder}: {error.strerror or error}. "
            "Free some space, or choose another place with --out DIR."
        ) from error
    return Workstation(folder, _environment(home, commands, stack, endpoints), endpoints.ports)


def _environment(home: Path, commands: Path, stack: Stack, endpoints: Endpoints) -> dict[str, str]:
    postgres = stack.addresses[POSTGRES].port if POSTGRES in stack.addresses else 5432
    return {
        "PATH": f"{commands}:{_SYSTEM}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(endpoints.ports.get(postgres, postgres)),
        "PGUSER": endpoints.user,
        "PGDATABASE": endpoints.database,
        "PGCONNECT_TIMEOUT": str(_CONNECT_TIMEOUT_S),
        "GAMEDAY_CONTROL": endpoints.control,
        "EAFIX_PROMETHEUS": endpoints.prometheus,
    }


def _default_port(path: Path, program: Path, port: int) -> None:
    """A redis-cli that is told nothing must not talk to whatever listens on the machine's own standard port."""
    path.unlink(missing_ok=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(str(program))} -p {port} "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def _make_checkout(checkout: Path, stack: Stack) -> None:
    (checkout / _COMPOSE).parent.mkdir(parents=True, exist_ok=True)
    (checkout / _COMPOSE).write_text(compose_file(stack), encoding="utf-8")
    (checkout / ".env").write_text(f"COMPOSE_FILE={_COMPOSE}\n", encoding="utf-8")
    (checkout / "Makefile").write_text(makefile(), encoding="utf-8")
    (checkout / "curl-format.txt").write_text(_CURL_FORMAT, encoding="utf-8")


def compose_file(stack: Stack) -> str:
    """The stack as a compose file: what an operator reads and `docker compose -f` is given."""
    known = {name: store.compose for name, store in stack.datastores.items()} | {
        name: each.compose for name, each in stack.services.items()
    }
    lines = ["name: eafix", "services:"]
    for store in stack.datastores.values():
        if store.compose:
            lines += _compose_entry(store.compose, store.kind, store.port, _datastore_probe(store), ())
    for service in stack.services.values():
        if service.compose:
            needs = tuple(there for name in service.depends_on if (there := known.get(name)))
            lines += _compose_entry(service.compose, f"eafix/{service.program}", service.port, _service_probe(service), needs)
    return "\n".join(lines) + "\n"


def _compose_entry(name: str, image: str, port: int, probe: str, needs: tuple[str, ...]) -> list[str]:
    lines = [
        f"  {name}:",
        f"    image: {image}",
        f'    ports: ["127.0.0.1:{port}:{port}"]',
        f"    healthcheck: {{test: {probe}}}",
    ]
    return [*lines, f"    depends_on: [{', '.join(needs)}]"] if needs else lines


def _datastore_probe(store: Datastore) -> str:
    return (
        f'["CMD", "pg_isready", "-p", "{store.port}"]'
        if store.kind == POSTGRES
        else f'["CMD", "redis-cli", "-p", "{store.port}", "ping"]'
    )


def _service_probe(service: Service) -> str:
    return f'["CMD", "curl", "-fsS", "http://localhost:{service.port}/healthz"]'
