"""Claims about the shape of an order."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.services.errors import BadRequest
from fakes.services.orders import Order

GOOD = {"client_order_id": "o-1", "symbol": "EURUSD", "side": "sell", "quantity": 5}


def test_an_order_survives_its_way_through_json() -> None:
    """What one service sends is what the next one gets."""
    order = Order.of(GOOD)
    assert order.to_json() == GOOD
    assert order.signed == -5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_order_id", ""), ("client_order_id", 1), ("client_order_id", "x" * 121), ("symbol", None), ("symbol", "x" * 13),
        ("side", "hold"), ("quantity", 0), ("quantity", -1), ("quantity", 1.5), ("quantity", True), ("quantity", "5"),
        ("quantity", 10**10),
    ],
)  # fmt: skip
def test_a_field_that_makes_no_sense_is_named(field: str, value: Any) -> None:
    """The client learns which field is wrong."""
    with pytest.raises(BadRequest, match=f"^{field}: expected"):
        Order.of({**GOOD, field: value})
