"""`gameday calibrate`: figures of the simulation fitted to the histories of live drills."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from gameday.exits import PASSED, UNKNOWN
from gameday.listing import make_console
from harness.history import HISTORY_FILE, History
from harness.verdict import COMPLETED, status_of
from reports.words import duration_text
from scenarios.fields import format_duration
from sim.assumptions import load_assumptions
from sim.fitting import Fit, fit_all
from sim.samples import samples_of

SIMULATED = "simulated"


def live_drills(folder: Path) -> Iterator[tuple[Path, History]]:
    """Live drills in a folder that ran to their end, oldest first. Raises BadHistory for a damaged one."""
    for path in sorted(folder.glob(f"*/{HISTORY_FILE}")):
        history = History.read(path.parent)
        started = history.first("drill.started")
        if started is not None and started.data.get("stack") != SIMULATED and status_of(history) == COMPLETED:
            yield path.parent, history


def run_calibrate(drills: Path, output: Path) -> int:
    """Fit, tell and write. UNKNOWN when there is nothing to fit."""
    console = make_console()
    histories = [history for _, history in live_drills(drills)]
    fits = fit_all(samples_of(iter(histories)), load_assumptions())
    if not fits:
        console.print(f"no live drill that ran to its end lies in {drills}; carry some out by `gameday run`", soft_wrap=True)
        return UNKNOWN
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("figure", "samples", "median", "p95", "median's range", "goodness of fit (p)", ""):
        table.add_column(column, overflow="fold")
    for each in fits:
        p = "too few to tell" if each.p is None else f"{each.p:.2f}"
        ranged = f"{duration_text(each.low_s)} to {duration_text(each.high_s)}"
        table.add_row(each.name, str(each.samples), duration_text(each.median_s), duration_text(each.p95_s), ranged, p, each.said)
    console.print(f"{len(histories)} live drills in {drills}")
    console.print(table)
    output.write_text(_document(fits, len(histories)), encoding="utf-8")
    console.print(f"written  {output}; use it by `gameday simulate ... --calibration {output}`", soft_wrap=True)
    return PASSED


def _document(fits: list[Fit], drills: int) -> str:
    """The YAML of a calibration: the same form as sim/assumptions.yaml."""
    lines = [f"# Written by `gameday calibrate` from {drills} live drills.", "assumptions:"]
    group = ""
    for each in fits:
        head, _, name = each.name.partition(".")
        if head != group:
            lines.append(f"  {head}:")
            group = head
        goodness = "" if each.p is None else f", fit: {each.p:.4f}"
        spread = f"median: {format_duration(each.median_s)}, p95: {format_duration(each.p95_s)}"
        ends = f"low: {format_duration(each.low_s)}, high: {format_duration(each.high_s)}"
        said = each.said.replace('"', "'")
        lines.append(f'    {name}: {{{spread}, {ends}, samples: {each.samples}{goodness}, source: "{said}"}}')
    return "\n".join(lines) + "\n"
