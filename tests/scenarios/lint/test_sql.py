"""SQL in runbooks: parsed as Postgres parses it, and held against what a version has."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

from harness.tools import _postgres_candidates
from scenarios.lint.postgres import functions, settings, views
from scenarios.lint.sql import sql_missing_name, sql_syntax, sql_transaction
from tests.scenarios.lint.shelf import found, psql, shared, shell

NOBODY = 65534
SERVERS = list(dict.fromkeys(folder.resolve() for folder, _ in _postgres_candidates() if (folder / "initdb").is_file()))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELEC count(*) FROM orders", "syntax error"),
        ("SELECT count(*) FROM eafix-orders", '"eafix-orders"'),
        ("SELECT 1; \\dt", "each its own -c"),
    ],
)
def test_sql_that_postgres_cannot_parse(statement: str, said: str) -> None:
    """The parser's own words are told, with what would mend it."""
    (finding,) = found(sql_syntax, psql(statement))
    assert said in finding.message
    assert finding.line == 4


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM orders WHERE state = 'open';",
        "\\dt",
        "\\x",
        "SELECT * FROM orders WHERE id = $ORDER",
        "SELECT * FROM <table>",
        "SELECT * FROM orders WHERE id = :id AND name = :'name'",
        "VACUUM ANALYZE; -- all of it",
    ],
)
def test_sql_that_is_right_or_not_yet_written(statement: str) -> None:
    """Statements, backslash commands, and what bash or psql must still fill in are left alone."""
    assert found(sql_syntax, psql(statement)) == []


def test_the_place_is_that_of_the_fault() -> None:
    """Line and column lead to the word at which Postgres stops, in a here-document too."""
    (finding,) = found(sql_syntax, shell("psql -d shop <<'EOF'\nSELECT 1;\nSELECT 2 FORM t x;\nEOF"))
    assert (finding.line, finding.evidence) == (6, "SELECT 2 FORM t x;")


@pytest.mark.parametrize(
    ("statement", "version", "said"),
    [
        ("SELECT * FROM pg_stat_statements ORDER BY total_time DESC", 16, "total_exec_time"),
        ("SELECT s.mean_time FROM pg_stat_statements s JOIN shops x ON true", 16, "mean_exec_time"),
        ("SELECT procpid FROM pg_stat_activity", 16, "pid"),
        ("SELECT waiting FROM pg_stat_activity", 16, "wait_event"),
        ("SELECT pid, usname FROM pg_stat_activity", 16, "did you mean usename"),
        ("SELECT checkpoints_timed FROM pg_stat_bgwriter", 17, "pg_stat_checkpointer"),
        ("SELECT * FROM pg_stat_checkpointer", 16, "comes with Postgres 17"),
        ("SELECT wal_sync_time FROM pg_stat_wal", 18, "gone since Postgres 18"),
        ("SELECT last_idx_scan FROM pg_stat_user_tables", 15, "comes with Postgres 16"),
        ("SELECT daticulocale FROM pg_database", 14, "comes with Postgres 15"),
        ("SELECT sent_location FROM pg_stat_replication", 16, "sent_lsn"),
        ("SELECT pg_current_xlog_location()", 16, "pg_current_wal_lsn"),
        ("SELECT pg_start_backup('x')", 16, "pg_backup_start"),
        ("SELECT pg_terminate_backed(1)", 16, "did you mean pg_terminate_backend"),
        ("SHOW wal_keep_segments", 16, "wal_keep_size"),
        ("ALTER SYSTEM SET max_conections = 5", 16, "did you mean max_connections"),
        ("SELECT current_setting('io_method')", 16, "comes with 18"),
    ],
)
def test_names_that_this_version_lacks(statement: str, version: int, said: str) -> None:
    """Renamed, removed, not there yet or mistyped: the message says which, and what it is called now."""
    (finding,) = found(sql_missing_name, psql(statement), postgres_version=version)
    assert said in finding.message


@pytest.mark.parametrize(
    ("statement", "version"),
    [
        ("SELECT checkpoints_timed FROM pg_stat_bgwriter", 16),
        ("SELECT pg_start_backup('x')", 14),
        ("SELECT last_idx_scan FROM pg_stat_user_tables", 16),
        ("SELECT ctid, datname FROM pg_database", 16),
        ("SELECT query AS q, calls FROM pg_stat_statements ORDER BY q, mean_exec_time", 16),
        ("SELECT total_time FROM (SELECT 1 AS total_time) t, pg_stat_activity", 16),
        ("WITH pg_locks AS (SELECT 1 AS mine) SELECT mine FROM pg_locks", 16),
        ("SELECT a.procpid FROM audit a, pg_stat_activity", 16),
        ("SELECT pid FROM pg_stat_activity a WHERE EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND query <> '')", 16),
        ("SELECT pg_stat_activity FROM pg_stat_activity", 16),
        ("SELECT pg_repack_version()", 16),
        ("SET timezone = 'UTC'", 16),
        ("SHOW timescaledb.max_background_workers", 16),
        ("SELECT oid, datname FROM pg_database", 16),
    ],
)
def test_names_that_are_there_or_may_be(statement: str, version: int) -> None:
    """What the version has, and what belongs to a table, a query or an extension of somebody's own, is no finding."""
    assert found(sql_missing_name, psql(statement), postgres_version=version) == []


@pytest.mark.parametrize(
    "command",
    [
        'psql -c "SET work_mem = 1; VACUUM ANALYZE;"',
        'psql -1 -c "ALTER SYSTEM SET work_mem = 5"',
        "psql <<'EOF'\nBEGIN;\nCREATE DATABASE copy;\nCOMMIT;\nEOF",
        'psql -c "SELECT 1; CREATE INDEX CONCURRENTLY i ON t (x)"',
    ],
)
def test_what_must_not_stand_in_a_transaction(command: str) -> None:
    """Several statements in one -c, psql -1, and BEGIN make a transaction, in which VACUUM and the like refuse to run."""
    (finding,) = found(sql_transaction, shell(command))
    assert "cannot run inside a transaction" in finding.message


@pytest.mark.parametrize(
    "command",
    [
        'psql -c "VACUUM ANALYZE;"',
        'psql -c "SET work_mem = 1" -c "VACUUM"',
        "psql <<'EOF'\nBEGIN;\nSELECT 1;\nCOMMIT;\nVACUUM;\nEOF",
        'psql -c "SELECT 1; ANALYZE;"',
    ],
)
def test_what_stands_outside_of_a_transaction(command: str) -> None:
    """A -c of its own, a session after COMMIT, and ANALYZE are fine."""
    assert found(sql_transaction, shell(command)) == []


def test_the_five_documents() -> None:
    """One column that Postgres 13 renamed, two that TimescaleDB 2 renamed, and nothing else."""
    assert shared(sql_syntax) == []
    assert shared(sql_transaction) == []
    assert shared(sql_missing_name) == [("001", 130), ("004", 274), ("004", 274)]


class Server:
    """A Postgres of one version, and what its catalogs say."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder

    def ask(self, query: str) -> list[str]:
        command = [
            str(self._programs / "psql"),
            "-h",
            str(self._folder),
            "-p",
            "1",
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-Atc",
            query,
        ]
        printed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        if printed.returncode:
            raise RuntimeError(printed.stderr)
        return printed.stdout.split("\n")[:-1]

    @cached_property
    def version(self) -> int:
        return int(self.ask("SHOW server_version_num")[0]) // 10000


@pytest.fixture(scope="module", params=SERVERS, ids=lambda folder: folder.parent.name)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    programs: Path = request.param
    folder = tmp_path_factory.mktemp("pg")
    user = NOBODY if os.getuid() == 0 else None
    if user is not None:
        os.chown(folder, user, user)
        for each in (folder.parents[1], folder.parents[0], folder.parents[2]):  # the last one of a worker's that run side by side
            each.chmod(each.stat().st_mode | 0o055)
    data = folder / "data"
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync", "--locale=C"]
    subprocess.run(initdb, check=True, capture_output=True, user=user, group=user)
    command = [str(programs / "postgres"), "-D", str(data), "-p", "1", "-k", str(folder), "-c", "listen_addresses="]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, user=user, group=user) as process:
        there = Server(programs, folder)
        deadline = time.monotonic() + 20
        while True:
            try:
                there.ask("SELECT 1")
                break
            except RuntimeError:
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
        yield there
        process.send_signal(2)


@pytest.mark.real
def test_columns_are_those_of_real_servers(server: Server) -> None:
    """Of every view in the table, the columns that it gives to this version are exactly those of the server's catalog."""
    rows = server.ask(
        "SELECT relname || ' ' || string_agg(attname, ' ') FROM pg_class c JOIN pg_attribute ON attrelid = c.oid "
        "WHERE relnamespace = 'pg_catalog'::regnamespace AND attnum > 0 AND NOT attisdropped GROUP BY relname"
    )
    real = {row.split()[0]: set(row.split()[1:]) for row in rows}
    ours = {
        view: {each.name for each in columns if each.is_in(server.version)}
        for view, columns in views.VIEWS.items()
        if not view.startswith("pg_stat_statements")
    }
    assert {view: columns for view, columns in ours.items() if columns != real.get(view, set())} == {}


@pytest.mark.real
def test_settings_and_functions_are_those_of_real_servers(server: Server) -> None:
    """Each setting has the context that pg_settings gives it, no setting is missing, and functions came and went as the table says."""
    real = dict(row.split("|") for row in server.ask("SELECT name, context FROM pg_settings") if "." not in row.split("|")[0])
    real.pop("extension_destdir", None)  # Debian's own
    ours = {each.name: context for context, names in settings.CONTEXTS.items() for each in names if each.is_in(server.version)}
    assert ours == real
    there = set(server.ask(r"SELECT DISTINCT proname FROM pg_proc WHERE proname LIKE 'pg\_%'"))
    assert there <= functions.ALL
    assert {name for name, (gone, _) in functions.FORMER.items() if (name in there) != (server.version < gone)} == set()
    assert {name for name, since in functions.SINCE.items() if (name in there) != (server.version >= since)} == set()
