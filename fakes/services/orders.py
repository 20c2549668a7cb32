"""An order as services hand it on: checked once, the same shape everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fakes.services.errors import BadRequest

Side = Literal["buy", "sell"]
_LONGEST_ID = 120
_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `client_order_id` is its idempotency key: whoever sees it twice does it once."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: int

    @property
    def signed(self) -> int:
        """What it adds to the position."""
        return self.quantity if self.side == "buy" else -self.quantity

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Order:
        """Raises BadRequest, naming the field."""
        client_order_id, symbol, side = (given.get(key) for key in ("client_order_id", "symbol", "side"))
        if not isinstance(client_order_id, str) or not 0 < len(client_order_id) <= _LONGEST_ID:
            raise BadRequest(f"client_order_id: expected 1 to {_LONGEST_ID} characters, found {client_order_id!r}")
        if not isinstance(symbol, str) or not 0 < len(symbol) <= 12:
            raise BadRequest(f"symbol: expected 1 to 12 characters, found {symbol!r}")
        if side not in ("buy", "sell"):
            raise BadRequest(f"side: expected buy or sell, found {side!r}")
        quantity = given.get("quantity")
        if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 < quantity <= _MOST:
            raise BadRequest(f"quantity: expected a whole number from 1 to {_MOST}, found {quantity!r}")
        return cls(client_order_id, symbol, side, quantity)

    def to_json(self) -> dict[str, str | int]:
        return {"client_order_id": self.client_order_id, "symbol": self.symbol, "side": self.side, "quantity": self.quantity}
