"""A database that was in charge once follows the one that is now, on real Postgres and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from fakes.clock import ClockPage
from harness.errors import HarnessError
from harness.ports import free_port
from harness.stack.postgres import PostgresServer, PostgresSettings
from harness.stack.rewind import caught_up, follow, wait_for_no_standby
from harness.tools import find_tools

pytestmark = pytest.mark.real
SETTINGS = PostgresSettings(
    database="postgres", user="eafix", synchronous_commit="on", synchronous_standby=False, wal_retrieve_retry_interval_ms=100,
    max_connections=20, disk_mb=0,
)  # fmt: skip
Both = tuple[PostgresServer, PostgresServer]


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that Postgres may enter whoever it runs as."""
    found = Path(tempfile.mkdtemp(prefix="gameday-"))
    found.chmod(0o711)
    yield found
    shutil.rmtree(found)


def two(folder: Path, story: Callable[[PostgresServer, PostgresServer], Awaitable[None]]) -> None:
    """A primary and its replica, stopped whatever comes of the story."""

    async def told() -> None:
        clock, ports = ClockPage(folder / "clock.page"), [free_port()]
        ports.append(free_port())
        first, second = (
            PostgresServer(
                name, programs=find_tools().postgres.path, folder=folder, port=port, log=folder / f"{name}.log", settings=SETTINGS,
                clock=clock, uid=65534 if os.geteuid() == 0 else None,
            )
            for name, port in zip(("first", "second"), ports, strict=True)
        )  # fmt: skip
        try:
            await first.create(replica="none")
            await first.start()
            note(first, None)
            await second.copy_from(("127.0.0.1", first.port))
            await second.start()
            await first.streaming()
            await story(first, second)
        finally:
            await second.stop()
            await first.stop()

    asyncio.run(told())


def note(server: PostgresServer, number: int | None) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (n int)")
        if number is not None:
            connection.execute("INSERT INTO notes VALUES (%s)", (number,))


def notes(server: PostgresServer) -> set[int]:
    with psycopg.connect(server.dsn()) as connection:
        return {int(row[0]) for row in connection.execute("SELECT n FROM notes").fetchall()}


def test_what_only_the_old_primary_has_is_taken_back(folder: Path) -> None:
    """It was written to after the other was promoted; both have the same afterwards, and it follows."""

    async def story(first: PostgresServer, second: PostgresServer) -> None:
        note(first, 1)
        await caught_up(second, first)
        await second.promote()
        note(second, 2)
        note(first, 99)
        with pytest.raises(HarnessError, match="first runs: stop it first"):
            await follow(first, second, f"127.0.0.1:{second.port}")
        await first.stop()
        await follow(first, second, f"127.0.0.1:{second.port}")
        await caught_up(first, second)
        assert notes(first) == {1, 2}
        note(second, 3)
        await caught_up(first, second)
        assert notes(first) == {1, 2, 3}
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            note(first, 4)

    two(folder, story)


def test_handing_over_there_and_back_loses_nothing(folder: Path) -> None:
    """As planned: the one stops, the other had all of it; then it follows without anything to take back."""

    async def story(first: PostgresServer, second: PostgresServer) -> None:
        for old, new, number in ((first, second, 1), (second, first, 2), (first, second, 3)):
            note(old, number)
            await caught_up(new, old)
            await old.stop()
            await new.promote()
            await wait_for_no_standby(new)
            await follow(old, new, f"127.0.0.1:{new.port}")
        assert notes(second) == {1, 2, 3}

    two(folder, story)


def test_a_database_without_data_is_not_rewound(folder: Path) -> None:
    """It is copied or restored."""

    async def story(first: PostgresServer, second: PostgresServer) -> None:
        await second.stop()
        shutil.rmtree(second.data)
        with pytest.raises(HarnessError, match="second has no data to rewind"):
            await follow(second, first, f"127.0.0.1:{first.port}")

    two(folder, story)
