"""Claims about the risk limits."""

from __future__ import annotations

import pytest

from fakes.services.errors import Rejected
from fakes.services.limits import HELD_FOR_S, Limits, Reservations
from fakes.services.orders import Order, Side

LIMITS = Limits(max_order_quantity=100, max_position=250)


def order(name: str, quantity: int, side: Side = "buy", symbol: str = "EURUSD") -> Order:
    return Order(name, symbol, side, quantity)


@pytest.mark.parametrize(
    ("quantity", "side", "position", "in_flight"),
    [(100, "buy", 150, 0), (100, "sell", -150, 0), (100, "buy", -400, 0), (50, "buy", 100, 100), (100, "sell", 400, 0)],
)
def test_approves_what_stays_within_the_limits_or_leads_back_to_them(
    quantity: int, side: Side, position: int, in_flight: int
) -> None:
    """The limit itself is allowed, and so is making a position smaller that is over it."""
    LIMITS.check(order("a", quantity, side), position, in_flight)


@pytest.mark.parametrize(
    ("quantity", "side", "position", "in_flight", "reason"),
    [
        (101, "buy", 0, 0, "max_order_quantity"),
        (100, "buy", 151, 0, "max_position"),
        (100, "sell", -151, 0, "max_position"),
        (51, "buy", 100, 100, "max_position"),
        (1, "buy", 250, 0, "max_position"),
    ],
)
def test_refuses_what_goes_beyond_them(quantity: int, side: Side, position: int, in_flight: int, reason: str) -> None:
    """In either direction, and counting what is in flight."""
    with pytest.raises(Rejected) as rejected:
        LIMITS.check(order("a", quantity, side), position, in_flight)
    assert rejected.value.reason == reason


def test_counts_what_is_in_flight_in_the_same_symbol_and_direction() -> None:
    """An order the other way may fail: it makes no room. Neither does another symbol, nor the order itself."""
    reservations = Reservations()
    for held in (order("a", 10), order("b", 20), order("c", 40, "sell"), order("d", 80, symbol="GBPUSD")):
        reservations.hold(held, 0)
    before = reservations.on("EURUSD", 0)
    assert reservations.in_flight(order("b", 20), before, executed=[], now_s=0) == 10
    assert reservations.in_flight(order("e", 1), before, executed=["a"], now_s=0) == 20
    assert reservations.in_flight(order("e", 1, "sell"), before, executed=[], now_s=0) == -40


def test_counts_what_another_check_released_meanwhile() -> None:
    """A position that was read before an order was in it goes with the reservations of that moment."""
    reservations = Reservations()
    reservations.hold(order("a", 10), 0)
    before = reservations.on("EURUSD", 0)
    reservations.release("a")
    assert reservations.in_flight(order("b", 1), before, executed=[], now_s=0) == 10


def test_room_is_free_again_when_an_order_failed_or_was_forgotten() -> None:
    """By release, or a documented minute later."""
    reservations = Reservations()
    reservations.hold(order("a", 10), 0)
    reservations.hold(order("b", 20), 0)
    reservations.release("a")
    assert list(reservations.on("EURUSD", HELD_FOR_S)) == ["b"]
    assert reservations.on("EURUSD", HELD_FOR_S + 0.1) == {}
    assert len(reservations) == 0
