"""Outages of known length at a link between real services, against what the observer measures."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.steady import outages
from harness.workload.config import ObserverConfig
from harness.workload.ledger import Operation
from harness.workload.stream import Observer
from scenarios.model import SteadyState
from tests.fakes.services.live import Gate, Postgres, Redis
from tests.fakes.services.stack import ForkServer, Stack

pytestmark = [pytest.mark.real, pytest.mark.slow]

LENGTHS_S = (0.5, 2.0, 5.0)
STEADY = SteadyState.model_validate({"settle": "2s"})
INTERVAL_S = 0.04
BOUND_S = 0.05 + INTERVAL_S  # the promise: 50 ms plus one interval between orders


@pytest.fixture
def stack(server: Postgres, tmp_path: Path) -> Iterator[Stack]:
    """All services, at speed 1."""
    with tempfile.TemporaryDirectory(prefix="gameday-test-") as folder, server.database("outages") as name:
        forks, redis = ForkServer(Path(folder)), Redis(tmp_path)
        made = Stack(tmp_path, forks, server, name, redis, speed=1)
        yield made
        made.close()
        forks.stop()
        redis.stop()


def cut(stack: Stack, gate: Gate) -> tuple[list[Operation], list[tuple[float, float]]]:
    """Cut the link for each of the known lengths under load: all operations, and the documented start and end of each cut."""
    truth: list[tuple[float, float]] = []
    observer = Observer()

    async def whole() -> None:
        config = ObserverConfig(
            clock=stack.folder / "clock.page", ledger=stack.folder / "ledger.jsonl", gateway=stack.url("gui-gateway", ""),
            ingestor=stack.url("data-ingestor", ""), signals=stack.url("signal-generator", ""), orders_per_s=1 / INTERVAL_S,
            canary_every_s=0.25, symbols=("EURUSD", "GBPUSD"),
        )  # fmt: skip
        await observer.start(config, stack.folder / "observer.log")
        await asyncio.sleep(1.5)  # the load runs on the wall's time, so the outages do too
        for length_s in LENGTHS_S:
            started_s = stack.clock.now()
            await asyncio.to_thread(gate.shut)
            await asyncio.sleep(length_s)
            await asyncio.to_thread(gate.open)
            truth.append((started_s, stack.clock.now()))
            await asyncio.sleep(2.5)
        await observer.stop()

    asyncio.run(whole())
    return observer.ops, truth


@pytest.mark.parametrize("link", [("execution-engine", "postgres")])
def test_outages_of_known_length_are_measured_to_50_ms_and_one_interval(link: tuple[str, str], stack: Stack) -> None:
    """0.5, 2 and 5 s at a link that every order takes: both ends, and the length, are right to 90 ms."""
    gate = stack.gate(*link)
    stack.start("price-primary", "price-backup", "broker")
    stack.start("data-ingestor", "indicator-engine", "signal-generator", "execution-engine", "risk-manager", "gui-gateway")
    operations, truth = cut(stack, gate)
    found = outages(operations, STEADY, after_s=truth[0][0])
    assert [one.start_s for one in found] == pytest.approx([start for start, _ in truth], abs=BOUND_S)
    assert [one.end_s for one in found] == pytest.approx([end for _, end in truth], abs=BOUND_S)
    assert [one.duration_s for one in found] == pytest.approx([end - start for start, end in truth], abs=BOUND_S)
