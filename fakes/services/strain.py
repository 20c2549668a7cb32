"""What wears a running service down for as long as it is ordered: memory that is kept, threads that spin, descriptors that are used up.

The order is a file in the service's private folder. The service reads it when it starts and whenever it gets SIGUSR2, so
it hears of it also when it accepts no connection. What should end with one run of the service names the `pid` of that run.

    {"memory": {"mb_per_s": 20, "most_mb": 300}, "cpu": {"threads": 2, "pid": 4711}, "descriptors": {"pid": 4711},
     "start": {"takes_s": 60}}
"""

from __future__ import annotations

import asyncio
import json
import logging
import mmap
import os
import resource
import threading
from collections.abc import Mapping
from pathlib import Path

from fakes.clock import Clock

ORDER = "strain.json"
_EVERY_S = 0.1  # wall
_MB = 1_000_000
_FREE = 32  # descriptors that are left to be used up: a limit of a million would take long

_log = logging.getLogger(__name__)
_Order = Mapping[str, Mapping[str, float]]


class Strain:
    """What one service is under. `heed` reads the order and does as it says, no more and no less."""

    def __init__(self, folder: Path) -> None:
        self._order = folder / ORDER
        self._asked: _Order = {}
        self._leaking: asyncio.Task[None] | None = None
        self._kept: list[mmap.mmap] = []
        self._spinning: threading.Event | None = None
        self._descriptors = _Descriptors()
        self._hurry = asyncio.Event()

    def heed(self) -> None:
        self._descriptors.give_back()  # reading the order takes one
        before, self._asked = self._asked, self._read()
        if self._asked.get("memory") != before.get("memory"):
            self._forget()
            if (leak := self._asked.get("memory")) is not None:
                self._leaking = asyncio.get_running_loop().create_task(self._leak(leak["mb_per_s"], leak["most_mb"]))
        if self._asked.get("cpu") != before.get("cpu"):
            self._rest()
            if (hog := self._asked.get("cpu")) is not None:
                self._spin(int(hog["threads"]))
        if "start" not in self._asked:
            self._hurry.set()
        if "descriptors" in self._asked:
            _log.error("Too many open files: the limit is %d", self._descriptors.use_up())

    def _read(self) -> _Order:
        try:
            told: _Order = json.loads(self._order.read_bytes())
        except FileNotFoundError:
            return {}
        return {name: facts for name, facts in told.items() if facts.get("pid", os.getpid()) == os.getpid()}

    async def late(self, clock: Clock, end: asyncio.Event) -> None:
        """Take as long to start as was ordered, unless the order is taken back or the end comes."""
        if (takes := self._asked.get("start")) is None:
            return
        _log.info("starts, which takes %g s", takes["takes_s"])
        loop = asyncio.get_running_loop()
        waits: list[asyncio.Task[object]] = [
            loop.create_task(wait) for wait in (clock.sleep(takes["takes_s"]), end.wait(), self._hurry.wait())
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()

    async def _leak(self, mb_per_s: float, most_mb: float) -> None:
        piece = int(mb_per_s * _EVERY_S * _MB)
        while (len(self._kept) + 1) * piece <= most_mb * _MB:
            # A mapping of its own: what is given back goes back to the machine, not to an allocator that keeps it.
            self._kept.append(mmap.mmap(-1, piece, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
            self._kept[-1].write(bytes(piece))
            await asyncio.sleep(_EVERY_S)

    def _forget(self) -> None:
        if self._leaking is not None:
            self._leaking.cancel()
        while self._kept:
            self._kept.pop().close()

    def _spin(self, threads: int) -> None:
        self._spinning = over = threading.Event()

        def spin() -> None:
            while not over.is_set():
                sum(range(1000))

        for number in range(threads):
            threading.Thread(target=spin, name=f"spin-{number}", daemon=True).start()

    def _rest(self) -> None:
        if self._spinning is not None:
            self._spinning.set()


class _Descriptors:
    """All that this process may still open."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self._limit: tuple[int, int] | None = None

    def use_up(self) -> int:
        """Under a limit a little above what is open now; that limit."""
        self._limit = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        low = sum(1 for _ in Path("/proc/self/fd").iterdir()) + _FREE
        low = low if soft == resource.RLIM_INFINITY else min(low, soft)
        resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
        try:
            while True:
                self._held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:  # that was the last one
            return low

    def give_back(self) -> None:
        while self._held:
            os.close(self._held.pop())
        if self._limit is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._limit)
            self._limit = None
