"""A provider of prices: streams ticks of its symbols over HTTP, one JSON line each.

    GET /ticks           the latest of each symbol, then what comes: {"seq", "symbol", "price", "at_s"}, at_s documented
    GET /ticks?after=N   what came after tick N (the last 10,000 are kept), then what comes
    GET /status

A price is a function of seed, symbol and tick number, not of what was sent before: two providers with one seed agree, and
a restarted one goes on where it would be. `feed.ticks_per_s` counts wall seconds, all symbols together.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from aiohttp import web

from fakes.services.answers import answer
from fakes.services.base import Service, run
from fakes.services.errors import BadRequest

SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "USDCAD", "NZDUSD", "EURGBP")
TICKS_PER_S = 10.0
_PRICES = {
    "EURUSD": 1.08, "GBPUSD": 1.27, "USDJPY": 149.5, "USDCHF": 0.88,
    "AUDUSD": 0.66, "USDCAD": 1.36, "NZDUSD": 0.61, "EURGBP": 0.85,
}  # fmt: skip
_KEPT = 10_000
_OCTAVES = 8


def _noise(key: str) -> float:
    """From -1 to 1, the same for the same key."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "big") / 2**31 - 1


def price_of(seed: int, symbol: str, number: int) -> float:
    """The symbol's price at its tick of this number: a walk that can be entered anywhere.

    Noise at ever longer wavelengths, each twice as long as the last and the square root of two times as high, has the
    look of a random walk without its memory.
    """
    walk = 0.0
    for octave in range(_OCTAVES):
        cell, part = divmod(number, 4 << octave)
        before, after = (_noise(f"{seed} {symbol} {octave} {edge}") for edge in (cell, cell + 1))
        walk += (before + (after - before) * part / (4 << octave)) * 2 ** (octave / 2)
    return round(_PRICES.get(symbol, 1.0) * (1 + walk * 0.0001), 5)


class Feed:
    """Makes the ticks and keeps the latest."""

    def __init__(self, service: Service) -> None:
        self._clock = service.clock
        self._seed = service.config.seed
        self._symbols = service.config.words("feed.symbols", SYMBOLS)
        self._rate = service.config.number("feed.ticks_per_s", TICKS_PER_S)
        self.latest = self._due() - len(self._symbols)  # so it opens with a tick of each symbol
        self._kept: deque[bytes] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        """Make ticks at the rate, evenly, for ever."""
        while True:
            while self.latest < self._due():
                self.latest += 1
                self._kept.append(self._tick(self.latest))
            self._wake()
            await asyncio.sleep((1 - self._clock.wall() * self._rate % 1) / self._rate)

    def _due(self) -> int:
        """The number of the tick that is due now."""
        return int(self._clock.wall() * self._rate) + len(self._symbols)

    @property
    def snapshot(self) -> int:
        """The tick after which each symbol has one."""
        return self.latest - len(self._symbols)

    def _tick(self, seq: int) -> bytes:
        symbol = self._symbols[seq % len(self._symbols)]
        price = price_of(self._seed, symbol, seq // len(self._symbols))
        return json.dumps({"seq": seq, "symbol": symbol, "price": price, "at_s": round(self._clock.now(), 6)}).encode() + b"\n"

    def end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def send(self, response: web.StreamResponse, after: int) -> None:
        """Send what comes after this tick until the other side, or this feed, ends."""
        while not self._ended:
            latest = self.latest
            if missed := min(latest - after, len(self._kept)):
                await response.write(b"".join(islice(self._kept, len(self._kept) - missed, None)))
                after = latest
            elif not self._ended:
                await self._news.wait()


async def start(service: Service) -> None:
    """Stream the feed to whoever asks."""
    feed = Feed(service)
    service.background(feed.run)
    service.on_stop(feed.end)
    service.metrics.gauge("feed_ticks", lambda: feed.latest)

    async def ticks(request: web.Request) -> web.StreamResponse:
        after = request.query.get("after", str(feed.snapshot))
        if not after.isdecimal():
            raise BadRequest(f"after: expected the number of a tick, found {after!r}")
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        with suppress(ConnectionError):  # the other side has gone: that is how a stream without end ends
            await feed.send(response, min(int(after), feed.latest))
        return response

    async def status(_: web.Request) -> web.Response:
        return answer({"status": "ok", "provider": service.config.name, "latest": feed.latest})

    service.get("/ticks", ticks)
    service.get("/status", status)


def main(config: Mapping[str, Any]) -> None:
    """Be a price provider."""
    run(config, start)
