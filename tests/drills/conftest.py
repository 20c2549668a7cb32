"""Drills that several tests look at are carried out once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.drills.cli import Run, gameday

Drill = Callable[..., Run]
SEED = 11
# Of the four first scenarios each its own, with delays of people from the middle: held against the simulation they are four
# samples, where drills with one seed would be one (tests/sim/live-drills.jsonl has drills of the same seeds).
SEEDS = {"primary-database-failure": 32, "service-failure": 42, "redis-outage": 53, "market-data-feed-interruption": 63}


_LONGEST_S = 1800  # wall, of one test: all of our own runbooks, on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder their own limit."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(_LONGEST_S))


@pytest.fixture(scope="session")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """`drill(scenario, *arguments, **environment)`: a finished drill at speed 20; the same question gets the same one."""

    @cache
    def run(scenario: str, arguments: tuple[str, ...], environment: tuple[tuple[str, str], ...]) -> Run:
        given = ["run", scenario, "--speed", "20", "--seed", str(SEEDS.get(scenario, SEED)), *arguments]
        return gameday(given, tmp_path_factory.mktemp(scenario), **dict(environment))

    return lambda scenario, *arguments, **environment: run(scenario, arguments, tuple(sorted(environment.items())))
