"""sim/engines.py on a dask cluster of two workers: the same bytes, also when a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.campaign import Wish, simulate
from tests.sim.plans import plan_of

distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # distributed's own, of its dashboard and of Tornado
RUNS = 4000


@pytest.fixture
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster


def test_a_cluster_gives_the_bytes_that_one_process_gives(cluster: Any, tmp_path: Path) -> None:
    """Chunks computed by two dask workers are the ones computed here."""
    plan = plan_of("service-failure")
    for wish, name in ((Wish(RUNS), "here"), (Wish(RUNS, 2, engine="dask", scheduler=cluster.scheduler_address), "dask")):
        simulate(plan, wish, tmp_path / name)
    assert (tmp_path / "here").read_bytes() == (tmp_path / "dask").read_bytes()


def test_a_worker_that_is_killed_costs_time_and_nothing_else(cluster: Any, tmp_path: Path) -> None:
    """kill -9 of one of two workers in the middle: nothing is lost, nothing is counted twice, the bytes are the same."""
    plan = plan_of("service-failure")
    simulate(plan, Wish(RUNS), tmp_path / "here")
    killed: list[int] = []

    def told(done: int) -> None:
        if done >= RUNS // 4 and not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    found = simulate(plan, Wish(RUNS, 2, engine="dask", scheduler=cluster.scheduler_address), tmp_path / "dask", told=told)
    assert killed
    assert found.count == RUNS
    assert (tmp_path / "here").read_bytes() == (tmp_path / "dask").read_bytes()
