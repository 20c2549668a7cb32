"""What a night came to: the measures of `harness.measure`, and where the time went until recovery, straight from the night."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim import plan as at
from sim.night import Night
from sim.parts import FLAG
from sim.served import LEAST_BAD_CANARIES, LEAST_BAD_ORDERS, Service, Stream
from sim.updates import Posted, Told, posted, told

NONE = math.nan
_AFTER_S = 1.0  # the observer goes on so long after all is known
AFTER_END_S = 2.0  # a history ends so long after observation (sim/histories.py)


@dataclass(slots=True)
class Tally:
    """Seconds; nan for what never came. `spent_s` follows `Plan.segments` and adds up to `recover_s`."""

    detect_s: float
    acknowledge_s: float
    mitigate_s: float
    recover_s: float
    recover_least_s: float
    recovery_point_s: float
    lost: float
    outage_s: float
    outages: int
    out_at_end: bool
    witnesses: int
    flags: int
    level: int
    hour: float
    observed_s: float
    spent_s: list[float]
    told: Told | None  # of status updates; None: nobody is asked for any


def streams(night: Night) -> tuple[Stream, Stream]:
    """The observer's schedule in this night."""
    load, row, base = night.plan.load, night.row, len(night.plan.draws.mu)
    orders = Stream(
        row[base + at.ORDER_PHASE] * load.order_every_s, load.order_every_s, min(row[at.ORDER_MS], 0.4), least=LEAST_BAD_ORDERS,
        success_ratio=load.success_ratio,
    )  # fmt: skip
    canaries = Stream(
        row[base + at.CANARY_PHASE] * load.canary_every_s, load.canary_every_s, min(row[at.CANARY_MS], 1.0), least=LEAST_BAD_CANARIES,
        success_ratio=load.success_ratio,
    )  # fmt: skip
    return orders, canaries


def observation(night: Night) -> tuple[float, Posted]:
    """When the drill ends, and the status updates that were posted until then: the end is waited for until it has been told."""
    until_s = served_until_s(night)
    if not night.plan.updates:
        return until_s, Posted((), False)
    return _until_told(night, until_s, Service(*sent(night, until_s), night.plan.load.settle_s).outages(night.injected_s))


def _until_told(night: Night, until_s: float, outages: list[tuple[float, float | None, float]]) -> tuple[float, Posted]:
    ended_s = outages[-1][1] if outages else None
    updates = posted(night, None if ended_s is None else ended_s + night.plan.load.settle_s, until_s)
    return max(until_s, updates.at_s[-1] + _AFTER_S) if updates.resolved else until_s, updates


def served_until_s(night: Night) -> float:
    """When all is done, and service seen to hold for the settle time; or nobody waits any longer."""
    plan = night.plan
    if night.injected_s == math.inf:
        return night.begin_s + plan.give_up_after_s
    last_s = night.injected_s + plan.give_up_after_s
    if night.changes and (night.changes[-1][1] or night.changes[-1][2]):
        return last_s
    served_s = night.changes[-1][0] if night.changes else night.injected_s
    enough_s = served_s + plan.load.settle_s + 2 * plan.load.canary_every_s + 2 * plan.load.order_every_s + _AFTER_S
    return min(max(enough_s, (night.procedure_ended_s or 0.0) + _AFTER_S), last_s)


def sent(night: Night, until_s: float) -> tuple[Stream, Stream]:
    """The operations of this night, orders and canaries, as they were sent until then."""
    orders, canaries = streams(night)
    return orders.observe(_out(night.changes, 1), until_s), canaries.observe(_out(night.changes, 2), until_s)


def _out(changes: list[tuple[float, bool, bool]], index: int) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    since_s: float | None = None
    for change in changes:
        if change[index] and since_s is None:
            since_s = change[0]
        elif not change[index] and since_s is not None:
            found.append((since_s, change[0]))
            since_s = None
    if since_s is not None:
        found.append((since_s, math.inf))
    return found


def tally(night: Night) -> Tally:
    """Measure a night."""
    served_s = served_until_s(night)
    orders, canaries = sent(night, served_s)
    injected_s = night.injected_s
    (lost, point_s), witnesses = losses(night, orders), _witnesses(orders, injected_s)
    service = Service(
        orders, canaries, night.plan.load.settle_s
    )  # it leaves out the last operation, which harness.steady does not judge
    outages = service.outages(injected_s)
    recover_s, least_s = _recovery(night, service, outages)
    until_s, updates = _until_told(night, served_s, outages)
    flags = night.flags | (FLAG["recovered"] if not math.isnan(recover_s) else FLAG["given-up"])
    flags |= (FLAG["never-paged"] if night.paged_s is None else 0) | (FLAG["writes-lost"] if lost > 0 else 0)
    out_at_end = bool(outages) and outages[-1][1] is None
    fired_s = night.fired_s if night.fired_s is not None and night.fired_s <= until_s else None
    acknowledged = fired_s is not None and night.acknowledged_s is not None and night.acknowledged_s <= until_s
    done = night.procedure_done_s is not None and night.mitigated_s is not None and night.procedure_done_s <= until_s
    return Tally(
        NONE if fired_s is None else fired_s - injected_s,
        night.acknowledged_s - fired_s if acknowledged else NONE,  # type: ignore[operator]  # both are there
        night.mitigated_s - injected_s if done else NONE,  # type: ignore[operator]
        recover_s, least_s, point_s, lost,
        NONE if out_at_end else sum(end_s - start_s for start_s, end_s, _ in outages if end_s is not None), len(outages), out_at_end,
        witnesses if readable(night) else 0, flags, night.level, night.hour,
        until_s - injected_s, _spent(night, recover_s, until_s),
        told(updates, injected_s, injected_s + recover_s, until_s + AFTER_END_S) if night.plan.updates else None,
    )  # fmt: skip


def _recovery(night: Night, service: Service, outages: list[tuple[float, float | None, float]]) -> tuple[float, float]:
    injected_s, last_s = night.injected_s, night.last_injected_s
    if not outages:
        return (0.0, 0.0) if service.holds(last_s, service.settle_s) else (NONE, NONE)
    outage = next((each for each in outages if each[1] is None or each[1] > last_s), outages[-1])
    return (NONE, max(outage[2] - injected_s, 0.0)) if outage[1] is None else (outage[1] - injected_s, outage[1] - injected_s)


def readable(night: Night) -> bool:
    """Could the database be read when the drill ended?"""
    return night.readable_s <= served_until_s(night)


def lost_numbers(night: Night, orders: Stream) -> list[range]:
    """The numbers of the orders that each cut-over lost: acknowledged, and not in the copy that took over."""
    found = []
    for _, from_s, to_s in night.cutovers:
        first, end = (max(orders.index(at_s - orders.latency_s + 1e-9), 0) for at_s in (from_s, to_s))
        found.append(range(first, min(end, orders.count)))
    return found


def losses(night: Night, orders: Stream) -> tuple[float, float]:
    """Count of lost writes and recovery point of a night: of several cut-overs the largest. Nan while nothing can be read."""
    if not readable(night):
        return NONE, NONE
    count, point_s = 0, 0.0
    for (cut_s, _, _), numbers in zip(night.cutovers, lost_numbers(night, orders), strict=True):
        good = len(numbers) - orders.bad(numbers.start, numbers.stop)
        if good <= 0:
            continue
        count += good
        oldest = orders.next_good(numbers.start)
        last = orders.previous_good(min(orders.index(cut_s - orders.latency_s + 1e-12), orders.count) - 1)
        if oldest is not None and last is not None:
            point_s = max(point_s, (last - oldest) * orders.every_s)
    return count, point_s


def _witnesses(orders: Stream, injected_s: float) -> int:
    first, end = (min(orders.index(at_s - orders.latency_s), orders.count) for at_s in (injected_s - 5.0, injected_s))
    return end - first - orders.bad(first, end)


def _spent(night: Night, recover_s: float, until_s: float) -> list[float]:
    """Seconds of each segment until recovery, or until the end of observation where it never came."""
    spent = [0.0] * len(night.plan.segments)
    path = night.path
    end_s = until_s if math.isnan(recover_s) else night.injected_s + recover_s
    for number, (since_s, segment) in enumerate(path):
        if since_s >= end_s:
            break
        to_s = path[number + 1][0] if number + 1 < len(path) else end_s
        spent[segment] += min(to_s, end_s) - since_s
    return spent
