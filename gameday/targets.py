"""`gameday targets`: every figure of the documents that somebody can be held to, with its source and whether it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.table import Table
from rich.text import Text

from gameday.listing import make_console
from reports.verdicts import amount, measure_name
from reports.words import duration_text
from scenarios.documented import Alarm, Due, Indicator, Stated
from scenarios.loader import load_figures
from scenarios.model import Target
from scenarios.places import TARGETS

_AT_ONCE = "at once"


def print_targets(path: Path | None) -> None:
    """All sections of a targets file. Raises InvalidInput."""
    file = load_figures(path or TARGETS)
    console = make_console()
    sections: Iterable[tuple[str, Mapping[str, Stated]]] = (
        ("Targets: limits that a scenario can be judged by", file.targets), ("Due: what no measure speaks of", file.due),
        ("Indicators: what is watched", file.indicators), ("Alerts: when each fires", file.alerts),
    )  # fmt: skip
    for title, figures in sections:
        if figures:
            console.print(Text(title, "bold"))
            console.print(_table(figures))
            console.print()
    held = [each for _, figures in sections for each in figures.values()]
    replaced = sum(each.in_force is not None for each in held)
    console.print(f"{len(held)} figures, {replaced} of them not in force")


def _table(figures: Mapping[str, Stated]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("name", "of what", "figure", "source", "in force instead"):
        table.add_column(column, overflow="fold")
    for name, each in figures.items():
        style = "" if each.in_force is None else "dim"
        instead = "" if each.in_force is None else f"{each.in_force}: {each.why}"
        table.add_row(*(Text(text, style) for text in (name, _about(each), _figure(each), each.source, instead)))
    return table


def _about(stated: Stated) -> str:
    match stated:
        case Target():
            return measure_name(stated.measure)
        case Alarm():
            return f"{stated.stack}: {stated.rule}, {stated.about}"
        case Indicator():
            return f"{stated.stack}: {stated.about}"
        case Due():
            return stated.about
        case _:
            return ""


def _figure(stated: Stated) -> str:
    match stated:
        case Target():
            return amount(stated.limit, stated.unit)
        case Due(within_s=float(within_s)):
            return _AT_ONCE if within_s == 0 else f"within {duration_text(within_s)}"
        case Due(every_s=float(every_s)):
            return f"every {duration_text(every_s)}"
        case Due():
            return stated.words or ""
        case Indicator():
            levels = (("target", stated.target), ("warning", stated.warning), ("critical", stated.critical))
            return f"{', '.join(f'{name} {figure:g}' for name, figure in levels if figure is not None)} {stated.unit}"
        case Alarm():
            unit = "" if stated.unit == "count" else f" {stated.unit}"
            figure = "no figure" if stated.threshold is None else f"{stated.threshold:g}{unit}"
            return figure + (f" for {duration_text(stated.for_s)}" if stated.for_s is not None else "")
        case _:
            return ""
