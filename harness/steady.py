"""When the stack is in its steady state, and when it was out of it, as its clients see it. Pure functions over operations.

An operation is *good* when it was acknowledged within the limit of the scenario's steady state, else *bad*. A window
`[from, to)` holds the operations that were due in it (`intended_s`).

*Broken*: at least three bad orders that stand for more than the tolerated share (1 - success ratio) of the window's time; for
canaries the same with two. An operation stands for the documented time until the next one is due: where time is accelerated
operations are few and each stands for much, so the share is the same at any speed. Fewer bad operations are isolated failures
and never an outage: in accelerated time one slow answer would already exceed the share.

*Holds*: a window that is not broken, that has an order and a good canary (the next one after it, if none was due in it), and
that was observed to its end.

An *outage* starts when the first bad operation of its first broken stretch was due: of the row of bad ones with which the share
of a settle time was exceeded, if most of the bad time is that row's, else of that settle time. It ends at the first instant at which the stack is seen to work
again and from which the steady state holds for the settle time. Seen: each kind of operation that was bad before has been
acknowledged again. The acknowledgement counts, not the instant when that operation was due, because a stack may hold a
request while it is out and answer it in time afterwards. So an outage's ends are known to one interval of the operations
that showed them, plus the latency of one good operation.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from harness.workload.ledger import Operation, Outcome
from scenarios.model import SteadyState

LEAST_BAD_ORDERS = 3
LEAST_BAD_CANARIES = 2
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A moment in both times, in seconds from the start of the drill."""

    at_s: float  # documented
    wall_s: float


NEVER_OUT = Instant(-math.inf, -math.inf)


@dataclass(frozen=True, slots=True)
class Outage:
    """A period in which the steady state did not hold. Without `end` it had not ended when observation did.

    `least_end_s` is the earliest documented time at which it can have ended: its end where that is known, else the time since
    which all that was seen looked good, else the end of observation.
    """

    start: Instant
    end: Instant | None
    least_end_s: float

    @property
    def start_s(self) -> float:
        return self.start.at_s

    @property
    def end_s(self) -> float | None:
        return None if self.end is None else self.end.at_s

    @property
    def duration_s(self) -> float | None:
        """Documented seconds."""
        return None if self.end is None else self.end.at_s - self.start.at_s


class _Stream:
    """All operations of one kind in the order they were due, with running sums so that any window is judged at once."""

    def __init__(self, operations: Iterable[Operation], *, limit_ms: float, success_ratio: float, least_bad: int) -> None:
        self.operations = sorted(operations, key=lambda operation: operation.intended_s)
        self.due_s = [operation.intended_s for operation in self.operations]
        self.good = [operation.within(limit_ms) for operation in self.operations]
        self._tolerated, self._least_bad = 1 - success_ratio, least_bad
        stands_for_s = [after - before for before, after in pairwise(self.due_s)]
        stands_for_s += stands_for_s[-1:] or [1.0] * len(self.due_s)  # the last one: as the one before it
        self._bad = [0, *accumulate(not good for good in self.good)]
        self._time_s = [0.0, *accumulate(stands_for_s)]
        self._bad_s = [0.0, *accumulate(0.0 if good else each for good, each in zip(self.good, stands_for_s, strict=True))]
        self._row = list(accumulate(self.good, lambda row, good: 0 if good else row + 1, initial=0))
        self._last_bad = list(accumulate(range(len(self.good)), lambda last, at: last if self.good[at] else at, initial=-1))

    def between(self, from_s: float, to_s: float) -> tuple[int, int]:
        """First and end of the operations due in [from, to)."""
        return bisect_left(self.due_s, from_s), bisect_left(self.due_s, to_s)

    def bad(self, first: int, end: int) -> int:
        return self._bad[end] - self._bad[first]

    def broken(self, first: int, end: int, counted: int | None = None) -> bool:
        """Is the window of the operations first..end-1 broken, by the bad ones among them from `counted` on?"""
        since = first if counted is None else counted
        bad_s, of_s = self._bad_s[end] - self._bad_s[since], self._time_s[end] - self._time_s[first]
        return self.bad(since, end) >= self._least_bad and bad_s > self._tolerated * of_s + _ROUNDING

    def first_break(self, from_s: float, since_s: float, settle_s: float) -> tuple[Operation, Operation] | None:
        """The bad operation with which the first outage due at or after `from_s` starts, and the one that proves it.

        Bad operations due before `since_s` are not counted: another outage had them.
        """
        first, counted = bisect_left(self.due_s, from_s), bisect_left(self.due_s, since_s)
        for at in range(first, len(self.due_s)):
            if self.good[at]:
                continue
            window = bisect_right(self.due_s, self.due_s[at] - settle_s)
            oldest = max(window, counted)
            if self.broken(window, at + 1, oldest):
                return self.operations[self._start_of(at, oldest, first)], self.operations[at]
        return None

    def _start_of(self, at: int, oldest: int, lowest: int) -> int:
        """Which bad operation began what `at` proves: the row that `at` ends, if most of the bad time is its; else the oldest one."""
        row = max(at + 1 - self._row[at + 1], oldest, lowest)
        if 2 * (self._bad_s[at + 1] - self._bad_s[row]) >= self._bad_s[at + 1] - self._bad_s[oldest]:
            return row
        return next(each for each in range(max(oldest, lowest), at + 1) if not self.good[each])

    def seen_good(self, from_s: float, before_s: float) -> Instant | None:
        """The first acknowledgement in time since the last bad operation due in [from, before): None when there is none yet.

        Minus infinity when no operation was bad in that time: there is nothing to show.
        """
        first, end = self.between(from_s, before_s)
        last_bad = self._last_bad[end]
        return NEVER_OUT if last_bad < first else min(self._acknowledged(last_bad + 1), default=None)

    def _acknowledged(self, first: int) -> Iterator[Instant]:
        """Acknowledgements in time of the operations from `first` on, as far as one of them can be the earliest."""
        earliest = math.inf
        for at in range(first, len(self.good)):
            if self.due_s[at] >= earliest:
                return
            done_s, wall_s = self.operations[at].done_s, self.operations[at].done_wall_s
            if self.good[at] and done_s is not None and wall_s is not None:
                earliest = min(earliest, done_s)
                yield Instant(done_s, wall_s)


class Observation:
    """Everything the observer saw, ready to be asked about windows and outages.

    It is judged up to `until_s`: the given instant, and no later than the oldest operation that is still open or, without an
    open one, the last of all. What was due from then on may be unfinished.
    """

    def __init__(self, operations: Iterable[Operation], steady: SteadyState, *, until_s: float = math.inf) -> None:
        known = list(operations)
        unfinished = (operation.intended_s for operation in known if operation.outcome is Outcome.OPEN)
        last_s = max((operation.intended_s for operation in known), default=-math.inf)
        self.until_s = min(until_s, last_s, *unfinished)
        judged = [operation for operation in known if operation.intended_s < self.until_s]
        self.orders = _Stream(
            (operation for operation in judged if operation.op == "order"),
            limit_ms=steady.order_within_ms, success_ratio=steady.success_ratio, least_bad=LEAST_BAD_ORDERS,
        )  # fmt: skip
        self.canaries = _Stream(
            (operation for operation in judged if operation.op == "canary"),
            limit_ms=steady.canary_within_ms, success_ratio=steady.success_ratio, least_bad=LEAST_BAD_CANARIES,
        )  # fmt: skip

    def holds(self, from_s: float, for_s: float) -> bool:
        """Does the steady state hold in the whole of [from, from + for)? Not when that was not observed to its end."""
        return (
            from_s + for_s <= self.until_s and self._unbroken(from_s, from_s + for_s) and self._has_canary(from_s, from_s + for_s)
        )

    def _unbroken(self, from_s: float, to_s: float) -> bool:
        first, end = self.orders.between(from_s, to_s)
        return (
            first < end and not self.orders.broken(first, end) and not self.canaries.broken(*self.canaries.between(from_s, to_s))
        )

    def _has_canary(self, from_s: float, to_s: float) -> bool:
        first, end = self.canaries.between(from_s, to_s)
        end = min(max(end, first + 1), len(self.canaries.good))
        return self.canaries.bad(first, end) < end - first

    def recovered(self, out_since_s: float, from_s: float, settle_s: float) -> Instant | None:
        """The first instant at which the stack is seen to work again, and from which the steady state holds for the settle time.

        The outage began at `out_since_s`; good orders due from `from_s` on are looked at. None when there is no such instant yet.
        """
        for order in self._good_orders(from_s):
            if order.intended_s + settle_s > self.until_s:
                return None
            if not self.holds(order.intended_s, settle_s):
                continue
            seen = self._seen_at(order, out_since_s)
            if seen is not None and self.holds(seen.at_s, settle_s):
                return seen
        return None

    def _least_recovered_s(self, out_since_s: float, from_s: float, settle_s: float) -> float:
        """The earliest instant at which the outage can have ended, for all that was seen so far."""
        for order in self._good_orders(from_s):
            if self._unbroken(order.intended_s, min(order.intended_s + settle_s, self.until_s)):
                seen = self._seen_at(order, out_since_s)
                return self.until_s if seen is None else min(seen.at_s, self.until_s)
        return self.until_s

    def _good_orders(self, from_s: float) -> Iterator[Operation]:
        first, _ = self.orders.between(from_s, from_s)
        return (self.orders.operations[at] for at in range(first, len(self.orders.good)) if self.orders.good[at])

    def _seen_at(self, order: Operation, out_since_s: float) -> Instant | None:
        due = Instant(order.intended_s, order.intended_wall_s)
        orders = self.orders.seen_good(out_since_s, order.intended_s)
        canaries = self.canaries.seen_good(out_since_s, order.intended_s)
        return None if orders is None or canaries is None else max(due, orders, canaries)

    def outages(self, after_s: float, settle_s: float) -> list[Outage]:
        """Every outage that started at or after this documented time; at most the last of them has no end."""
        found: list[Outage] = []
        from_s = after_s
        while True:
            breaks = [stream.first_break(from_s, after_s, settle_s) for stream in (self.orders, self.canaries)]
            first = min((each for each in breaks if each is not None), key=lambda each: each[0].intended_s, default=None)
            if first is None:
                return found
            start, proof = first
            end = self.recovered(start.intended_s, proof.intended_s, settle_s)
            least_s = self._least_recovered_s(start.intended_s, proof.intended_s, settle_s) if end is None else end.at_s
            found.append(Outage(Instant(start.intended_s, start.intended_wall_s), end, least_s))
            if end is None:
                return found
            from_s = end.at_s + settle_s  # until then it held; what was bad before is out of reach from there


def outages(operations: Iterable[Operation], steady: SteadyState, *, after_s: float, until_s: float = math.inf) -> list[Outage]:
    """Every outage that started at or after `after_s`, first to last."""
    return Observation(operations, steady, until_s=until_s).outages(after_s, steady.settle_s)


def outage(operations: Iterable[Operation], steady: SteadyState, *, after_s: float, until_s: float = math.inf) -> Outage | None:
    """The first outage that started at or after `after_s`, or None."""
    return next(iter(outages(operations, steady, after_s=after_s, until_s=until_s)), None)


def recovered_at(
    operations: Iterable[Operation], steady: SteadyState, *, after_s: float, until_s: float = math.inf
) -> float | None:
    """The documented time at which the first outage since `after_s` ended; None while it lasts, and when there was none.

    For a conductor that waits for recovery: give `until_s`, the instant up to which every operation is finished. The cost is that
    of all operations given, so ask `steady_since` first, which looks only at the last ones.
    """
    found = outage(operations, steady, after_s=after_s, until_s=until_s)
    return None if found is None else found.end_s


def steady_since(
    operations: Sequence[Operation], steady: SteadyState, *, hold_s: float, until_s: float = math.inf
) -> float | None:
    """A documented time at least `hold_s` ago since which the steady state has been holding, or None.

    `operations` in the order of their ends, as an observer tells them; only the last ones are looked at.
    """
    if not operations:
        return None
    until_s = min(until_s, operations[-1].intended_s)
    recent: list[Operation] = []
    canary_s = -math.inf
    for operation in reversed(operations):
        recent.append(operation)
        if operation.op == "canary" and operation.intended_s < until_s:
            canary_s = max(canary_s, operation.intended_s)
        from_s = min(until_s - hold_s, canary_s)  # at least one canary must lie in it
        if operation.done_s is not None and operation.done_s < from_s:
            return from_s if Observation(recent, steady, until_s=until_s).holds(from_s, until_s - from_s) else None
    return None  # nothing had ended before: it was not observed for long enough
