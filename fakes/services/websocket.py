"""The WebSocket service: streams ticks to whoever connects.

WS  /    /ws    /ws/market      the same ticks on each
GET /api/metrics/websockets     how many are connected, and what they got
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fakes.services.answers import answer
from fakes.services.base import Service, run
from fakes.services.market_socket import MarketSocket


async def start(service: Service) -> None:
    """Stream to whoever comes."""
    socket = MarketSocket(service, service.bus())

    async def counts(_: web.Request) -> web.Response:
        return answer(socket.counts())

    for path in ("/", "/ws", "/ws/market"):
        service.open_ended(path, socket.connect)
    service.get("/api/metrics/websockets", counts)


def main(config: Mapping[str, Any]) -> None:
    """Be the WebSocket service."""
    run(config, start)
