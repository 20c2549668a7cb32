"""The signal generator: indicators in, signals out.

A signal is raised when a symbol's fast average crosses its slow one, and for every canary tick. Signals go to the stream
`signals`; the side on which each symbol stands is kept in the hash `signal:sides`, written in the same transaction.

    GET /api/signals?since=1h&limit=N    newest first: {signal_id, tick_id, symbol, side, price, tick_at_s, at_s}
    GET /api/models                      the model that signals come from, and how many of its signals turned out right
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from redis.asyncio.client import Pipeline

from fakes.services.answers import answer, limit_of, since_of
from fakes.services.base import Service, run
from fakes.services.bus import Bus, Consumer, Fields, Message, append, put
from fakes.services.indicator_engine import STREAM as INDICATORS
from fakes.services.ticks import CANARY

STREAM = "signals"
MODEL = "ema-crossover"
_SIDES = "signal:sides"
_KEPT = 1000

_log = logging.getLogger(__name__)


class Generator:
    """The sides of all symbols and the latest signals."""

    def __init__(self, service: Service, bus: Bus) -> None:
        self._bus = bus
        self._clock = service.clock
        self._sides: dict[str, str] = {}
        self._signals: deque[dict[str, str | float]] = deque(maxlen=_KEPT)  # the oldest first
        self._done = service.metrics.counter("signals_total", "symbol")

    async def begin(self) -> None:
        async with self._bus.asking() as client:
            self._sides = dict(await client.hgetall(_SIDES))
            entries = await client.xrevrange(STREAM, count=_KEPT)
        self._signals = deque((_for_people(fields) for _, fields in reversed(entries)), maxlen=_KEPT)

    async def handle(self, messages: list[Message], transaction: Pipeline) -> Callable[[], None]:
        before = dict(self._sides)
        raised = [signal for message in messages if (signal := self._signal(message.fields)) is not None]
        for signal in raised:
            append(transaction, STREAM, signal)
        if changed := {symbol: side for symbol, side in self._sides.items() if before.get(symbol) != side}:
            put(transaction, _SIDES, changed)

        def show() -> None:
            for signal in raised:
                self._signals.append(_for_people(signal))
                self._done.add(signal["symbol"])
                if signal["symbol"] != CANARY:
                    _log.info("signal %s: %s %s at %s", signal["signal_id"], signal["side"], signal["symbol"], signal["price"])

        return show

    def _signal(self, indicator: Fields) -> Fields | None:
        symbol = indicator["symbol"]
        side = "buy" if float(indicator["fast"]) >= float(indicator["slow"]) else "sell"
        if symbol != CANARY and self._sides.setdefault(symbol, side) == side:
            return None
        self._sides[symbol] = side
        return {
            "signal_id": f"s-{indicator['tick_id']}",
            "tick_id": indicator["tick_id"],
            "symbol": symbol,
            "side": side,
            "price": indicator["price"],
            "tick_at_s": indicator["at_s"],
            "at_s": repr(self._clock.now()),
        }

    async def models(self, _: web.Request) -> web.Response:
        """A signal was right if the price had moved its way when the symbol's next one came."""
        before: dict[str, dict[str, str | float]] = {}
        judged = right = 0
        for signal in self._signals:
            symbol = str(signal["symbol"])
            if symbol == CANARY:
                continue
            if (earlier := before.get(symbol)) is not None and earlier["price"] != signal["price"]:
                judged += 1
                right += (earlier["side"] == "buy") == (float(signal["price"]) > float(earlier["price"]))
            before[symbol] = signal
        traded = {symbol: side for symbol, side in sorted(self._sides.items()) if symbol != CANARY}
        model = {
            "name": MODEL, "status": "active" if traded else "waiting for ticks", "sides": traded, "signals_judged": judged,
            "accuracy": round(right / judged, 4) if judged else None,
            "last_signal_at_s": max((float(signal["at_s"]) for signal in before.values()), default=None),
        }  # fmt: skip
        return answer({"models": [model]})

    async def signals(self, request: web.Request) -> web.Response:
        since_s = since_of(request, self._clock.now())
        limit = limit_of(request, _KEPT)
        found: list[dict[str, str | float]] = []
        for signal in reversed(self._signals):
            if len(found) >= limit or float(signal["at_s"]) < since_s:
                break
            found.append(signal)
        return answer(found)


def _for_people(signal: Fields) -> dict[str, str | float]:
    return {key: float(text) if key in ("price", "tick_at_s", "at_s") else text for key, text in signal.items()}


async def start(service: Service) -> None:
    """Consume indicators and answer for the signals."""
    bus = service.bus()
    generator = Generator(service, bus)
    service.consume(Consumer(bus, INDICATORS, "signal-generator", generator.handle, generator.begin))
    service.get("/api/signals", generator.signals)
    service.get("/api/models", generator.models)


def main(config: Mapping[str, Any]) -> None:
    """Be the signal generator."""
    run(config, start)
