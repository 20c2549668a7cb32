"""Live parts, made once a run where that is safe."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.services.live import Postgres, Redis
from tests.fakes.services.stack import ForkServer, Stack

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: Postgres starts from nothing in half a second there."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None, prefix="gameday-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(memory_folder: Path) -> Iterator[Postgres]:
    folder = memory_folder / "postgres"
    folder.mkdir()
    server = Postgres(folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def forks(memory_folder: Path) -> Iterator[ForkServer]:
    server = ForkServer(memory_folder)
    yield server
    server.stop()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with postgres.database(f"eafix_{next(_numbers)}") as name:
        yield name


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def stack(tmp_path: Path, forks: ForkServer, postgres: Postgres, database: str, redis: Redis) -> Iterator[Stack]:
    """Nothing of it is started yet."""
    made = Stack(tmp_path, forks, postgres, database, redis, speed=20)
    yield made
    made.close()
