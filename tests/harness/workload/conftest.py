"""A real Postgres with the stack's tables, made once a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.services.live import Postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None, prefix="gameday-test-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "postgres").mkdir()
        postgres = Postgres(Path(folder) / "postgres")
        yield postgres
        postgres.stop()


@pytest.fixture
def dsn(server: Postgres) -> Iterator[str]:
    """A fresh database."""
    with server.database("readback") as name:
        yield f"host=127.0.0.1 port={server.port} user=eafix dbname={name}"
