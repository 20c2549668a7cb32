"""The broker: fills every order at once, at the order's price, and once for each `client_order_id`.

    POST /orders {client_order_id, symbol, side, quantity, price}   201 with the fill, 200 with the same when repeated
    POST /orders/{client_order_id}/cancel                           200 {"fill": ...}: null means it never will be filled
    GET  /fills?since=1h  GET /positions  GET /status
    GET  /accounts        [{"account", "fills", "opening", "balances"}], amounts by currency
    GET, POST /admin/behaviours    what it does wrong while it is told to (see `behaviours`):
         rejects       this share of the new orders: 409 {"reason": "broker_rejected"}
         disconnects   this share of all requests gets no answer, the connection is cut; every second POST of these was carried out
         double-fills  this share of the new orders is filled twice: both fills count, and both are told
         slow          every answer but that of /healthz takes so many documented seconds longer, and half as many of the wall at least

There is one account, in its own currency at first (settings broker.account, broker.currency, broker.opening_balance). Every
fill moves two of its balances: what is bought comes in, what it costs goes out. What happened is kept in `book.jsonl` of the state folder, so a restarted broker knows it.
"""

from __future__ import annotations

import asyncio
import decimal
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from fakes.services.answers import Handler, answer, body_of, since_of
from fakes.services.base import Service, run
from fakes.services.behaviours import PATH as BEHAVIOURS
from fakes.services.behaviours import Behaviours
from fakes.services.errors import BadRequest, Rejected
from fakes.services.orders import Order

_MISDEEDS = {"rejects": 1, "disconnects": 1, "double-fills": 1, "slow": 600}  # with the highest value of each
_SPARED = {BEHAVIOURS, "/metrics"}  # neither is for its clients


@dataclass(frozen=True, slots=True)
class Fill:
    """An order that was filled; `at_s` is documented time."""

    fill_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: int
    price: float
    at_s: float


class Book:
    """All fills, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        self.fills: dict[str, Fill] = {}  # the first of each order
        self.all: list[Fill] = []
        self.positions: defaultdict[str, int] = defaultdict(int)
        self.moved: defaultdict[str, decimal.Decimal] = defaultdict(decimal.Decimal)  # in each currency, by the fills
        self._cancelled: set[str] = set()
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._keep(json.loads(line))
        self._file = path.open("a", encoding="utf-8")

    def fill(self, order: Order, price: float, at_s: float) -> tuple[Fill, bool]:
        """The fill of this order, and whether it is new. Raises Rejected when it was cancelled or the id is another's."""
        known = self.fills.get(order.client_order_id)
        if known is not None:
            if (known.symbol, known.side, known.quantity) != (order.symbol, order.side, order.quantity):
                raise Rejected("client_order_id_reused", f"{order.client_order_id} was another order")
            return known, False
        if order.client_order_id in self._cancelled:
            raise Rejected("cancelled", f"{order.client_order_id} was cancelled before it arrived")
        fill = Fill(self._next_id, order.client_order_id, order.symbol, order.side, order.quantity, price, at_s)
        self._write(asdict(fill))
        return fill, True

    @property
    def _next_id(self) -> str:
        return f"F-{len(self.all) + 1:08d}"

    def fill_again(self, fill: Fill) -> None:
        """The order of this fill is filled a second time, by mistake."""
        self._write(asdict(replace(fill, fill_id=self._next_id)))

    def cancel(self, client_order_id: str) -> Fill | None:
        """The fill if there is one already; otherwise there never will be."""
        if client_order_id not in self.fills:
            self._write({"cancelled": client_order_id})
        return self.fills.get(client_order_id)

    def close(self) -> None:
        self._file.close()

    def _write(self, row: dict[str, Any]) -> None:
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        self._keep(row)

    def _keep(self, row: dict[str, Any]) -> None:
        if "cancelled" in row:
            self._cancelled.add(row["cancelled"])
            return
        fill = Fill(**row)
        self.fills.setdefault(fill.client_order_id, fill)
        self.all.append(fill)
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        self.positions[fill.symbol] += signed
        bought, paid = (fill.symbol[:3], fill.symbol[3:]) if len(fill.symbol) == 6 else (fill.symbol, "USD")  # euros, for dollars
        self.moved[bought] += signed
        self.moved[paid] -= signed * decimal.Decimal(str(fill.price))


def account_of(service: Service, book: Book) -> dict[str, Any]:
    """The account as it stands; amounts are rounded to cents."""
    currency, opening = service.config.text("broker.currency", "USD"), service.config.number("broker.opening_balance", 10_000_000)
    balances = {name: round(float(amount), 2) for name, amount in book.moved.items()}
    return {
        "account": service.config.text("broker.account", "mt4_live"),
        "fills": len(book.all),
        "opening": {currency: round(opening, 2)},
        "balances": {**balances, currency: round(opening + float(book.moved.get(currency, 0)), 2)},
    }


class Mood:
    """What becomes of requests before and after they are carried out."""

    def __init__(self, service: Service, does: Behaviours) -> None:
        self._clock, self._does = service.clock, does
        self._cut = 0

    async def between(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Cut the connection, take one's time, or simply answer."""
        if request.path in _SPARED:
            return await handler(request)
        if self._does.strikes("disconnects"):
            self._cut += request.method == "POST"
            response = answer({}) if self._cut % 2 else await handler(request)
            if request.transport is not None:
                request.transport.abort()
            return response  # to nobody
        if (slower_s := self._does.value("slow")) and request.path != "/healthz":
            self._does.did("slow")
            # Clients' time-outs shrink with the rate, down to half their length: what is late at rate 1 is late at any rate.
            await asyncio.sleep(self._clock.wall_for(slower_s, least_s=slower_s / 2))
        return await handler(request)


async def start(service: Service) -> None:
    """Answer for the book."""
    book = Book(service.config.state_dir / "book.jsonl")
    service.on_close(book.close)
    service.metrics.gauge("broker_fills", lambda: len(book.all))
    does = Behaviours(service, _MISDEEDS)
    mood = Mood(service, does)

    @web.middleware
    async def between(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await mood.between(request, handler)

    service.around(between)

    async def place(request: web.Request) -> web.Response:
        given = await body_of(request)
        price = given.get("price")
        if not isinstance(price, (int, float)) or not price > 0:
            raise BadRequest(f"price: expected a number above 0, found {price!r}")
        order = Order.of(given)
        if order.client_order_id not in book.fills and does.strikes("rejects"):
            raise Rejected("broker_rejected", f"{order.client_order_id}: the broker takes no orders of this account now")
        fill, new = book.fill(order, float(price), service.clock.now())
        if new and does.strikes("double-fills"):
            book.fill_again(fill)
        return answer(asdict(fill), 201 if new else 200)

    async def cancel(request: web.Request) -> web.Response:
        fill = book.cancel(request.match_info["client_order_id"])
        return answer({"fill": asdict(fill) if fill else None})

    async def fills(request: web.Request) -> web.Response:
        since_s = since_of(request, service.clock.now())
        return answer([asdict(fill) for fill in book.all if fill.at_s >= since_s])

    async def positions(_: web.Request) -> web.Response:
        return answer(book.positions)

    async def accounts(_: web.Request) -> web.Response:
        return answer([account_of(service, book)])

    async def status(_: web.Request) -> web.Response:
        return answer({"status": "ok", "fills": len(book.all), "open_positions": sum(map(bool, book.positions.values()))})

    service.post("/orders", place)
    service.post("/orders/{client_order_id}/cancel", cancel)
    service.get("/fills", fills)
    service.get("/positions", positions)
    service.get("/accounts", accounts)
    service.get("/status", status)


def main(config: Mapping[str, Any]) -> None:
    """Be the broker."""
    run(config, start)
