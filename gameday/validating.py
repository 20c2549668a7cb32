"""`gameday simulate --validate`: the simulation held against the live drills of the same scenarios."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from gameday.calibrating import SIMULATED, live_drills
from gameday.exits import FAILED, PASSED, UNKNOWN
from harness.measure import measure
from harness.verdict import COMPLETED
from reports.words import duration_text
from scenarios.errors import InvalidInput, Problem
from scenarios.loader import LoadedScenario
from sim.assumptions import load_assumptions, load_calibration
from sim.chunk import run_chunk
from sim.fidelity import COVERAGE, MEASURES, Held, Live, covered, hold, too_few
from sim.plan import make_plan

if TYPE_CHECKING:
    from gameday.simulating import SimulateWishes

_NIGHTS = 2000
_ANOTHER_QUESTION = re.compile(r"--set\b|--respond[ =]human")  # other settings, or people whose delays nobody drew


def validate(drills: Path, scenarios: Sequence[LoadedScenario], wishes: SimulateWishes, console: Console) -> int:
    """Predict with the people of live drills, compare, tell. UNKNOWN without live drills.

    FAILED when a measure is biased, and when too few of all measures lie where they were foretold. `drills` is a folder
    of drills, or a file with a result.json on each line. Raises InvalidInput.
    """
    assumptions = load_assumptions()
    if wishes.calibration is not None:
        assumptions = load_calibration(wishes.calibration, assumptions)
    live: defaultdict[str, list[Live]] = defaultdict(list)
    passed_over = 0
    for scenario, command, one in _kept(drills) if drills.is_file() else _lying_in(drills):
        if _ANOTHER_QUESTION.search(command):
            passed_over += 1
        else:
            live[scenario].append(one)
    if passed_over:
        console.print(f"passed over: {passed_over} drills with --set or with people, which are other questions", soft_wrap=True)
    found: list[Held] = []
    for loaded in scenarios:
        plan = make_plan(loaded, assumptions.of("drill"), seed=wishes.seed)
        if live[loaded.name]:
            nights = run_chunk(plan, 0, min(wishes.runs, _NIGHTS))
            found += hold(
                loaded.name, {name: np.asarray(nights[name], dtype=np.float64) for name in MEASURES.values()}, live[loaded.name]
            )
        else:
            console.print(f"[yellow]no live drill of {loaded.name} in {drills}[/]", soft_wrap=True)
    if not found:
        return UNKNOWN
    return _told(found, [each for loaded in scenarios for each in live[loaded.name]], console)


def _told(found: Sequence[Held], live: Sequence[Live], console: Console) -> int:
    console.print(_table(found))
    inside, seen = sum(each.inside for each in found), sum(len(each.seen) for each in found)
    coverage = covered(found, live)
    seeds = len({each.seed for each in live})
    assert coverage.low is not None
    assert coverage.high is not None
    console.print(
        f"{inside} of {seen} live measures lie in the predicted 90 % intervals ({inside / seen:.0%}; {len(live)} drills of {seeds} seeds, "
        f"95 % interval {coverage.low:.0%} to {coverage.high:.0%})",
        soft_wrap=True,
    )
    biased = [f"{each.measure} of {each.scenario}" for each in found if each.biased]
    few = too_few(coverage, live)
    if few:
        console.print(f"[bold red]too few: of intervals of 90 % at least {COVERAGE:.0%} are due[/]")
    console.print(
        f"[bold red]biased: {', '.join(biased)}[/]" if biased else "no measure is biased as far as these drills can tell",
        soft_wrap=True,
    )
    return FAILED if biased or few else PASSED


def _lying_in(folder: Path) -> Iterator[tuple[str, str, Live]]:
    """Scenario, command and measures of each live drill in a folder, measured anew. Raises BadHistory for a damaged one."""
    for _, history in live_drills(folder):
        measures, started = measure(history), history.events[0]
        given = started.data
        yield (
            started.subject, str(given.get("command", "")),
            Live(int(given.get("seed", 0)), {name: getattr(measures, name) for name in MEASURES}),
        )  # fmt: skip


def _kept(file: Path) -> Iterator[tuple[str, str, Live]]:
    """The same of results that were kept, one on each line. Raises InvalidInput, with the line."""
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row: dict[str, Any] = json.loads(line)
            if row["status"] != COMPLETED or row["stack"] == SIMULATED:
                continue
            measures = {name: None if (value := row["measures"][name]) is None else float(value) for name in MEASURES}
            yield str(row["scenario"]), str(row.get("rerun") or ""), Live(int(row["seed"]), measures)
        except (ValueError, KeyError, TypeError) as error:
            message = f"no result of a drill ({error!r}); each line is a result.json, as `jq -c . drills/*/result.json` makes it"
            raise InvalidInput([Problem(file, number, 1, message)]) from error


def _table(found: Sequence[Held]) -> Table:
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
