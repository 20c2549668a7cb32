"""A provider of prices: streams ticks of its symbols over HTTP, one JSON line each.

    GET /ticks           the latest of each symbol, then what comes: {"seq", "symbol", "price", "at_s"}, at_s documented
    GET /ticks?after=N   what came after tick N (the last 10,000 are kept), then what comes
         429 with Retry-After while it refuses
    GET /status
    GET, POST /admin/behaviours    what it does wrong while it is told to (see `behaviours`):
         stopped       streams stay open and nothing comes; what was missed is never sent
         stale         each tick repeats its symbol's last price and time
         out-of-order  two rounds of ticks at a time, the newest first
         duplicated    this share of the ticks comes twice
         spikes        the price of one tick in 21 is so many times what it should be
         refuses       no stream is given, and those that are open end

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
from fakes.services.behaviours import Behaviours
from fakes.services.errors import BadRequest

SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "USDCAD", "NZDUSD", "EURGBP")
TICKS_PER_S = 10.0
_PRICES = {
    "EURUSD": 1.08, "GBPUSD": 1.27, "USDJPY": 149.5, "USDCHF": 0.88,
    "AUDUSD": 0.66, "USDCAD": 1.36, "NZDUSD": 0.61, "EURGBP": 0.85,
}  # fmt: skip
_KEPT = 10_000
_OCTAVES = 8
# What it can do wrong, with the highest value of each.
_MISDEEDS = {"stopped": 1, "stale": 1, "out-of-order": 1, "duplicated": 1, "spikes": 1e6, "refuses": 1}
_SPIKE_EVERY = 21  # ticks; no multiple of how many symbols there are, so that each has its turn
_RETRY_AFTER_S = 1


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
        self._made = self._due() - len(self._symbols)  # so it opens with a tick of each symbol
        self.latest = self._made  # how many of those can be had
        self._kept: deque[bytes] = deque(maxlen=_KEPT)
        self._held: list[bytes] = []  # made, and not to be had yet
        self._quoted: dict[str, tuple[float, float]] = {}  # what was said last of each symbol: price and time
        self._news = asyncio.Event()
        self._ended = False
        self.does = Behaviours(service, _MISDEEDS, changed=self._wake)

    async def run(self) -> None:
        """Make ticks at the rate, evenly, for ever."""
        while True:
            if self.does.value("stopped"):
                self._skip(self._due())
            else:
                self._make(self._due())
            self._wake()
            await asyncio.sleep((1 - self._clock.wall() * self._rate % 1) / self._rate)

    def _due(self) -> int:
        """The number of the tick that is due now."""
        return int(self._clock.wall() * self._rate) + len(self._symbols)

    @property
    def snapshot(self) -> int:
        """The tick after which each symbol has one."""
        return self.latest - len(self._symbols)

    def _make(self, due: int) -> None:
        while self._made < due:
            self._made += 1
            self._held.append(self._tick(self._made))
            self._release()

    def _skip(self, due: int) -> None:
        """What is due never comes, and nothing is kept for those who ask again."""
        self.does.did("stopped", due - self._made)
        self._made = self.latest = due
        self._kept.clear()
        self._held.clear()

    def _release(self) -> None:
        """Let what is held be had: at once, or two rounds at a time and backwards."""
        if self.does.value("out-of-order"):
            if len(self._held) < 2 * len(self._symbols):
                return
            self._held.reverse()
            self.does.did("out-of-order", len(self._held))
        self._kept.extend(self._held)
        self.latest += len(self._held)
        self._held.clear()

    def _tick(self, seq: int) -> bytes:
        symbol = self._symbols[seq % len(self._symbols)]
        if self.does.value("stale") and symbol in self._quoted:
            self.does.did("stale")
        else:
            self._quoted[symbol] = price_of(self._seed, symbol, seq // len(self._symbols)), round(self._clock.now(), 6)
        price, at_s = self._quoted[symbol]
        if (times := self.does.value("spikes")) and seq % _SPIKE_EVERY == 0:
            self.does.did("spikes")
            price = round(price * times, 5)
        line = json.dumps({"seq": seq, "symbol": symbol, "price": price, "at_s": at_s}).encode() + b"\n"
        return line * 2 if self.does.strikes("duplicated") else line

    def end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def send(self, response: web.StreamResponse, after: int) -> None:
        """Send what comes after this tick until the other side, or this feed, ends, or it refuses."""
        while not self._ended and not self.does.value("refuses"):
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
        if feed.does.strikes("refuses"):
            refused = answer({"error": "too many requests", "retry_after_s": _RETRY_AFTER_S}, 429)
            refused.headers["Retry-After"] = str(_RETRY_AFTER_S)
            return refused
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
