"""`gameday simulate` and `gameday calibrate`: their options. The work is in `simulating.py` and `calibrating.py`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("scenario", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="The whole catalogue, a line for each; of what the model can't judge, the reason."
)
@click.option("--runs", type=click.IntRange(1), default=10_000, show_default=True, help="Nights of each scenario.")
@click.option(
    "--seed", type=click.IntRange(0), default=7, show_default=True, help="One seed, the same nights: whoever computes them."
)
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes.  [default: one a core]")
@click.option(
    "--out", type=_FOLDER, help="Keep nights (Parquet), campaign.json, report and pictures here, a folder for each scenario."
)
@click.option(
    "--what-if", "what_ifs", multiple=True, metavar="KEY=VALUE[,...]",
    help="Beside it, the same nights with a figure of sim/assumptions.yaml changed, or a setting of the stack (settings.KEY=VALUE).",
)  # fmt: skip
@click.option(
    "--until-width", type=click.FloatRange(0, 1, min_open=True), help="Stop once each target's interval is as narrow as this."
)
@click.option("--reached", multiple=True, metavar="STATE", help="Fail when no night reached this state, such as level-3.")
@click.option(
    "--tornado",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="NIGHTS",
    help="Nights for each end of each figure; 0: none.",
)
@click.option("--people", default="rota", show_default=True, help="A set of figures of sim/assumptions.yaml: rota, or drill.")
@click.option("--calibration", type=_FILE, help="Figures that `gameday calibrate` wrote.")
@click.option(
    "--a-year", "rates", multiple=True, metavar="[SCENARIO=]NUMBER",
    help="How many such incidents a year there are; without a scenario: of each.  [default: year.incidents of sim/assumptions.yaml]",
)  # fmt: skip
@click.option("--night", type=click.IntRange(0), help="Only this night, alone.")
@click.option("--trace", is_flag=True, help="Of --night: every event, and a history as a live drill leaves it.")
@click.option(
    "--validate",
    "validate_with",
    type=click.Path(path_type=Path, exists=True),
    metavar="DRILLS",
    help="Hold the simulation against the live drills in this folder, or in a file with a result.json on each line.",
)
@click.option("--engine", type=click.Choice(["processes", "dask"]), default="processes", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Of --engine dask: tcp://HOST:8786.")
@click.option(
    "--store/--no-store", "keep", default=True, show_default=True, help="Put what is in --out into the store: docs/reports.md."
)
def simulate(scenario: tuple[str, ...], everything: bool, workers: int | None, **options: Any) -> None:
    """Simulate nights of scenarios in virtual time: how likely are the targets met, and what matters most?

    Exit codes: 0 done; 1 a declared state was never reached, or --validate finds a bias; 2 bad usage or input; 3 unknown: the model
    can't judge it, and says why.
    """
    from gameday.simulating import SimulateWishes, run_simulate

    if not scenario and not everything:
        raise click.UsageError("Missing argument 'SCENARIO...'; --all simulates the whole catalogue.")
    if options["trace"] and options["night"] is None:
        raise click.UsageError("--trace shows one night: say which by --night N.")
    sys.exit(run_simulate(SimulateWishes(scenario, everything, workers=workers or os.cpu_count() or 1, **options)))


@click.command()
@click.option("--drills", type=_FOLDER, default=Path("drills"), show_default=True, help="Where live drills are kept.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("calibration.yaml"),
    show_default=True,
    help="Where the fitted figures go.",
)
def calibrate(drills: Path, output: Path) -> None:
    """Fit the simulation's durations to the histories of live drills, and write them with their sample counts.

    Exit codes: 0 done; 2 bad usage or input; 3 there is no drill to learn from.
    """
    from gameday.calibrating import run_calibrate

    sys.exit(run_calibrate(drills, output))


SIMULATION = (simulate, calibrate)
