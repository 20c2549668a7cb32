"""Small pictures as SVG that stands in a page. Colours are classes of the page's style, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from reports.escape import plain

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]


class Drawing:
    """Collects shapes in pixels, from the upper left corner. `label` is what a screen reader says of the picture."""

    def __init__(self, width: float, height: float, label: str) -> None:
        self.width, self.height, self.label = width, height, label
        self._parts: list[str] = []

    def line(self, start: Point, end: Point, style: str) -> None:
        """`style`: classes of the page's style."""
        places = f'x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(end[0])}" y2="{_n(end[1])}"'
        self._parts.append(f'<line class="{style}" {places}/>')

    def box(self, x: float, y: float, width: float, height: float, style: str, title: str = "") -> None:
        """A rectangle; the title is shown when one points at it."""
        inner = f"<title>{escape(plain(title))}</title>" if title else ""
        places = f'x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0.0))}" height="{_n(height)}"'
        self._parts.append(f'<rect class="{style}" {places}>{inner}</rect>' if inner else f'<rect class="{style}" {places}/>')

    def words(self, x: float, y: float, text: str, style: str = "", *, anchor: Anchor = "start") -> None:
        """A line of text on its base line."""
        self._parts.append(f'<text class="{style}" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(plain(text))}</text>')

    def trace(self, rows: Iterable[Sequence[Point]], style: str) -> None:
        """Lines through points; each row is a line of its own."""
        path = "".join("M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in row) for row in rows if len(row) > 1)
        if path:
            self._parts.append(f'<path class="{style}" d="{path}"/>')

    def dots(self, points: Iterable[Point], style: str) -> None:
        """Many dots as one path: the width of its stroke is their size."""
        path = "".join(f"M{_n(x)} {_n(y)}h0" for x, y in points)
        if path:
            self._parts.append(f'<path class="{style}" d="{path}"/>')

    def area(self, upper: Sequence[Point], lower: Sequence[Point], style: str) -> None:
        """What lies between two lines."""
        if upper:
            path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in [*upper, *reversed(lower)]) + "Z"
            self._parts.append(f'<path class="{style}" d="{path}"/>')

    def svg(self) -> str:
        """The picture, to be put into a page as it is."""
        frame = f'viewBox="0 0 {_n(self.width)} {_n(self.height)}" role="img" aria-label="{escape(self.label)}"'
        return f"<svg {frame}>{''.join(self._parts)}</svg>"


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
