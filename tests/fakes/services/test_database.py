"""Claims about the Postgres pool, on a live server behind a gate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fakes.clock import ClockPage
from fakes.services.database import KEPT, MOST, Database
from fakes.services.errors import DependencyDown
from fakes.services.health import Dependency
from tests.fakes.services.live import Gate, Postgres, config_of, eventually, run

pytestmark = pytest.mark.real


@pytest.fixture
def gate(postgres: Postgres) -> Iterator[Gate]:
    made = Gate(postgres.port)
    yield made
    made.close()


class Pool:
    """A pool through the gate, and what it says of its dependency."""

    def __init__(self, folder: Path, gate: Gate, database: str, **settings: Any) -> None:
        self.clock = ClockPage(folder / "clock.page", speed=20)
        self.clock.set_rate(20)  # time-outs are at their least
        self.dependency = Dependency("postgres")
        config = config_of(folder, settings={"postgres.database": database, **settings}, postgres=gate.port)
        self.database = Database(config, self.clock, self.dependency)

    def run(self, work: Callable[[Database], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await work(self.database)
            finally:
                await self.database.close()

        run(whole())


@pytest.fixture
def pool(tmp_path: Path, gate: Gate, database: str) -> Pool:
    return Pool(tmp_path, gate, database)


def test_the_first_query_after_an_outage_succeeds(pool: Pool, gate: Gate) -> None:
    """While the link is cut every query fails at once; the moment it is back, the next one succeeds."""

    async def work(database: Database) -> None:
        assert await database.rows("SELECT 1") == [(1,)]
        gate.shut()
        for _ in range(3):
            with pytest.raises(DependencyDown):
                await database.rows("SELECT 1")
        assert not pool.dependency.up
        gate.open()
        assert await database.rows("SELECT 1") == [(1,)]
        assert pool.dependency.state == "ok"

    pool.run(work)


def test_a_pooled_connection_that_was_cut_is_replaced(pool: Pool, gate: Gate) -> None:
    """An outage that nobody noticed costs nobody a query."""

    async def work(database: Database) -> None:
        [(before,)] = await database.rows("SELECT pg_backend_pid()")
        gate.shut()
        gate.open()
        [(after,)] = await database.rows("SELECT pg_backend_pid()")
        assert after != before

    pool.run(work)


def test_a_silent_server_is_given_up_on(pool: Pool, gate: Gate) -> None:
    """Neither a query nor a new connection waits longer than its time-out, and the pool works when the silence ends."""

    async def work(database: Database) -> None:
        await database.rows("SELECT 1")
        gate.hush()
        with pytest.raises(DependencyDown, match=r"no answer within 0\.50 s"):
            await database.rows("SELECT 1")
        with pytest.raises(DependencyDown, match=r"no connection within 0\.50 s"):
            await database.rows("SELECT 1")
        gate.speak()
        assert await database.rows("SELECT 1") == [(1,)]

    pool.run(work)


def test_time_outs_are_documented_seconds(pool: Pool, gate: Gate) -> None:
    """At rate 1.25 the documented second is 0.8 s of the wall."""
    pool.clock.set_rate(1.25)

    async def work(database: Database) -> None:
        gate.hush()
        with pytest.raises(DependencyDown, match=r"within 0\.80 s"):
            await database.rows("SELECT 1")

    pool.run(work)


def test_a_read_only_copy_counts_as_down(tmp_path: Path, gate: Gate, postgres: Postgres, database: str) -> None:
    """Writing to a replica that was not promoted fails, and the connection is not used again. However slow the machine is."""
    pool = Pool(tmp_path, gate, database, **{"postgres.timeout_s": 600.0})
    postgres.sql("postgres", f"ALTER DATABASE {database} SET default_transaction_read_only = on")

    async def work(database_: Database) -> None:
        with pytest.raises(DependencyDown, match="only a read-only copy is there"):
            await database_.rows("UPDATE trading_halt SET halted = true")
        assert pool.dependency.state == "down: only a read-only copy is there"
        with pytest.raises(DependencyDown, match="only a read-only copy is there"):
            await database_.ping()
        postgres.sql("postgres", f"ALTER DATABASE {database} RESET default_transaction_read_only")
        assert await database_.rows("UPDATE trading_halt SET halted = true RETURNING halted") == [(True,)]
        await database_.ping()

    pool.run(work)


def test_what_is_not_committed_is_rolled_back(pool: Pool) -> None:
    """A session that ends inside a transaction, or by an exception, leaves nothing behind and its connection clean."""

    async def work(database: Database) -> None:
        async with database.session() as session:
            await session.batch([("BEGIN", ()), ("INSERT INTO risk_settings VALUES ('x', 1)", ())])
        with suppress(ZeroDivisionError):
            async with database.session() as session:
                await session.batch([("BEGIN", ()), ("INSERT INTO risk_settings VALUES ('y', 1)", ())])
                raise ZeroDivisionError
        assert await database.rows("SELECT name FROM risk_settings WHERE name IN ('x', 'y')") == []

    pool.run(work)


def test_a_violated_constraint_is_not_an_outage(pool: Pool) -> None:
    """The error reaches the caller as psycopg raises it, the dependency stays up, the connection stays in use."""

    async def work(database: Database) -> None:
        [(before,)] = await database.rows("SELECT pg_backend_pid()")
        async with database.session() as session:
            with pytest.raises(psycopg.IntegrityError):
                await session.batch([("BEGIN", ()), ("INSERT INTO risk_settings VALUES ('max_position', 1)", ()), ("COMMIT", ())])
        assert pool.dependency.up
        assert await database.rows("SELECT pg_backend_pid()") == [(before,)]

    pool.run(work)


def test_a_burst_waits_its_turn_and_is_not_kept(pool: Pool, postgres: Postgres, database: str) -> None:
    """Many queries at once share the connections that the pool may have; the quiet use after it closes most of them."""
    mine = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tester'"

    async def work(database_: Database) -> None:
        counts = await asyncio.gather(*(database_.rows("SELECT count(*) FROM pg_stat_activity") for _ in range(5 * MOST)))
        assert len(counts) == 5 * MOST
        for _ in range(MOST):
            await database_.rows("SELECT 1")
        kept = await asyncio.to_thread(eventually, lambda: [n for (n,) in postgres.sql(database, mine) if n <= KEPT] or None)
        assert kept[0] >= 1

    pool.run(work)
