"""The command line: it parses, calls and prints. Heavy imports stand inside the command that needs them."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gameday import __version__
from gameday.campaigns import SIMULATION
from gameday.exits import BAD_INPUT, BROKEN, INTERRUPTED, PASSED
from gameday.options import OUT, for_ci, outputs_of
from gameday.people_cli import COMMANDS, exercise_of, for_people
from gameday.reporting import COMMANDS as REPORTING

if TYPE_CHECKING:
    from scenarios.model import MonitorWish


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gameday")
def cli() -> None:
    """Rehearse an outage: boot a stand-in stack, break it, carry out the runbook, measure the recovery.

    Exit codes: 0 all passed; 1 a target or invariant failed; 2 bad usage or input; 3 something could not be judged;
    4 the harness itself broke; 130 / 143 stopped by SIGINT / SIGTERM.
    """


@cli.command()
@click.argument("scenario", nargs=-1)
@click.option(
    "--speed",
    type=click.FloatRange(1, 100),
    default=1.0,
    show_default=True,
    help="How fast documented time runs while everybody waits.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=None, help="For every random draw; by default a new one, which the result names."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a setting of the stack, for a what-if.")
@click.option("--stack", type=click.Choice(["embedded", "containers", "compose"]), default="embedded", show_default=True)
@click.option(
    "--monitor",
    type=click.Choice(["auto", "embedded", "prometheus"]),
    default=None,
    help="Who detects: Prometheus with Alertmanager, the embedded evaluator of the same rules, or (auto) the former where they"
    " are found.  [default: what the scenario says, else auto]",
)
@click.option("--all", "everything", is_flag=True, help="The whole catalogue, side by side.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=None,
    help="How many at once.  [default: 1; with --all one a core, within free memory]",
)
@click.option("--tag", "tags", multiple=True, help="Only scenarios with this tag; of several, any.")
@click.option("--only", multiple=True, metavar="NAME", help="Only scenarios whose name matches, such as '*-failure'.")
@click.option("--since-last-failure", is_flag=True, help="Not those that passed when they were last run (the drills in --out).")
@click.option("--shuffle", type=int, default=None, metavar="SEED", help="In an order drawn from this seed.")
@for_people
@for_ci
@click.option(
    "--store/--no-store", "keep", default=True, show_default=True, help="Put each drill into the store: docs/reports.md."
)
@OUT
def run(
    scenario: tuple[str, ...], speed: float, seed: int | None, settings: tuple[str, ...], stack: str, monitor: MonitorWish | None,
    everything: bool, jobs: int | None, tags: tuple[str, ...], only: tuple[str, ...], since_last_failure: bool, shuffle: int | None,
    keep: bool, out: Path, **more: Any,
) -> None:  # fmt: skip
    """Carry scenarios out: names of the catalogue, files or folders, one after another; --jobs and --all: side by side."""
    from gameday.running import RunWishes, run_all

    exercise = exercise_of(more, alone=not everything and jobs in (None, 1))
    if not scenario and not everything:
        raise click.UsageError("Missing argument 'SCENARIO...'; --all runs the whole catalogue.")
    if jobs not in (None, 1) and stack == "compose":
        raise click.UsageError("--jobs: a compose stack is one; its drills run one after another.")
    wishes = RunWishes(
        scenario, speed, seed, _pairs(settings), stack, monitor, out, everything, 1 if stack == "compose" else jobs, tags, only,
        since_last_failure, shuffle, outputs_of(more, out), more["notices"], exercise, keep, more["fail_on"],
    )  # fmt: skip
    sys.exit(run_all(wishes))


@cli.command()
@click.argument("path", nargs=-1, required=True)
def validate(path: tuple[str, ...]) -> None:
    """Check scenario files without running anything: names of the catalogue, files or folders."""
    from scenarios.errors import shown
    from scenarios.loader import find_scenarios, load_scenario

    found = find_scenarios(path)
    for each in found:
        load_scenario(each)
        click.echo(f"{shown(each)}: ok")


@cli.command()
@click.option("--month", required=True, metavar="YYYY-MM", help="Of which month.")
@click.option("--at", default="10:00", show_default=True, metavar="HH:MM", help="Time of day, UTC.")
@click.option("--count", type=click.IntRange(1, 31), default=4, show_default=True, help="How many game days.")
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), default=None, help="Where to write it.  [default: plans/MONTH]"
)
@OUT
def plan(month: str, at: str, count: int, to: Path | None, out: Path) -> None:
    """Which scenarios are due, with sheets for facilitators, briefings for participants and a calendar."""
    from gameday.planning import plan as write_plan

    write_plan(month, at, count, out, to)


@cli.command(name="list")
@OUT
def list_drills(out: Path) -> None:
    """The drills that are kept, newest first."""
    from gameday.listing import print_drills

    print_drills(out)


@cli.command()
@click.argument("drill", required=False)
@OUT
def show(drill: str | None, out: Path) -> None:
    """The report of a drill: its folder, its name or the beginning of it; the newest by default."""
    from gameday.listing import print_report

    print_report(drill, out)


@cli.command()
@click.argument("drill", nargs=-1, required=True)
@click.option(
    "--targets", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Judge against this targets file instead."
)
@click.option("--write", is_flag=True, help="Write result, report and picture anew.")
@OUT
def judge(drill: tuple[str, ...], targets: Path | None, write: bool, out: Path) -> None:
    """Compute measures and verdicts of old histories again, also against changed targets."""
    from gameday.listing import judge_again

    sys.exit(judge_again(drill, out, targets=targets, write=write))


@cli.command(name="targets")
@click.option(
    "--targets",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="This file instead of the project's own.",
)
def list_targets(path: Path | None) -> None:
    """Every documented figure with its source: targets, what is due how soon, indicators, alerts; and which one holds where they disagree."""
    from gameday.targets import print_targets

    print_targets(path)


@cli.command(name="catalogue")
@click.option(
    "--drills",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Take the figures of the newest drills from here.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it into this file.  [default: standard output]"
)
@click.option("--check", is_flag=True, help="Write nothing: is the page (--out, or docs/catalogue.md) what the scenarios say?")
def write_catalogue_page(drills: Path | None, out: Path | None, check: bool) -> None:
    """The page of all scenarios in Markdown: source, faults, alert, procedure, targets, and the figures of their last drills.

    Exit codes: 0 written, or up to date; 1 with --check: not up to date; 2 bad usage or input.
    """
    from gameday.catalogue import write_catalogue
    from scenarios.loader import catalogue

    if check and drills is not None:
        raise click.UsageError("--check looks at the scenarios alone; leave --drills out.")
    sys.exit(write_catalogue(catalogue(), drills=drills, out=out, check=check))


@cli.command()
def doctor() -> None:
    """What this machine has, what a drill would use, and how to get the rest."""
    from gameday.listing import print_findings
    from harness.doctor import examine

    sys.exit(BROKEN if print_findings(list(examine())) else PASSED)


@cli.command()
def clean() -> None:
    """Remove what killed drills left on the container engine: their containers, networks and volumes, and nothing else."""
    from gameday.listing import print_cleaned
    from harness.errors import MissingTool

    try:
        from harness.engine.clean import clean as clean_engine
        from harness.engine.client import Engine
    except ImportError as error:
        raise MissingTool("the Python package testcontainers", "Without it no drill left any container.") from error

    print_cleaned(clean_engine(Engine.connect()))


@cli.group()
def tools() -> None:
    """Programs that drills can use beside the bundled ones."""


@tools.command()
@click.argument("tool", type=click.Choice(["toxiproxy"]))
def install(tool: str) -> None:
    """Install a real tool into the cache: toxiproxy (needs Go)."""
    from harness.toxiproxy_server import install_toxiproxy

    server = install_toxiproxy()
    click.echo(f"{tool} {server.version} is installed: {server.program}")


@cli.group()
def runbook() -> None:
    """Runbooks in Markdown: what stands in them, and what is wrong in them."""


def _judging(command: Any) -> Any:
    """The options of every command that judges runbooks."""
    options = (
        click.option(
            "--format", "form", type=click.Choice(["text", "json", "sarif", "junit", "markdown"]), default="text", show_default=True
        ),
        click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file."),
        click.option("--baseline", type=click.Path(path_type=Path, dir_okay=False), help="Findings that are known: only others count."),
        click.option("--update-baseline", is_flag=True, help="Write what is found now into the baseline."),
        click.option("--select", multiple=True, metavar="RULE", help="Ask only this rule; may be given several times."),
        click.option("--ignore", multiple=True, metavar="RULE", help="Do not ask this rule; may be given several times."),
        click.option(
            "--severity", type=click.Choice(["error", "warning", "info"]), default="warning", show_default=True,
            help="Findings from here on end the command with exit code 1; all are told.",
        ),
        click.option("--bindings", type=click.Path(path_type=Path, dir_okay=False), help="Values for placeholders, and more: docs/writing-scenarios.md."),
        click.option("--stack", help="The stack that the runbooks are about: a name such as eafix, or a file."),
        click.option("--postgres-version", type=click.IntRange(10), default=16, show_default=True, help="For rules about SQL."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@runbook.command()
@click.argument("path", nargs=-1, required=True, type=click.Path(path_type=Path))
def outline(path: tuple[Path, ...]) -> None:
    """What the reader makes of runbooks: procedures, steps, commands, and which of them can be executed. Files or folders."""
    from gameday.runbook import print_outline

    print_outline(path)


@runbook.command()
@click.argument("path", nargs=-1, required=True, type=click.Path(path_type=Path))
@_judging
def lint(path: tuple[Path, ...], **wishes: Any) -> None:
    """Find what is wrong in runbooks by reading them: files or folders. Nothing in them is carried out.

    Exit codes: 0 nothing new at or above the severity; 1 findings; 2 bad usage or input.
    """
    from gameday.linting import Wishes, run_lint

    sys.exit(run_lint(path, Wishes(**wishes)))


@runbook.command()
@click.argument("path", nargs=-1, required=True, type=click.Path(path_type=Path))
@_judging
@click.option(
    "--procedure", "procedures", multiple=True, metavar="ANCHOR", help="Only these: a section's anchor, or a pattern of it."
)
@click.option("--with-lint", is_flag=True, help="Ask the rules of `runbook lint` too.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="How many at once.  [default: the number of cores]")
@click.option(
    "--speed", type=click.FloatRange(1, 60), default=20.0, show_default=True, help="Of documented time while nobody measures."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything that is drawn.")
@click.option(
    "--limit", type=click.FloatRange(1), default=30.0, show_default=True, metavar="SECONDS", help="Of each command, in wall time."
)
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Write the history of each check into this folder."
)
def check(path: tuple[Path, ...], **wishes: Any) -> None:
    """Find what is wrong in runbooks by carrying them out: files or folders. Each procedure runs in a sandbox of its own, on a stand-in of its stack.

    Exit codes: 0 nothing new at or above the severity; 1 findings; 2 bad usage or input; 3 a check that could not be judged; 4 no
    sandbox, or a tool is missing.
    """
    from gameday.checking import CheckWishes, run_check

    sys.exit(run_check(path, CheckWishes(**wishes)))


@runbook.command()
@click.argument("rule", required=False)
@click.option("--format", "form", type=click.Choice(["text", "markdown"]), default="text", show_default=True)
def explain(rule: str | None, form: str) -> None:
    """What a rule of `runbook lint` looks for, why, and how to silence it; without a RULE, the list of all."""
    from gameday.linting import explain as explain_rule

    explain_rule(rule, form)


def _pairs(settings: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise click.BadParameter(
                f"{setting!r} is not KEY=VALUE, such as postgres.synchronous_commit=remote_apply", param_hint="--set"
            )
        pairs[key] = value
    return pairs


for _command in (*COMMANDS, *REPORTING, *SIMULATION):
    cli.add_command(_command)


def main() -> None:
    """The entry point. Every known error is one message; whatever happens, the exit code means what the help says."""
    sys.exit(_exit_code())


def _exit_code() -> int:
    from harness.errors import BadHistory, HarnessError
    from scenarios.errors import InvalidInput

    try:
        cli(standalone_mode=False)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else PASSED
    except click.ClickException as error:
        error.show()
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (InvalidInput, BadHistory) as error:
        click.echo(str(error), err=True)
        return BAD_INPUT
    except HarnessError as error:
        click.echo(f"gameday: {error}", err=True)
        return BROKEN
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN
    except Exception:  # noqa: BLE001 - Python's own code for a crash is 1, which here means that a target was missed
        traceback.print_exc()
        return BROKEN
    return PASSED


if __name__ == "__main__":
    main()
