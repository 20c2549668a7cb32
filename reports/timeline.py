"""The picture of a drill: who was up, what clients saw, what was done, and whether it was soon enough."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.history import History
from harness.measure import Measures
from harness.verdict import Judgement, Verdict, overall
from reports import chips, labels, lettering, panels
from reports.palette import INK, PAPER, QUIET
from reports.scene import Scene, compose
from reports.verdicts import headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN, LEFT_IN, RIGHT_IN = 14.0, 1.75, 0.4
_DPI = 120
_MOST_ALERTS = 8
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "text.parse_math": False,  # a dollar sign in a title or a command is a dollar sign
    "hatch.linewidth": 0.7,
    "axes.unicode_minus": True,
    "legend.handleheight": 0.9,
}


@dataclass(frozen=True, slots=True)
class Block:
    """A horizontal part of the sheet: its height, the space above it, and who draws it into its axes."""

    height_in: float
    above_in: float
    draw: Callable[[Axes], None]
    full_width: bool = False


def draw_timeline(history: History, measures: Measures, judgements: Sequence[Judgement], path: Path) -> None:
    """Write the timeline of a drill as a PNG. Works on any history, also an empty or an aborted one."""
    with style():
        paint(history, measures, judgements).savefig(path, format="png")


def paint(history: History, measures: Measures, judgements: Sequence[Judgement]) -> Figure:
    """The figure that `draw_timeline` writes. To be made and drawn within `style`."""
    from matplotlib.figure import Figure

    scene = compose(history, measures, judgements)
    sentence, verdict = headline(history, measures, judgements), overall(judgements, history)
    blocks = [*_head(scene, sentence, verdict, judgements), *_body(scene), *_foot(scene)]
    height = sum(block.height_in + block.above_in for block in blocks) + 0.2
    figure = Figure(figsize=(WIDTH_IN, height), dpi=_DPI, facecolor=PAPER)
    _place(figure, blocks, height)
    return figure


@contextmanager
def style() -> Iterator[None]:
    """The look of our pictures. A title may hold a character that the font lacks: it becomes a box, not a warning."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+", category=UserWarning)
        yield


def _place(figure: Figure, blocks: Sequence[Block], height: float) -> None:
    top = height
    for block in blocks:
        top -= block.above_in + block.height_in
        left, right = (0.3, 0.3) if block.full_width else (LEFT_IN, RIGHT_IN)
        box = (left / WIDTH_IN, top / height, (WIDTH_IN - left - right) / WIDTH_IN, block.height_in / height)
        axes = figure.add_axes(box)
        if block.full_width:  # its coordinates are inches from the upper left corner
            axes.set_axis_off()
            axes.set_xlim(0, WIDTH_IN - left - right)
            axes.set_ylim(block.height_in, 0)
        block.draw(axes)


def _head(scene: Scene, sentence: str, verdict: Verdict, judgements: Sequence[Judgement]) -> Iterator[Block]:
    room = WIDTH_IN - 0.6
    title = lettering.cut_to(scene.title, (room - 2.2) / 1.12, 18)  # bold is wider
    yield Block(0.36, 0.22, partial(chips.draw_title, title=title, verdict=verdict, room=room), full_width=True)
    lines = lettering.wrapped(sentence, room, 11.5)
    yield Block(0.24 * len(lines), 0.06, partial(_write, lines=lines, size=11.5, step_in=0.24), full_width=True)
    if rows := chips.verdict_chips(judgements, room):
        yield Block(0.34 * len(rows), 0.14, partial(chips.draw_chips, rows=rows), full_width=True)


def _write(axes: Axes, *, lines: Sequence[str], size: float, step_in: float, colour: str = INK) -> None:
    for number, line in enumerate(lines):
        axes.text(0, step_in * (number + 0.5), line, fontsize=size, color=colour, va="center")


def _body(scene: Scene) -> Iterator[Block]:
    """The panels that share the time axis; the last one carries its figures."""
    panel = list(_panels(scene))
    if not panel:
        note = ["Nothing was recorded that a picture could show."]
        yield Block(0.6, 0.2, partial(_write, lines=note, size=12, step_in=0.6), full_width=True)
        return
    yield Block(0.62, 0.1, partial(labels.draw_moments, scene=scene, width_in=WIDTH_IN - LEFT_IN - RIGHT_IN))
    for number, (caption, height, draw) in enumerate(panel):
        last = number == len(panel) - 1
        above = 0.3 if caption else 0.02
        yield Block(height, above, partial(_panel, scene=scene, caption=caption, last=last, draw=draw))


def _panel(axes: Axes, *, scene: Scene, caption: str, last: bool, draw: Callable[[Axes], None]) -> None:
    panels.prepare(axes, scene, caption=caption, last=last)
    draw(axes)
    if last:
        zero = "the first fault" if scene.fault_known else "the start of the drill"
        form = "h:mm:ss" if scene.to_s >= 3600 else "m:ss"
        axes.set_xlabel(f"documented time since {zero} ({form})", fontsize=9, color=QUIET)


def _panels(scene: Scene) -> Iterator[tuple[str, float, Callable[[Axes], None]]]:
    width = WIDTH_IN - LEFT_IN - RIGHT_IN
    if scene.steps:
        yield "", 0.42, partial(labels.draw_steps, scene=scene, width_in=width)
    if scene.alerts:
        shown = dict(list(scene.alerts.items())[:_MOST_ALERTS])
        rest = len(scene.alerts) - len(shown)
        caption = "Alerts" + (f" (the first {len(shown)}; {rest} more in the report)" if rest else "")
        yield caption, 0.19 * len(shown) + 0.04, partial(panels.draw_bars, rows=shown, states=("pending", "firing"))
    if scene.health:
        height = 0.19 * len(scene.health) + 0.04
        yield "Health, as the monitor saw it", height, partial(panels.draw_bars, rows=scene.health, states=("up", "down"))
    for view in scene.views:
        name = {"order": "Orders, as clients saw them", "canary": "Canary ticks, from the price feed to the signal"}[view.op]
        yield name, 1.0 if view.op == "order" else 0.6, partial(panels.draw_outcomes, view=view)
    if any(window.p50_ms is not None for view in scene.views for window in view.windows):
        yield "How long the successful ones took", 1.35, partial(panels.draw_latency, views=scene.views)


def _foot(scene: Scene) -> Iterator[Block]:
    room = WIDTH_IN - 0.6
    entries = labels.entries(scene)
    if entries:
        columns = 1 if len(entries) <= 4 else 2 if len(entries) <= 20 else 3
        rows = -(-len(entries) // columns)
        yield Block(0.21 * rows, 0.62, partial(labels.draw_entries, entries=entries, columns=columns, room=room), full_width=True)
    about = lettering.cut_to("  ·  ".join(scene.about), room, 8)
    yield Block(0.2, 0.2, partial(_write, lines=[about], size=8, step_in=0.2, colour=QUIET), full_width=True)
