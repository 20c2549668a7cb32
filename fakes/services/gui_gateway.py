"""The gateway: the door of the stack. Clients place orders here and look at what they have.

    POST /api/orders {client_order_id, symbol, side, quantity}
         201 executed and committed, 200 the same again when repeated, 409 {"reason"} refused
         503 {"dependency", "outcome": "failed"}, certainly not done, or {"error": "outcome unknown", "outcome": "unknown"},
             or {"reason": "maintenance", "outcome": "failed"} in maintenance mode (see `maintenance`, which has its paths)
    GET  /api/orders?status=failed&limit=N    the latest that failed
    GET  /api/positions    GET /api/reconcile/positions    GET /health (all of the stack)
    POST /emergency/stop-trading {reason?}    POST /emergency/resume-trading    /auth/...: see accounts

It fails fast and keeps nothing back: after an outage the first order that comes goes through.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from aiohttp import web

from fakes.services.accounts import Door
from fakes.services.answers import answer, body_of, limit_of, reason_of
from fakes.services.base import Service, run
from fakes.services.errors import BadRequest, DependencyDown, Rejected
from fakes.services.maintenance import Modes, offer
from fakes.services.orders import Order
from fakes.services.portfolio import positions, reconcile, set_halt
from fakes.services.profiles import offer_profiles

PIPELINE = ("data-ingestor", "indicator-engine", "signal-generator", "risk-manager", "execution-engine")
# Longer than what is behind them takes to give up, so that its answer, which knows more, arrives.
_CHECK_S, _CHECK_LEAST_S = 2.5, 1.5
_EXECUTE_S, _EXECUTE_LEAST_S = 4.5, 2.5
_RELEASE_S = 0.5
_KEPT_FAILURES = 1000
_FAILURES = {"stale_market_data", "broker_rejected"}  # refusals that are no decision of the platform's

_log = logging.getLogger(__name__)


class Gateway:
    """Takes orders and answers for the stack."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._clock = service.clock
        self.database = service.database()
        self.bus = service.bus()
        self._risk = service.peer("risk-manager")
        self._engine = service.peer("execution-engine")
        self._broker = service.peer("broker")
        service.optional |= {"redis", "broker"}  # prices beside positions, and the reconciliation
        self._failures: deque[dict[str, object]] = deque(maxlen=_KEPT_FAILURES)
        self._orders = service.metrics.counter("trading_orders_total", "result")
        self._failed = service.metrics.counter("trading_orders_failed_total")
        self.modes = Modes(self.database, self._clock)

    # --- orders ---

    async def place(self, request: web.Request) -> web.Response:
        order = Order.of(await body_of(request))
        if (closed := await self.modes.refusal()) is not None:
            self._orders.add("maintenance")
            return answer(closed, 503)
        try:
            status, execution = await self._execute(order)
        except Rejected as rejected:
            self._count(order, "rejected", f"{rejected.reason}: {rejected}", failed=rejected.reason in _FAILURES)
            raise
        except DependencyDown as down:
            self._count(order, down.outcome, str(down), failed=True)
            raise
        self._orders.add("repeated" if status == 200 else "filled")
        return answer(execution, status)

    async def _execute(self, order: Order) -> tuple[int, Mapping[str, Any]]:
        wanted = order.to_json()
        try:
            approval = await self._risk.post("/api/risk/check", wanted, within_s=_CHECK_S, least_s=_CHECK_LEAST_S)
        except DependencyDown as down:
            raise DependencyDown(down.dependency, down.why) from down  # a check executes nothing: it failed, for certain
        _refused(approval.status, approval.body)
        terms = {"price": approval.body["price"], "price_at_s": approval.body["price_at_s"], "source": "client"}
        try:
            done = await self._engine.post("/api/orders", {**wanted, **terms}, within_s=_EXECUTE_S, least_s=_EXECUTE_LEAST_S)
            _refused(done.status, done.body)
        except (DependencyDown, Rejected) as error:
            if error.outcome == "failed":
                await self._release(order)
            raise
        return done.status, done.body

    async def _release(self, order: Order) -> None:
        with suppress(DependencyDown):  # then the room is free again a documented minute later
            await self._risk.post("/api/risk/release", {"client_order_id": order.client_order_id}, within_s=_RELEASE_S)

    def _count(self, order: Order, result: str, why: str, *, failed: bool) -> None:
        self._orders.add(result)
        if failed:
            self._failed.add()
            _log.warning("order %s failed (%s): %s", order.client_order_id, result, why)
            self._failures.append(
                {**order.to_json(), "status": "failed", "outcome": result, "error": why, "at_s": self._clock.now()}
            )

    async def orders(self, request: web.Request) -> web.Response:
        if request.query.get("status", "failed") != "failed":
            raise BadRequest("status: only failed orders are kept here; executed ones are at the execution engine")
        latest_first = list(reversed(self._failures))
        return answer(latest_first[: limit_of(request, _KEPT_FAILURES)])

    # --- the whole stack ---

    async def positions(self, _: web.Request) -> web.Response:
        return answer(await positions(self.database, self.bus))

    async def reconcile(self, _: web.Request) -> web.Response:
        differences = await reconcile(self.database, self._broker)
        return answer(
            {"status": "different" if differences else "matched", "differences": [asdict(each) for each in differences]}
        )

    async def stop_trading(self, request: web.Request) -> web.Response:
        return answer(await self.halt(halted=True, reason=await reason_of(request, "emergency stop")))

    async def resume_trading(self, request: web.Request) -> web.Response:
        return answer(await self.halt(halted=False, reason=await reason_of(request, "resumed")))

    async def halt(self, *, halted: bool, reason: str) -> dict[str, object]:
        """Nobody trades any more, or all may again. Raises DependencyDown."""
        done = await set_halt(self.database, self._clock, halted=halted, reason=reason)
        if halted:
            _log.critical("trading is halted: %s", reason)
        else:
            _log.warning("trading goes on: %s", reason)
        return done

    async def health(self, _: web.Request) -> web.Response:
        own = self._service.state()
        services = {self._service.config.name: own, **await self._heartbeats()}
        bad = [name for name, state in services.items() if state != "ok"]
        body = {
            "status": "degraded" if bad else "ok",
            "version": self._service.config.version,
            "services": services,
            "dependencies": {name: each.state for name, each in self._service.dependencies.items()},
        }
        return answer(body, 503 if bad else 200)

    async def _heartbeats(self) -> dict[str, str]:
        try:
            async with self.bus.asking() as client:
                found = await client.mget([f"heartbeat:{name}" for name in PIPELINE])
        except DependencyDown as down:
            return dict.fromkeys(PIPELINE, f"unknown: {down}")
        return {name: state or "down: no heartbeat" for name, state in zip(PIPELINE, found, strict=True)}


def _refused(status: int, body: Mapping[str, Any]) -> None:
    if status >= 400:
        raise Rejected(str(body.get("reason", "refused")), str(body.get("error")))


def open_door(service: Service) -> Gateway:
    """A gateway that answers all that every gateway answers."""
    gateway = Gateway(service)
    offer_profiles(service)
    Door(service, gateway.database).stand_before(service)
    offer(service, gateway.modes)
    service.post("/api/orders", gateway.place)
    service.get("/api/orders", gateway.orders)
    service.get("/api/positions", gateway.positions)
    service.get("/api/reconcile/positions", gateway.reconcile)
    service.get("/health", gateway.health)
    service.post("/emergency/stop-trading", gateway.stop_trading)
    service.post("/emergency/resume-trading", gateway.resume_trading)
    return gateway


async def start(service: Service) -> None:
    """Open the door."""
    open_door(service)


def main(config: Mapping[str, Any]) -> None:
    """Be the gateway."""
    run(config, start)
