"""The trend as one PNG: a small panel for each scenario's time to recover, and the coverage below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.lettering import cut_to
from reports.palette import BAD, FAINT, INK, PAPER, QUIET
from reports.timeline import style
from reports.trend import Line, Series
from reports.trend_report import Trend, saying, share
from reports.words import counted, duration_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_IN, _COLUMNS, _PANEL_IN, _ROW_IN = 14.0, 4, 2.1, 0.26
_LEAST_SPAN = timedelta(days=60)
_FAR = 3  # a limit more than this many times above everything is told, not drawn
_MOST = 24  # panels: more than that nobody looks at in a picture
_SHADES = ("#F5F7F9", "#DCEBF5", "#A9CFE8", "#5E9BC4", "#1F6599")


def draw_trend(found: Trend, path: Path) -> None:
    """Write the picture. Works on a store of nothing. Raises OSError."""
    with style():
        paint(found).savefig(path, format="png")


def paint(found: Trend) -> Figure:
    """The figure that `draw_trend` writes; to be made and drawn within `reports.timeline.style`."""
    from matplotlib.figure import Figure

    shown = _shown(found)
    rows = -(-len(shown) // _COLUMNS)
    heat = 0.7 + _ROW_IN * len(found.coverage.rows)
    height = 1.5 + rows * _PANEL_IN + heat + 0.3
    figure = Figure(figsize=(_WIDTH_IN, height), dpi=110, facecolor=PAPER)
    title = f"Trend of {counted(found.drills, 'drill')}, {share(found.pass_rate)} of the completed ones passed"
    figure.text(0.02, 1 - 0.35 / height, title, fontsize=17, fontweight="bold", color=INK, va="center")
    figure.text(0.02, 1 - 0.72 / height, _subtitle(found, shown), fontsize=10.5, color=QUIET, va="center")
    for number, (line, series) in enumerate(shown):
        row, column = divmod(number, _COLUMNS)
        left, width = 0.05 + column * 0.24, 0.19
        bottom = (height - 1.35 - (row + 1) * _PANEL_IN + 0.6) / height
        axes = figure.add_axes((left, bottom, width, (_PANEL_IN - 0.85) / height))
        _panel(axes, line, series, found.span or (series.at[0], series.at[-1]))
    broad = min(0.78, 0.06 * max(len(found.coverage.months), 1))
    _heat(figure.add_axes((0.2, 0.3 / height, broad, (heat - 0.7) / height)), found)
    return figure


def _shown(found: Trend) -> Sequence[tuple[Line, Series]]:
    """The time to recover of each scenario; what is worse first, then what has most drills."""
    series = [(line, each) for line in found.lines for each in line.series if each.measure == "time_to_recover_s"]
    kept = sorted(series, key=lambda pair: (pair[1].since is None, -len(pair[1].values)))[:_MOST]
    return sorted(kept, key=lambda pair: (pair[1].since is None, pair[0].subject))


def _subtitle(found: Trend, shown: Sequence[object]) -> str:
    parts = [f"{found.span[0]:%Y-%m-%d} to {found.span[1]:%Y-%m-%d}"] if found.span else ["no drills"]
    parts.append(f"{len(found.worse)} of {found.asked} series worse than before")
    if found.synthetic:
        parts.append(f"SYNTHETIC: {found.synthetic} drills are made up")
    if len(found.lines) > len(shown):
        parts.append(f"{len(shown)} of {len(found.lines)} scenarios shown")
    return "  ·  ".join([*parts, "time to recover; dashed: target"])


def _panel(axes: Axes, line: Line, series: Series, span: tuple[datetime, datetime]) -> None:
    """All panels share one span, of two months at least."""
    from matplotlib import dates

    its: Any = dates  # it comes without types

    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    when = its.date2num(list(series.at))
    kind = BAD if series.since else "#1F6599"
    axes.plot(when, series.values, ".", markersize=3.5, color=kind, alpha=0.6)
    missed = [(at, value) for at, value, bad in zip(when, series.values, series.missed, strict=True) if bad]
    if missed:
        axes.plot(*zip(*missed, strict=True), "x", markersize=5, color=BAD)
    top = max(series.values)
    if series.limit is not None and series.limit <= _FAR * top:
        axes.axhline(series.limit, color=INK, linestyle=(0, (6, 3)), linewidth=1.1)
        top = max(top, series.limit)
    if series.since:
        axes.axvline(float(its.date2num(series.since)), color=BAD, linestyle=":", linewidth=1.4)
    axes.set_ylim(0, top * 1.12 or 1)
    edge = max((span[1] - span[0]) * 0.03, _LEAST_SPAN / 2 - (span[1] - span[0]) / 2)
    axes.set_xlim(its.date2num(span[0] - edge), its.date2num(span[1] + edge))
    ticks = [float(each) for each in axes.get_yticks()[::2] if each <= top * 1.12]
    axes.set_yticks(ticks, [duration_text(each) if each >= 0 else "" for each in ticks])
    locator = its.AutoDateLocator(minticks=2, maxticks=5)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(its.ConciseDateFormatter(locator, show_offset=False))
    axes.tick_params(labelsize=7.5, colors=QUIET, length=0)
    axes.set_title(cut_to(line.subject.name, 2.4, 9), fontsize=9, fontweight="bold", color=INK, loc="left", pad=14)
    far = series.limit is not None and series.limit > _FAR * max(series.values)
    target = f", target {duration_text(series.limit or 0)}" if far else ""
    words = saying(series).split(" (")[0].split(":")[0].removesuffix(" to say")
    axes.annotate(
        f"median {duration_text(series.median)}{target}; {words}",
        (0, 1),
        (0, 4),
        "axes fraction",
        "offset points",
        fontsize=7.5,
        color=kind if series.since else QUIET,
    )


def _heat(axes: Axes, found: Trend) -> None:
    from matplotlib.colors import ListedColormap

    coverage = found.coverage
    axes.set_title(
        "Completed drills by scenario and month; red: some failed", fontsize=10, fontweight="bold", color=INK, loc="left", pad=18
    )
    if not coverage.rows or not coverage.months:
        axes.set_axis_off()
        return
    most = max((count for _, counts, _ in coverage.rows for count in counts), default=0)
    shades = [
        [0 if not each else min(4, 1 + (each - 1) * 4 // max(most, 4)) for each in counts] for _, counts, _ in coverage.rows
    ]
    axes.imshow(shades, aspect="auto", cmap=ListedColormap(_SHADES), vmin=0, vmax=4)
    for row, (_, counts, failed) in enumerate(coverage.rows):
        for place, (count, bad) in enumerate(zip(counts, failed, strict=True)):
            if count:
                axes.text(
                    place,
                    row,
                    str(count),
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color=PAPER if shades[row][place] >= 4 else INK,
                )
            if bad:
                axes.plot(place + 0.38, row - 0.22, "s", markersize=4, color=BAD)
    axes.set_xticks(range(len(coverage.months)), [month[2:] for month in coverage.months], fontsize=8, color=QUIET)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(coverage.rows)), [cut_to(name, 2.6, 8) for name, _, _ in coverage.rows], fontsize=8)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
