"""Time series in memory, with the documented time of each sample in whole milliseconds, as Prometheus keeps it.

A series that disappears from its target gets a staleness marker, so that it is gone from the next evaluation on and not
only after the five minutes for which a last value counts.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from harness.monitor.labels import NAME, Labels, value_of

LOOKBACK_S = 300.0  # how long the last value of a series counts
_CACHED_SELECTIONS = 1000


def to_ms(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


@lru_cache(1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label. Regular expressions match whole values; a label that is missing is empty."""

    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str

    def accepts(self, labels: Labels) -> bool:
        seen = value_of(labels, self.name)
        if self.op in ("=", "!="):
            return (seen == self.value) == (self.op == "=")
        return (_pattern(self.value).fullmatch(seen) is not None) == (self.op == "=~")


class Series:
    """The samples of one label set, oldest first."""

    __slots__ = ("_stale", "labels", "times", "values")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.times = array("q")
        self.values = array("d")
        self._stale: set[int] = set()  # times of staleness markers; the value there is a NaN

    def append(self, at_ms: int, value: float) -> None:
        """Add a sample. One that is not newer than the newest is dropped, as Prometheus does."""
        if not self.times or at_ms > self.times[-1]:
            self.times.append(at_ms)
            self.values.append(value)

    def end(self, at_ms: int) -> None:
        """Put a staleness marker, unless there is one or something newer."""
        if self.times and at_ms > self.times[-1] and self.times[-1] not in self._stale:
            self._stale.add(at_ms)
            self.append(at_ms, float("nan"))

    def latest(self, at_ms: int, oldest_ms: int) -> tuple[int, float] | None:
        """Time and value of the newest sample from `oldest_ms` to `at_ms`, both included. None: there is none, or it ended."""
        times = self.times
        if not times:
            return None
        index = len(times) - 1 if times[-1] <= at_ms else bisect_right(times, at_ms) - 1
        if index < 0 or times[index] < oldest_ms or times[index] in self._stale:
            return None
        return times[index], self.values[index]

    def window(self, at_ms: int, oldest_ms: int) -> tuple[Sequence[int], Sequence[float]]:
        """Times and values from `oldest_ms` to `at_ms`, both included, without staleness markers."""
        first, last = bisect_left(self.times, oldest_ms), bisect_right(self.times, at_ms)
        times, values = self.times[first:last], self.values[first:last]
        if self._stale and not self._stale.isdisjoint(times):
            kept = [index for index, time in enumerate(times) if time not in self._stale]
            return [times[index] for index in kept], [values[index] for index in kept]
        return times, values

    def forget(self, before_ms: int) -> None:
        """Drop what is older; the newest sample stays, unless the series has ended."""
        count = bisect_left(self.times, before_ms)
        if count == len(self.times) and count and self.times[-1] not in self._stale:
            count -= 1
        del self.times[:count]
        del self.values[:count]
        self._stale = {time for time in self._stale if time >= before_ms}


class SeriesStore:
    """All series, found by their matchers. Samples older than the retention are dropped by `forget`."""

    def __init__(self, *, retention_s: float = 7200.0) -> None:
        self._retention_ms = to_ms(retention_s)
        self._by_name: dict[str, dict[Labels, Series]] = {}
        self._selections: dict[tuple[Matcher, ...], list[Series]] = {}

    def series(self, labels: Labels) -> Series:
        """The series of a label set, made when it is new."""
        named = self._by_name.setdefault(value_of(labels, NAME), {})
        found = named.get(labels)
        if found is None:
            found = named[labels] = Series(labels)
            self._selections.clear()
        return found

    def select(self, matchers: tuple[Matcher, ...]) -> list[Series]:
        """Every series that all matchers accept. The list is shared: do not change it."""
        found = self._selections.get(matchers)
        if found is None:
            found = [series for series in self._candidates(matchers) if all(m.accepts(series.labels) for m in matchers)]
            if len(self._selections) >= _CACHED_SELECTIONS:
                self._selections.clear()
            self._selections[matchers] = found
        return found

    def _candidates(self, matchers: Iterable[Matcher]) -> list[Series]:
        for matcher in matchers:
            if matcher.name == NAME and matcher.op == "=":
                return list(self._by_name.get(matcher.value, {}).values())
        return [series for named in self._by_name.values() for series in named.values()]

    def forget(self, now_ms: int) -> None:
        """Drop what is older than the retention, and series that nothing is left of."""
        for name, named in list(self._by_name.items()):
            for labels, series in list(named.items()):
                series.forget(now_ms - self._retention_ms)
                if not series.times:
                    del named[labels]
                    self._selections.clear()
            if not named:
                del self._by_name[name]

    def __len__(self) -> int:
        return sum(len(named) for named in self._by_name.values())
