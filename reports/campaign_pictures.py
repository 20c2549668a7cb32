"""Pictures of a campaign: distribution, cumulative curve, critical path, tornado, what-if. Light against dark, so grey says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from reports.palette import BAD, FAINT, INK, PAPER, QUIET
from reports.timeline import style
from reports.words import duration_text

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_LIGHT, _DARK = "#B9D7EA", "#00559E"
_LOW: dict[str, Any] = {"color": _LIGHT, "edgecolor": _DARK}
_HIGH: dict[str, Any] = {"color": _DARK, "edgecolor": PAPER, "hatch": "////"}
_DPI, _WIDTH_IN = 120, 9.5
_BARS = 14
_MOST_LETTERS = 52
_MOST_DIGITS = 4
_UNITS = ((3 * 3600.0, 3600.0, "hours"), (180.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def share_text(share: float) -> str:
    """A share in percent; 100 % and 0 % only where it is all and nothing, so that one night in ten thousand is not rounded away."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    digits = 1
    while digits < _MOST_DIGITS and f"{share:.{digits}%}" in (f"{0:.{digits}%}", f"{1:.{digits}%}"):
        digits += 1
    return f"{share:.{digits}%}"


def met_text(row: Mapping[str, Any]) -> str:
    """The share of nights that met a target; "unknown" where none could be judged: that is not 0 %."""
    return share_text(row["probability"]["value"]) if row["met"] or row["missed"] else "unknown"


def interval_text(row: Mapping[str, Any]) -> str:
    """Its 95 % interval; nothing where none could be judged."""
    low, high = (row["probability"][end] for end in ("low", "high"))
    return f"{share_text(low)} to {share_text(high)}" if row["met"] or row["missed"] else ""


def end_text(bar: Mapping[str, Any], end: str) -> str:
    """An end of a figure's range, `low` or `high`: as a duration where it is one."""
    return duration_text(bar[end]) if bar["seconds"] else f"{bar[end]:g}"


def draw_distribution(seconds: NDArray[np.float64], target: Mapping[str, Any] | None, title: str, path: Path) -> None:
    """How often each time to recover came, the target's line and the probability of meeting it. Nan: never, told beside."""
    import numpy as np

    with style():
        figure, axes = _sheet(title, 4.2)
        known = seconds[~np.isnan(seconds)]
        end_s = _end_s(known, target)
        unit_s, unit = _unit(end_s)
        counts, edges, _ = axes.hist(known[known <= end_s] / unit_s, bins=60, color=_LIGHT, edgecolor=_DARK, linewidth=0.6)
        if target is not None:
            for edge, bar in zip(edges, axes.patches, strict=False):
                if edge * unit_s >= target["limit"]:
                    bar.set(facecolor=BAD, hatch="////", edgecolor="#F0B79B")
            _line(axes, target, unit_s, float(max(counts, default=0.0)) or 1.0)
        beyond = len(seconds) - int((known <= end_s).sum())
        axes.set_xlabel(
            f"time to recover, {unit}"
            + (f"   ({beyond:,} of {len(seconds):,} nights took longer or never recovered)" if beyond else "")
        )
        axes.set_ylabel("nights")
        axes.set_xlim(0, end_s / unit_s)
        _save(figure, path)


def draw_cumulative(
    curves: Sequence[tuple[str, NDArray[np.float64]]], target: Mapping[str, Any] | None, title: str, path: Path
) -> None:
    """The share of nights that had recovered by then; of several campaigns each its own line. Never recovered: it stays below 100 %."""
    import numpy as np

    lines = ("solid", (0, (6, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
    with style():
        figure, axes = _sheet(title, 4.4)
        end_s = max(_end_s(values[~np.isnan(values)], target) for _, values in curves)
        unit_s, unit = _unit(end_s)
        for number, (name, values) in enumerate(curves):
            known = np.sort(values[~np.isnan(values)])
            shares = np.arange(1, len(known) + 1) / len(values)
            colour = (INK, BAD, _DARK, "#8A5200")[number % 4]
            axes.step(
                np.r_[0, known / unit_s, max(end_s, known[-1] if len(known) else 0.0) / unit_s],
                np.r_[0, shares, shares[-1] if len(shares) else 0.0],
                where="post",
                color=colour,
                linestyle=lines[number % 4],
                linewidth=2,
                label=name,
            )
        if target is not None:
            _line(axes, target, unit_s, 1.0)
        axes.set_xlabel(f"time since the fault, {unit}")
        axes.set_ylabel("share of nights that have recovered")
        axes.set_xlim(0, end_s / unit_s)
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.grid(color=FAINT, linewidth=0.7)
        if len(curves) > 1:
            axes.legend(loc="lower right", framealpha=1.0, edgecolor=FAINT)
        _save(figure, path)


def draw_path(rows: Sequence[Mapping[str, Any]], title: str, path: Path) -> None:
    """Each step and wait: seconds in the median nights (light) and in the worst 5 % (dark, hatched), the costliest on top."""
    shown = sorted(rows, key=lambda row: row["worst_s"])[-_BARS:]
    with style():
        figure, axes = _sheet(title, 1.4 + 0.42 * len(shown))
        unit_s, unit = _unit(max((max(row["worst_s"], row["median_s"]) for row in shown), default=1.0))
        places = range(len(shown))
        axes.barh(
            [place + 0.2 for place in places],
            [row["median_s"] / unit_s for row in shown],
            0.36,
            color=_LIGHT,
            edgecolor=_DARK,
            label="median nights",
        )
        worst = [row["worst_s"] / unit_s for row in shown]
        axes.barh([place - 0.2 for place in places], worst, 0.36, color=_DARK, edgecolor=PAPER, hatch="////", label="worst 5 %")
        for place, row in zip(places, shown, strict=True):
            axes.text(
                row["worst_s"] / unit_s, place - 0.2, f" {duration_text(row['worst_s'])}", va="center", fontsize=8, color=QUIET
            )
        axes.set_yticks(list(places), [shorten(row["segment"], _MOST_LETTERS, placeholder=" …") for row in shown])
        axes.set_xlabel(f"time until recovery spent there, {unit}")
        axes.margins(x=0.12)
        axes.legend(loc="lower right", frameon=False)
        _save(figure, path)


def draw_tornado(bars: Sequence[Mapping[str, Any]], title: str, path: Path) -> None:
    """Each figure from its low end (light) to its high end (dark, hatched), as the mean time to recover; the widest on top."""
    shown = list(bars[:_BARS])[::-1]
    with style():
        figure, axes = _sheet(title, 1.4 + 0.36 * len(shown))
        base_s = shown[0]["recover_base_s"] if shown else 0.0
        unit_s, unit = _unit(max((bar[end] for bar in shown for end in ("recover_low_s", "recover_high_s")), default=1.0))
        for place, bar in enumerate(shown):
            for end, label, paint in (("recover_low_s", "low end", _LOW), ("recover_high_s", "high end", _HIGH)):
                width = (bar[end] - base_s) / unit_s
                axes.barh(place, width, 0.62, left=base_s / unit_s, label=None if place else label, **paint)
        axes.set_yticks(
            range(len(shown)), [f"{bar['figure']}  {end_text(bar, 'low')} to {end_text(bar, 'high')}" for bar in shown]
        )
        axes.set_xlabel(f"mean time to recover, {unit}; the line: as it is")
        axes.axvline(base_s / unit_s, color=INK, linewidth=1.2)
        axes.legend(loc="lower right", frameon=False)
        _save(figure, path)


def _sheet(title: str, height_in: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, color=INK, pad=22)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=QUIET, labelsize=9)
    return figure, axes


def _line(axes: Axes, target: Mapping[str, Any], unit_s: float, top: float) -> None:
    p = target["probability"]
    about = f"target {duration_text(target['limit'])}: met in {share_text(p['value'])} of nights ({share_text(p['low'])} to {share_text(p['high'])})"
    axes.axvline(target["limit"] / unit_s, color=INK, linewidth=1.6, linestyle=(0, (8, 4)))
    axes.text(0.0, 1.02, about, transform=axes.transAxes, ha="left", va="bottom", fontsize=9, color=INK)
    axes.set_ylim(0, top * 1.08)


def _end_s(known: NDArray[np.float64], target: Mapping[str, Any] | None) -> float:
    """Where the picture ends: at the 99th percentile, and behind the target in any case."""
    import numpy as np

    last_s = float(np.quantile(known, 0.99)) * 1.05 if len(known) else 1.0
    return max(last_s, target["limit"] * 1.1 if target is not None else 0.0, 1.0)


def _unit(end_s: float) -> tuple[float, str]:
    return next((unit_s, name) for from_s, unit_s, name in _UNITS if end_s >= from_s)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="png", metadata={"Software": "gameday"})
