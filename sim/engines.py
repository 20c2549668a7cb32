"""Where chunks are computed: here, in processes, or on a dask cluster. All of them come back in their order, each exactly once."""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from scenarios.errors import InvalidInput, Problem
from sim.chunk import Columns, run_chunk
from sim.plan import Plan

_AHEAD = 2  # chunks under way for each worker: enough to keep it busy, few enough to keep memory flat


_PRELOADED = ["sim.chunk"]  # imported once, before workers are forked: half a second of each worker's time


class WorkerLost(Exception):
    """A worker process ended in the middle of its work: killed, or out of memory."""


def warm(workers: int) -> None:
    """Let the workers' imports begin now, beside whatever this process does before it has work for them."""
    if workers > 1:
        multiprocessing.get_context("forkserver").set_forkserver_preload(_PRELOADED)
        multiprocessing.forkserver.ensure_running()


@contextmanager
def open_engine(workers: int, *, engine: str = "processes", scheduler: str | None = None) -> Iterator[Executor | None]:
    """An executor for chunks; None: they are computed in this very process. Raises InvalidInput where dask is asked for and absent."""
    if engine == "dask":
        with _dask(scheduler) as executor:
            yield executor
    elif workers <= 1:
        yield None
    else:
        warm(workers)
        with ProcessPoolExecutor(workers, multiprocessing.get_context("forkserver"), initializer=_die_with_parent) as pool:
            try:
                yield pool
            except BrokenProcessPool as error:
                raise WorkerLost("a worker process ended in the middle of a chunk; was it killed, or is memory short?") from error
            finally:
                pool.shutdown(cancel_futures=True)


def _die_with_parent() -> None:
    """Workers would wait for work for ever where whoever hands it out was killed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _dask(scheduler: str | None) -> Iterator[Executor]:
    try:
        from distributed import Client  # noqa: PLC0415 -- optional, and heavy
    except ImportError as error:
        message = "the Python package distributed is not installed: pip install 'gameday[dask]'"
        raise InvalidInput([Problem(Path("--engine dask"), 0, 0, message)]) from error
    if not scheduler:
        raise InvalidInput([Problem(Path("--engine dask"), 0, 0, "give the scheduler: --scheduler tcp://HOST:8786")])
    try:
        client = Client(scheduler, timeout=10, set_as_default=False)
    except OSError as error:
        raise InvalidInput([Problem(Path("--scheduler"), 0, 0, f"no dask scheduler answers at {scheduler}: {error}")]) from error
    with client, client.get_executor(pure=False) as executor:
        yield executor


def chunks(plan: Plan, spans: Iterator[tuple[int, int]], executor: Executor | None, *, at_once: int) -> Iterator[Columns]:
    """The chunks of these spans (first night, count), in their order; few are under way at a time."""
    if executor is None:
        yield from (run_chunk(plan, first, count) for first, count in spans)
        return
    under_way: deque[Future[Columns]] = deque()
    try:
        for first, count in spans:
            under_way.append(executor.submit(run_chunk, plan, first, count))
            if len(under_way) >= at_once * _AHEAD:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()
