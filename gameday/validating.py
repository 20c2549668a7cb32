"""`gameday simulate --validate`: the simulation held against the live drills of the same scenarios."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from gameday.calibrating import live_drills
from gameday.exits import FAILED, PASSED, UNKNOWN
from harness.measure import measure
from reports.words import duration_text
from scenarios.loader import LoadedScenario
from sim.assumptions import load_assumptions, load_calibration
from sim.chunk import run_chunk
from sim.fidelity import MEASURES, Held, hold
from sim.plan import make_plan

if TYPE_CHECKING:
    from gameday.simulating import SimulateWishes

_NIGHTS = 2000


def validate(folder: Path, scenarios: Sequence[LoadedScenario], wishes: SimulateWishes, console: Console) -> int:
    """Predict with the people of live drills, compare, tell. FAILED when a measure is biased, UNKNOWN without live drills."""
    assumptions = load_assumptions()
    if wishes.calibration is not None:
        assumptions = load_calibration(wishes.calibration, assumptions)
    live: defaultdict[str, list[dict[str, float | None]]] = defaultdict(list)
    for _, history in live_drills(folder):
        measures = measure(history)
        live[history.events[0].subject].append({name: getattr(measures, name) for name in MEASURES})
    found: list[Held] = []
    for loaded in scenarios:
        plan = make_plan(loaded, assumptions.of("drill"), seed=wishes.seed)
        if live[loaded.name]:
            nights = run_chunk(plan, 0, min(wishes.runs, _NIGHTS))
            found += hold(
                loaded.name, {name: np.asarray(nights[name], dtype=np.float64) for name in MEASURES.values()}, live[loaded.name]
            )
        else:
            console.print(f"[yellow]no live drill of {loaded.name} in {folder}[/]", soft_wrap=True)
    if not found:
        return UNKNOWN
    console.print(_table(found))
    inside, seen = sum(each.inside for each in found), sum(len(each.seen) for each in found)
    biased = [f"{each.measure} of {each.scenario}" for each in found if each.biased]
    console.print(f"{inside} of {seen} live measures lie in the predicted 90 % intervals ({inside / seen:.0%})")
    console.print(
        f"[bold red]biased: {', '.join(biased)}[/]" if biased else "no measure is biased as far as these drills can tell",
        soft_wrap=True,
    )
    return FAILED if biased else PASSED


def _table(found: list[Held]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("scenario", "measure", "predicted 90 %", "live", "inside", "lies at", ""):
        table.add_column(column, overflow="fold")
    for each in found:
        seen = sorted(each.seen)
        span = f"{duration_text(seen[0])} to {duration_text(seen[-1])} ({duration_text(seen[len(seen) // 2])})"
        table.add_row(
            each.scenario, each.measure.removesuffix("_s").replace("_", " "), f"{duration_text(each.low_s)} to {duration_text(each.high_s)}",
            span, f"{each.inside}/{len(each.seen)}", f"{each.bias:.2f}", "[bold red]biased[/]" if each.biased else "",
        )  # fmt: skip
    return table
