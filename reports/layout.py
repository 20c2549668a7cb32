"""Where things stand in a picture: labels that never overlap, ticks at round times, text cut to its column."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def spread(wanted: Sequence[float], widths: Sequence[float], low: float, high: float) -> list[float] | None:
    """Centres as near as can be to the wanted ones (ascending) such that no two labels overlap and none leaves [low, high].

    None where they do not fit at all. Least squares: neighbours that clash share the way they are pushed.
    """
    if not wanted:
        return []
    starts = [sum(widths[:index]) + widths[index] / 2 for index in range(len(widths))]
    room = high - low - sum(widths)
    if room < 0:
        return None
    blocks: list[list[float]] = []  # [sum, count]; the mean of a block is where its labels stand side by side
    for want, start in zip(wanted, starts, strict=True):
        blocks.append([want - start - low, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    offsets = [min(max(total / count, 0.0), room) for total, count in blocks for _ in range(int(count))]
    return [low + offset + start for offset, start in zip(offsets, starts, strict=True)]


def tick_step(span_s: float, *, at_most: int = 14) -> float:
    """The smallest round step with no more than so many ticks in a span."""
    return next((step for step in _TICKS_S if span_s / step <= at_most), _TICKS_S[-1] * (1 + span_s // (_TICKS_S[-1] * at_most)))


def ticks(from_s: float, to_s: float) -> list[float]:
    """Round times within a span, zero among them if it is inside."""
    step = tick_step(to_s - from_s)
    first, last = int(-(-from_s // step)), int(to_s // step)
    return [index * step for index in range(first, last + 1)]


def cut(text: str, room: float, width: Callable[[str], float]) -> str:
    """The text on one line, ended by an ellipsis where it is wider than the room."""
    line = " ".join(text.split())
    if width(line) <= room:
        return line
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(line[:middle].rstrip() + "…") <= room else (low, middle - 1)
    return line[:low].rstrip() + "…"


def wrap(text: str, room: float, width: Callable[[str], float]) -> list[str]:
    """Lines no wider than the room; a number stays on the line of its unit. A word wider than the room has its own line."""
    words = re.sub(r"(?<=\d) (?=(?:ms|s|min|h)\b)", "\N{NO-BREAK SPACE}", text).split(" ")
    lines: list[str] = []
    for word in words:
        if lines and width(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def rows_of(widths: Sequence[float], room: float, gap: float) -> list[list[int]]:
    """Indices broken into rows like words into lines."""
    rows: list[list[int]] = []
    used = 0.0
    for index, width in enumerate(widths):
        if rows and used + gap + width <= room:
            rows[-1].append(index)
            used += gap + width
        else:
            rows.append([index])
            used = width
    return rows
