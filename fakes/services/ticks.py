"""Ticks on their way to the bus: published in order, each once, kept while Redis is away.

A tick, the latest price of its symbol and the position in the feed are written in one transaction, so after a lost
connection or a restart Redis itself tells what it has.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from redis.asyncio.client import Pipeline

from fakes.services.bus import Bus, append, put
from fakes.services.errors import DependencyDown

STREAM = "ticks"
CANARY = "CANARY"  # a symbol that goes all the way through the pipeline and is never traded
_POSITION = "feed:position"
_KEPT = 5_000  # ticks that wait for Redis; the oldest go first
_BATCH = 200
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.01, 0.1  # wall


@dataclass(frozen=True, slots=True)
class Tick:
    """One price. `at_s` is the documented time at which the provider quoted it; `seq` its number there."""

    tick_id: str
    symbol: str
    price: float
    at_s: float
    provider: str
    seq: int = 0

    @classmethod
    def of(cls, provider: str, line: bytes) -> Tick:
        """A provider's line. Raises ValueError or KeyError when it is none."""
        row: Mapping[str, Any] = json.loads(line)
        seq = int(row["seq"])
        return cls(f"{provider}-{seq}", str(row["symbol"]), float(row["price"]), float(row["at_s"]), provider, seq)

    def put(self, transaction: Pipeline) -> None:
        """Add it to the stream, and to the latest prices."""
        fields = {"tick_id": self.tick_id, "symbol": self.symbol, "price": repr(self.price), "at_s": repr(self.at_s)}
        append(transaction, STREAM, fields)
        if self.symbol != CANARY:
            put(transaction, f"price:{self.symbol}", {**fields, "provider": self.provider})


class Publisher:
    """Publishes what it is given, in the background."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: deque[Tick] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def give(self, tick: Tick) -> None:
        if len(self._waiting) == _KEPT:
            self.dropped += 1
        self._waiting.append(tick)
        self._news.set()

    async def run(self) -> None:
        """Publish for ever; come back soon after Redis does."""
        wait_s = _FIRST_WAIT_S
        while True:
            await self._news.wait()
            try:
                await self._publish()
                wait_s = _FIRST_WAIT_S
            except DependencyDown:
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
                await self._forget_published()

    async def _publish(self) -> None:
        batch = list(islice(self._waiting, _BATCH))
        async with self._bus.redis.pipeline(transaction=True) as transaction:
            for tick in batch:
                tick.put(transaction)
            transaction.set(_POSITION, json.dumps([batch[-1].provider, batch[-1].seq]))
            async with self._bus.asking():
                await transaction.execute()
        self._remove(batch)

    def _remove(self, published: list[Tick]) -> None:
        done = {tick.tick_id for tick in published}
        while self._waiting and self._waiting[0].tick_id in done:
            self._waiting.popleft()
        if not self._waiting:
            self._news.clear()

    async def _forget_published(self) -> None:
        """After an uncertain transaction: what Redis has is not published again."""
        with suppress(DependencyDown):
            position = await self.position()
            waiting = [(tick.provider, tick.seq) for tick in self._waiting]
            if position in waiting:
                self._remove(list(islice(self._waiting, waiting.index(position) + 1)))

    async def position(self) -> tuple[str, int] | None:
        """Provider and number of the tick published last. Raises DependencyDown."""
        async with self._bus.asking() as client:
            found = await client.get(_POSITION)
        if not found:
            return None
        provider, seq = json.loads(found)
        return str(provider), int(seq)

    async def latest(self, symbols: Iterable[str]) -> dict[str, float]:
        """When each symbol was quoted last, as far as Redis knows. Raises DependencyDown."""
        async with self._bus.redis.pipeline(transaction=False) as commands:
            names = list(symbols)
            for name in names:
                commands.hget(f"price:{name}", "at_s")
            async with self._bus.asking():
                found = await commands.execute()
        return {name: float(at_s) for name, at_s in zip(names, found, strict=True) if at_s}

    async def publish_now(self, tick: Tick) -> None:
        """Publish a tick that came from no feed. Raises DependencyDown, the outcome unknown if it was sent."""
        async with self._bus.redis.pipeline(transaction=True) as transaction:
            tick.put(transaction)
            async with self._bus.asking():
                await transaction.execute()
