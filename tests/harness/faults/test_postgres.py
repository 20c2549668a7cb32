"""Claims about the faults of Postgres, seen by whoever asks it; booted once for all of them."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from harness.errors import FaultError
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform, booted
from tests.harness.faults.injecting import evidence_of, fault_of, injected

pytestmark = [pytest.mark.real, pytest.mark.slow]
PRIMARY, REPLICA = "postgres-primary", "postgres-replica"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gameday-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def platform(folder: Path) -> Iterator[Platform]:
    (folder / "large").mkdir()
    with booted("eafix", folder / "large", {"postgres.max_connections": 50}) as found:
        eventually(lambda: found.order("warm").is_success or None)
        found.sql("CREATE TABLE notes AS SELECT n AS id, repeat('x', 200) AS text FROM generate_series(1, 500) n")
        found.sql("ALTER TABLE notes OWNER TO eafix; ALTER TABLE notes ADD PRIMARY KEY (id)")
        yield found


def server(platform: Platform, name: str) -> PostgresServer:
    found = platform.stack.datastores[name]
    assert isinstance(found, PostgresServer)
    return found


def asked(platform: Platform, name: str, query: str) -> list[tuple[Any, ...]]:
    """Of one instance, past every proxy."""
    with psycopg.connect(server(platform, name).dsn(), autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def filled(platform: Platform, order_id: str) -> None:
    """A client's order goes through, soon."""
    eventually(lambda: platform.order(order_id).is_success or None)


def on_replica(platform: Platform, order_id: str) -> bool | None:
    return bool(asked(platform, REPLICA, f"SELECT 1 FROM orders WHERE client_order_id = '{order_id}'")) or None


def test_a_replica_that_replays_nothing_catches_up_when_healed(platform: Platform) -> None:
    """What clients write reaches the replica and is not seen there, until it is healed."""
    with injected(platform, fault_of(platform, "postgres.replication-lag", REPLICA)) as fault:
        filled(platform, "behind")
        assert "bytes of WAL that it does not replay" in evidence_of(platform, fault)
        assert asked(platform, REPLICA, "SELECT pg_get_wal_replay_pause_state()") == [("paused",)]
        assert on_replica(platform, "behind") is None
    eventually(lambda: on_replica(platform, "behind"))


def test_a_replica_stays_behind_by_its_delay(platform: Platform) -> None:
    """It replays a write only after the delay, and at once when it is healed."""
    with injected(platform, fault_of(platform, "postgres.replication-lag", REPLICA, delay="1500ms")) as fault:
        eventually(lambda: asked(platform, REPLICA, "SHOW recovery_min_apply_delay") == [("1500ms",)] or None)
        filled(platform, "late")
        began = time.monotonic()
        assert evidence_of(platform, fault)
        eventually(lambda: on_replica(platform, "late"))
        assert time.monotonic() - began > 1
    assert asked(platform, REPLICA, "SHOW recovery_min_apply_delay") == [("0",)]


def test_settings_of_a_server_that_does_not_run_are_healed_in_its_file(platform: Platform) -> None:
    """Whoever starts it again finds it as it was; what others set stays."""
    fault = fault_of(platform, "postgres.replication-lag", REPLICA, delay="90s")
    replica = server(platform, REPLICA)
    with psycopg.connect(replica.dsn(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET work_mem = '5MB'")
    with injected(platform, fault):
        platform.call(replica.stop())
    platform.call(replica.start())
    assert asked(platform, REPLICA, "SELECT current_setting('recovery_min_apply_delay'), current_setting('work_mem')") == [
        ("0", "5MB")
    ]


def test_a_primary_has_nothing_to_replay(platform: Platform) -> None:
    """A fault that can't be is refused, in words."""
    with pytest.raises(FaultError, match="postgres-primary is no replica"):
        platform.call(fault_of(platform, "postgres.replication-lag", PRIMARY).inject())


def test_damaged_pages_are_found_by_their_checksum_until_somebody_restores_them(platform: Platform) -> None:
    """Who reads them is refused, in every session and after a crash too; other pages and the replica are whole; healing mends nothing."""
    with injected(platform, fault_of(platform, "postgres.heap-corruption", PRIMARY, table="notes", blocks=2)) as fault:
        evidence = evidence_of(platform, fault)
        assert evidence.startswith("blocks 0 to 1 of notes: invalid page in block 0 of relation")
        with pytest.raises(psycopg.errors.DataCorrupted, match="invalid page in block 0"):
            platform.sql("SELECT count(text) FROM notes", user="eafix")
        assert platform.sql("SELECT count(*) FROM notes WHERE ctid >= '(2,0)'")[0][0] > 400
        assert asked(platform, REPLICA, "SELECT count(text) FROM notes") == [(500,)]
        primary = server(platform, PRIMARY)
        platform.call(killed(primary))
        platform.call(primary.start())
    assert platform.call(fault.bitten()) == evidence
    platform.sql("TRUNCATE notes")
    platform.sql("INSERT INTO notes SELECT n, repeat('x', 200) FROM generate_series(1, 500) n")
    assert platform.call(fault.bitten()) is None
    assert platform.sql("SELECT count(*) FROM pg_tablespace") == [(2,)]
    filled(platform, "after-the-crash")


async def killed(store: PostgresServer) -> None:
    from signal import SIGKILL

    await store.signal(SIGKILL)
    await store.gone()


def test_a_damaged_index_refuses_whoever_uses_it_until_it_is_made_anew(platform: Platform) -> None:
    """An insert needs the index, after a crash too; the table itself is whole."""
    insert = "INSERT INTO notes VALUES ({}, 'more')"
    with injected(platform, fault_of(platform, "postgres.index-corruption", PRIMARY, index="notes_pkey", blocks=9)) as fault:
        assert evidence_of(platform, fault).startswith("blocks 1 to 3 of notes_pkey: invalid page in block ")
        with pytest.raises(psycopg.errors.DataCorrupted):
            platform.sql(insert.format(1001), user="eafix")
        assert platform.sql("SELECT count(text) FROM notes") == [(500,)]
        primary = server(platform, PRIMARY)
        platform.call(killed(primary))
        platform.call(primary.start())
        assert platform.call(fault.bitten())  # what is done again after a crash does not mend it
    platform.sql(insert.format(1001), user="eafix")
    assert platform.call(fault.bitten()) is None


def test_an_index_that_somebody_made_anew_is_not_made_again(platform: Platform) -> None:
    """The responder's REINDEX ends the fault."""
    with injected(platform, fault_of(platform, "postgres.index-corruption", PRIMARY, index="notes_pkey")) as fault:
        platform.sql("REINDEX INDEX notes_pkey")
        assert platform.call(fault.bitten()) is None
        [before] = platform.sql("SELECT pg_relation_filepath('notes_pkey')")
    assert platform.sql("SELECT pg_relation_filepath('notes_pkey')") == [before]


@pytest.mark.parametrize(
    ("kind", "names", "message"),
    [
        ("postgres.heap-corruption", {"table": "nothing"}, "nothing does not exist"),
        ("postgres.heap-corruption", {"table": "notes_pkey"}, "notes_pkey is something else"),
        ("postgres.heap-corruption", {"table": "postmortems"}, "postmortems has no page"),
        ("postgres.index-corruption", {"index": "notes"}, "notes is something else"),
        ("postgres.dropped-table", {"table": "nothing"}, "nothing does not exist"),
        ("postgres.wrong-update", {"table": "postmortems", "column": "created_by", "value": "me"}, "postmortems has no rows"),
        ("postgres.wrong-update", {"table": "notes", "column": "id", "value": "me"}, "invalid input syntax"),
    ],
)
def test_what_is_not_there_cannot_be_damaged(platform: Platform, kind: str, names: dict[str, str], message: str) -> None:
    """A fault that could not be injected says so, and leaves nothing behind."""
    with pytest.raises(FaultError, match=message):
        platform.call(fault_of(platform, kind, PRIMARY, **names).inject())
    assert platform.sql("SELECT count(*) FROM pg_tablespace") == [(2,)]


def test_a_dropped_table_is_gone_until_somebody_restores_it(platform: Platform) -> None:
    """Healing brings nothing back."""
    platform.sql("CREATE TABLE letters AS SELECT generate_series(1, 7) AS id")
    with injected(platform, fault_of(platform, "postgres.dropped-table", PRIMARY, table="public.letters")) as fault:
        assert evidence_of(platform, fault) == "public.letters is gone, with 7 rows"
        with pytest.raises(psycopg.errors.UndefinedTable):
            platform.sql("SELECT * FROM letters")
    assert platform.call(fault.bitten())
    platform.sql("CREATE TABLE letters (id int)")
    assert platform.call(fault.bitten()) is None


def test_a_wrong_update_reaches_every_row(platform: Platform) -> None:
    """Clients feel it: with every limit at 1, no order of 100 is taken; healing brings nothing back."""
    before = platform.sql("SELECT name, value FROM risk_settings ORDER BY 1")
    with injected(
        platform, fault_of(platform, "postgres.wrong-update", PRIMARY, table="risk_settings", column="value", value="1")
    ) as fault:
        assert evidence_of(platform, fault) == f"{len(before)} rows of risk_settings.value were set to 1; {len(before)} have it"
        refused = platform.order("wrong")
        assert refused.is_error
        assert "max" in refused.text
    assert platform.call(fault.bitten())
    for name, value in before:
        platform.sql(f"UPDATE risk_settings SET value = {value} WHERE name = '{name}'")
    assert platform.call(fault.bitten()) is None
    filled(platform, "right")


def test_no_connection_is_left_for_ordinary_users_until_healed(platform: Platform) -> None:
    """A new session is refused, operators' own get in, and what becomes free is taken."""
    with injected(platform, fault_of(platform, "postgres.connections-used-up", PRIMARY)) as fault:
        assert "sessions idle in transaction; a client is told: " in evidence_of(platform, fault)
        assert "connection slots" in eventually(lambda: refusal(platform))
        [(held, state)] = platform.sql("SELECT count(*), min(state) FROM pg_stat_activity WHERE application_name = 'reporting'")
        assert held > 25
        assert state == "idle in transaction"
        eventually(lambda: platform.order("no-room").status_code >= 500 or None)
    assert platform.sql("SELECT 1", user="eafix") == [(1,)]
    filled(platform, "room")


def test_some_connections_may_be_left(platform: Platform) -> None:
    """Who has one keeps it, and a new one is had; so many are taken that an alert on the share of them fires."""
    with injected(platform, fault_of(platform, "postgres.connections-used-up", PRIMARY, free=5)) as fault:
        assert re.fullmatch(r"\d+ sessions idle in transaction; \d+ connections are left", evidence_of(platform, fault))
        [(taken, ours)] = platform.sql(
            "SELECT count(*), count(*) FILTER (WHERE application_name = 'reporting') FROM pg_stat_activity"
            " WHERE backend_type = 'client backend'"
        )
        assert 38 < taken < 47  # of 50; three are kept for superusers
        assert ours > 10
        filled(platform, "still-room")
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'"
    eventually(lambda: platform.sql(left) == [(0,)] or None)
    assert platform.call(fault.bitten()) is None


def refusal(platform: Platform) -> str | None:
    """What an ordinary user is told who connects; None for one who got in just when somebody left."""
    try:
        platform.sql("SELECT 1", user="eafix")
    except psycopg.OperationalError as error:
        return str(error)
    return None


def test_who_ends_a_session_of_it_has_the_upper_hand(platform: Platform) -> None:
    """After an operator ended the sessions the fault opens no more."""
    with injected(platform, fault_of(platform, "postgres.connections-used-up", PRIMARY)) as fault:
        evidence_of(platform, fault)
        platform.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'")
        filled(platform, "ended")
        eventually(lambda: cast("Any", fault)._keeping.done() or None)
        assert platform.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'")[0][0] <= 1
        assert platform.call(fault.bitten()) is None


def test_orders_wait_for_a_locked_table_until_it_is_free(platform: Platform) -> None:
    """Who needs the table piles up behind one idle session."""
    with injected(platform, fault_of(platform, "postgres.lock-pile-up", PRIMARY, table="trading_halt")) as fault:
        assert platform.order("locked").status_code >= 500
        assert "sessions wait for trading_halt, which session" in evidence_of(platform, fault)
    assert platform.call(fault.bitten()) is None
    filled(platform, "free")


def test_who_ends_the_session_that_holds_a_lock_has_ended_the_fault(platform: Platform) -> None:
    """Nobody takes the lock again."""
    with injected(platform, fault_of(platform, "postgres.lock-pile-up", PRIMARY, table="trading_halt")) as fault:
        platform.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reporting'")
        filled(platform, "freed")
        assert platform.call(fault.bitten()) is None


def test_statements_that_write_a_table_are_slow_until_healed(platform: Platform) -> None:
    """An order takes as much longer, and pg_stat_statements shows why."""
    with injected(platform, fault_of(platform, "postgres.slow-queries", PRIMARY, table="orders", delay="300ms")) as fault:
        assert "to delete no row of orders takes 0.3" in evidence_of(platform, fault)
        assert took_s(platform, "slow") > 0.3
        if platform.sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"):
            [(query,)] = platform.sql(
                "SELECT query FROM pg_stat_statements WHERE query LIKE 'INSERT INTO orders%' AND max_exec_time > 300"
            )
            assert query
    assert took_s(platform, "fast") < 0.3
    assert platform.call(fault.bitten()) is None


def took_s(platform: Platform, order_id: str) -> float:
    began = time.monotonic()
    assert platform.order(order_id).is_success
    return time.monotonic() - began


def test_finished_wal_waits_for_the_archive_until_healed(platform: Platform) -> None:
    """pg_stat_archiver counts the failures; afterwards what waited is archived."""
    [(failed,)] = platform.sql("SELECT failed_count FROM pg_stat_archiver")
    with injected(platform, fault_of(platform, "postgres.archive-failing", PRIMARY)) as fault:
        assert "tries to archive have failed, the last of 0000" in evidence_of(platform, fault)
        [(now, waiting)] = platform.sql("SELECT failed_count, last_failed_wal FROM pg_stat_archiver")
        assert now > failed
    eventually(lambda: platform.sql(f"SELECT last_archived_wal >= '{waiting}' FROM pg_stat_archiver") == [(True,)] or None)
    assert "archive-that-is-gone" not in platform.sql("SHOW archive_command")[0][0]


def test_what_somebody_set_meanwhile_is_not_put_back(platform: Platform) -> None:
    """The responder's archive command stays when the fault is healed."""
    with injected(platform, fault_of(platform, "postgres.archive-failing", PRIMARY)):
        platform.sql("ALTER SYSTEM SET archive_command = 'true'")
    assert platform.sql(
        "SELECT setting FROM pg_file_settings WHERE name = 'archive_command' AND sourcefile LIKE '%auto.conf'"
    ) == [("true",)]
    platform.sql("ALTER SYSTEM RESET archive_command")
    platform.sql("SELECT pg_reload_conf()")


def test_a_disk_of_everybody_is_not_filled(platform: Platform) -> None:
    """Only a server's own small disk is."""
    with pytest.raises(FaultError, match="has no disk of its own"):
        fault_of(platform, "postgres.disk-full", PRIMARY)


def test_files_in_containers_are_not_overwritten(platform: Platform) -> None:
    """What the drill can't reach it refuses, in words."""
    contained = SimpleNamespace(kind="containers", datastores=platform.stack.datastores, settings=platform.stack.settings)
    stand_in = cast("Platform", SimpleNamespace(stack=cast("EmbeddedStack", contained)))
    for kind, fields in (
        ("heap-corruption", {"table": "notes"}),
        ("index-corruption", {"index": "notes_pkey"}),
        ("disk-full", {}),
    ):
        with pytest.raises(FaultError, match="use an embedded stack"):
            fault_of(stand_in, f"postgres.{kind}", PRIMARY, **fields)


@pytest.mark.namespaces
def test_a_full_disk_refuses_what_needs_room_until_healed(folder: Path) -> None:
    """Postgres itself meets ENOSPC, on a disk of its own: nobody else's has less room."""
    (folder / "small").mkdir()
    with booted("eafix", folder / "small", {"postgres.disk_mb": 300}) as small:
        primary = server(small, PRIMARY)
        assert primary.disk is not None
        free_before = primary.disk.free_mb
        assert primary.data.stat().st_dev != folder.stat().st_dev
        with injected(small, fault_of(small, "postgres.disk-full", PRIMARY)) as fault:
            assert "No space left on device" in evidence_of(small, fault)
            assert primary.disk.free_mb < 1
            with pytest.raises(psycopg.Error, match="No space left on device"):
                small.sql("CREATE TABLE large AS SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
        assert primary.disk.free_mb > free_before - 40
        small.call(started(primary))
        small.sql("CREATE TABLE large AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
        filled(small, "room-again")


async def started(store: PostgresServer) -> None:
    """It may have ended over its log, which found no room either."""
    await asyncio.sleep(0)
    await store.start()
