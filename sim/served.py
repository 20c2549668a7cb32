"""Outages, recovery and losses of a night without its ledger: the rules of `harness/steady.py` and `harness/loss.py` over runs.

An observer sends on a fixed schedule, so that which operations fail is known by their numbers: runs `first..end-1`. The answers are those
that `harness.measure` gives for the ledger which `sim/histories.py` writes of the same night; a test holds both together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEAST_BAD_ORDERS, LEAST_BAD_CANARIES = 3, 2  # harness.steady
_ROUNDING = 1e-9
Run = tuple[int, int]


class Stream:
    """Operations of one kind: number k is due at `phase + k * every`, and answered `latency` later if it is in no bad run."""

    __slots__ = ("count", "every_s", "latency_s", "least", "phase_s", "runs", "tolerated")

    def __init__(self, phase_s: float, every_s: float, latency_s: float, *, least: int, success_ratio: float) -> None:
        self.phase_s, self.every_s, self.latency_s = phase_s, every_s, latency_s
        self.least, self.tolerated = least, 1 - success_ratio
        self.count = 0
        self.runs: list[Run] = []

    def observe(self, out: Sequence[tuple[float, float]], until_s: float) -> Stream:
        """What fails while the stack is out, `[from, to)` each; operations due before `until_s` are sent."""
        count = self.index(until_s)
        runs: list[Run] = []
        for from_s, to_s in out:
            first = max(self._after(from_s - self.latency_s), 0)
            end = count if to_s == math.inf else min(self.index(to_s), count)
            if runs and first <= runs[-1][1]:
                first = runs.pop()[0]
            if end > first:
                runs.append((first, end))
        self.count, self.runs = count, runs
        return self

    def cut(self, until_s: float) -> None:
        """Leave out what is due from here on."""
        self.count = self.index(until_s)
        self.runs = [(first, min(end, self.count)) for first, end in self.runs if first < self.count]

    def due_s(self, number: int) -> float:
        return self.phase_s + number * self.every_s

    def index(self, at_s: float) -> int:
        """The first operation that is due at or after this time."""
        phase_s, every_s = self.phase_s, self.every_s
        if at_s <= phase_s:
            return 0
        number = math.ceil((at_s - phase_s) / every_s)
        if phase_s + (number - 1) * every_s >= at_s:  # the division has rounded up across a whole number
            return number - 1
        return number + 1 if phase_s + number * every_s < at_s else number

    def _after(self, at_s: float) -> int:
        number = self.index(at_s)
        return number + (self.due_s(number) <= at_s)

    @property
    def last_due_s(self) -> float:
        return self.due_s(self.count - 1) if self.count else -math.inf

    def bad(self, first: int, end: int) -> int:
        """How many of `first..end-1` are bad."""
        found = 0
        for start, to in self.runs:
            if start < end and to > first:
                found += min(to, end) - max(start, first)
        return found

    def broken(self, first: int, end: int, counted: int | None = None) -> bool:
        bad = self.bad(first if counted is None else counted, end)
        return bad >= self.least and bad * self.every_s > self.tolerated * (end - first) * self.every_s + _ROUNDING

    def between(self, from_s: float, to_s: float) -> tuple[int, int]:
        return min(self.index(from_s), self.count), min(self.index(to_s), self.count)

    def first_break(self, from_s: float, since_s: float, settle_s: float) -> tuple[int, int] | None:
        """The bad operation with which the first outage due at or after `from_s` starts, and the one that proves it."""
        first, counted = self.index(from_s), self.index(since_s)
        window_s = settle_s / self.every_s
        for start, end in self.runs:
            at = max(start, first)
            while at < end:
                window = max(at - math.ceil(window_s - 1e-9) + 1, 0)
                oldest = max(window, counted)
                bad = self.bad(oldest, at + 1)
                need = self.tolerated * (at + 1 - window)
                if bad >= self.least and bad * self.every_s > need * self.every_s + _ROUNDING:
                    return self._start_of(at, start, oldest, first, bad), at
                at += max(self.least - bad, math.floor((need - bad) * (1 - self.tolerated)), 1)
        return None

    def _start_of(self, at: int, start: int, oldest: int, lowest: int, bad: int) -> int:
        row = max(start, oldest, lowest)
        if 2 * (at + 1 - row) >= bad:
            return row
        least = max(oldest, lowest)
        return next(max(first, least) for first, end in self.runs if end > least)

    def last_bad(self, first: int, end: int) -> int | None:
        found = None
        for start, to in self.runs:
            if start < end and to > first:
                found = min(to, end) - 1
        return found

    def next_good(self, number: int) -> int | None:
        for start, end in self.runs:
            if start <= number < end:
                number = end
        return number if number < self.count else None

    def previous_good(self, number: int) -> int | None:
        for start, end in reversed(self.runs):
            if start <= number < end:
                number = start - 1
        return number if number >= 0 else None

    def seen_good_s(self, from_s: float, before_s: float) -> float | None:
        """The first answer in time since the last bad operation due in `[from, before)`; minus infinity when none was bad."""
        last = self.last_bad(*self.between(from_s, before_s))
        if last is None:
            return -math.inf
        good = self.next_good(last + 1)
        return None if good is None else self.due_s(good) + self.latency_s


@dataclass(slots=True)
class Service:
    """Both kinds of operations of one night, observed until `until_s`."""

    orders: Stream
    canaries: Stream
    settle_s: float
    until_s: float = math.inf

    def __post_init__(self) -> None:
        self.until_s = max(self.orders.last_due_s, self.canaries.last_due_s)
        self.orders.cut(self.until_s)
        self.canaries.cut(self.until_s)

    def outages(self, after_s: float) -> list[tuple[float, float | None, float]]:
        """Of each outage its start, its end (None: it had none yet) and the earliest time at which it can have ended."""
        found: list[tuple[float, float | None, float]] = []
        from_s = after_s
        while True:
            first: tuple[float, float] | None = None
            for stream in (self.orders, self.canaries):
                if stream.runs and (numbers := stream.first_break(from_s, after_s, self.settle_s)) is not None:
                    start_s = stream.due_s(numbers[0])
                    if first is None or start_s < first[0]:
                        first = (start_s, stream.due_s(numbers[1]))
            if first is None:
                return found
            end_s = self._recovered(*first)
            if end_s is None:
                found.append((first[0], None, self._least_recovered(*first)))
                return found
            found.append((first[0], end_s, end_s))
            from_s = end_s + self.settle_s

    def _candidates(self, from_s: float) -> Iterator[float]:
        """The due times of good orders at which the answer can change: the first after each bad order and each bad canary."""
        numbers = [self.orders.index(from_s), *(end for _, end in self.orders.runs)]
        for _, end in self.canaries.runs:
            numbers += [self.orders.index(self.canaries.due_s(end - back)) + plus for back in (1, 2, 3) for plus in (0, 1)]
        least = numbers[0]
        for number in sorted({good for each in numbers if each >= least and (good := self.orders.next_good(each)) is not None}):
            yield self.orders.due_s(number)

    def _recovered(self, start_s: float, proof_s: float) -> float | None:
        for due_s in self._candidates(proof_s):
            if due_s + self.settle_s > self.until_s:
                return None
            if not self.holds(due_s, self.settle_s):
                continue
            seen_s = self._seen_s(due_s, start_s)
            if seen_s is not None and self.holds(seen_s, self.settle_s):
                return seen_s
        return None

    def _least_recovered(self, start_s: float, proof_s: float) -> float:
        for due_s in self._candidates(proof_s):
            if self._unbroken(due_s, min(due_s + self.settle_s, self.until_s)):
                seen_s = self._seen_s(due_s, start_s)
                return self.until_s if seen_s is None else min(seen_s, self.until_s)
        return self.until_s

    def _seen_s(self, due_s: float, start_s: float) -> float | None:
        orders, canaries = (stream.seen_good_s(start_s, due_s) for stream in (self.orders, self.canaries))
        return None if orders is None or canaries is None else max(due_s, orders, canaries)

    def holds(self, from_s: float, for_s: float) -> bool:
        to_s = from_s + for_s
        if to_s > self.until_s or not self._unbroken(from_s, to_s):
            return False
        first, end = self.canaries.between(from_s, to_s)
        end = min(max(end, first + 1), self.canaries.count)
        return self.canaries.bad(first, end) < end - first

    def _unbroken(self, from_s: float, to_s: float) -> bool:
        first, end = self.orders.between(from_s, to_s)
        return (
            first < end and not self.orders.broken(first, end) and not self.canaries.broken(*self.canaries.between(from_s, to_s))
        )
