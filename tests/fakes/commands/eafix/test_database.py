"""What eafix-cli says of the database, and that it is true: against made-up answers, and against a real Postgres."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fakes.commands.eafix.platform import SqlFailed, _reason
from harness.errors import MissingTool
from harness.tools import find_postgres
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster

HEALTHY = "f\x1fon\x1f0"


class FakePsql:
    """A psql that answers by what its statement contains."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "psql"
        self.answers: dict[str, str] = {}

    def say(self, part: str, out: str = "", *, err: str = "", code: int = 0, forever: bool = False) -> None:
        """To a statement that contains `part` (the first said counts)."""
        (self._path.parent / f"{len(self.answers)}.out").write_text(out)
        (self._path.parent / f"{len(self.answers)}.err").write_text(err)
        number = len(self.answers)
        wait = "exec sleep 600; " if forever else ""
        folder = self._path.parent
        self.answers[part] = f"*{part!r}*) {wait}cat {folder}/{number}.out; cat {folder}/{number}.err >&2; exit {code};;\n"
        cases = "".join(self.answers.values())
        self._path.write_text(
            f'#!/bin/sh\nfor statement; do :; done\ncase "$statement" in\n{cases}esac\necho "unexpected: $statement" >&2\nexit 3\n'
        )
        self._path.chmod(0o755)


@pytest.fixture
def psql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePsql:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "5432")
    return FakePsql(tmp_path)


def test_a_database_that_answers_is_pinged(cluster: FakeCluster, run: Run, psql: FakePsql) -> None:
    """Exit code 0, with how long it took."""
    psql.say("SELECT 1", "1\n")
    ended = run("eafix-cli database ping --timeout=5")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("database at 127.0.0.1:5432 answers (")


def test_a_database_that_is_down_fails_the_ping(cluster: FakeCluster, run: Run, psql: FakePsql) -> None:
    """Exit code 1, which is what runbook 002:476 asks for, with Postgres's own reason."""
    psql.say(
        "SELECT 1",
        err='psql: error: connection to server at "127.0.0.1", port 5432 failed: Connection refused\n\tIs it running?\n',
        code=2,
    )
    assert run("eafix-cli database ping --timeout=5") == Ended(
        1,
        "",
        'database at 127.0.0.1:5432 does not answer: connection to server at "127.0.0.1", port 5432 failed: Connection refused\n',
    )


def test_a_database_that_hangs_fails_the_ping_in_time(cluster: FakeCluster, run: Run, psql: FakePsql) -> None:
    """The time-out bounds it, whatever the connection does."""
    psql.say("SELECT 1", forever=True)
    assert run("eafix-cli database ping --timeout=200ms") == Ended(
        1, "", "database at 127.0.0.1:5432 does not answer: no answer within 0.2 s\n"
    )


def test_a_sound_primary_is_verified(cluster: FakeCluster, run: Run, psql: FakePsql) -> None:
    """Every check of the full one, each with what was seen."""
    psql.say("pg_is_in_recovery", HEALTHY + "\n")
    psql.say("pg_logical_emit_message", "0/1\n")
    psql.say("FROM pg_tables", "public.executions\npublic.positions\n")
    psql.say("UNION ALL", "public.executions\x1f12\npublic.positions\x1f3\n")
    psql.say("indisvalid", "0\n")
    psql.say("FULL JOIN", "0\n")
    ended = run("eafix-cli database verify --full-check")
    lines = ended.out.splitlines()
    assert lines.pop(2).startswith("ok    write: a commit took ")
    assert (ended.code, lines) == (
        0,
        [
            "ok    read: database at 127.0.0.1:5432 answers",
            "ok    role: primary",
            "ok    checksums: on, 0 failures",
            "ok    tables: executions 12 rows, positions 3 rows",
            "ok    indexes: 0 invalid",
            "ok    positions: 0 symbols differ from the sum of their executions",
        ],
    )


def test_a_replica_is_no_sound_primary(cluster: FakeCluster, run: Run, psql: FakePsql) -> None:
    """A service address that leads to a database in recovery is found out."""
    psql.say("pg_is_in_recovery", "t\x1fon\x1f0\n")
    psql.say("pg_logical_emit_message", err="ERROR:  cannot execute INSERT in a read-only transaction\n", code=1)
    ended = run("eafix-cli database verify")
    assert ended == Ended(
        1,
        "ok    read: database at 127.0.0.1:5432 answers\n"
        "FAIL  role: in recovery: a replica, it takes no writes\n"
        "FAIL  write: refused: cannot execute INSERT in a read-only transaction\n"
        "ok    checksums: on, 0 failures\n",
        "",
    )


def test_writes_that_wait_for_a_standby_are_found_out_in_time(cluster: FakeCluster, run: Run, psql: FakePsql) -> None:
    """A promoted replica that inherits synchronous_standby_names reads well and blocks every commit."""
    psql.say("pg_is_in_recovery", HEALTHY + "\n")
    psql.say("pg_logical_emit_message", forever=True)
    psql.say("count(*) FROM pg_stat_activity WHERE wait_event", "9\n")
    psql.say("synchronous_standby_names", "replica\n")
    psql.say("pg_cancel_backend", "t\n")
    ended = run("eafix-cli database verify --timeout=200ms")
    assert ended.code == 1
    assert "FAIL  write: writes blocked: 9 sessions wait for SyncRep (synchronous_standby_names = 'replica')\n" in ended.out


def test_checksum_failures_and_damaged_tables_fail_the_check(cluster: FakeCluster, run: Run, psql: FakePsql) -> None:
    """What Postgres has counted, and what reading every row brings up."""
    psql.say("pg_is_in_recovery", "f\x1fon\x1f2\n")
    psql.say("pg_logical_emit_message", "0/1\n")
    psql.say("FROM pg_tables", "public.orders\n")
    psql.say("count(*) FROM public.orders", err="ERROR:  invalid page in block 3 of relation base/5/16389\n", code=1)
    ended = run("eafix-cli database verify --full-check")
    assert ended.code == 1
    assert ended.out.splitlines()[-2:] == [
        "FAIL  checksums: on, 2 failures",
        "FAIL  tables: cannot be read: invalid page in block 3 of relation base/5/16389",
    ]


@pytest.mark.parametrize("timeout", ["0", "-1s", "soon"])
def test_a_timeout_must_be_one(cluster: FakeCluster, run: Run, timeout: str) -> None:
    """A falsy time-out does not mean for ever."""
    ended = run(f"eafix-cli database ping --timeout={timeout}")
    assert (ended.code, ended.err[:22]) == (2, "eafix-cli: --timeout: ")


def test_a_reason_is_one_line_without_prefixes() -> None:
    """Of several lines the first counts."""
    assert _reason("psql: error: FATAL:  the database system is starting up\n") == "the database system is starting up"
    assert _reason("\n") == ""
    assert not SqlFailed("x").timed_out


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    """A real Postgres on a free port, with a synchronous standby that does not exist set but not yet waited for."""
    try:
        programs = find_postgres().path
    except MissingTool as missing:
        pytest.skip(str(missing))
    nobody = None if os.geteuid() else 65534  # Postgres refuses to run as root
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        if nobody is not None:
            os.chown(folder, nobody, nobody)
        data, port = Path(folder, "data"), _free_port()
        create: list[str | Path] = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-k"]
        subprocess.run(create, check=True, capture_output=True, user=nobody, group=nobody)
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", folder, "-c", "fsync=off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=nobody, group=nobody,
        )  # fmt: skip
        try:
            _wait_for(programs / "psql", port)
            yield port
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for(psql: Path, port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(subprocess.CalledProcessError):
            subprocess.run(
                [psql, "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", "SELECT 1"], check=True, capture_output=True
            )
            return
        time.sleep(0.02)
    pytest.fail("Postgres did not start")


@pytest.fixture
def real(postgres: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "psql").symlink_to(find_postgres().path / "psql")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name, value in {"PGHOST": "127.0.0.1", "PGPORT": str(postgres), "PGUSER": "postgres", "PGDATABASE": "postgres"}.items():
        monkeypatch.setenv(name, value)
    yield
    sql("ALTER SYSTEM RESET synchronous_standby_names")
    sql("SELECT pg_reload_conf()")
    sql("DROP TABLE IF EXISTS executions, positions")


def sql(statement: str) -> str:
    command = [shutil.which("psql") or "psql", "-X", "-A", "-t", "-c", statement]
    environment = {**os.environ, "PGOPTIONS": "-c synchronous_commit=local"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.real
@pytest.mark.usefixtures("real")
def test_a_real_database_is_verified(cluster: FakeCluster, run: Run) -> None:
    """Ping, full check and statistics are Postgres's own, and positions are held against executions."""
    sql("CREATE TABLE executions (symbol text, side text, quantity bigint)")
    sql("CREATE TABLE positions (symbol text, quantity bigint)")
    sql("INSERT INTO executions VALUES ('EURUSD', 'buy', 5), ('EURUSD', 'sell', 2)")
    sql("INSERT INTO positions VALUES ('EURUSD', 3)")
    assert run("eafix-cli database ping").code == 0
    ended = run("eafix-cli database verify --full-check")
    assert (ended.code, ended.out.splitlines()[4:]) == (
        0,
        [
            "ok    tables: executions 2 rows, positions 1 rows",
            "ok    indexes: 0 invalid",
            "ok    positions: 0 symbols differ from the sum of their executions",
        ],
    )
    sql("UPDATE positions SET quantity = 4")
    assert run("eafix-cli database verify --full-check").out.splitlines()[-1].startswith("FAIL  positions: 1 symbols differ")
    shown = run("eafix-cli database performance")
    assert (shown.code, [line.split()[0] for line in shown.out.splitlines()]) == (
        0,
        ["connections", "longest", "transactions", "cache"],
    )


@pytest.mark.real
@pytest.mark.usefixtures("real")
def test_real_blocked_writes_are_found_out_and_not_left_waiting(cluster: FakeCluster, run: Run) -> None:
    """With a synchronous standby that isn't there every commit hangs; the check says so and leaves no session behind."""
    sql("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
    sql("SELECT pg_reload_conf()")
    ended = run("eafix-cli database verify --timeout=1s")
    assert ended.code == 1
    assert (
        "FAIL  write: writes blocked: 1 sessions wait for SyncRep (synchronous_standby_names = 'replica')"
        in ended.out.splitlines()
    )
    deadline = time.monotonic() + 20
    while sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'eafix-cli verify%'") != "0":
        assert time.monotonic() < deadline
        time.sleep(0.02)
