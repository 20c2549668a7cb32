"""Drills that run at the same time neither see nor disturb one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.history import History
from tests.drills.cli import THOROUGH, Run, start
from tests.drills.conftest import SEED, Drill

pytestmark = [pytest.mark.alone, pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]
SCENARIOS = ("service-failure", "primary-database-failure", "market-data-feed-interruption", "redis-outage")
TOGETHER = SCENARIOS if THOROUGH else 2 * SCENARIOS[:2]


def _arguments(scenario: str) -> list[str]:
    return ["run", scenario, "--speed", "20", "--seed", str(SEED)]


def test_four_side_by_side_come_to_the_same_verdicts_as_one_after_another(tmp_path: Path, drill: Drill) -> None:
    """All four at once, each in its own network: the verdicts are those of each alone, and no order of another is seen."""
    alone = {name: drill(name) for name in set(TOGETHER)}
    started = [start(_arguments(name), tmp_path / str(number)) for number, name in enumerate(TOGETHER)]
    for number, (name, process) in enumerate(zip(TOGETHER, started, strict=True)):
        printed, _ = process.communicate(timeout=400)
        together = Run(process.returncode, printed, tmp_path / str(number))
        assert alone[name].result["status"] == "completed", alone[name].printed
        assert "unknown" not in alone[name].verdicts().values(), "drills that tested nothing are equal too"
        assert together.verdicts() == alone[name].verdicts(), together.printed
        assert together.code == alone[name].code
        _assert_only_own_orders(together.folder)


def _assert_only_own_orders(folder: Path) -> None:
    own = f"{folder.name[-6:]}-"
    readback = next(History.read(folder).of_kind("readback.orders"))
    foreign = [order for order in readback.data["present"] if "-o-" in order and not order.startswith(own)]
    assert foreign == []
