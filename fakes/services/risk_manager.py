"""The risk manager: no order goes to the execution engine without its approval; when it can't know, it says no.

    POST /api/risk/check    an order  ->  {"approved": true, "price", "price_at_s", "repeated"}, 409 with the reason, or 503
    POST /api/risk/release {client_order_id}   an approved order has failed: its room is free again
    GET  /api/risk/status   limits, halt, orders in flight, and the configuration in use
    POST /api/risk/limits/reset   back to the limits of the configuration

Consumes the stream `signals` and has those that it approves executed (`sig-<signal_id>` is the order's id). Needs Redis for
the latest price and Postgres for halt, position and limits; without either an order is refused with 503.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from redis.asyncio.client import Pipeline

from fakes.services.answers import answer, body_of
from fakes.services.base import Service, run
from fakes.services.bus import Consumer, Fields, Message
from fakes.services.errors import BadRequest, DependencyDown, Rejected
from fakes.services.limits import Limits, Reservations
from fakes.services.orders import Order, Side
from fakes.services.signal_generator import STREAM as SIGNALS
from fakes.services.ticks import CANARY

STALE_AFTER_S = 60.0  # documented age of the latest price above which orders are refused; 002:188 calls a feed failed then
SIGNAL_QUANTITY = 1000
_EXECUTE_S, _EXECUTE_LEAST_S = 4.0, 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approved order is executed at."""

    price: float
    price_at_s: float
    repeated: bool  # it was executed before; whoever executes it now gets the same execution


class RiskManager:
    """Decides on orders."""

    def __init__(self, service: Service) -> None:
        self._clock = service.clock
        self._database = service.database()
        self.bus = service.bus()
        self._engine = service.peer("execution-engine")
        self._stale_after_s = service.config.number("risk.stale_after_s", STALE_AFTER_S)
        self._signal_quantity = int(service.config.number("risk.signal_quantity", SIGNAL_QUANTITY))
        self._configured = [
            (name, service.config.number(f"risk.{name}", 0))
            for name in ("max_order_quantity", "max_position")
            if service.config.has(f"risk.{name}")
        ]
        self._limits_written = not self._configured
        self._reservations = Reservations()
        self._checks = service.metrics.counter("risk_checks_total", "result")
        self._signals = service.metrics.counter("risk_signals_total", "result")
        service.metrics.gauge("risk_orders_in_flight", lambda: len(self._reservations))

    async def decide(self, order: Order, *, automatic: bool = False) -> Approval:
        """Approve the order and hold its room; `automatic` is one that a signal led to. Raises Rejected or DependencyDown."""
        try:
            approval = await self._decide(order, automatic=automatic)
        except Rejected as rejected:
            self._checks.add(rejected.reason)
            raise
        except DependencyDown:
            self._checks.add("unavailable")
            raise
        self._checks.add("approved")
        return approval

    async def _decide(self, order: Order, *, automatic: bool) -> Approval:
        if not self._limits_written:
            await self.write_limits()
        async with self.bus.asking() as client:
            price, price_at_s = await client.hmget(f"price:{order.symbol}", ["price", "at_s"])
        before = self._reservations.on(order.symbol, self._clock.now())
        [(halted, position, max_order_quantity, max_position, auto, executed)] = await self._database.rows(
            "SELECT (SELECT halted FROM trading_halt),"
            " coalesce((SELECT quantity FROM positions WHERE symbol = %s), 0),"
            " (SELECT value FROM risk_settings WHERE name = 'max_order_quantity'),"
            " (SELECT value FROM risk_settings WHERE name = 'max_position'),"
            " coalesce((SELECT value FROM risk_settings WHERE name = 'auto_trading'), 1),"
            " ARRAY(SELECT client_order_id FROM executions WHERE client_order_id = ANY(%s))",
            (order.symbol, [order.client_order_id, *before]),
        )
        now_s = self._clock.now()
        if order.client_order_id in executed:
            return Approval(float(price or 0), float(price_at_s or 0), repeated=True)
        if halted:
            raise Rejected("trading_halted", "trading is halted")
        if automatic and not auto:
            raise Rejected("auto_trading_disabled", "orders from signals are disabled")
        if price is None or now_s - float(price_at_s) > self._stale_after_s:
            age = "no price" if price is None else f"the price is {now_s - float(price_at_s):.1f} s old"
            raise Rejected("stale_market_data", f"{order.symbol}: {age}")
        in_flight = self._reservations.in_flight(order, before, executed, now_s)
        Limits(max_order_quantity, max_position).check(order, position, in_flight)
        for client_order_id in executed:
            self._reservations.release(client_order_id)
        self._reservations.hold(order, now_s)
        return Approval(float(price), float(price_at_s), repeated=False)

    def release(self, client_order_id: str) -> None:
        self._reservations.release(client_order_id)

    async def write_limits(self) -> None:
        """Put the configured limits where everybody reads them. Raises DependencyDown."""
        for name, value in self._configured:
            await self._database.rows(
                "INSERT INTO risk_settings VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
            )
        self._limits_written = True

    async def status(self) -> dict[str, object]:
        rows = await self._database.rows(
            "SELECT name, value FROM risk_settings UNION ALL SELECT 'halted', halted::int FROM trading_halt"
        )
        found: dict[str, float] = dict(rows)
        halted = bool(found.pop("halted", 0))
        in_flight = len(self._reservations)
        used = {f"risk.{name}": value for name, value in found.items()}
        used |= {"risk.signal_quantity": self._signal_quantity, "risk.stale_after_s": self._stale_after_s}
        status = "halted" if halted else "ok"
        return {"status": status, "halted": halted, "limits": found, "in_flight": in_flight, "configuration": used}

    # --- signals ---

    async def nothing_to_load(self) -> None:
        """The consumer's state is all in Postgres."""

    async def handle(self, messages: list[Message], _: Pipeline) -> Callable[[], None]:
        for message in messages:
            self._signals.add(await self._trade(message.fields))
        return lambda: None

    async def _trade(self, signal: Fields) -> str:
        """What became of a signal. Raises DependencyDown when that is open: it comes again, and is done once."""
        if signal["symbol"] == CANARY:
            return "canary"
        if self._clock.now() - float(signal["tick_at_s"]) > self._stale_after_s:
            _log.warning("signal %s is stale and is dropped", signal["signal_id"])
            return "stale"
        side: Side = "buy" if signal["side"] == "buy" else "sell"
        order = Order(f"sig-{signal['signal_id']}", signal["symbol"], side, self._signal_quantity)
        try:
            approval = await self.decide(order, automatic=True)
            body = {**order.to_json(), "price": approval.price, "price_at_s": approval.price_at_s, "source": "signal"}
            done = await self._engine.post("/api/orders", body, within_s=_EXECUTE_S, least_s=_EXECUTE_LEAST_S)
        except Rejected as rejected:
            return rejected.reason
        except DependencyDown as down:
            if down.outcome == "failed":
                self.release(order.client_order_id)
            raise
        if done.status >= 400:
            self.release(order.client_order_id)
            return str(done.body.get("reason", "refused"))
        return "executed"


async def start(service: Service) -> None:
    """Answer for the decisions, and trade on signals."""
    manager = RiskManager(service)
    service.consume(Consumer(manager.bus, SIGNALS, "risk-manager", manager.handle, manager.nothing_to_load))

    async def check(request: web.Request) -> web.Response:
        approval = await manager.decide(Order.of(await body_of(request)))
        return answer(
            {"approved": True, "price": approval.price, "price_at_s": approval.price_at_s, "repeated": approval.repeated}
        )

    async def release(request: web.Request) -> web.Response:
        client_order_id = (await body_of(request)).get("client_order_id")
        if not isinstance(client_order_id, str):
            raise BadRequest(f"client_order_id: expected text, found {client_order_id!r}")
        manager.release(client_order_id)
        return answer({"released": client_order_id})

    async def status(_: web.Request) -> web.Response:
        return answer(await manager.status())

    async def reset(_: web.Request) -> web.Response:
        await manager.write_limits()
        return answer(await manager.status())

    async def write_limits() -> None:
        with suppress(DependencyDown):  # then the first check does it
            await manager.write_limits()

    service.background(write_limits)
    service.post("/api/risk/check", check)
    service.post("/api/risk/release", release)
    service.get("/api/risk/status", status)
    service.post("/api/risk/limits/reset", reset)


def main(config: Mapping[str, Any]) -> None:
    """Be the risk manager."""
    run(config, start)
