"""What must hold of a stack's data whatever was broken: judged from the ledger and from what was read back after recovery.

Pure functions of a history. A check that can't be judged has `ok` None and says why; a check over nothing can't be judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.history import History, Recorder
from harness.loss import acknowledged, lost_orders, read_back_event, read_from_s
from harness.workload.check import Check
from harness.workload.ledger import Ledger, Operation, Outcome
from harness.workload.one_writer import site_checks

STALE_AFTER_S = 30.0  # the risk manager's own default, where the drill's settings don't name `risk.stale_after_s`
_TRANSIT_WALL_S = 1.0  # between the risk check of a signal's order and its arrival at the execution engine
_EXAMPLES = 5
_Seen = TypeVar("_Seen")


@dataclass(frozen=True, slots=True)
class Execution:
    """An executed order as it stands in the database. Times are documented."""

    execution_id: str
    client_order_id: str
    fill_id: str
    symbol: str
    side: str
    quantity: int
    executed_at_s: float
    booked_at_s: float

    @property
    def signed(self) -> int:
        return self.quantity if self.side == "buy" else -self.quantity


@dataclass(frozen=True)
class Evidence:
    """What the checks look at."""

    ledger: Ledger
    executions: Sequence[Execution]
    rows: Mapping[str, Sequence[Sequence[Any]]]
    acknowledged: Sequence[Operation]  # before the reading began
    lost: Sequence[Operation]
    stale_after_s: float
    speed: float

    @classmethod
    def of(cls, history: History) -> Evidence | None:
        """None when nothing was read back."""
        readback = read_back_event(history)
        if readback is None:
            return None
        started = history.first("drill.started")
        drill = started.data if started else {}
        ledger, rows = Ledger.of(history), readback.data["rows"]
        return cls(
            ledger=ledger,
            executions=[Execution(*row) for row in rows["executions"]],
            rows=rows,
            acknowledged=acknowledged(ledger, before_s=read_from_s(readback)),
            lost=lost_orders(ledger, readback),
            stale_after_s=float(drill.get("settings", {}).get("risk.stale_after_s", STALE_AFTER_S)),
            speed=float(drill.get("speed", 1.0)),
        )


def lost_acknowledged_writes(seen: Evidence) -> Check:
    """Every order that was acknowledged is there."""
    if not seen.acknowledged:
        return Check("lost-acknowledged-writes", None, "nothing was acknowledged")
    counts = {"acknowledged": len(seen.acknowledged), "lost": len(seen.lost)}
    return _found("lost-acknowledged-writes", [order.id for order in seen.lost], "acknowledged, and not there", counts)


def unexpected_writes(seen: Evidence) -> Check:
    """Nothing stands under the observer's ids that it never sent, or was told had certainly failed.

    Executions under other ids come from the stack's own signals, or from an operator.
    """
    orders = {order.id: order for order in seen.ledger.orders}
    ours = {_prefix(name) for name in orders}
    present = [each.client_order_id for each in seen.executions if _prefix(each.client_order_id) in ours]
    if not present:
        return _nothing("unexpected-writes")
    never = [name for name in present if name not in orders]
    denied = [name for name in present if name in orders and orders[name].outcome is Outcome.FAIL]
    counts = {"present": len(present), "never_attempted": len(never), "reported_as_failed": len(denied)}
    return _found("unexpected-writes", [*never, *denied], "there, and never attempted or reported as failed", counts)


def duplicates(seen: Evidence) -> Check:
    """No order was executed or filled twice."""
    if not seen.executions:
        return _nothing("duplicates")
    fills = [*seen.rows["fills"], *seen.rows["fills_meanwhile"]]
    twice = {
        *_repeated(each.client_order_id for each in seen.executions),
        *_repeated(each.fill_id for each in seen.executions),
        *_repeated(str(fill[1]) for fill in fills),
    }
    return _found("duplicates", sorted(twice), "more than once", {"executions": len(seen.executions), "duplicates": len(twice)})


def recovered_unknowns(seen: Evidence) -> Check:
    """For information: how many orders without an answer turn out to have been done."""
    if not seen.executions:
        return _nothing("recovered-unknowns")
    present = {each.client_order_id for each in seen.executions}
    unknown = [order.id for order in seen.ledger.orders if order.outcome in (Outcome.INFO, Outcome.OPEN)]
    done = sum(name in present for name in unknown)
    detail = f"{done} of {len(unknown)} orders without an answer were done" if unknown else "every order had an answer"
    return Check("recovered-unknowns", True, detail, {"unknown": len(unknown), "recovered": done})


def positions_equal_executions(seen: Evidence) -> Check:
    """Each position is the sum of its executions."""
    if not seen.executions:
        return _nothing("positions-equal-executions")
    summed: defaultdict[str, int] = defaultdict(int)
    for each in seen.executions:
        summed[each.symbol] += each.signed
    positions = {str(symbol): int(quantity) for symbol, quantity in seen.rows["positions"]}
    symbols = sorted({*summed, *positions})
    wrong = [
        f"{name}: {positions.get(name, 0)}, executions {summed[name]}"
        for name in symbols
        if positions.get(name, 0) != summed[name]
    ]
    return _found("positions-equal-executions", wrong, "different", {"symbols": len(symbols), "different": len(wrong)})


def executions_equal_fills(seen: Evidence) -> Check:
    """Every execution is a fill of the broker's, and every fill was booked."""
    settled = {str(fill[1]): tuple(fill[:5]) for fill in seen.rows["fills"]}
    fills = settled | {str(fill[1]): tuple(fill[:5]) for fill in seen.rows["fills_meanwhile"]}
    if not seen.executions and not settled:
        return _nothing("executions-equal-fills")
    booked = {
        each.client_order_id: (each.fill_id, each.client_order_id, each.symbol, each.side, each.quantity)
        for each in seen.executions
    }
    invented = sorted(booked.keys() - fills.keys())
    different = sorted(name for name in booked.keys() & fills.keys() if booked[name] != fills[name])
    unbooked = sorted(settled.keys() - booked.keys())
    counts = {
        "executions": len(booked), "fills": len(settled),
        "without_fill": len(invented), "different": len(different), "not_booked": len(unbooked),
    }  # fmt: skip
    return _found("executions-equal-fills", [*invented, *different, *unbooked], "not the same at the broker", counts)


def nothing_executed_while_halted(seen: Evidence) -> Check:
    """Between a halt and its end the broker filled nothing for us."""
    if not seen.executions:
        return _nothing("nothing-executed-while-halted")
    halts, since_s = [], None
    for at_s, halted in seen.rows["halts"]:
        if halted and since_s is None:
            since_s = float(at_s)
        elif not halted and since_s is not None:
            halts.append((since_s, float(at_s)))
            since_s = None
    if since_s is not None:
        halts.append((since_s, float("inf")))
    wrong = [each.client_order_id for each in seen.executions if any(start < each.executed_at_s < end for start, end in halts)]
    counts = {"executions": len(seen.executions), "halts": len(halts), "while_halted": len(wrong)}
    return _found("nothing-executed-while-halted", wrong, "executed while trading was halted", counts)


def no_stale_order(seen: Evidence) -> Check:
    """No order was executed on a price that was older than the limit when the order was sent.

    For an order that the observer did not send, the latest instant of its risk check is not known: it is given what the way from
    there to the execution engine can take.
    """
    if not seen.executions:
        return _nothing("no-stale-order")
    sent_s = {order.id: order.intended_s for order in seen.ledger.orders}
    transit_s = _TRANSIT_WALL_S * seen.speed
    executed = {each.client_order_id for each in seen.executions}
    ages = {
        name: sent_s.get(name, placed_at_s - transit_s) - price_at_s
        for name, _, _, price_at_s, placed_at_s in seen.rows["orders"]
        if name in executed
    }
    wrong = sorted(name for name, age_s in ages.items() if age_s > seen.stale_after_s)
    counts = {"executed": len(ages), "stale": len(wrong)}
    return _found("no-stale-order", wrong, f"executed on a price older than {seen.stale_after_s:g} s", counts)


def risk_limit_held(seen: Evidence) -> Check:
    """No order, and no position after any execution, exceeded the limits as they stood when the data were read back."""
    limits = {str(name): float(value) for name, value in seen.rows["limits"]}
    if not seen.executions:
        return _nothing("risk-limit-held")
    if not {"max_order_quantity", "max_position"} <= limits.keys():
        return Check("risk-limit-held", None, "the limits were not in the database")
    positions: defaultdict[str, int] = defaultdict(int)
    wrong = []
    for each in sorted(seen.executions, key=lambda one: one.booked_at_s):
        before = abs(positions[each.symbol])
        positions[each.symbol] += each.signed
        after = abs(positions[each.symbol])
        if each.quantity > limits["max_order_quantity"] or (after > limits["max_position"] and after > before):
            wrong.append(each.client_order_id)
    return _found("risk-limit-held", wrong, "beyond a limit", {"executions": len(seen.executions), "beyond": len(wrong)})


CHECKS: Mapping[str, Callable[[Evidence], Check]] = {
    "lost-acknowledged-writes": lost_acknowledged_writes,
    "unexpected-writes": unexpected_writes,
    "duplicates": duplicates,
    "recovered-unknowns": recovered_unknowns,
    "positions-equal-executions": positions_equal_executions,
    "executions-equal-fills": executions_equal_fills,
    "nothing-executed-while-halted": nothing_executed_while_halted,
    "no-stale-order": no_stale_order,
    "risk-limit-held": risk_limit_held,
}


def check_all(history: History) -> list[Check]:
    """Every check, in a fixed order. A check that crashes could not be judged. Empty when nothing was read back."""
    try:
        seen = Evidence.of(history)
    except Exception as error:  # noqa: BLE001 -- whatever is wrong with the reading, no check can be judged
        return [Check(name, None, f"what was read back can't be used: {error!r}") for name in CHECKS]
    if seen is None:
        return []
    of_sites = [_guarded(name, check, history) for name, check in site_checks(history)]
    return [*(_guarded(name, check, seen) for name, check in CHECKS.items()), *of_sites]


def record_checks(history: History, recorder: Recorder) -> list[Check]:
    """Run every check on the history so far, and record each as `check.finished`."""
    checks = check_all(history)
    for check in checks:
        recorder.record("check.finished", check.name, ok=check.ok, detail=check.detail, counts=dict(check.counts))
    return checks


def _guarded(name: str, check: Callable[[_Seen], Check], seen: _Seen) -> Check:
    try:
        return check(seen)
    except Exception as error:  # noqa: BLE001 -- a check that crashes has judged nothing; it must not end the others
        return Check(name, None, f"the check crashed: {error!r}")


def _found(name: str, wrong: Sequence[str], what: str, counts: Mapping[str, int]) -> Check:
    if not wrong:
        return Check(name, True, f"none {what}", counts)
    more = f" and {len(wrong) - _EXAMPLES} more" if len(wrong) > _EXAMPLES else ""
    return Check(name, False, f"{len(wrong)} {what}: {', '.join(wrong[:_EXAMPLES])}{more}", counts)


def _nothing(name: str) -> Check:
    return Check(name, None, "nothing was written")


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _prefix(client_order_id: str) -> str:
    """`drill-o-000001` -> `drill-o-`: what the observer of one drill puts in front of its numbers."""
    return client_order_id.rstrip("0123456789")
