"""The pictures of an incident report: what happened when, how clients fared, and how long their orders took. SVG for a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.history import History
from harness.measure import Measures
from harness.verdict import Judgement
from reports.chronicle import Span
from reports.html.drawing import Drawing, Point
from reports.layout import ticks
from reports.scene import ClientView, Scene, compose
from reports.windows import Outcome, Window
from reports.words import clock_text, latency_text

_WIDTH, _LEFT, _RIGHT = 1000.0, 176.0, 14.0
_ROW, _PANEL, _FOOT = 20.0, 92.0, 40.0
_MOST_ROWS = 14
_LETTER = 6.2  # the width of a letter at 11 px
_NAMES = {
    "fault": "impact", "alert": "alert", "acknowledged": "acknowledged", "cutover": "cut-over", "recovered": "restored",
    "lost": "given up", "ended": "drill ended",
}  # fmt: skip

_OUTCOMES: Mapping[Outcome, tuple[str, str]] = {
    "in time": ("acknowledged in time", "f-pale"), "late": ("late", "f-blue"), "unknown": ("without an answer", "f-amber"),
    "failed": ("failed", "f-bad"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    spans: Sequence[tuple[float, float, str, str]]  # from, to, style, title


def pictures(history: History, measures: Measures, judgements: Sequence[Judgement]) -> list[str]:
    """Timeline and latency as SVG; none where nothing was broken. The pictures do not tell what the fault was."""
    scene = compose(history, measures, judgements)
    if not scene.fault_known:
        return []
    return [_timeline(scene), *(_latency(scene, view) for view in scene.views[:1] if view.windows)]


def _across(scene: Scene) -> Callable[[float], float]:
    span = scene.to_s - scene.from_s
    return lambda at_s: _LEFT + (min(max(at_s, scene.from_s), scene.to_s) - scene.from_s) / span * (_WIDTH - _LEFT - _RIGHT)


def _timeline(scene: Scene) -> str:
    rows = list(_rows(scene))
    levels = _levels(scene)
    top = 14.0 * (max(levels, default=0) + 1) + 8
    height = top + len(rows) * _ROW + _FOOT
    drawing = Drawing(_WIDTH, height, "Timeline: outage, procedure, alerts and health over documented time")
    x, foot = _across(scene), height - _FOOT
    _frame(drawing, scene, top, foot)
    for number, row in enumerate(rows):
        y = top + number * _ROW
        drawing.words(_LEFT - 8, y + 14, _cut(row.name), "q", anchor="end")
        for from_s, to_s, style, title in row.spans:
            drawing.box(x(from_s), y + 4, max(x(to_s) - x(from_s), 1.5), _ROW - 8, style, title)
    _marks(drawing, scene, levels, foot)
    return drawing.svg()


def _rows(scene: Scene) -> Iterator[_Row]:
    if scene.outage:
        yield _Row("clients: outage", [(*scene.outage, "f-bad", "outage, as clients saw it")])
    if scene.steps:
        done = [
            (
                step.at_s,
                step.ended_s if step.ended_s is not None else scene.to_s,
                "f-bad" if step.ok is False else "f-ink",
                f"{step.number}. {step.name}",
            )
            for step in scene.steps
        ]
        yield _Row("runbook steps", done)
    down = {name: spans for name, spans in scene.health.items() if any(span.state == "down" and span.to_s > 0 for span in spans)}
    named = [(f"alert {name}", spans, {"pending": "f-soft", "firing": "f-amber"}) for name, spans in scene.alerts.items()]
    named += [(f"{name} down", spans, {"down": "f-bad"}) for name, spans in down.items()]
    for name, spans, styles in named[:_MOST_ROWS]:
        yield _Row(name, list(_filled(spans, styles, scene)))


def _filled(spans: Sequence[Span], styles: dict[str, str], scene: Scene) -> Iterator[tuple[float, float, str, str]]:
    for span in spans:
        if span.state in styles and span.to_s > scene.from_s:
            yield (
                span.from_s,
                span.to_s,
                styles[span.state],
                f"{span.state} from {clock_text(span.from_s)} to {clock_text(span.to_s)}",
            )


def _frame(drawing: Drawing, scene: Scene, top: float, foot: float) -> None:
    """Grid, outage, axis."""
    x = _across(scene)
    if scene.outage:
        drawing.box(x(scene.outage[0]), top, x(scene.outage[1]) - x(scene.outage[0]), foot - top, "shade")
    for at_s in ticks(scene.from_s, scene.to_s):
        drawing.line((x(at_s), top), (x(at_s), foot), "grid")
        drawing.words(x(at_s), foot + 14, clock_text(at_s), "q", anchor="middle")
    drawing.line((_LEFT, foot), (_WIDTH - _RIGHT, foot), "axis")
    drawing.words(_WIDTH - _RIGHT, foot + 30, "documented time since the impact began (m:ss)", "q", anchor="end")


def _levels(scene: Scene) -> list[int]:
    """On which line of labels each moment's name stands, so that no two meet."""
    x, ends, found = _across(scene), list[float](), list[int]()
    for moment in _told(scene):
        at, width = x(moment[0]), len(moment[1]) * _LETTER + 10
        start = min(at, _WIDTH - _RIGHT - width)
        level = next((number for number, end in enumerate(ends) if end < start), len(ends))
        ends[level : level + 1] = [start + width]
        found.append(level)
    return found


def _told(scene: Scene) -> list[tuple[float, str, str]]:
    """Of several faults the first is the impact: that there are more is part of the root cause."""
    return [
        (each.at_s, f"{_NAMES[each.kind]} {clock_text(each.at_s)}", each.kind)
        for number, each in enumerate(scene.moments)
        if each.kind in _NAMES and not (each.kind == "fault" and any(other.kind == "fault" for other in scene.moments[:number]))
    ]


def _marks(drawing: Drawing, scene: Scene, levels: Sequence[int], foot: float) -> None:
    x = _across(scene)
    for (at_s, text, kind), level in zip(_told(scene), levels, strict=True):
        y = 12 + 14.0 * level
        drawing.line((x(at_s), y + 3), (x(at_s), foot), f"m-{kind}")
        drawing.words(min(x(at_s), _WIDTH - _RIGHT - len(text) * _LETTER - 6) + 3, y, text, "b")
    if scene.target_s is not None and scene.target_in_sight:
        drawing.line((x(scene.target_s), 20), (x(scene.target_s), foot), "limit")
        drawing.words(x(scene.target_s) - 3, foot - 4, "target", "q", anchor="end")


def _latency(scene: Scene, view: ClientView) -> str:
    """How orders ended, in shares, and below how long the successful ones took."""
    top, gap = 22.0, 34.0
    foot = top + 2 * _PANEL + gap
    drawing = Drawing(_WIDTH, foot + _FOOT, "How orders ended, and how long the acknowledged ones took, over documented time")
    _frame(drawing, scene, top, foot)
    drawing.words(_LEFT, top - 7, "Orders, as clients saw them", "b")
    for place, (words, style) in enumerate(_OUTCOMES.values()):
        drawing.box(_LEFT + 200 + place * 150, top - 16, 10, 10, style)
        drawing.words(_LEFT + 214 + place * 150, top - 7, words, "q")
    drawing.words(_LEFT - 8, top + 10, "100 %", "q", anchor="end")
    drawing.words(_LEFT - 8, top + _PANEL, "0 %", "q", anchor="end")
    x = _across(scene)
    for number, window in enumerate(view.windows):
        end_s = min(
            view.windows[number + 1].from_s if number + 1 < len(view.windows) else window.to_s, window.from_s + view.patience_s
        )
        y = top + _PANEL
        for outcome, (_, style) in _OUTCOMES.items():
            share = window.share(outcome) * _PANEL
            if share:
                y -= share
                drawing.box(x(window.from_s), y, max(x(end_s) - x(window.from_s), 0.8), share, style)
    _latencies(drawing, view, x, top + _PANEL + gap)
    return drawing.svg()


def _latencies(drawing: Drawing, view: ClientView, x: Callable[[float], float], top: float) -> None:
    """Medians and 95th percentiles on a logarithmic axis."""
    drawing.words(_LEFT, top - 7, "How long acknowledged orders took (wall time): median, and dashed the 95th percentile", "b")
    known = [value for window in view.windows for value in (window.p50_ms, window.p95_ms) if value]
    if not known:
        drawing.words(_LEFT + 6, top + 20, "none was acknowledged", "q")
        return
    low, high = math.floor(math.log10(min(known))), max(math.ceil(math.log10(max(known))), math.floor(math.log10(min(known))) + 1)

    def y(value: float) -> float:
        return top + _PANEL - (math.log10(max(value, 10.0**low)) - low) / (high - low) * _PANEL

    for power in range(low, high + 1):
        drawing.line((_LEFT, y(10.0**power)), (_WIDTH - _RIGHT, y(10.0**power)), "grid")
        drawing.words(_LEFT - 8, y(10.0**power) + 4, latency_text(10.0**power), "q", anchor="end")
    if view.late_after_ms and 10.0**low < view.late_after_ms < 10.0**high:
        drawing.line((_LEFT, y(view.late_after_ms)), (_WIDTH - _RIGHT, y(view.late_after_ms)), "limit")
    drawing.trace(_runs(view, x, y, lambda window: window.p95_ms), "spread")
    drawing.trace(_runs(view, x, y, lambda window: window.p50_ms), "median")


def _runs(
    view: ClientView, x: Callable[[float], float], y: Callable[[float], float], value: Callable[[Window], float | None]
) -> list[list[Point]]:
    """Lines, broken wherever nothing was acknowledged or asked for too long."""
    runs: list[list[Point]] = [[]]
    before: float | None = None
    for window in view.windows:
        found = value(window)
        if found is None or (before is not None and window.from_s - before > view.patience_s):
            runs.append([])
        if found is not None:
            middle = (window.from_s + window.to_s) / 2
            runs[-1] += [(x(middle), y(found))] if runs[-1] else [(x(middle) - 0.5, y(found)), (x(middle), y(found))]
        before = window.from_s
    return runs


def _cut(name: str) -> str:
    most = int((_LEFT - 12) / _LETTER)
    return name if len(name) <= most else f"{name[: most - 1]}…"
