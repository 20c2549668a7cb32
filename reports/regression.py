"""Is one drill worse than the last ones like it, beyond noise? Asked by `gameday run --fail-on regression`; a pure function of a store's frame.

`reports/trend.py` asks whether the latest drills are worse than those before them; here it is a single one, so the bar is higher:
it must exceed every one of the last ones, and their median by five times their spread (the median absolute deviation, scaled to the
standard deviation of a normal distribution), where spread counts as at least 5 % of the median and 1 s. Over made-up measures, all
from one distribution, with 8 earlier drills: false alarms below 1 % when normal, below 2 % when log-normal with sigma 0.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import TYPE_CHECKING

from reports.trend import MEASURES, Subject
from reports.words import duration_text

if TYPE_CHECKING:
    from pandas import DataFrame

LEAST, MOST = 8, 20  # earlier drills: fewer are too few to say, more are too long ago
_SPREADS = 5.0
_NORMAL = 1.4826  # standard deviations of a normal distribution in one median absolute deviation
_LEAST_SHARE, _LEAST_S = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Regression:
    """A measure of a drill that is worse than in `earlier` drills like it. Documented seconds."""

    measure: str
    now_s: float
    median_s: float
    largest_s: float
    earlier: int

    @property
    def told(self) -> str:
        """`8 min 2 s, worse than in the last 20 drills: median 3 min, at most 4 min`."""
        before = f"median {duration_text(self.median_s)}, at most {duration_text(self.largest_s)}"
        return f"{duration_text(self.now_s)}, worse than in the last {self.earlier} drills: {before}"


@dataclass(frozen=True, slots=True)
class Compared:
    """One drill against the last ones like it. `earlier` is how many there were; below `LEAST` nothing can be said."""

    earlier: int
    worse: tuple[Regression, ...] = ()

    @property
    def too_few(self) -> bool:
        return self.earlier < LEAST


def compare(drills: DataFrame, drill: str) -> Compared:
    """Compare a drill of this frame with those before it: completed, bitten, of the same scenario, stack, engine, responder and variant."""
    own = drills[drills["drill"] == drill]
    if own.empty:
        return Compared(0)
    row = own.iloc[0]
    good = drills[(drills["status"] == "completed") & drills["bitten"].astype(bool) & (drills["synthetic"] == row["synthetic"])]
    before = good[(good["drill"] != drill) & (good["started"] <= row["started"])]
    for column in (each.name for each in fields(Subject)):
        before = before[before[column] == row[column]]
    last = before.sort_values(["started", "drill"]).tail(MOST)
    if len(last) < LEAST or row["status"] != "completed":
        return Compared(len(last))
    found = (regression(name, row[name], [float(each) for each in last[name].dropna()]) for name in MEASURES)
    return Compared(len(last), tuple(each for each in found if each is not None))


def regression(measure: str, now_s: float | None, earlier_s: Sequence[float]) -> Regression | None:
    """None: not worse beyond noise, not measured now (which its target tells), or measured too seldom before."""
    if now_s is None or now_s != now_s or len(earlier_s) < LEAST:  # noqa: PLR0124 - pandas' missing value is not equal to itself
        return None
    middle, largest = median(earlier_s), max(earlier_s)
    spread = max(_NORMAL * median(abs(each - middle) for each in earlier_s), _LEAST_SHARE * middle, _LEAST_S)
    if now_s <= largest or now_s <= middle + _SPREADS * spread:
        return None
    return Regression(measure, float(now_s), middle, largest, len(earlier_s))
