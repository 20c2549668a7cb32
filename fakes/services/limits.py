"""The risk limits, and the room under them that orders in flight have taken already.

A check reads the committed position and, in the same statement, which of the orders in flight it already contains; the
others count with their full quantity. So fifty orders checked at once can't all fit into room for one. The execution
engine holds the position limit once more, inside its transaction: a restart of the risk manager forgets what is in flight.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fakes.services.errors import Rejected
from fakes.services.orders import Order

HELD_FOR_S = 60.0  # documented; an order is decided long before


@dataclass(frozen=True, slots=True)
class Limits:
    """What an order may be, and what a position may become, in either direction."""

    max_order_quantity: float
    max_position: float

    def check(self, order: Order, position: int, in_flight: int) -> None:
        """Raises Rejected. `in_flight` is the quantity that others are adding in the order's direction."""
        if order.quantity > self.max_order_quantity:
            raise Rejected("max_order_quantity", f"{order.quantity} is more than the {self.max_order_quantity:g} of one order")
        becomes = position + in_flight + order.signed
        if abs(becomes) > self.max_position and abs(becomes) > abs(position):
            raise Rejected("max_position", f"{order.symbol} would stand at {becomes}, the limit is {self.max_position:g}")


class Reservations:
    """The room that approved orders hold until they are executed or have failed."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Order, float]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, order: Order, now_s: float) -> None:
        self._held[order.client_order_id] = (order, now_s + HELD_FOR_S)

    def release(self, client_order_id: str) -> None:
        self._held.pop(client_order_id, None)

    def on(self, symbol: str, now_s: float) -> dict[str, Order]:
        """The orders in flight in a symbol."""
        for client_order_id in [key for key, (_, until_s) in self._held.items() if until_s < now_s]:
            self.release(client_order_id)
        return {key: order for key, (order, _) in self._held.items() if order.symbol == symbol}

    def in_flight(self, order: Order, before: dict[str, Order], executed: Collection[str], now_s: float) -> int:
        """The signed quantity in the order's direction that the position read does not contain yet.

        `before` is what `on` gave before the position was read: another check may have seen a later position meanwhile
        and released what this one must still count.
        """
        others = {**before, **self.on(order.symbol, now_s)}
        return sum(
            other.signed
            for key, other in others.items()
            if key not in executed and key != order.client_order_id and other.side == order.side
        )
