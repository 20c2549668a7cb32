"""What is written in a timeline: pills over moments, numbers over steps, the list below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reports import panels
from reports.chronicle import Moment, Step
from reports.layout import spread
from reports.lettering import cut_to, width_in
from reports.palette import BAD, INK, PAPER, QUIET, SIGNS, TARGET, UNSURE, Sign
from reports.scene import Scene
from reports.words import clock_text, duration_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PILL_PT, _LIST_PT = 8.5, 8.5
_SPOT = 0.004  # share of the span within which two moments are one spot
_STEP_IN = 0.23  # the least distance between two numbers


# --- moments and steps, over the panels ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pill:
    """A word over the picture that tells what a line is."""

    at_s: float
    text: str
    sign: Sign
    hollow: bool = False
    number: int = 1  # of moments it stands for


def draw_moments(axes: Axes, scene: Scene, width_in: float) -> None:
    """A pill for each moment, none over another, each led to its line."""
    axes.set_axis_off()
    axes.set_xlim(scene.from_s, scene.to_s)
    axes.set_ylim(0, 1)
    per_in = (scene.to_s - scene.from_s) / width_in
    pills, places = _placed(scene, per_in)
    for pill, place in zip(pills, places, strict=True):
        if pill.at_s <= scene.to_s:
            axes.plot([place, pill.at_s], [0.5, -0.05], color=pill.sign.colour, linewidth=1.0, zorder=3, clip_on=False)
        axes.text(
            place, 0.7, pill.text, ha="center", va="center", fontsize=_PILL_PT, fontweight="bold", zorder=5,
            color=pill.sign.colour if pill.hollow else PAPER,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": PAPER if pill.hollow else pill.sign.colour, "edgecolor": pill.sign.colour},
        )  # fmt: skip


def _placed(scene: Scene, per_in: float) -> tuple[list[Pill], list[float]]:
    """The pills with as many words as there is room for."""
    for pills in (_pills(scene), _merged(_pills(scene)), _merged(_pills(scene, times=False)), _first_of_each(scene)):
        widths = [(width_in(pill.text, _PILL_PT, bold=True) + 0.22) * per_in for pill in pills]
        places = spread(
            [min(pill.at_s, scene.to_s) for pill in pills], widths, scene.from_s - 1.4 * per_in, scene.to_s + 0.3 * per_in
        )
        if places is not None:
            return pills, places
    return [], []


def _pills(scene: Scene, *, times: bool = True) -> list[Pill]:
    """One pill a moment; such as fall on one spot share one: `fault ×2 0:00`."""
    runs: list[list[Moment]] = []
    for moment in scene.moments:
        near = runs and moment.kind == runs[-1][0].kind and moment.at_s - runs[-1][0].at_s < (scene.to_s - scene.from_s) * _SPOT
        if near:
            runs[-1].append(moment)
        else:
            runs.append([moment])
    found = [_pill(SIGNS[run[0].kind], run[0].at_s, len(run), times=times) for run in runs]
    if scene.target_s is not None:
        target = _pill(TARGET, scene.target_s, 1, times=times)
        found.append(replace(target, text=target.text + ("" if scene.target_in_sight else " ⟶"), hollow=True))
    return sorted(found, key=lambda pill: pill.at_s)


def _pill(sign: Sign, at_s: float, number: int, *, times: bool) -> Pill:
    words = [sign.word, f"×{number}" if number > 1 else "", _time(at_s) if times else ""]
    return Pill(at_s, " ".join(filter(None, words)), sign, number=number)


def _merged(pills: Sequence[Pill]) -> list[Pill]:
    """Neighbours of one sort become one: `cut-over ×3`."""
    runs: list[list[Pill]] = []
    for pill in pills:
        if runs and runs[-1][0].sign is pill.sign:
            runs[-1].append(pill)
        else:
            runs.append([pill])
    return [run[0] if len(run) == 1 else _joined(run) for run in runs]


def _joined(run: Sequence[Pill]) -> Pill:
    return _pill(run[0].sign, run[0].at_s, sum(pill.number for pill in run), times=False)


def _first_of_each(scene: Scene) -> list[Pill]:
    firsts: dict[str, Pill] = {}
    for pill in _pills(scene, times=False):
        firsts.setdefault(pill.sign.word, pill)
    return list(firsts.values())


def _time(at_s: float) -> str:
    """Tenths where whole seconds would hide what happened."""
    return clock_text(at_s, decimals=1 if 0.05 <= abs(at_s) < 10 else 0)


def draw_steps(axes: Axes, scene: Scene, width_in: float) -> None:
    """The bars of the steps, and their numbers side by side above them."""
    panels.draw_steps(axes, scene)
    per_in = (scene.to_s - scene.from_s) / width_in
    shown = _as_many_as_fit(scene.steps, width_in)
    wanted = [_middle(step, scene) for step in shown]
    places = spread(wanted, [_STEP_IN * per_in] * len(shown), scene.from_s, scene.to_s) or wanted
    for step, want, place in zip(shown, wanted, places, strict=True):
        colour = _step_colour(step)
        axes.plot([want, place], [0.34, 0.6], color=colour, linewidth=0.8, zorder=5)
        axes.plot(place, 0.72, marker="o", markersize=12.5, color=colour, markeredgecolor=PAPER, zorder=6, clip_on=False)
        axes.text(place, 0.71, str(step.number), ha="center", va="center", color=PAPER, fontsize=7.5, fontweight="bold", zorder=7)


def _as_many_as_fit(steps: Sequence[Step], width_in: float) -> list[Step]:
    """All steps, or every second, third ... where there are more than the width holds."""
    every = -(-len(steps) // int(width_in / _STEP_IN)) if steps else 1
    return [step for index, step in enumerate(steps) if index % every == 0 or step.ok is False][: int(width_in / _STEP_IN)]


def _middle(step: Step, scene: Scene) -> float:
    return (step.at_s + (step.ended_s if step.ended_s is not None else scene.to_s)) / 2


def _step_colour(step: Step) -> str:
    return "#3B5368" if step.ok else BAD if step.ok is False else UNSURE


# --- the list, under the picture -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list: when, and what happened. `number` is a step's; `tail` stays when the text is cut."""

    at_s: float
    colour: str
    text: str
    number: int | None = None
    bold: bool = False
    tail: str = ""


def entries(scene: Scene) -> list[Entry]:
    """Moments, steps and the target in the order of time."""
    found = [_moment_entry(moment) for moment in scene.moments]
    found += [_step_entry(step) for step in scene.steps]
    if scene.target_s is not None:
        found.append(Entry(scene.target_s, TARGET.colour, "Target: recovered by then"))
    return sorted(found, key=lambda entry: entry.at_s)


def _moment_entry(moment: Moment) -> Entry:
    return Entry(moment.at_s, SIGNS[moment.kind].colour, moment.text, bold=True)


def _step_entry(step: Step) -> Entry:
    took = f" ({duration_text(step.ended_s - step.at_s)})" if step.ended_s is not None else " (not finished)"
    failed = step.ok is False
    tail = took + (f": {step.why}" if failed and step.why else "")
    text = f"{step.name}: {step.commands[0].command}" if step.commands else step.name
    return Entry(step.at_s, _step_colour(step), text, step.number, failed, tail)


def draw_entries(axes: Axes, entries: Sequence[Entry], columns: int, room: float) -> None:
    """Columns read from top to bottom, then to the right; in inches from the upper left corner."""
    rows = -(-len(entries) // columns)
    column_in = room / columns
    for index, entry in enumerate(entries):
        left, y = index // rows * column_in, (index % rows + 0.5) * 0.21
        axes.text(left + 0.52, y, _time(entry.at_s), fontsize=_LIST_PT, color=QUIET, ha="right", va="center_baseline")
        axes.plot(left + 0.68, y, marker="o" if entry.number else "s", markersize=11 if entry.number else 6.5, color=entry.colour)
        if entry.number:
            axes.text(
                left + 0.68, y + 0.005, str(entry.number), fontsize=7, color=PAPER, ha="center", va="center", fontweight="bold"
            )
        text = _fitted(entry, column_in - 1.0)
        weight, colour = ("bold", entry.colour) if entry.bold else ("normal", INK)
        axes.text(left + 0.84, y, text, fontsize=_LIST_PT, color=colour, va="center_baseline", fontweight=weight)


def _fitted(entry: Entry, room: float) -> str:
    """The text of an entry on one line; why a step failed matters more than the end of a long name."""
    size = _LIST_PT * (1.12 if entry.bold else 1.0)  # bold is wider
    tail = cut_to(entry.tail, room * 0.6, size) if entry.tail else ""
    return cut_to(entry.text, room - width_in(tail, size) - 0.05, size) + (" " * entry.tail.startswith(" ") + tail)
