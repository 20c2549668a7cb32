"""The head of a timeline: its title with the verdict of the whole drill, and a chip for each single verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.verdict import Judgement, Verdict
from reports.layout import rows_of
from reports.lettering import cut_to, width_in
from reports.palette import INK, PAPER, VERDICTS
from reports.verdicts import compared, measure_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CHIP_PT = 9.5
_KNOWN = {Verdict.PASS: " (missed, as expected)", Verdict.FAIL: " (met, unexpectedly)", Verdict.UNKNOWN: ""}
_KNOWN_INVARIANT = {Verdict.PASS: " broken, as expected", Verdict.FAIL: " held, unexpectedly", Verdict.UNKNOWN: ""}


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
            told = f"{measure_name(judgement.name)} {measured}, target {limit}" if judgement.limit is not None else judgement.name
            told += _KNOWN[judgement.verdict] if judgement.known else ""
            chips.append(Chip(judgement.verdict, cut_to(told, 6.0, _CHIP_PT)))
        elif judgement.verdict is Verdict.PASS and not judgement.known:
            held += 1
        else:
            told = measure_name(judgement.name) + (_KNOWN_INVARIANT[judgement.verdict] if judgement.known else "")
            chips.append(Chip(judgement.verdict, cut_to(told, 5.0, _CHIP_PT)))
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
