"""Options of `gameday run` for a CI: what it leaves, whom it tells, and what else fails it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gameday.ci import Outputs

_FILE = click.Path(path_type=Path, dir_okay=False)
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("drills"),
    show_default=True,
    help="Where drills are kept.",
)


def for_ci(command: Any) -> Any:
    """Gives a command the options that `outputs_of` reads, and `notices` and `fail_on`."""
    options = (
        click.option("--junit", type=_FILE, help="Write JUnit XML into this file, however the run ends."),
        click.option("--github", is_flag=True, help="For GitHub Actions: annotations, the step's summary, a folded log."),
        click.option("--gitlab", is_flag=True, help="For GitLab CI: code quality and metrics reports in --out, a folded log."),
        click.option(
            "--notices", type=_FILE,
            help="Tell those in this file of each drill: docs/ci.md.  [default: the file that GAMEDAY_NOTICES names, else nobody]",
        ),
        click.option(
            "--fail-on", type=click.Choice(["regression"]), default=None,
            help="regression: exit code 1 too where a drill is worse than the last ones in the store, beyond noise: docs/ci.md.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def outputs_of(given: Mapping[str, Any], out: Path) -> Outputs:
    """What is wished of a CI's files, by the values of `for_ci`'s options."""
    from gameday.ci import Outputs

    return Outputs(given["junit"], given["github"], given["gitlab"], out)
