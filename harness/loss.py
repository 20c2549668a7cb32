"""Which acknowledged writes did not survive, and how far back the recovered data reach.

A write is an order; its acknowledgement is the instant at which the client had the answer. What counts as there is what was
read back straight from the database after recovery. Writes acknowledged after the reading began are left out.

The recovery point of one cut-over (of the service address that was read back) is the last acknowledgement before it minus the acknowledgement of the oldest write
that it lost. With several cut-overs each has its own, for the writes acknowledged since the one before; the largest counts.
Lost writes that no cut-over followed are measured to the last acknowledgement before the outage ended (when it never did: of
all), or to the newest lost write if that is later. So one lost write can mean a recovery point of 0 s: a limit of 0 is
judged by the number of lost writes as well.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.history import Event, History
from harness.steady import Instant, Outage
from harness.workload.ledger import Ledger, Operation

WITNESS_S = 5.0  # acknowledged writes of so long before the injection could have shown a loss


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost. `documented_s` and `wall_s` are the recovery point; `witnesses` could have shown a loss."""

    lost: tuple[str, ...]  # client_order_ids, the oldest first
    documented_s: float
    wall_s: float
    witnesses: int


def read_back_event(history: History) -> Event | None:
    """The last complete reading of the data after recovery."""
    return history.last("readback.orders")


def read_from_s(readback: Event) -> float:
    """When the reading began: what was acknowledged later need not be in it."""
    return float(readback.data.get("began_s", readback.at_s))


def lost_orders(ledger: Ledger, readback: Event) -> list[Operation]:
    """Orders acknowledged before the reading began that it did not find, the oldest acknowledgement first."""
    present = set(readback.data["present"])
    return [order for order in acknowledged(ledger, before_s=read_from_s(readback)) if order.id not in present]


def acknowledged(ledger: Ledger, *, before_s: float = math.inf) -> list[Operation]:
    """Orders that the stack acknowledged, in the order of the acknowledgements."""
    found = (order for order in ledger.done if order.op == "order" and order.acknowledged and _when(order).at_s <= before_s)
    return sorted(found, key=_when)


def measure_loss(history: History, ledger: Ledger, injected: Event, outages: Sequence[Outage]) -> Loss | None:
    """The loss of a drill; None when nothing was read back, or no write had been acknowledged by then."""
    readback = read_back_event(history)
    acks = acknowledged(ledger, before_s=read_from_s(readback)) if readback else []
    if readback is None or not acks:
        return None
    lost = lost_orders(ledger, readback)
    first_s = injected.at_s - WITNESS_S
    witnesses = sum(first_s <= _when(order).at_s < injected.at_s for order in acks)
    cutovers = [event for event in history.of_kind("cutover") if event.subject == readback.subject]
    points = list(_points([_when(order) for order in acks], [_when(order) for order in lost], cutovers, outages))
    documented_s = max((last.at_s - oldest.at_s for oldest, last in points), default=0.0)
    wall_s = max((last.wall_s - oldest.wall_s for oldest, last in points), default=0.0)
    return Loss(tuple(order.id for order in lost), documented_s, wall_s, witnesses)


def _points(
    acks: Sequence[Instant], lost: Sequence[Instant], cutovers: Iterable[Event], outages: Sequence[Outage]
) -> Iterable[tuple[Instant, Instant]]:
    """For each stretch of time that lost writes: its oldest lost one, and the last acknowledgement it is measured to."""
    since_s = -math.inf
    for cutover in cutovers:
        here = [each for each in lost if since_s < each.at_s <= cutover.at_s]
        if here:
            yield here[0], acks[bisect_right(acks, Instant(cutover.at_s, math.inf)) - 1]
        since_s = cutover.at_s
    rest = [each for each in lost if each.at_s > since_s]
    if rest:
        outage = next((each for each in outages if each.end is None or each.end.at_s > rest[0].at_s), None)
        if outage is None:
            yield rest[0], rest[-1]
        else:
            until = Instant(math.inf, math.inf) if outage.end is None else Instant(outage.end.at_s, -math.inf)
            before = acks[: bisect_right(acks, until)]
            yield rest[0], max(rest[-1], before[-1]) if before else rest[-1]


def _when(order: Operation) -> Instant:
    return Instant(order.done_s or 0.0, order.done_wall_s or 0.0)
