"""Claims about the journal of orders between the broker and the book."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from fakes.services.bookings import Terms
from fakes.services.intents import Intents
from fakes.services.orders import Order

TERMS = Terms(price=1.08, price_at_s=1.0, source="client", placed_at_s=2.0)
A, B = Order("a", "EURUSD", "buy", 1), Order("b", "EURUSD", "sell", 2)


def test_what_was_open_when_the_engine_died_is_in_doubt(tmp_path: Path) -> None:
    """A successor finds exactly the orders that were neither booked nor struck out."""
    with closing(Intents(tmp_path / "intents")) as earlier:
        earlier.add(A, TERMS)
        earlier.add(B, TERMS)
        earlier.strike("a")
        assert len(earlier) == 0
    with closing(Intents(tmp_path / "intents")) as later:
        assert later.doubtful() == [(B, TERMS)]
        assert later.doubt.is_set()
        later.strike("b")
        assert not later.doubt.is_set()
    with closing(Intents(tmp_path / "intents")) as last:
        assert last.doubtful() == []


def test_only_an_open_order_can_be_doubted(tmp_path: Path) -> None:
    """One that is booked meanwhile is beyond doubt."""
    with closing(Intents(tmp_path / "intents")) as intents:
        intents.add(A, TERMS)
        intents.doubted("a")
        assert intents.doubtful() == [(A, TERMS)]
        intents.strike("a")
        intents.doubted("a")
        assert intents.doubtful() == []


def test_a_second_try_of_an_open_order_is_not_new(tmp_path: Path) -> None:
    """Then the failure of the second says nothing of the first."""
    with closing(Intents(tmp_path / "intents")) as intents:
        assert intents.add(A, TERMS)
        assert not intents.add(A, TERMS)


def test_the_oldest_doubt_is_settled_first(tmp_path: Path) -> None:
    """In whatever order they came to be in doubt."""
    orders = [Order(f"o-{number}", "EURUSD", "buy", 1) for number in range(20)]
    with closing(Intents(tmp_path / "intents")) as intents:
        for order in orders:
            intents.add(order, TERMS)
        for order in reversed(orders):
            intents.doubted(order.client_order_id)
        assert [order for order, _ in intents.doubtful()] == orders
