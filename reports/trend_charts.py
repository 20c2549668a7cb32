"""The charts of a trend as SVG for a page: a series over time with its target, and the coverage by scenario and month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from statistics import median, quantiles

from reports.html.drawing import Drawing, Point
from reports.trend import Series
from reports.trend_groups import Coverage
from reports.verdicts import measure_name
from reports.words import duration_text

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _FOOT = 300.0, 170.0, 46.0, 8.0, 30.0, 22.0
_MOST_DOTS = 300  # of each kind; more are thinned out evenly
_HALF_MONTH = 20.0  # half the width of a label such as Dec 26
_FAR = 3.0  # a limit more than this many times above everything is told, not drawn
_CELL, _CELL_HEIGHT, _NAMES, _LETTER = 46.0, 24.0, 230.0, 6.2


def chart(series: Series, span: tuple[datetime, datetime]) -> str:
    """Drills as dots (missed ones larger), the median of each month as a line with the middle half around it, the target dashed."""
    top = _top(series)
    drawing = Drawing(_WIDTH, _HEIGHT, f"{measure_name(series.measure)} over time")
    length = max((span[1] - span[0]).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return _LEFT + (at - span[0]).total_seconds() / length * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _FOOT - min(value / top, 1.0) * (_HEIGHT - _FOOT - _TOP)

    drawing.words(0, 12, measure_name(series.measure), "b")
    for value in (0.0, top / 2, top):
        drawing.line((_LEFT, y(value)), (_WIDTH - _RIGHT, y(value)), "grid")
        drawing.words(_LEFT - 5, y(value) + 4, _short(value), "q", anchor="end")
    for at in _month_ticks(span):
        middle = min(x(at), _WIDTH - _HALF_MONTH)
        drawing.words(middle, _HEIGHT - 6, at.strftime("%b %y"), "q", anchor="middle")
    months = _months(series)
    drawing.area([(x(at), y(high)) for at, _, _, high in months], [(x(at), y(low)) for at, low, _, _ in months], "band")
    rows = list(zip(series.at, series.values, series.missed, strict=True))
    met = [(x(at), y(value)) for at, value, missed in rows if not missed]
    drawing.dots(met[:: max(1, -(-len(met) // _MOST_DOTS))], "dot")
    drawing.dots([(x(at), y(value)) for at, value, missed in rows if missed][-_MOST_DOTS:], "dot miss")
    drawing.trace([[(x(at), y(middle)) for at, _, middle, _ in months]], "median")
    _limit(drawing, series, top, y)
    if series.since:
        drawing.line((x(series.since), _TOP), (x(series.since), _HEIGHT - _FOOT), "since")
    return drawing.svg()


def _limit(drawing: Drawing, series: Series, top: float, y: object) -> None:
    if series.limit is None:
        drawing.words(_WIDTH - _RIGHT, 12, "no target", "q", anchor="end")
        return
    above = series.limit > top
    drawing.words(
        _WIDTH - _RIGHT, 12, f"target {duration_text(series.limit)}{' (far above)' if above else ''}", "q", anchor="end"
    )
    if not above and callable(y):
        drawing.line((_LEFT, y(series.limit)), (_WIDTH - _RIGHT, y(series.limit)), "limit")


def _top(series: Series) -> float:
    """The end of the scale: above every value, and above the target where that is in sight."""
    highest = max(series.values)
    if series.limit is not None and series.limit <= highest * _FAR:
        highest = max(highest, series.limit)
    return highest * 1.1 or 1.0


def _months(series: Series) -> list[tuple[datetime, float, float, float]]:
    """For each month with drills: the mean of their times, and the quartiles of their values."""
    found = []
    for _, rows in groupby(zip(series.at, series.values, strict=True), key=lambda row: (row[0].year, row[0].month)):
        at, values = zip(*rows, strict=True)
        middle = datetime.fromtimestamp(sum(each.replace(tzinfo=UTC).timestamp() for each in at) / len(at), UTC).replace(
            tzinfo=None
        )
        low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else (values[0],) * 3
        found.append((middle, low, median(values), high))
    return found


def _month_ticks(span: tuple[datetime, datetime]) -> list[datetime]:
    """Beginnings of up to five months."""
    first, last = (each.year * 12 + each.month - 1 for each in span)
    step = max(1, -(-(last - first) // 4))
    ticks = [datetime(month // 12, month % 12 + 1, 1) for month in range(first, last + 1, step)]  # noqa: DTZ001 -- as the store's times
    return [each for each in ticks if span[0] <= each <= span[1]] or [span[0]]


def _short(value: float) -> str:
    """A figure that fits beside an axis."""
    if value >= 7200:
        return f"{value / 3600:.1f} h"
    if value >= 120:
        return f"{value / 60:.1f} min"
    return f"{value:.0f} s" if value >= 10 or value == 0 else f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def heat_map(found: Coverage) -> str:
    """Scenarios against months: the more drills the darker; a red corner where any failed; empty where nothing was drilled."""
    width = _NAMES + len(found.months) * _CELL
    drawing = Drawing(width, 34 + len(found.rows) * _CELL_HEIGHT, "Completed drills by scenario and month")
    for place, month in enumerate(found.months):
        drawing.words(_NAMES + (place + 0.5) * _CELL, 26, month[2:], "q", anchor="middle")
    most = max((count for _, counts, _ in found.rows for count in counts), default=0)
    for row, (name, counts, failed) in enumerate(found.rows):
        y = 34 + row * _CELL_HEIGHT
        letters = int(_NAMES / _LETTER) - 1
        drawing.words(
            _NAMES - 8,
            y + 16,
            name if len(name) <= letters else f"{name[: letters - 1]}…",
            "" if any(counts) else "q",
            anchor="end",
        )
        for place, (count, bad) in enumerate(zip(counts, failed, strict=True)):
            x = _NAMES + place * _CELL
            shade = 0 if not count else min(4, 1 + (count - 1) * 4 // max(most, 4))
            drawing.box(
                x + 1,
                y + 1,
                _CELL - 2,
                _CELL_HEIGHT - 2,
                f"h{shade}",
                f"{name}, {found.months[place]}: {count} drills, {bad} failed",
            )
            if count:
                drawing.words(x + _CELL / 2, y + 16, str(count), "inv" if shade >= 4 else "", anchor="middle")
            if bad:
                corner: Sequence[Point] = ((x + _CELL - 11, y + 1), (x + _CELL - 1, y + 1), (x + _CELL - 1, y + 11))
                drawing.area(corner, [], "f-bad")
    return drawing.svg()
