"""A real Postgres with the application's tables, for those commands that act on it."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import MissingTool
from harness.tools import find_postgres
from tests.fakes.services.live import Postgres

_numbers = itertools.count(1)


class Books:
    """One database of a server, which the operator's environment leads to."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server, self.name = server, name

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.server.sql(self.name, query)

    def order(self, client_order_id: str, *, executed: bool = True, placed_at_s: float = 3500.0) -> None:
        """An order for 100 EURUSD, filled half a second after it was placed."""
        self.sql(f"INSERT INTO orders VALUES ('{client_order_id}', 'EURUSD', 'buy', 100, 'client', 0, {placed_at_s})")
        if executed:
            values = f"'E-{client_order_id}', '{client_order_id}', 'F-{client_order_id}', 'EURUSD', 'buy', 100, 1.5"
            self.sql(f"INSERT INTO executions VALUES ({values}, {placed_at_s + 0.5}, {placed_at_s + 1})")


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    try:
        find_postgres()
    except MissingTool as missing:
        pytest.skip(str(missing))
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None, prefix="gameday-test-") as folder:
        started = Postgres(Path(folder))
        if started.sql("postgres", "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_stat_statements'"):
            started.sql("postgres", "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
            started.stop()
            with started._started(Path(folder)):
                pass
        yield started
        started.stop()


@pytest.fixture
def books(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    if shutil.which("psql") is None:
        (tmp_path / "psql").symlink_to(find_postgres().path / "psql")
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with server.database(f"books_{next(_numbers)}") as name:
        found = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "eafix", "PGDATABASE": name}
        for variable, value in found.items():
            monkeypatch.setenv(variable, value)
        yield Books(server, name)
