"""The data ingestor: reads ticks from a provider and publishes them on the bus.

    GET  /admin/feed                                       which provider is read, how both are, the latest quotes
    POST /admin/feed {"action": "switch", "to": "backup"}  read the other provider
    POST /admin/feed {"action": "restart"}                 open a new connection
    POST /test/simulate-tick {symbol?, price?, tick_id?}   publish one tick; without a symbol, a canary

Writes the stream `ticks` and, for each symbol, the hash `price:<symbol>`. `market_data_age_seconds` goes on growing while
the feed is dead: its series with a symbol for that symbol, the one without for the newest of all. What comes twice or late
is published as it comes, and counted: market_data_ticks_duplicated_total, market_data_ticks_out_of_order_total.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fakes.services.answers import answer, body_of
from fakes.services.base import Service, run
from fakes.services.errors import BadRequest
from fakes.services.feed_reader import FeedReader
from fakes.services.ticks import CANARY, Publisher, Tick


class Counted(Publisher):
    """Publishes what it is given, and counts what a sound feed does not send. What is asked for again after a lost connection counts, too."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.bus())
        self._last: dict[str, Tick] = {}
        self._twice = service.metrics.counter("market_data_ticks_duplicated_total", "symbol")
        self._late = service.metrics.counter("market_data_ticks_out_of_order_total", "symbol")

    def give(self, tick: Tick) -> None:
        last = self._last.get(tick.symbol)
        if last is not None and last.provider == tick.provider:
            if tick.tick_id == last.tick_id:
                self._twice.add(tick.symbol)
            elif tick.seq < last.seq:
                self._late.add(tick.symbol)
        self._last[tick.symbol] = tick
        super().give(tick)


async def start(service: Service) -> None:
    """Read the feed and publish it."""
    publisher = Counted(service)
    reader = FeedReader(service, publisher)
    service.metrics.gauges("market_data_age_seconds", ("symbol",), reader.ages)
    service.metrics.gauge("market_data_ticks_waiting", lambda: publisher.waiting)
    service.metrics.gauge("market_data_ticks_dropped", lambda: publisher.dropped)
    for work in (publisher.run, reader.run, reader.watch, reader.ask_standby):
        service.background(work)
    service.on_close(reader.close)

    async def feed(_: web.Request) -> web.Response:
        return answer(reader.state())

    async def change(request: web.Request) -> web.Response:
        given = await body_of(request)
        match given.get("action"):
            case "switch":
                reader.switch(given.get("to"))
            case "restart":
                reader.restart()
            case other:
                raise BadRequest(f"action: expected switch or restart, found {other!r}")
        return answer(reader.state())

    async def simulate(request: web.Request) -> web.Response:
        tick = _simulated(await body_of(request), reader, service.clock.now())
        await publisher.publish_now(tick)
        return answer({"tick_id": tick.tick_id, "symbol": tick.symbol})

    service.get("/admin/feed", feed)
    service.post("/admin/feed", change)
    service.post("/test/simulate-tick", simulate)


def _simulated(given: Mapping[str, Any], reader: FeedReader, now_s: float) -> Tick:
    symbol = str(given.get("symbol", CANARY))
    known = reader.quotes.get(symbol)
    price = given.get("price", known.price if known else None)
    if price is not None and (not isinstance(price, (int, float)) or not price > 0):
        raise BadRequest(f"price: expected a number above 0, found {price!r}")
    tick_id = str(given.get("tick_id") or f"t-{uuid.uuid4().hex[:12]}")
    return Tick(tick_id, symbol, float(price or 1.0), now_s, "test")


def main(config: Mapping[str, Any]) -> None:
    """Be the data ingestor."""
    run(config, start)
