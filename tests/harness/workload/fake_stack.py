"""A small stack that answers as a test tells it to: gateway, ingestor, signals and broker on one port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from fakes.clock import ClockPage
from harness.workload.config import ObserverConfig


class FakeStack:
    """Answers orders with `answer`, and turns each tick into a signal unless `pipeline_works` is false."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.ticks: list[str] = []
        self.fills: list[dict[str, Any]] = []
        self.pipeline_works = True
        self.open = asyncio.Event()  # orders wait for it
        self.open.set()
        self.answer: Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]] = self.filled
        self.url = ""
        self._arrived = asyncio.Event()

    @staticmethod
    async def filled(_request: web.Request, order: dict[str, Any]) -> web.StreamResponse:
        return web.json_response({"client_order_id": order["client_order_id"], "status": "filled"}, status=201)

    async def until_orders(self, number: int) -> None:
        """Wait until this many orders have arrived."""
        while len(self.orders) < number:
            self._arrived.clear()
            await asyncio.wait_for(self._arrived.wait(), 20)

    async def _order(self, request: web.Request) -> web.StreamResponse:
        order = await request.json()
        self.orders.append(order)
        self._arrived.set()
        await self.open.wait()
        return await self.answer(request, order)

    async def _tick(self, request: web.Request) -> web.StreamResponse:
        tick = await request.json()
        if self.pipeline_works:
            self.ticks.append(tick["tick_id"])
        return web.json_response({"tick_id": tick["tick_id"]})

    async def _signals(self, request: web.Request) -> web.StreamResponse:
        newest = list(reversed(self.ticks))[: int(request.query["limit"])]
        return web.json_response([{"signal_id": f"s-{tick}", "tick_id": tick, "symbol": "CANARY"} for tick in newest])

    async def _fills(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(self.fills)

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[FakeStack]:
        stack = cls()
        app = web.Application()
        app.add_routes(
            [
                web.post("/api/orders", stack._order),
                web.post("/test/simulate-tick", stack._tick),
                web.get("/api/signals", stack._signals),
                web.get("/fills", stack._fills),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stack.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield stack
        finally:
            stack.open.set()
            await runner.cleanup()


def observer_config(folder: Path, url: str, **changes: Any) -> ObserverConfig:
    """A configuration with everything at one URL, and a clock page made for it."""
    ClockPage(folder / "clock.page")
    values: dict[str, Any] = {
        "clock": folder / "clock.page", "ledger": folder / "ledger.jsonl", "gateway": url, "ingestor": url, "signals": url,
        "orders_per_s": 100, "canary_every_s": 0.05, "symbols": ("EURUSD", "GBPUSD"), "prefix": "d1-", "seed": 7, **changes,
    }  # fmt: skip
    return ObserverConfig.model_validate(values)
