"""What is written in a timeline: pills over moments, numbers over steps, chips of verdicts, the list below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from harness.verdict import Judgement, Verdict
from reports import panels
from reports.chronicle import Moment, Step
from reports.layout import cut, rows_of, spread, wrap
from reports.palette import BAD, INK, PAPER, QUIET, SIGNS, TARGET, UNSURE, VERDICTS, Sign
from reports.scene import Scene
from reports.verdicts import compared, measure_name
from reports.words import clock_text, duration_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.font_manager import FontProperties

_PILL_PT, _LIST_PT, _CHIP_PT = 8.5, 8.5, 9.5
_STEP_IN = 0.23  # the least distance between two numbers


@lru_cache(maxsize=4096)
def width_in(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text is, in inches."""
    from matplotlib.textpath import text_to_path

    if not text.strip():
        return 0.0
    width, _, _ = text_to_path.get_text_width_height_descent(text, _font(size, bold=bold), ismath=False)
    return float(width) / 72


@cache
def _font(size: float, *, bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=size)


def cut_to(text: str, room: float, size: float) -> str:
    """One line of a text that fits a room of so many inches."""
    return cut(text, room, lambda part: width_in(part, size))


def wrapped(text: str, room: float, size: float) -> list[str]:
    """Lines of a text that fit a room of so many inches."""
    return wrap(text, room, lambda part: width_in(part, size))


# --- moments and steps, over the panels ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pill:
    """A word over the picture that tells what a line is."""

    at_s: float
    text: str
    sign: Sign
    hollow: bool = False


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
    def text(sign: Sign, at_s: float) -> str:
        return f"{sign.word} {_time(at_s)}" if times else sign.word

    found = [Pill(moment.at_s, text(SIGNS[moment.kind], moment.at_s), SIGNS[moment.kind]) for moment in scene.moments]
    if scene.target_s is not None:
        beyond = "" if scene.target_in_sight else " ⟶"
        found.append(Pill(scene.target_s, text(TARGET, scene.target_s) + beyond, TARGET, hollow=True))
    return sorted(found, key=lambda pill: pill.at_s)


def _merged(pills: Sequence[Pill]) -> list[Pill]:
    """Neighbours of one sort become one: `cut-over ×3`."""
    runs: list[list[Pill]] = []
    for pill in pills:
        if runs and runs[-1][0].sign is pill.sign:
            runs[-1].append(pill)
        else:
            runs.append([pill])
    return [run[0] if len(run) == 1 else Pill(run[0].at_s, f"{run[0].sign.word} ×{len(run)}", run[0].sign) for run in runs]


def _first_of_each(scene: Scene) -> list[Pill]:
    firsts: dict[str, Pill] = {}
    for pill in _pills(scene, times=False):
        firsts.setdefault(pill.sign.word, pill)
    return list(firsts.values())


def _time(at_s: float) -> str:
    """Tenths where whole seconds would hide what happened."""
    return clock_text(at_s, decimals=1 if 0 < abs(at_s) < 10 else 0)


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


# --- verdicts, over the picture --------------------------------------------------------------------------------------


def draw_title(axes: Axes, title: str, verdict: Verdict, room: float) -> None:
    """The title, and at its right the verdict of the whole drill."""
    axes.text(0, 0.18, title, fontsize=18, fontweight="bold", color=INK, va="center")
    sign, colour = VERDICTS[verdict.name]
    text = f"{sign} {verdict.name}"
    axes.text(room, 0.18, text, fontsize=18, fontweight="bold", color=colour, va="center", ha="right")


@dataclass(frozen=True, slots=True)
class Chip:
    """One verdict: a coloured sign and what was judged."""

    verdict: Verdict
    text: str

    @property
    def sign(self) -> str:
        return f"{VERDICTS[self.verdict.name][0]} {self.verdict.name}"

    @property
    def sign_in(self) -> float:
        return width_in(self.sign, _CHIP_PT, bold=True) + 0.2

    @property
    def text_in(self) -> float:
        return width_in(self.text, _CHIP_PT) + 0.2 if self.text else 0.0


def verdict_chips(judgements: Sequence[Judgement], room: float) -> list[list[Chip]]:
    """Rows of chips: every target, every invariant that does not hold, and how many do."""
    if not judgements:
        return []
    chips = []
    held = 0
    for judgement in judgements:
        if judgement.kind == "target":
            measured, limit = compared(judgement)
            chips.append(Chip(judgement.verdict, f"{measure_name(judgement.name)} {measured}, target {limit}"))
        elif judgement.verdict is Verdict.PASS:
            held += 1
        else:
            chips.append(Chip(judgement.verdict, cut_to(measure_name(judgement.name), 5.0, _CHIP_PT)))
    if held:
        chips.append(Chip(Verdict.PASS, f"{held} invariant{'s' * (held != 1)} held"))
    return [[chips[index] for index in row] for row in rows_of([c.sign_in + c.text_in for c in chips], room, 0.16)]


def draw_chips(axes: Axes, rows: Sequence[Sequence[Chip]]) -> None:
    """Chips in inches from the upper left corner."""
    from matplotlib.patches import Rectangle

    for number, row in enumerate(rows):
        left, top = 0.0, 0.34 * number + 0.03
        for chip in row:
            colour = VERDICTS[chip.verdict.name][1]
            axes.add_patch(Rectangle((left, top), chip.sign_in, 0.26, facecolor=colour, edgecolor=colour, linewidth=1))
            axes.add_patch(
                Rectangle((left + chip.sign_in, top), chip.text_in, 0.26, facecolor=PAPER, edgecolor=colour, linewidth=1)
            )
            middle: dict[str, Any] = {"va": "center_baseline", "ha": "center", "fontsize": _CHIP_PT}
            axes.text(left + chip.sign_in / 2, top + 0.135, chip.sign, color=PAPER, fontweight="bold", **middle)
            axes.text(left + chip.sign_in + chip.text_in / 2, top + 0.135, chip.text, color=INK, **middle)
            left += chip.sign_in + chip.text_in + 0.16


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
    return Entry(step.at_s, _step_colour(step), step.name, step.number, failed, tail)


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
