"""Vacuum, reindex and optimize on a real Postgres: what they say is what has become of the tables."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fakes.commands.eafix import maintenance
from tests.fakes.commands.conftest import Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.services.live import eventually

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("cluster")]
_COUNTS = "SELECT vacuum_count, analyze_count FROM pg_stat_user_tables WHERE relname = 'orders'"

_MAINTAINING = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'eafix-cli maintain%'"


def _oids(books: Books) -> dict[str, Any]:
    return dict(books.sql("SELECT indexrelid::regclass::text, indexrelid FROM pg_index WHERE indrelid = 'executions'::regclass"))


def test_vacuum_removes_dead_rows_and_tells_how_many(run: Run, books: Books) -> None:
    """What nobody needs goes; what an open transaction may still read stays, and is told of."""
    for number in range(5):
        books.order(f"o-{number}", executed=False)
    books.sql("DELETE FROM orders WHERE client_order_id <> 'o-0'")
    ended = run("eafix-cli database vacuum --analyze")
    [orders] = [line for line in ended.out.splitlines() if "orders" in line]
    [(tables,)] = books.sql("SELECT count(*) FROM pg_stat_user_tables")
    assert (ended.code, len(ended.out.splitlines())) == (0, tables)
    assert orders.startswith("ok    orders: 4 dead rows removed, 0 still needed, 1 rows left, ")
    assert orders.endswith(", analyzed")
    assert books.sql(_COUNTS) == [(1, 1)]
    assert "orders: 0 dead rows removed" in run("eafix-cli database vacuum").out
    assert books.sql(_COUNTS) == [(2, 1)]


def test_what_is_not_ones_own_is_not_vacuumed(run: Run, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Postgres only warns then; the command fails and hands the warning on."""
    books.sql("DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    monkeypatch.setenv("PGUSER", "guest")
    ended = run("eafix-cli database vacuum")
    assert ended.code == 1
    assert any(line.startswith("FAIL  executions: WARNING:") for line in ended.out.splitlines())


def test_reindex_builds_indexes_anew_while_orders_are_written(run: Run, books: Books) -> None:
    """The critical ones are those that keep rows unique; a writer is held up by none."""
    before, ended = _oids(books), threading.Event()
    written: list[int] = []

    def write() -> None:
        while not ended.is_set():
            books.order(f"o-{len(written)}")
            written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        shown = run("eafix-cli database reindex --critical-only")
    finally:
        ended.set()
        writer.join()
    after = _oids(books)
    changed = {name for name in before if before[name] != after[name]}
    assert (shown.code, shown.out.splitlines()[-1]) == (0, "ok    indexes: all valid")
    assert changed == {"executions_pkey", "executions_client_order_id_key", "executions_fill_id_key"}
    assert "ok    executions_pkey: of executions: built anew, " in shown.out
    assert written


def test_a_reindex_that_is_held_up_is_cancelled_and_leaves_a_note(
    run: Run, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No session stays behind, and the half-built index is named."""
    monkeypatch.setattr(maintenance, "STATEMENT_S", 0.5)
    with books.server.locked(books.name, "LOCK TABLE orders IN ROW EXCLUSIVE MODE"):
        ended = run("eafix-cli database reindex --critical-only")
        eventually(lambda: books.sql(_MAINTAINING) == [(0,)] or None)
    assert ended.code == 1
    assert "FAIL  orders_pkey: no answer within 0.5 s" in ended.out.splitlines()
    assert ended.out.splitlines()[-1] == "FAIL  indexes: invalid, to be dropped or built anew: orders_pkey_ccnew"


def test_optimize_tells_the_planner_what_is_there(run: Run, books: Books) -> None:
    """--analyze counts; --full removes dead rows and builds every index anew as well."""
    books.order("o-0")
    ended = run("eafix-cli database optimize --analyze")
    assert ended.code == 0
    assert "ok    orders: the planner expects 1 rows, before: never counted" in ended.out.splitlines()
    before = _oids(books)
    books.sql("DELETE FROM orders")
    full = run("eafix-cli database optimize --full")
    assert (full.code, "ok    orders: 1 dead rows removed" in full.out) == (0, True)
    assert not set(before.values()) & set(_oids(books).values())


def test_a_database_that_is_down_is_not_maintained(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 with Postgres's reason; an unknown flag is a usage error."""
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    for verb in ("vacuum", "reindex", "optimize"):
        ended = run(f"eafix-cli database {verb}")
        assert (ended.code, ended.err.startswith("database at 127.0.0.1:1 does not answer: connection to server")) == (1, True)
        assert run(f"eafix-cli database {verb} --everything").code == 2
