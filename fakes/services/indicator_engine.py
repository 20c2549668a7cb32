"""The indicator engine: ticks in, indicators out.

For each tick of the stream `ticks` one entry in `indicators` {tick_id, symbol, price, at_s, fast, slow}: a fast and a slow
exponential average of the symbol's price. The averages are kept in the hash `indicator:averages`, written in the same
transaction, so a restart continues them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from redis.asyncio.client import Pipeline

from fakes.services.base import Service, run
from fakes.services.bus import Bus, Consumer, Message, append, put
from fakes.services.ticks import STREAM as TICKS

STREAM = "indicators"
_AVERAGES = "indicator:averages"
FAST_TICKS, SLOW_TICKS = 5.0, 20.0


class Engine:
    """The averages of all symbols."""

    def __init__(self, service: Service, bus: Bus) -> None:
        self._bus = bus
        self._fast = 2 / (service.config.number("indicator.fast_ticks", FAST_TICKS) + 1)
        self._slow = 2 / (service.config.number("indicator.slow_ticks", SLOW_TICKS) + 1)
        self._averages: dict[str, tuple[float, float]] = {}
        self._done = service.metrics.counter("indicators_total")

    async def begin(self) -> None:
        async with self._bus.asking() as client:
            found = await client.hgetall(_AVERAGES)
        self._averages = {symbol: tuple(json.loads(pair)) for symbol, pair in found.items()}

    async def handle(self, messages: list[Message], transaction: Pipeline) -> Callable[[], None]:
        changed = {}
        for message in messages:
            symbol, price = message.fields["symbol"], float(message.fields["price"])
            fast, slow = self._averages.get(symbol, (price, price))
            fast, slow = fast + self._fast * (price - fast), slow + self._slow * (price - slow)
            self._averages[symbol] = fast, slow
            changed[symbol] = json.dumps([fast, slow])
            append(transaction, STREAM, {**message.fields, "fast": repr(fast), "slow": repr(slow)})
        if changed:
            put(transaction, _AVERAGES, changed)
        return lambda: self._done.add(amount=len(messages))


async def start(service: Service) -> None:
    """Consume ticks."""
    bus = service.bus()
    engine = Engine(service, bus)
    service.consume(Consumer(bus, TICKS, "indicator-engine", engine.handle, engine.begin))


def main(config: Mapping[str, Any]) -> None:
    """Be the indicator engine."""
    run(config, start)
