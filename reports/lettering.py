"""How wide texts are in a picture, and how they are made to fit."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from reports.layout import cut, wrap

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties


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
