"""`gameday run`: scenarios one after another, live progress, reports, and one exit code."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from gameday.exits import worst
from gameday.listing import make_console, print_codes, print_summary
from gameday.progress import Progress
from harness.run import DrillOptions, run_drill
from scenarios.loader import LoadedScenario, find_scenarios, load_scenario
from scenarios.model import MonitorWish

_LARGEST_SEED = 2**31


def run_all(
    names: Sequence[str], *, speed: float, seed: int | None, settings: Mapping[str, str], stack: str, monitor: MonitorWish | None,
    out: Path,
) -> int:  # fmt: skip
    """Run the scenarios that names, files and folders mean; the worst exit code. Raises InvalidInput before the first starts.

    `monitor` None: what each scenario says.
    """
    scenarios = [load_scenario(path, overrides=settings) for path in find_scenarios(names)]
    console = make_console()
    codes: list[int] = []
    for loaded in scenarios:
        chosen = secrets.randbelow(_LARGEST_SEED) if seed is None else seed
        options = DrillOptions(
            seed=chosen, speed=speed, out=out, stack=stack, overrides=settings, monitor=monitor, tell=console.print
        )
        codes.append(_run_one(loaded, options, console))
        if codes[-1] > 128:  # stopped by a signal: the others are not started
            break
    if len(scenarios) > 1:
        print_codes(console, [loaded.name for loaded in scenarios], codes)
    return worst(codes)


def _run_one(loaded: LoadedScenario, options: DrillOptions, console: Console) -> int:
    outcome = run_drill(loaded, options, Progress(console))
    from reports.write import write_reports  # matplotlib: only when the drill is over

    write_reports(outcome.folder, outcome.result)
    print_summary(console, outcome.folder, outcome.result)
    return 128 + outcome.signal if outcome.signal else outcome.result.exit_code
