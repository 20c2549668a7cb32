"""The colours and signs of pictures. They differ in lightness as well as in hue, and never speak alone.

The hues are Okabe and Ito's (distinct for every common colour vision); up and down, good and bad are light against dark,
so a print in grey says the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.chronicle import MomentKind
from reports.windows import Outcome

INK, QUIET, FAINT, PAPER = "#17212B", "#586674", "#DFE4EA", "#FFFFFF"
GOOD, BAD, UNSURE = "#006B54", "#C0440A", "#6B7480"
OUTAGE = "#C0440A"


@dataclass(frozen=True, slots=True)
class Paint:
    """A filled area: its colour and its hatching, whose lines are drawn in `ink`."""

    fill: str
    hatch: str = ""
    ink: str = PAPER


STATES: Mapping[str, Paint] = {
    "up": Paint("#B9D7EA"),
    "down": Paint(BAD, "////", "#F0B79B"),
    "pending": Paint("#F6E3B5", "....", "#C79A2B"),
    "firing": Paint("#9A5B00"),
}
UNKNOWN_STATE = Paint("#EEF1F4", "xx", "#C3CBD3")

OUTCOMES: Mapping[Outcome, Paint] = {
    "in time": Paint("#B9D7EA"),
    "late": Paint("#5E9BC4", "\\\\\\\\", "#D8E8F3"),
    "unknown": Paint("#F2C14E", "....", "#7A5600"),
    "failed": Paint(BAD),
}


@dataclass(frozen=True, slots=True)
class Sign:
    """How a moment is marked: a word, a colour and a line."""

    word: str
    colour: str
    line: str | tuple[int, tuple[float, ...]]
    width: float = 1.3


SIGNS: Mapping[MomentKind, Sign] = {
    "fault": Sign("fault", BAD, "solid", 1.8),
    "alert": Sign("alert", "#8A5200", (0, (5, 2))),
    "acknowledged": Sign("acknowledged", "#6A3D9A", (0, (6, 2, 1, 2))),
    "cutover": Sign("cut-over", "#00559E", (0, (1, 1.5))),
    "healed": Sign("healed", "#3C7A89", (0, (3, 3))),
    "recovered": Sign("recovered", GOOD, "solid", 1.8),
    "lost": Sign("given up", INK, "solid", 1.8),
    "ended": Sign("ended", INK, "solid", 1.4),
}
TARGET = Sign("target", INK, (0, (8, 4)), 1.4)
VERDICTS: Mapping[str, tuple[str, str]] = {"PASS": ("✓", GOOD), "FAIL": ("✗", BAD), "UNKNOWN": ("?", UNSURE)}
