"""The trading API: the gateway of the AI trading platform. All that `gui_gateway` answers, and beside it

    GET  /api/health                  as /health
    GET  /api/metrics/performance     Sharpe ratio, drawdown, profit (see `performance`)
    GET  /api/metrics/memory          of this process, in bytes
    GET  /api/metrics/websockets      how many are connected, and what they got
    GET  /api/trades?limit=N          the latest executions, newest first
    GET  /api/models/status           the models that trade: what the signal generator does with them, what the registry has
    POST /api/trading/disable {reason?}          no order comes from a signal any more; people still trade
    POST /api/trading/emergency-stop {reason?}   nobody trades any more
    POST /api/trading/enable {reason?}           both are over
    GET  /api/trading/status
    WS   /ws/market                   ticks as they come

Ticks are written to the hypertable market_data, once a second, where the database has it; ticks that it can't take are dropped.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from fakes.services.answers import answer, limit_of, reason_of
from fakes.services.base import Service, run
from fakes.services.bus import Fields
from fakes.services.errors import DependencyDown
from fakes.services.gui_gateway import Gateway, open_door
from fakes.services.market_socket import MarketSocket
from fakes.services.performance import BY_PERIOD, CAPITAL, PERIOD_S, Performance, performance_of

_LOOK_EVERY_S = 5.0  # wall: how old the figures of a scrape may be
_RECORD_EVERY_S = 1.0  # wall
_MOST_TICKS = 2000  # that wait for Postgres
_MOST_TRADES, _TRADES = 1000, 50
_ASK_S = 1.0

_log = logging.getLogger(__name__)


class TradingApi:
    """What this platform's gateway has beside every gateway's own."""

    def __init__(self, service: Service, gateway: Gateway) -> None:
        self._gateway, self._database = gateway, gateway.database
        self._generator = service.peer("signal-generator")
        self._registry = service.peer("mlflow")
        service.optional |= {"signal-generator", "mlflow"}
        self._capital = service.config.number("trading.capital", CAPITAL)
        self._latest: Performance | None = None
        self._ticks: deque[Fields] = deque(maxlen=_MOST_TICKS)
        self._epoch_s = time.time() - service.clock.wall()  # the calendar time at which documented time was 0
        self.socket = MarketSocket(service, gateway.bus, self._ticks.extend)
        metrics = service.metrics
        metrics.gauge("trading_sharpe_ratio", lambda: self._latest.sharpe_ratio if self._latest else None)
        metrics.gauge("equity_curve_drawdown", lambda: self._latest.drawdown if self._latest else None)
        metrics.gauge("trading_equity", lambda: self._latest.equity if self._latest else None)
        service.background(self.look)
        service.background(self.record)

    # --- performance and ticks ---

    async def _compute(self) -> Performance:
        rows = await self._database.rows(BY_PERIOD, (PERIOD_S,))
        self._latest = performance_of(rows, self._capital)
        return self._latest

    async def look(self) -> None:
        """Keep what a scrape tells up to date, for ever. While Postgres is away it tells nothing."""
        while True:
            try:
                await self._compute()
            except DependencyDown:
                self._latest = None
            await asyncio.sleep(_LOOK_EVERY_S)

    async def record(self) -> None:
        """Write ticks to the hypertable, for ever."""
        there: bool | None = None
        while True:
            await asyncio.sleep(_RECORD_EVERY_S)
            batch = [*self._ticks]
            self._ticks.clear()
            try:
                if there is None:
                    [(there,)] = await self._database.rows("SELECT to_regclass('market_data') IS NOT NULL")
                if batch and there:
                    await self._insert(batch)
            except DependencyDown:
                continue

    async def _insert(self, ticks: list[Fields]) -> None:
        await self._database.rows(
            "INSERT INTO market_data (time, symbol, price, tick_id)"
            " SELECT to_timestamp(at_s), symbol, price, tick_id FROM unnest(%s::float8[], %s::text[], %s::float8[], %s::text[])"
            " AS given (at_s, symbol, price, tick_id)",
            (
                [self._epoch_s + float(tick["at_s"]) for tick in ticks], [tick["symbol"] for tick in ticks],
                [float(tick["price"]) for tick in ticks], [tick["tick_id"] for tick in ticks],
            ),
        )  # fmt: skip

    async def performance(self, _: web.Request) -> web.Response:
        return answer((await self._compute()).to_json())

    async def trades(self, request: web.Request) -> web.Response:
        limit = limit_of(request, _MOST_TRADES) if "limit" in request.query else _TRADES
        rows = await self._database.rows(
            "SELECT execution_id, client_order_id, symbol, side, quantity, price, executed_at_s, source FROM executions"
            " JOIN orders USING (client_order_id, symbol, side, quantity) ORDER BY executed_at_s DESC LIMIT %s",
            (limit,),
        )
        names = ("trade_id", "order_id", "symbol", "side", "quantity", "price", "at_s", "source")
        return answer({"trades": [dict(zip(names, row, strict=True)) for row in rows], "count": len(rows)})

    # --- models, memory, sockets ---

    async def models(self, _: web.Request) -> web.Response:
        """Which models trade, and how well; the registry may be away, the signal generator may not."""
        live = (await self._generator.get("/api/models", within_s=_ASK_S)).body
        registered: object
        try:
            found = (await self._registry.get("/api/2.0/mlflow/registered-models/search", within_s=_ASK_S)).body
            registered = {"state": "ok", "models": found.get("registered_models", [])}
        except DependencyDown as down:
            registered = {"state": f"down: {down.why}", "models": []}
        return answer({"models": live["models"], "registry": registered})

    async def memory(self, _: web.Request) -> web.Response:
        return answer(memory_of_this_process())

    async def sockets(self, _: web.Request) -> web.Response:
        return answer(self.socket.counts())

    # --- trading, on and off ---

    async def _set_auto(self, *, on: bool) -> None:
        await self._database.rows(
            "INSERT INTO risk_settings VALUES ('auto_trading', %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (float(on),),
        )

    async def disable(self, request: web.Request) -> web.Response:
        reason = await reason_of(request, "disabled by an operator")
        await self._set_auto(on=False)
        _log.warning("auto-trading is disabled: %s", reason)
        return answer({**await self._state(), "reason": reason})

    async def emergency_stop(self, request: web.Request) -> web.Response:
        reason = await reason_of(request, "emergency stop")
        await self._gateway.halt(halted=True, reason=reason)
        return answer({**await self._state(), "reason": reason})

    async def enable(self, request: web.Request) -> web.Response:
        reason = await reason_of(request, "enabled by an operator")
        await self._set_auto(on=True)
        await self._gateway.halt(halted=False, reason=reason)
        return answer({**await self._state(), "reason": reason})

    async def status(self, _: web.Request) -> web.Response:
        return answer(await self._state())

    async def _state(self) -> dict[str, object]:
        [(halted, reason, auto)] = await self._database.rows(
            "SELECT halted, reason, coalesce((SELECT value FROM risk_settings WHERE name = 'auto_trading'), 1) FROM trading_halt"
        )
        status = "halted" if halted else "enabled" if auto else "disabled"
        return {"status": status, "halted": halted, "auto_trading": bool(auto) and not halted, "halt_reason": reason}


def memory_of_this_process() -> dict[str, int]:
    """Bytes: as the kernel counts them."""
    page = resource.getpagesize()
    size, resident, shared, _, _, data, _ = (int(pages) * page for pages in Path("/proc/self/statm").read_text().split())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"rss": resident, "rss_peak": peak, "shared": shared, "data": data, "virtual": size}


async def start(service: Service) -> None:
    """Open the door, with what this platform has beside it."""
    gateway = open_door(service)
    api = TradingApi(service, gateway)
    service.get("/api/health", gateway.health)
    service.get("/api/metrics/performance", api.performance)
    service.get("/api/metrics/memory", api.memory)
    service.get("/api/metrics/websockets", api.sockets)
    service.get("/api/trades", api.trades)
    service.get("/api/models/status", api.models)
    service.post("/api/trading/disable", api.disable)
    service.post("/api/trading/emergency-stop", api.emergency_stop)
    service.post("/api/trading/enable", api.enable)
    service.get("/api/trading/status", api.status)
    service.open_ended("/ws/market", api.socket.connect)


def main(config: Mapping[str, Any]) -> None:
    """Be the trading API."""
    run(config, start)
