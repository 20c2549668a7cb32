"""Whether the latest drills are worse than those before: two tests for each series, and one level of error for the whole report.

A series is one measure of one scenario over time; larger is worse. Asked are

* a rank test: are the latest drills larger than those before them (Mann and Whitney, one-sided; with ties, exact up to 60 drills);
* a change-point: is there a moment from which drills are larger than before it (Pettitt 1979, one-sided, p = exp(-6 K^2 / (n^3 + n^2))).

The smaller of the two counts twice (Bonferroni), and Holm's step-down procedure holds the chance that a report without any change
claims one under `ALPHA`, however many series it asks about. A claim also needs an effect that is not negligible (Cliff's delta of
0.147, Romano et al. 2006), and latest drills that are still worse than what was before the change. A series whose drills are so few
that no result of theirs could be significant is not asked at all: that is known from their number alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = 0.05
LEAST = 12  # drills: with fewer nothing is said
NEGLIGIBLE = 0.147  # Cliff's delta below which two groups count as alike
_LATEST_LEAST, _LATEST_MOST, _LATEST_SHARE = 4, 20, 3
_EDGE = 4  # no change-point nearer to an end
_EXACT = 60  # drills up to which the rank test is exact

Key = TypeVar("Key")
Word = Literal["worse", "no change shown", "too few drills to say"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the tests say of one series.

    `p` is adjusted for all series of the report; `delta` is Cliff's (1: every later drill is larger than every earlier one, 0: alike),
    between what lies before `since` and what comes from there on. `since` is the index of the first drill of the later ones.
    `latest` is how many drills the rank test calls the latest. Where too few were drilled all but `drills` is None.
    """

    word: Word
    drills: int
    latest: int | None = None
    since: int | None = None
    before: float | None = None
    after: float | None = None
    delta: float | None = None
    p: float | None = None


def judge_series(series: Mapping[Key, Sequence[float]], alpha: float = ALPHA) -> dict[Key, Finding]:
    """A finding for each series, in the order of time within each. Values that never differ can't have changed."""
    asked = _able({key: values for key, values in series.items() if len(values) >= LEAST and len(set(values)) > 1}, alpha)
    raw = {key: _p(values) for key, values in asked.items()}
    adjusted = holm(raw)
    found = {}
    for key, values in series.items():
        if key in asked:
            found[key] = _told(values, adjusted[key], alpha)
        elif len(values) >= LEAST and len(set(values)) == 1:
            found[key] = Finding("no change shown", len(values), latest_of(len(values)), None, values[0], values[0], 0.0, 1.0)
        else:
            found[key] = Finding("too few drills to say", len(values))
    return found


def _able(series: Mapping[Key, Sequence[float]], alpha: float) -> dict[Key, Sequence[float]]:
    """Those whose number of drills could show something beside all that have as many or more."""
    for least in sorted({len(values) for values in series.values()}):
        found = {key: values for key, values in series.items() if len(values) >= least}
        if _smallest_p(least) * len(found) <= alpha:
            return found
    return {}


def _smallest_p(drills: int) -> float:
    """The smallest p that so many drills can come to."""
    split = drills // 2
    pettitt = math.exp(-6 * (split * (drills - split)) ** 2 / (drills**3 + drills**2))
    return min(1.0, 2 * min(pettitt, 1 / math.comb(drills, latest_of(drills))))


def _p(values: Sequence[float]) -> float:
    latest = latest_of(len(values))
    return min(1.0, 2 * min(rank_test(values[:-latest], values[-latest:]), change_point(values)[1]))


def _told(values: Sequence[float], p: float, alpha: float) -> Finding:
    since, _ = change_point(values)
    before, after, latest = values[:since], values[since:], latest_of(len(values))
    delta = cliffs_delta(before, after)
    still = median(values[-latest:]) > median(before)
    worse = p < alpha and delta >= NEGLIGIBLE and still and median(after) > median(before)
    word: Word = "worse" if worse else "no change shown"
    return Finding(word, len(values), latest, since, median(before), median(after), delta, p)


def latest_of(drills: int) -> int:
    """How many drills of a series are the latest ones: a third, at least 4 and at most 20."""
    return min(max(_LATEST_LEAST, drills // _LATEST_SHARE), _LATEST_MOST)


def holm(raw: Mapping[Key, float]) -> dict[Key, float]:
    """Adjusted p-values: claiming those under a level errs with no more than that chance in the whole family."""
    adjusted, highest = {}, 0.0
    for number, key in enumerate(sorted(raw, key=lambda each: raw[each])):
        highest = max(highest, min(1.0, raw[key] * (len(raw) - number)))
        adjusted[key] = highest
    return adjusted


def ranks(values: Sequence[float]) -> NDArray[Any]:
    """Ranks from 1; equal values share the middle one."""
    import numpy as np

    _, place, count = np.unique(np.asarray(values, float), return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def rank_test(before: Sequence[float], latest: Sequence[float]) -> float:
    """One-sided p of the Mann-Whitney test: how often chance alone would make the latest at least so much larger."""
    found = ranks([*before, *latest])
    if len(found) <= _EXACT:
        return _exact(found, len(latest))
    return _normal(found, len(latest))


def _exact(found: NDArray[Any], size: int) -> float:
    """Counts every choice of so many of the ranks by its sum; twice the ranks are whole numbers."""
    import numpy as np

    doubled = np.rint(2 * found).astype(int)
    most = int(np.sort(doubled)[-size:].sum())
    ways = np.zeros((size + 1, most + 1))
    ways[0, 0] = 1.0
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, : most + 1 - rank].copy()
    return float(ways[size, int(doubled[-size:].sum()) :].sum() / ways[size].sum())


def _normal(found: NDArray[Any], size: int) -> float:
    """The normal approximation, corrected for ties and for continuity."""
    import numpy as np

    number = len(found)
    other = number - size
    surplus = float(found[-size:].sum()) - size * (number + 1) / 2
    _, count = np.unique(found, return_counts=True)
    variance = size * other / 12 * (number + 1 - float((count**3 - count).sum()) / (number * (number - 1)))
    return 0.5 * math.erfc((surplus - 0.5) / math.sqrt(2 * variance)) if variance > 0 else 1.0


def change_point(values: Sequence[float]) -> tuple[int, float]:
    """The index from which values are larger than before, as clearly as anywhere in the series, and Pettitt's one-sided p of it."""
    import numpy as np

    number = len(values)
    at = np.arange(1, number)
    surplus = at * (number + 1) - 2 * np.cumsum(ranks(values))[:-1]
    edge = min(_EDGE, number // 2)
    inner = surplus[edge - 1 : number - edge]
    since = int(np.argmax(inner)) + edge
    highest = max(float(surplus[since - 1]), 0.0)
    return since, math.exp(-6 * highest**2 / (number**3 + number**2))


def cliffs_delta(before: Sequence[float], after: Sequence[float]) -> float:
    """How much more often a later value is larger than an earlier one than the other way round, from -1 to 1."""
    found = ranks([*before, *after])
    larger = float(found[len(before) :].sum()) - len(after) * (len(after) + 1) / 2
    return 2 * larger / (len(before) * len(after)) - 1
