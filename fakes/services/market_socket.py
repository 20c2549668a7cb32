"""Ticks for whoever is connected by WebSocket: read from the bus once, sent to everybody.

A client gets one JSON object a tick: {"type": "tick", "tick_id", "symbol", "price", "at_s"}. One that does not take what it is
sent is dropped, so it holds up nobody else.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress

from aiohttp import WSMsgType, web

from fakes.services.answers import answer
from fakes.services.base import Service
from fakes.services.bus import Bus, Fields
from fakes.services.errors import DependencyDown
from fakes.services.ticks import CANARY, STREAM

_BLOCK_S = 0.25  # wall
_WAIT_S = 0.1  # wall, between tries to come back
_SEND_S = 1.0  # wall, that one client may take for one batch
_PING_EVERY_S = 10.0

_log = logging.getLogger(__name__)


class MarketSocket:
    """All connections, and the ticks that go to them. `also` is told of every batch of ticks."""

    def __init__(self, service: Service, bus: Bus, also: Callable[[list[Fields]], None] | None = None) -> None:
        self._bus, self._also = bus, also
        self._clients: dict[web.WebSocketResponse, str] = {}
        self.opened = service.metrics.counter("websocket_connections_opened_total")
        self.sent = service.metrics.counter("websocket_messages_sent_total")
        service.metrics.gauge("websocket_connections_active", lambda: len(self._clients))
        service.background(self.read)
        service.on_stop(self._hang_up)
        self._ending: list[asyncio.Task[object]] = []

    def _hang_up(self) -> None:
        """Say goodbye to everybody."""
        for client in [*self._clients]:
            self._ending.append(asyncio.ensure_future(client.close(code=1001, message=b"the service stops")))

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """One client, for as long as it stays."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return answer({"error": "this is a WebSocket: ask for an upgrade"}, 426)
        client = web.WebSocketResponse(heartbeat=_PING_EVERY_S)
        await client.prepare(request)
        self.opened.add()
        self._clients[client] = request.path
        _log.info("websocket opened on %s, %d are open", request.path, len(self._clients))
        try:
            async for message in client:
                if message.type == WSMsgType.TEXT and message.data == "ping":
                    await client.send_str("pong")
        finally:
            self._clients.pop(client, None)
            _log.info("websocket closed on %s, %d are open", request.path, len(self._clients))
        return client

    def counts(self) -> dict[str, object]:
        """How many are connected now, where, and what they got."""
        paths = list(self._clients.values())
        return {
            "active": len(paths),
            "by_path": {path: paths.count(path) for path in sorted(set(paths))},
            "opened_total": int(self.opened.value()),
            "messages_sent_total": int(self.sent.value()),
        }

    async def read(self) -> None:
        """Follow the stream of ticks for ever, from now on."""
        position = "$"
        while True:
            try:
                async with self._bus.asking(block_s=_BLOCK_S) as client:
                    if position == "$":  # a place of its own, so that nothing is missed between two questions
                        latest = await client.xrevrange(STREAM, count=1)
                        position = latest[0][0] if latest else "0-0"
                    found = await client.xread({STREAM: position}, count=200, block=int(_BLOCK_S * 1000))
            except DependencyDown:
                await asyncio.sleep(_WAIT_S)
                continue
            for _, entries in found or ():
                position = entries[-1][0]
                await self._send([fields for _, fields in entries if fields.get("symbol") != CANARY])

    async def _send(self, ticks: list[Fields]) -> None:
        if self._also is not None:
            self._also(ticks)
        if not ticks or not self._clients:
            return
        texts = [
            json.dumps({"type": "tick", **each, "price": float(each["price"]), "at_s": float(each["at_s"])}) for each in ticks
        ]
        await asyncio.gather(*(self._tell(client, texts) for client in [*self._clients]))

    async def _tell(self, client: web.WebSocketResponse, texts: list[str]) -> None:
        try:
            async with asyncio.timeout(_SEND_S):
                for text in texts:
                    await client.send_str(text)
                    self.sent.add()
        except (ConnectionError, RuntimeError, TimeoutError):
            self._clients.pop(client, None)
            with suppress(ConnectionError, RuntimeError):
                await client.close(code=1013, message=b"too slow")
