"""The images of a drill do what the documentation of the official ones promises: of the stand-ins, or of those the caller named."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from harness.engine.images import image_names
from tests.fakes.services.live import eventually

pytestmark = pytest.mark.docker
STARTS_WITHIN_S = 30


def docker(*command: str) -> str:
    """What docker says on standard output. Fails with what it says on standard error."""
    done = subprocess.run(["docker", *command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"docker {' '.join(command)}: {done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class Started:
    """A container that runs, with one of its ports published on the loopback."""

    identity: str
    port: int

    def execute(self, *command: str) -> str:
        return docker("exec", self.identity, *command)

    def main_user(self) -> str:
        """Whose the container's first process is."""
        return self.execute("stat", "-c", "%U", "/proc/1")

    def get(self, path: str) -> httpx.Response:
        """What it answers to a GET, once it does so with 200."""
        return eventually(
            lambda: httpx.get(f"http://127.0.0.1:{self.port}{path}").raise_for_status(), within_s=STARTS_WITHIN_S
        )  # fmt: skip


Start = Callable[..., Started]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the image of a part: `start("redis", 6379, "--maxmemory", "1mb", options=["--env", "A=b"], files={...})`."""
    made: list[str] = []

    def starts(
        part: str, port: int, *arguments: str, options: tuple[str, ...] = (), files: dict[Path, str] | None = None
    ) -> Started:
        published = ("--publish", f"127.0.0.1::{port}", "--label", "gameday.test=images")
        made.append(docker("create", *published, *options, image_names()[part], *arguments))
        for source, target in (files or {}).items():
            docker("cp", str(source), f"{made[-1]}:{target}")
        docker("start", made[-1])
        return Started(made[-1], int(docker("port", made[-1], str(port)).splitlines()[0].rpartition(":")[2]))

    yield starts
    if made:
        docker("rm", "--force", "--volumes", *made)


def once(part: str, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Runs a command in a container of its own, without a network, until it ends."""
    made = docker("create", "--network", "none", "--label", "gameday.test=images", *options, image_names()[part], *command)
    try:
        return subprocess.run(["docker", "start", "--attach", made], capture_output=True, text=True, timeout=60, check=False)
    finally:
        docker("rm", "--force", "--volumes", made)


def connect(database: Started, **given: Any) -> psycopg.Connection[Any]:
    """The first connection that the server of the container takes: the temporary one of its entry point takes none."""
    address = {"host": "127.0.0.1", "port": database.port, "connect_timeout": 5, "autocommit": True}
    return eventually(lambda: psycopg.connect(**{**address, **given}), within_s=STARTS_WITHIN_S)


def ask(connection: psycopg.Connection[Any], question: str) -> str:
    row = connection.execute(question.encode()).fetchone()
    assert row
    return str(row[0])


def test_postgres_takes_the_official_environment(start: Start, tmp_path: Path) -> None:
    """User, password, database, data folder, initdb's arguments, files to begin with and options all reach the server."""
    (tmp_path / "10-table.sql").write_text("CREATE TABLE orders AS SELECT 7 AS id;")
    (tmp_path / "20-row.sh").write_text('psql -U "$POSTGRES_USER" "$POSTGRES_DB" -c "INSERT INTO orders VALUES (8)"')
    environment = {
        "POSTGRES_USER": "trader", "POSTGRES_PASSWORD": "it's secret", "POSTGRES_DB": "the orders",
        "PGDATA": "/var/lib/postgresql/data/custom", "POSTGRES_INITDB_ARGS": "--data-checksums --no-sync",
    }  # fmt: skip
    options = tuple(word for name, value in environment.items() for word in ("--env", f"{name}={value}"))
    files = dict.fromkeys(tmp_path.iterdir(), "/docker-entrypoint-initdb.d/")
    database = start("postgres", 5432, "-c", "max_connections=33", options=options, files=files)
    with connect(database, user="trader", password="it's secret", dbname="the orders") as connection:
        assert ask(connection, "SHOW data_checksums") == "on"
        assert ask(connection, "SHOW max_connections") == "33"
        assert ask(connection, "SHOW data_directory") == "/var/lib/postgresql/data/custom"
        assert ask(connection, "SELECT array_agg(id ORDER BY id) FROM orders") == "[7, 8]"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host="127.0.0.1", port=database.port, user="trader", password="wrong", dbname="the orders")
    assert database.main_user() == "postgres"


def test_postgres_keeps_its_data_over_a_stop(start: Start) -> None:
    """Trust needs no password; a stop is a clean shutdown, and what was initialised is not initialised again."""
    database = start("postgres", 5432, options=("--env", "POSTGRES_HOST_AUTH_METHOD=trust", "--stop-timeout", "30"))
    with connect(database, user="postgres") as connection:
        connection.execute("CREATE TABLE kept ()")
    docker("stop", database.identity)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", database.identity) == "0"
    docker("start", database.identity)
    port = int(docker("port", database.identity, "5432").splitlines()[0].rpartition(":")[2])
    with connect(Started(database.identity, port), user="postgres") as connection:
        assert ask(connection, "SELECT to_regclass('kept')") == "kept"


def test_postgres_refuses_to_begin_without_a_password() -> None:
    """It says which variables would let it begin."""
    refused = once("postgres")
    assert refused.returncode == 1
    assert "POSTGRES_PASSWORD" in refused.stderr
    assert "POSTGRES_HOST_AUTH_METHOD=trust" in refused.stderr


@pytest.mark.parametrize("part", ["postgres", "redis"])
def test_another_command_is_run_as_it_is(part: str) -> None:
    """A command that is not the server's runs as who was asked for, and needs nothing."""
    assert once(part, "id", "-un").stdout.strip() == "root"
    assert once(part, "id", "-un", options=("--user", part)).stdout.strip() == part
    assert once(part, "docker-entrypoint.sh", "gosu", part, "id", "-un").stdout.strip() == part


def test_redis_takes_options_and_anybody(start: Start) -> None:
    """Options alone are the server's; it is reached from elsewhere without a password, keeps /data and is not root."""
    store = start("redis", 6379, "--maxmemory", "10mb", "--save", "60 1")
    with redis.Redis(port=store.port) as client:

        def pong() -> bool | None:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return None

        eventually(pong, within_s=STARTS_WITHIN_S)
        assert client.config_get("maxmemory") == {"maxmemory": str(10 * 1024 * 1024)}
        assert client.config_get("dir") == {"dir": "/data"}
        client.set("kept", "yes")
        client.save()
    assert store.execute("stat", "-c", "%U %A", "/data/dump.rdb") == "redis -rw-------"
    assert store.main_user() == "redis"


def test_toxiproxy_answers_and_obeys_its_command(start: Start) -> None:
    """The server listens on every address at once; the client is beside it."""
    proxies = start("toxiproxy", 8474)
    assert proxies.get("/version").json() == {"version": "2.12.0"}
    proxies.execute("/toxiproxy-cli", "create", "--listen", "0.0.0.0:7000", "--upstream", "127.0.0.1:7001", "link")
    assert list(proxies.get("/proxies").json()) == ["link"]


def test_prometheus_is_ready_by_itself(start: Start) -> None:
    """The default configuration suffices, it can write its data, it isn't root, and it answers about itself."""
    monitor = start("prometheus", 9090)
    assert monitor.get("/-/ready").text
    assert monitor.execute("/bin/promtool", "check", "config", "/etc/prometheus/prometheus.yml")
    assert monitor.execute("sh", "-c", "id -un; pwd; ls -d wal").split() == ["nobody", "/prometheus", "wal"]


def test_alertmanager_is_ready_by_itself(start: Start) -> None:
    """The default configuration suffices, it can write its data, it isn't root, and its templates are there."""
    monitor = start("alertmanager", 9093)
    assert monitor.get("/-/ready").text
    assert monitor.execute("/bin/amtool", "check-config", "/etc/alertmanager/alertmanager.yml")
    assert monitor.execute("sh", "-c", "id -un; pwd; touch here").split() == ["nobody", "/alertmanager"]


def test_the_drill_has_what_runbooks_call_and_no_server() -> None:
    """Each program starts; none is there that a drill gets from another container."""
    programs = ("bash", "curl", "git", "ip", "jq", "make", "ps", "psql", "python3", "redis-cli")
    version = " && ".join(f"{program} {'-V' if program in {'ip', 'ps'} else '--version'}" for program in programs)
    done = once("drill", "bash", "-c", version)
    assert done.returncode == 0, done.stderr
    assert absent("drill", "postgres", "initdb", "redis-server", "prometheus", "alertmanager", "toxiproxy-server")


@pytest.mark.parametrize("part", ["prometheus", "alertmanager"])
def test_the_monitors_have_no_more_than_busybox(part: str) -> None:
    """A script that needs bash or curl would fail in the official images, so it fails here."""
    assert absent(part, "bash", "curl", "jq", "python3", options=("--entrypoint", "/bin/sh"))


@pytest.mark.parametrize("part", ["postgres", "redis"])
def test_the_datastores_have_no_more_than_debian(part: str) -> None:
    """A script that needs curl, jq, ps or Python would fail in the official images, so it fails here."""
    assert absent(part, "curl", "jq", "ps", "python3", options=("--entrypoint", "/bin/sh"))


def absent(part: str, *programs: str, options: tuple[str, ...] = ()) -> bool:
    """Whether none of these programs is on the PATH of an image."""
    shell = () if options else ("sh",)
    found = once(
        part, *shell, "-c", f"echo asked; for each in {' '.join(programs)}; do command -v $each; done; true", options=options
    )
    return found.stdout == "asked\n"
