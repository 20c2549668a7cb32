"""Booking: what stands in Postgres for an executed order, written in one transaction.

Order, execution, position and the outbox entry that the bus is fed from are written together or not at all. Orders of one
symbol take turns, so the position that an order is checked against is the one it will be added to.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.rows import TupleRow

from fakes.services.database import Session
from fakes.services.errors import DependencyDown, Rejected
from fakes.services.limits import Limits
from fakes.services.orders import Order

_STATE: LiteralString = """
    SELECT h.halted, coalesce(p.quantity, 0), r.value, e.execution_id, e.client_order_id, e.fill_id, e.symbol, e.side,
           e.quantity, e.price, e.executed_at_s
    FROM trading_halt h
    LEFT JOIN positions p ON p.symbol = %s
    LEFT JOIN risk_settings r ON r.name = 'max_position'
    LEFT JOIN executions e ON e.client_order_id = %s
    FOR SHARE OF h"""
_ADD_TO_POSITION: LiteralString = """
    INSERT INTO positions VALUES (%s, %s, %s) ON CONFLICT (symbol)
    DO UPDATE SET quantity = positions.quantity + excluded.quantity, updated_at_s = excluded.updated_at_s"""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what an order was approved."""

    price: float
    price_at_s: float
    source: str
    placed_at_s: float


@dataclass(frozen=True, slots=True)
class Execution:
    """An executed order; times are documented."""

    execution_id: str
    client_order_id: str
    fill_id: str
    symbol: str
    side: str
    quantity: int
    price: float
    executed_at_s: float

    @classmethod
    def of(cls, order: Order, fill: Mapping[str, Any]) -> Execution:
        """What the broker's fill of an order becomes."""
        execution_id = f"E-{uuid.uuid4().hex}"
        price, at_s = float(fill["price"]), float(fill["at_s"])
        return cls(
            execution_id, order.client_order_id, str(fill["fill_id"]), order.symbol, order.side, order.quantity, price, at_s
        )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "status": "filled"}

    def is_of(self, order: Order) -> bool:
        return (self.symbol, self.side, self.quantity) == (order.symbol, order.side, order.quantity)


async def begin(session: Session, order: Order, *, settling: bool = False) -> Execution | None:
    """Open the transaction: the order's execution if there is one already, None if the order may be executed now.

    From here to the end of the transaction no halt is acknowledged and no other order of the symbol gets in between.
    Raises Rejected (halt, limit, an id used twice) or DependencyDown. `settling` books what the broker has filled already:
    neither a halt nor a limit undoes that.
    """
    _, _, rows = await session.batch(
        [
            ("BEGIN", ()),
            ("SELECT pg_advisory_xact_lock(hashtext(%s))", (order.symbol,)),
            (_STATE, (order.symbol, order.client_order_id)),
        ]
    )
    return _judge(order, rows, settling=settling)


def _judge(order: Order, rows: list[TupleRow], *, settling: bool) -> Execution | None:
    if not rows or rows[0][2] is None:
        raise DependencyDown("postgres", "the halt and the limits are not there: is the schema loaded?")
    halted, position, max_position, *known = rows[0]
    if known[0] is not None:
        execution = Execution(*known)
        if not execution.is_of(order):
            raise Rejected("client_order_id_reused", f"{order.client_order_id} was another order")
        return execution
    if settling:
        return None
    if halted:
        raise Rejected("trading_halted", "trading is halted")
    Limits(max_order_quantity=float("inf"), max_position=max_position).check(order, position, in_flight=0)
    return None


async def commit(session: Session, execution: Execution, terms: Terms, now_s: float) -> None:
    """Book the execution and end the transaction. Raises DependencyDown: then nobody knows whether it is booked."""
    signed = execution.quantity if execution.side == "buy" else -execution.quantity
    client_order_id, symbol, side, quantity = execution.client_order_id, execution.symbol, execution.side, execution.quantity
    try:
        await session.batch(
            [
                (
                    "INSERT INTO orders VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    (client_order_id, symbol, side, quantity, terms.source, terms.price_at_s, terms.placed_at_s),
                ),
                (
                    "INSERT INTO executions VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        execution.execution_id, client_order_id, execution.fill_id, symbol, side, quantity,
                        execution.price, execution.executed_at_s, now_s,
                    ),
                ),
                (_ADD_TO_POSITION, (symbol, signed, now_s)),
                ("INSERT INTO outbox (execution_id) VALUES (%s)", (execution.execution_id,)),
                ("COMMIT", ()),
            ]
        )  # fmt: skip
    except DependencyDown as down:
        raise DependencyDown(down.dependency, down.why, "unknown") from down
    except psycopg.errors.UniqueViolation as error:
        rejected = Rejected("client_order_id_reused", f"{client_order_id} was another order")
        rejected.outcome = "unknown"  # the broker has filled it
        raise rejected from error
