"""Reads one provider's stream of ticks, notices when it falls silent, and changes the provider when it is told to.

It never changes the provider by itself: that is a decision of the runbook. The choice survives restarts.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from fakes.services.base import Service
from fakes.services.calls import Peer
from fakes.services.errors import BadRequest, DependencyDown
from fakes.services.health import Dependency
from fakes.services.price_provider import SYMBOLS
from fakes.services.ticks import Publisher, Tick

STALL_AFTER_S = 15.0  # documented seconds without a tick: the feed counts as down
_STALL_LEAST_S = 0.5  # and at least so much of the wall: a busy machine is no dead feed
_CONNECT_S, _CONNECT_LEAST_S = 2.0, 0.5
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.01, 0.1  # wall, between tries to connect
_LOOK_EVERY_S = 0.1  # wall
_ASK_STANDBY_EVERY_S = 1.0  # wall

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Quote:
    """The latest that is known of a symbol."""

    price: float | None
    at_s: float


class FeedReader:
    """The market data of the ingestor: what it knows of each symbol, and from whom."""

    def __init__(self, service: Service, publisher: Publisher) -> None:
        self._service = service
        self._clock = service.clock
        self._publisher = publisher
        self._stall_after_s = service.config.number("feed.stall_after_s", STALL_AFTER_S)
        self._symbols = service.config.words("feed.symbols", SYMBOLS)
        self._peers = {name: self._peer(name, number) for number, name in enumerate(("primary", "backup"))}
        self._file = service.config.state_dir / "feed.json"
        self.choice = json.loads(self._file.read_text(encoding="utf-8"))["provider"] if self._file.exists() else "primary"
        self._set_standby()
        self.quotes: dict[str, _Quote] = {}
        self._began_s = self._heard_s = self._opened_s = self._clock.now()
        self._last: tuple[str, int] | None = None  # provider and number of the tick received last
        self._stream: aiohttp.ClientResponse | None = None
        self.received = service.metrics.counter("market_data_ticks_total", "provider")

    def _peer(self, name: str, number: int) -> Peer:
        """The way to a provider: straight, or through the gate that knows it by another name."""
        config, clock, dependency = self._service.config, self._clock, self._service.dependency(f"price-{name}")
        if not (gate := config.text("feed.gate", "")):
            return Peer(config, clock, dependency)
        provider = config.words("feed.gate_names", ("primary", "backup"))[number]
        return Peer(config, clock, dependency, through=gate, prefix=f"/providers/{provider}")

    # --- what it knows ---

    def ages(self) -> dict[tuple[str, ...], float]:
        """Documented seconds since each symbol was quoted; under no name at all, since any was."""
        now = self._clock.now()
        newest = max((quote.at_s for quote in self.quotes.values()), default=self._began_s)
        found: dict[tuple[str, ...], float] = {(): round(now - newest, 3)}
        for symbol, quote in self.quotes.items():
            found[symbol,] = round(now - quote.at_s, 3)
        return found

    def state(self) -> dict[str, object]:
        """Which provider is read, how both are, and the latest quotes with their ages."""
        ages = self.ages()
        providers = {
            name: {"service": f"price-{name}", "active": name == self.choice, "state": self._dependency(name).state}
            for name in self._peers
        }
        latest = {
            symbol: {"price": quote.price, "at_s": quote.at_s, "age_s": ages[symbol,]} for symbol, quote in self.quotes.items()
        }
        return {"active": self.choice, "age_s": ages[()], "providers": providers, "latest": latest}

    def _dependency(self, name: str) -> Dependency:
        return self._service.dependencies[f"price-{name}"]

    # --- what it is told ---

    def switch(self, to: object) -> None:
        """Read this provider from now on. Raises BadRequest."""
        if to not in self._peers:
            raise BadRequest(f"to: expected primary or backup, found {to!r}")
        if to != self.choice:
            _log.warning("market data feed switches from %s to %s", self.choice, to)
            self.choice = str(to)
            self._file.write_text(json.dumps({"provider": self.choice}), encoding="utf-8")
            self._dependency(self.choice).failed("no tick yet")
            self._set_standby()
        self.restart()

    def restart(self) -> None:
        """Drop the connection and open a new one."""
        if self._stream is not None:
            self._stream.close()

    def _set_standby(self) -> None:
        self._service.optional = {f"price-{name}" for name in self._peers if name != self.choice}

    # --- what it does ---

    async def run(self) -> None:
        """Read for ever, whatever becomes of the stream."""
        await self._remember()
        wait_s = _FIRST_WAIT_S
        while True:
            name, heard_s = self.choice, self._heard_s
            try:
                await self._read(name)
                why = "the stream ended"
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError) as error:
                why = str(error) or type(error).__name__
            if name == self.choice:
                self._dependency(name).failed(why)
                wait_s = _FIRST_WAIT_S if self._heard_s > heard_s else min(wait_s * 2, _LONGEST_WAIT_S)
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))

    async def _remember(self) -> None:
        """What an earlier life published: its position in the feed and the age of its quotes."""
        while True:
            with suppress(DependencyDown):
                self._last = await self._publisher.position()
                known = await self._publisher.latest(self._symbols)
                self.quotes.update({symbol: _Quote(None, at_s) for symbol, at_s in known.items()})
                return
            await asyncio.sleep(_LONGEST_WAIT_S)

    async def _read(self, name: str) -> None:
        resumes = self._last is not None and self._last[0] == f"price-{name}"
        path = f"/ticks?after={self._last[1]}" if self._last and resumes else "/ticks"
        limit_s = self._clock.wall_for(_CONNECT_S, least_s=_CONNECT_LEAST_S)
        async with asyncio.timeout(limit_s) as opening:
            async with self._peers[name].session.get(self._peers[name].prefix + path, raise_for_status=True) as stream:
                opening.reschedule(None)
                self._stream, self._opened_s = stream, self._clock.now()
                try:
                    async for line in stream.content:
                        if name != self.choice:
                            return
                        self._accept(Tick.of(f"price-{name}", line), name)
                finally:
                    self._stream = None

    def _accept(self, tick: Tick, name: str) -> None:
        self._heard_s = self._clock.now()
        self._last = (tick.provider, tick.seq)
        self.quotes[tick.symbol] = _Quote(tick.price, tick.at_s)
        self.received.add(name)
        self._dependency(name).worked()
        self._publisher.give(tick)

    async def watch(self) -> None:
        """Notice a stream that is open and silent: it is down, and a new connection is tried."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now = self._clock.now()
            silent_s = now - self._heard_s
            if silent_s > max(self._stall_after_s, _STALL_LEAST_S * self._clock.rate):
                self._dependency(self.choice).failed(f"stale market data: no tick for {silent_s:.0f} s")
                if now - self._opened_s > self._stall_after_s:
                    self.restart()

    async def ask_standby(self) -> None:
        """Know whether the provider that is not read could be."""
        while True:
            for name, peer in self._peers.items():
                if name != self.choice:
                    with suppress(DependencyDown):
                        await peer.ping()
                        self._dependency(name).worked()
            await asyncio.sleep(_ASK_STANDBY_EVERY_S)

    async def close(self) -> None:
        for peer in self._peers.values():
            await peer.close()
