"""`gameday catalogue`: the page of all scenarios, printed, written, or held against the scenarios."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gameday.exits import FAILED, PASSED
from reports.catalogue import as_page, rows_from, rows_of, static_part, static_part_of
from scenarios.errors import InvalidInput, Problem, shown
from scenarios.loader import LoadedScenario, find_scenarios, load_scenario
from scenarios.places import DATA
from scenarios.yaml_source import read_text

PAGE = DATA.parent / "docs" / "catalogue.md"
_MOST_SHOWN = 12  # lines of a difference


def write_catalogue(names: Sequence[str], *, drills: Path | None, out: Path | None, check: bool) -> int:
    """Write the page to a file or to standard output; with `check` only say whether what it says of scenarios is up to date.

    `names` are the scenarios of the catalogue. Figures come from the newest drills in `drills`; those of other scenarios stay as
    the page has them. Raises InvalidInput.
    """
    page = out or PAGE
    before = read_text(page) if check or page.is_file() else ""
    fresh = {} if drills is None else rows_from(drills, names)
    if drills is not None and not fresh:
        raise InvalidInput(
            [Problem(drills, 0, 0, "there is no drill in this folder that ran a scenario of the catalogue to its end")]
        )
    if out is not None and not out.parent.is_dir():
        raise InvalidInput([Problem(out, 0, 0, "cannot be written: there is no such folder")])
    scenarios = [load_scenario(path) for path in find_scenarios(names)]
    if check:
        return _check(page, before, scenarios)
    text = as_page(scenarios, {**rows_of(before), **fresh})
    if out is None:
        sys.stdout.write(text)
        return PASSED
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput([Problem(out, 0, 0, f"cannot be written: {error.strerror}")]) from error
    click.echo(f"{shown(out)}: {len(scenarios)} scenarios, {len(fresh)} of them with new figures")
    return PASSED


def _check(page: Path, text: str, scenarios: Sequence[LoadedScenario]) -> int:
    written, due = static_part_of(text), static_part(scenarios)
    if written == due:
        click.echo(f"{shown(page)}: up to date")
        return PASSED
    changed = [
        line
        for line in difflib.unified_diff(written.splitlines(), due.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    click.echo(f"{shown(page)} is not what the scenarios say; write it anew: gameday catalogue --out {shown(page)}", err=True)
    for line in changed[:_MOST_SHOWN]:
        click.echo(f"  {line}", err=True)
    if len(changed) > _MOST_SHOWN:
        click.echo(f"  and {len(changed) - _MOST_SHOWN} more", err=True)
    return FAILED
