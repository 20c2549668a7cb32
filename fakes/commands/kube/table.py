"""Tables and ages as kubectl prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def pairs(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def print_table(table: Sequence[Sequence[str]], *, trailing: bool = False) -> None:
    """Columns three blanks apart, the last one unpadded; kubectl top pads that one too (`trailing`)."""
    widths = [max(len(row[column]) for row in table) + 3 for column in range(len(table[0]))] if table else []
    for row in table:
        line = "".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print(line if trailing else line[: len(line) - widths[-1]] + row[-1])


def short_age(seconds: float) -> str:
    """As kubectl's HumanDuration: 119s, 9m59s, 179m, 7h59m, 47h, 7d23h, 730d."""
    whole = max(int(seconds), 0)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d"
