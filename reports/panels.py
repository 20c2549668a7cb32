"""The panels of a timeline: each function draws one into axes whose x is the scene's time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.chronicle import Span
from reports.layout import ticks
from reports.palette import (
    BAD,
    FAINT,
    INK,
    OUTAGE,
    OUTCOMES,
    PAPER,
    QUIET,
    SIGNS,
    STATES,
    TARGET,
    UNKNOWN_STATE,
    UNSURE,
    Paint,
    Sign,
)
from reports.scene import ClientView, Scene
from reports.windows import OUTCOMES as STACKED
from reports.windows import Outcome, Window
from reports.words import clock_text, latency_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAN = float("nan")
_HAIR = 1e-6  # seconds: windows that touch may differ by rounding
_NAMES = {"order": "orders", "canary": "canary ticks"}
_LINES = {"order": ("#003F6B", "#B9D7EA"), "canary": ("#8A5200", "#F6E3B5")}


def prepare(axes: Axes, scene: Scene, *, caption: str = "", last: bool = False) -> None:
    """The frame that all panels share: span, grid, shaded outage, the lines of moments and of the target."""
    axes.set_xlim(scene.from_s, scene.to_s)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(QUIET if last else FAINT)
    at = ticks(scene.from_s, scene.to_s)
    decimals = 0 if all(abs(tick - round(tick)) < 1e-6 for tick in at) else 1
    axes.set_xticks(at, [clock_text(tick, decimals=decimals) if last else "" for tick in at])
    axes.tick_params(axis="x", length=4 if last else 0, colors=INK, labelsize=9)
    axes.tick_params(axis="y", length=0, colors=INK, labelsize=8.5)
    axes.grid(axis="x", color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    if caption:
        axes.annotate(caption, (0, 1), (0, 4), "axes fraction", "offset points", color=INK, fontsize=9, fontweight="bold")
    _mark(axes, scene)


def _mark(axes: Axes, scene: Scene) -> None:
    if scene.outage:
        axes.axvspan(*scene.outage, color=OUTAGE, alpha=0.08, linewidth=0, zorder=0.5)
    for moment in scene.moments:
        _line_at(axes, moment.at_s, SIGNS[moment.kind])
    if scene.target_s is not None and scene.target_in_sight:
        _line_at(axes, scene.target_s, TARGET)


def _line_at(axes: Axes, at_s: float, sign: Sign) -> None:
    """A line with a pale edge, so that it is seen on dark ground too."""
    axes.axvline(at_s, color=PAPER, alpha=0.6, linewidth=sign.width + 1.6, zorder=3.9)
    axes.axvline(at_s, color=sign.colour, linestyle=sign.line, linewidth=sign.width, zorder=4)


def draw_bars(axes: Axes, rows: Mapping[str, Sequence[Span]], states: Sequence[str]) -> None:
    """One row a name, the first on top: what state it was in, and when."""
    for row, spans in enumerate(rows.values()):
        for state in dict.fromkeys(span.state for span in spans):
            paint = STATES.get(state, UNKNOWN_STATE)
            where = [(span.from_s, span.to_s - span.from_s) for span in spans if span.state == state]
            axes.broken_barh(where, (row - 0.36, 0.72), **_filled(paint), zorder=2)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.set_yticks(range(len(rows)), list(rows))
    _legend(axes, {state: STATES[state] for state in states})


def _filled(paint: Paint) -> dict[str, Any]:
    return {"facecolor": paint.fill, "edgecolor": paint.ink, "hatch": paint.hatch, "linewidth": 0.0}


def _legend(axes: Axes, paints: Mapping[str, Paint]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(label=name, **_filled(paint)) for name, paint in paints.items()]
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles), frameon=False, fontsize=8,
        borderaxespad=0.1, handlelength=1.6, columnspacing=1.4, labelcolor=INK,
    )  # fmt: skip


def draw_steps(axes: Axes, scene: Scene) -> None:
    """The procedure as a row of bars, as long as each step took."""
    least = (scene.to_s - scene.from_s) * 0.0012
    for step in scene.steps:
        end = step.ended_s if step.ended_s is not None else scene.to_s
        paint = Paint("#3B5368") if step.ok else Paint(BAD, "////", "#F0B79B") if step.ok is False else Paint(UNSURE, "xx", PAPER)
        axes.broken_barh([(step.at_s, max(end - step.at_s, least))], (0.06, 0.26), **_filled(paint), zorder=5)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5], ["procedure steps"])


def draw_outcomes(axes: Axes, view: ClientView) -> None:
    """Shares of how operations ended, stacked to 100 % a window."""
    floor = [0.0] * len(view.windows)
    shown: dict[str, Paint] = {}
    for outcome in STACKED:
        top = [low + window.share(outcome) for low, window in zip(floor, view.windows, strict=True)]
        if outcome == "in time" or any(window.counts[outcome] for window in view.windows):
            x, (lower, upper) = _stairs(view, floor, top)
            axes.fill_between(x, lower, upper, step="post", **_filled(OUTCOMES[outcome]), zorder=2)
            shown[_outcome_name(outcome, view)] = OUTCOMES[outcome]
        floor = top
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    _legend(axes, shown)


def _outcome_name(outcome: Outcome, view: ClientView) -> str:
    if outcome == "late" and view.late_after_ms is not None:
        return f"late (over {latency_text(view.late_after_ms)})"
    return {"in time": "succeeded", "unknown": "unknown outcome"}.get(outcome, outcome)


def _reach(view: ClientView, index: int) -> float:
    """How far a window's word holds: to the next window, but over no longer silence than an even load has."""
    window = view.windows[index]
    after = view.windows[index + 1].from_s if index + 1 < len(view.windows) else window.to_s
    return min(after, window.from_s + view.patience_s)


def _stairs(view: ClientView, *series: Sequence[float]) -> tuple[list[float], list[list[float]]]:
    """Corners of stairs with a gap wherever nothing was asked for too long."""
    x: list[float] = []
    out: list[list[float]] = [[] for _ in series]
    for index, window in enumerate(view.windows):
        reach = _reach(view, index)
        closed = index + 1 == len(view.windows) or view.windows[index + 1].from_s > reach + _HAIR
        corners = [window.from_s, reach, reach] if closed else [window.from_s]
        x += corners
        for line, values in zip(out, series, strict=True):
            line.extend([values[index], values[index], NAN] if closed else [values[index]])
    return x, out


def draw_latency(axes: Axes, views: Sequence[ClientView]) -> None:
    """Median and 95th percentile of acknowledged operations, on a logarithmic scale."""
    axes.set_yscale("log")
    seen: list[float] = []
    for view in views:
        dark, light = _LINES[view.op]
        x, p50 = _line(view, lambda window: window.p50_ms)
        _, p95 = _line(view, lambda window: window.p95_ms)
        name = _NAMES[view.op]
        style: dict[str, Any] = {"marker": "o", "markersize": 1.6, "linewidth": 1.4}
        axes.fill_between(x, p50, p95, color=light, alpha=0.8, linewidth=0, zorder=2)
        axes.plot(x, p95, color=dark, linestyle=(0, (2, 1)), label=f"{name} p95", zorder=3, **{**style, "linewidth": 0.9})
        axes.plot(x, p50, color=dark, label=f"{name} median", zorder=3, **style)
        seen += [value for value in (*p50, *p95) if value == value and value > 0]  # noqa: PLR0124 - NaN is what differs from itself
        if view.op == "order" and view.late_after_ms:
            seen.append(view.late_after_ms)
            axes.axhline(view.late_after_ms, color=QUIET, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1.5)
            text = f"orders are late above {latency_text(view.late_after_ms)}"
            where: dict[str, Any] = {"xy": (0, view.late_after_ms), "xycoords": ("axes fraction", "data")}
            axes.annotate(text, xytext=(3, 2), textcoords="offset points", fontsize=7.5, color=QUIET, **where)
    _latency_scale(axes, seen)
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False, fontsize=8, borderaxespad=0.1, columnspacing=1.4,
        handlelength=2.2, labelcolor=INK,
    )  # fmt: skip


def _line(view: ClientView, value: Callable[[Window], float | None]) -> tuple[list[float], list[float]]:
    x: list[float] = []
    y: list[float] = []
    for index, window in enumerate(view.windows):
        if index and window.from_s > _reach(view, index - 1) + _HAIR:
            x.append(window.from_s)
            y.append(NAN)
        x.append((window.from_s + window.to_s) / 2)
        seen = value(window)
        y.append(NAN if seen is None else seen)
    return x, y


def _latency_scale(axes: Axes, seen: Sequence[float]) -> None:
    low, high = min(seen, default=1.0) / 1.6, max(seen, default=1000.0) * 2.6
    marks = [10.0**power for power in range(-2, 7) if low <= 10.0**power <= high]
    if len(marks) < 2:
        marks = [value for power in range(-2, 7) for value in (10.0**power, 3 * 10.0**power) if low <= value <= high]
    axes.set_ylim(low, high)
    axes.set_yticks(marks, [latency_text(mark) for mark in marks])
    axes.minorticks_off()
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
