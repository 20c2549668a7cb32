"""The execution engine: has an approved order filled by the broker and books it, once.

    POST /api/orders {client_order_id, symbol, side, quantity, price, price_at_s, source?}
         201 {execution_id, client_order_id, price, status, ...}, 200 with the same when repeated
         409 halted, over the limit   503 {"outcome": "failed" | "unknown"}
    GET  /api/executions?since=1h&limit=N    newest first
    POST /admin/broker/reconnect             drop the connections to the broker and make new ones: {"status", "took_ms"}

An order whose transaction was lost after the broker was asked is in doubt. The engine settles it as soon as it can: it
cancels the order at the broker, and books the fill if there is one; the fill counts, halted or not, because it happened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from fakes.services.answers import answer, body_of, limit_of, since_of
from fakes.services.base import Service, run
from fakes.services.bookings import Execution, Terms, begin, commit
from fakes.services.database import Session
from fakes.services.errors import BadRequest, DependencyDown, Rejected
from fakes.services.intents import Intents
from fakes.services.orders import Order
from fakes.services.outbox import Outbox

_BROKER_S, _BROKER_LEAST_S = 1.0, 0.5
_SETTLE_AGAIN_S = 0.1  # wall
_MOST = 10_000

_log = logging.getLogger(__name__)


class Engine:
    """Executes orders and settles the doubtful ones."""

    def __init__(self, service: Service) -> None:
        self._clock = service.clock
        self.database = service.database()
        self._broker = service.peer("broker")
        self._outbox = Outbox(self.database, service.bus())
        service.optional.add("redis")  # the outbox waits for it
        self._intents = Intents(service.config.state_dir / "intents.jsonl")
        service.on_close(self._intents.close)
        service.background(self._outbox.run)
        service.background(self.settle)
        self._executed = service.metrics.counter("trading_executions_total", "source")
        service.metrics.gauge("trading_orders_in_doubt", lambda: len(self._intents))

    async def execute(self, order: Order, terms: Terms) -> tuple[Execution, bool]:
        """The execution of this order, and whether it is new. Raises Rejected or DependencyDown."""
        async with self.database.session() as session:
            if (known := await begin(session, order)) is not None:
                return known, False
            execution = await self._carry_out(session, order, terms)
        return execution, True

    async def _carry_out(self, session: Session, order: Order, terms: Terms) -> Execution:
        new = self._intents.add(order, terms)
        try:
            execution = Execution.of(order, await self._fill(order, terms))
            await commit(session, execution, terms, self._clock.now())
        except BaseException as error:
            # An earlier try of the same order may be in doubt still: then this one's failure says nothing about it.
            if new and isinstance(error, DependencyDown | Rejected) and error.outcome == "failed":
                self._intents.strike(order.client_order_id)
            else:
                self._intents.doubted(order.client_order_id)
            raise
        self._booked(execution, terms)
        return execution

    async def _fill(self, order: Order, terms: Terms) -> Mapping[str, Any]:
        wanted = {**order.to_json(), "price": terms.price}
        filled = await self._broker.post("/orders", wanted, within_s=_BROKER_S, least_s=_BROKER_LEAST_S)
        if filled.status >= 400:
            raise Rejected(str(filled.body.get("reason", "broker")), f"the broker refused: {filled.body.get('error')}")
        return filled.body

    def _booked(self, execution: Execution, terms: Terms) -> None:
        self._intents.strike(execution.client_order_id)
        self._outbox.told()
        self._executed.add(terms.source)

    async def reconnect(self) -> float:
        """New connections to the broker; the wall seconds until it answered on one. Orders on their way end first: none takes longer.

        Raises DependencyDown when it does not answer.
        """
        took_s = await self._broker.reconnect(drained_s=self._clock.wall_for(_BROKER_S, least_s=_BROKER_LEAST_S))
        _log.warning("the connections to the broker were dropped and made anew")
        return took_s

    async def settle(self) -> None:
        """Settle orders in doubt, for ever."""
        while True:
            await self._intents.doubt.wait()
            try:
                for order, terms in self._intents.doubtful():
                    await self._settle(order, terms)
            except DependencyDown:
                await asyncio.sleep(_SETTLE_AGAIN_S)

    async def _settle(self, order: Order, terms: Terms) -> None:
        path = f"/orders/{order.client_order_id}/cancel"
        cancelled = await self._broker.post(path, {}, within_s=_BROKER_S, least_s=_BROKER_LEAST_S)
        fill = cancelled.body.get("fill")
        if fill is None:
            _log.warning("order %s was in doubt: it never reached the broker and is cancelled", order.client_order_id)
            self._intents.strike(order.client_order_id)
            return
        try:
            async with self.database.session() as session:
                execution = await begin(session, order, settling=True)
                if execution is None:
                    execution = Execution.of(order, fill)
                    await commit(session, execution, terms, self._clock.now())
        except Rejected as rejected:
            _log.error("order %s was in doubt and can't be booked: %s", order.client_order_id, rejected)
            self._intents.strike(order.client_order_id)
            return
        _log.warning("order %s was in doubt: the broker had filled it, it is booked", order.client_order_id)
        self._booked(execution, terms)


async def start(service: Service) -> None:
    """Answer for executions."""
    engine = Engine(service)

    async def place(request: web.Request) -> web.Response:
        given = await body_of(request)
        price, price_at_s = given.get("price"), given.get("price_at_s")
        if not isinstance(price, (int, float)) or not isinstance(price_at_s, (int, float)):
            raise BadRequest(f"price and price_at_s: expected numbers, found {price!r} and {price_at_s!r}")
        terms = Terms(float(price), float(price_at_s), str(given.get("source", "client")), service.clock.now())
        execution, new = await engine.execute(Order.of(given), terms)
        return answer(execution.to_json(), 201 if new else 200)

    async def executions(request: web.Request) -> web.Response:
        rows = await engine.database.rows(
            "SELECT execution_id, client_order_id, fill_id, symbol, side, quantity, price, executed_at_s FROM executions"
            " WHERE executed_at_s >= %s ORDER BY executed_at_s DESC LIMIT %s",
            (since_of(request, service.clock.now()), limit_of(request, _MOST)),
        )
        return answer([Execution(*row).to_json() for row in rows])

    async def reconnect(_: web.Request) -> web.Response:
        return answer({"status": "connected", "took_ms": round(await engine.reconnect() * 1000, 1)})

    service.post("/api/orders", place)
    service.post("/admin/broker/reconnect", reconnect)
    service.get("/api/executions", executions)


def main(config: Mapping[str, Any]) -> None:
    """Be the execution engine."""
    run(config, start)
