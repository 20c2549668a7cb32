"""Finds the figures in a text: durations, percentages, sizes and counts, with the comparison they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["duration", "percentage", "size", "count", "always"]

_UNITS = {
    "ms": 0.001, "millisecond": 0.001, "milliseconds": 0.001, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0,
    "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0, "week": 604800.0, "weeks": 604800.0, "month": 2592000.0,
    "months": 2592000.0, "quarter": 7776000.0, "year": 31536000.0, "years": 31536000.0,
}  # fmt: skip
_SIZES = {
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "tb": 1e12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
}
_COUNTS = {"k": 1e3, "K": 1e3, "M": 1e6}
_COMPARISONS = {
    "<": "<", ">": ">", "<=": "<=", ">=": ">=", "=": "=", "==": "==", "!=": "!=", "≤": "<=", "≥": ">=", "within": "<=", "under": "<", "below": "<",
    "less than": "<", "at most": "<=", "up to": "<=", "over": ">", "above": ">", "more than": ">", "at least": ">=", "after": ">=", "every": "every",
}  # fmt: skip
_WORDS = "|".join(sorted((re.escape(each) for each in _COMPARISONS), key=len, reverse=True))
_UNIT = "|".join(
    sorted({*_UNITS, *_SIZES, "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "Ki", "Mi", "Gi"}, key=len, reverse=True)
)
_FIGURE = re.compile(
    rf"(?P<always>(?<![\w/])24\s*/\s*7(?![\w/]))"
    rf"|(?:(?P<comparison>(?<!\w)(?:{_WORDS}))\s*)?"
    rf"(?P<low>(?<![\w.$#:/+-])-?\d+(?:,\d{{3}})*(?:\.\d+)?)"
    rf"(?:\s*(?:-|–|to)\s*(?P<high>\d+(?:\.\d+)?))?(?P<open>\+)?"
    rf"(?:(?P<percent>\s?%)|[\s-]?(?:business\s+)?(?P<unit>{_UNIT})(?!\w)|(?P<many>[kKM])(?!\w))?(?![\w:/]|\.\w|-\d)"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. Durations are seconds, percentages per hundred, sizes bytes. `high` is the end of a range; `open` means "and more"."""

    kind: Kind
    value: float
    text: str
    column: int  # from 1 in the text that was read
    comparison: str = ""
    high: float | None = None
    open: bool = False
    business: bool = False  # business days: not a span of the clock


def find_figures(text: str) -> tuple[Figure, ...]:
    """All figures of a text, in its order."""
    return tuple(_figure(found) for found in _FIGURE.finditer(text))


def _figure(found: re.Match[str]) -> Figure:
    said, column = found[0].strip(), found.start() + 1
    if found["always"]:
        return Figure("always", 86400.0, said, column)
    kind, size = _kind(found)
    low = float(found["low"].replace(",", "")) * size
    high = float(found["high"]) * size if found["high"] else None
    comparison = _COMPARISONS.get((found["comparison"] or "").lower(), "")
    return Figure(kind, low, said, column, comparison, high, open=bool(found["open"]), business="business" in said)


def _kind(found: re.Match[str]) -> tuple[Kind, float]:
    unit = found["unit"] or ""
    if found["percent"]:
        return "percentage", 1.0
    if unit in _UNITS:
        return "duration", _UNITS[unit]
    if unit.lower() in _SIZES:
        return "size", _SIZES[unit.lower()]
    return "count", _COUNTS.get(found["many"] or "", 1.0)
