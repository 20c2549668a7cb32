"""`gameday report` and `gameday store`: incident reports, trends, and the store of past drills; and what is done after each drill."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gameday.exits import BAD_INPUT, PASSED
from gameday.options import OUT

if TYPE_CHECKING:
    from rich.console import Console

    from harness.result import Result
    from reports.store import Store
    from reports.trend_changes import Changes
    from scenarios.lint.finding import Finding

_STORE = click.option(
    "--store", "url", metavar="URL",
    help="The store: postgresql://user@host/name, or a file.  [default: $GAMEDAY_STORE, else store.sqlite in --out]",
)  # fmt: skip
_MOST_NAMED = 5  # drills that a part of a name may have meant, in a message


@click.group()
def report() -> None:
    """Reports for people: of one drill as an incident, of all drills over time, of what changed between two."""


@report.command()
@click.argument("drill", required=False)
@OUT
def incident(drill: str | None, out: Path) -> None:
    """Write the incident report of a drill into its folder: its folder, its name or a part of it; the newest by default."""
    from harness.result import build_result
    from reports.incident_write import write_incident
    from reports.listing import LATEST, find

    folder = find(out, drill or LATEST)
    result = build_result(folder)
    for path in write_incident(folder, result, runbook_findings(result)):
        click.echo(path)


@report.command()
@click.argument("scenario", nargs=-1)
@OUT
@_STORE
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Where the report goes.  [default: trend, in --out]")
@click.option("--markdown", is_flag=True, help="Print the Markdown, and write nothing.")
def trend(scenario: tuple[str, ...], out: Path, url: str | None, to: Path | None, markdown: bool) -> None:
    """Write the trend of all drills in the store, or of some scenarios: trend.html, trend.md and trend.png."""
    from reports.trend_report import as_markdown, gather
    from reports.trend_write import write_trend
    from scenarios.errors import InvalidInput, Problem
    from scenarios.loader import catalogue
    from scenarios.suggestions import hint

    store, now = _opened(out, url), datetime.now(UTC).replace(tzinfo=None)
    known = sorted({*catalogue(), *store.drills()["scenario"]})
    if problems := [
        Problem(Path("gameday report trend"), 0, 0, f"no drill and no scenario is called '{each}'{hint(each, known)}")
        for each in scenario
        if each not in known
    ]:
        raise InvalidInput(problems)
    found = gather(store, catalogue(), now, scenario)
    if markdown:
        click.echo(as_markdown(found, now), nl=False)
        return
    for path in write_trend(found, to or out / "trend", now):
        click.echo(path)


@report.command()
@click.argument("before")
@click.argument("after")
@OUT
@_STORE
def changes(before: str, after: str, out: Path, url: str | None) -> None:
    """What changed between two drills in the store: commit, versions, settings, and the scenario line by line."""
    from reports.trend_changes import changes as changes_between

    store = _opened(out, url)
    drills = store.drills()
    _print_changes(changes_between(store, _row(drills, before, store), _row(drills, after, store)))


@click.group()
def store() -> None:
    """The store of past drills. `gameday run` puts each drill into it."""


@store.command(name="import")
@click.argument("folder", nargs=-1, type=click.Path(path_type=Path, file_okay=False))
@OUT
@_STORE
def import_(folder: tuple[Path, ...], out: Path, url: str | None) -> None:
    """Put drills and campaigns into the store: folders of them, or folders that are one; all in --out by default. Twice does no harm.

    Exit codes: 0 all are in; 2 a folder could not be read (the others are in); 4 the store refused.
    """
    from reports.store import drill_folders

    folders = list(drill_folders(folder or (out,)))
    opened = _opened(out, url)
    done = opened.import_folders(folders)
    for problem in done.problems:
        click.echo(problem, err=True)
    click.echo(f"{opened.place}: {done.kept.added} new, {done.kept.changed} changed, {done.kept.same} as before")
    sys.exit(BAD_INPUT if done.problems else PASSED)


@store.command()
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "openmetrics"]), required=True)
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    required=True,
    help="A folder for tables, a file for OpenMetrics; - prints the latter.",
)
@click.option("--latest", is_flag=True, help="OpenMetrics: the newest drill of each series without its time, for a scrape.")
@OUT
@_STORE
def export(form: str, to: Path, latest: bool, out: Path, url: str | None) -> None:
    """Write past drills for other tools: CSV and Parquet tables, or OpenMetrics text (docs/reports.md)."""
    from reports.incident_write import replace_text
    from reports.store_export import export_tables, openmetrics

    if latest and form != "openmetrics":
        raise click.UsageError("--latest is for --format openmetrics.")
    opened = _opened(out, url)
    try:
        if form != "openmetrics":
            for path in export_tables(opened, to, form):
                click.echo(path)
        elif str(to) == "-":
            click.echo(openmetrics(opened, latest=latest), nl=False)
        else:
            replace_text(to, openmetrics(opened, latest=latest))
            click.echo(to)
    except OSError as error:
        raise click.UsageError(f"--to {to}: cannot be written: {error.strerror}") from error


def after_drill(console: Console, folder: Path, result: Result, *, keep: bool) -> None:
    """Write the incident report and put the drill into the store. What fails here is told in words: the drill itself is over and judged."""
    from rich.text import Text

    try:
        from reports.incident_write import write_incident

        write_incident(folder, result, runbook_findings(result))
    except Exception as error:  # noqa: BLE001 -- whatever is wrong with a report, the drill has its verdict
        console.print(Text(f"warning: no incident report: {error}", "yellow"), soft_wrap=True)
    if not keep:
        return
    try:
        from reports.store import Store

        done = Store.open(folder.parent).import_folders([folder])
        problem = "; ".join(done.problems)
    except Exception as error:  # noqa: BLE001 -- a store that fails never fails a drill
        problem = str(error)
    if problem:
        console.print(
            Text(f"warning: this drill is not in the store: {problem} Later: gameday store import {folder}", "yellow"),
            soft_wrap=True,
        )


def refresh_incident(folder: Path, result: Result) -> None:
    """Write the incident report anew where there is one: a drill that is judged again has no two stories. Raises OSError."""
    from reports.incident_write import MARKDOWN_FILE, write_incident

    if (folder / MARKDOWN_FILE).exists():
        write_incident(folder, result, runbook_findings(result))


def runbook_findings(result: Result) -> list[str]:
    """What the rules find today in the procedure that the drill carried out, a line each; nothing where its file is not there."""
    from scenarios.errors import InvalidInput
    from scenarios.places import DATA

    scenario = result.started.data.get("scenario")
    response = scenario.get("response") if isinstance(scenario, dict) else None
    file, _, anchor = str((response or {}).get("procedure") or "").partition("#")
    path = DATA / file
    if not file or not path.is_file():
        return []
    bound = path.with_name("bindings.yaml")
    try:
        section, found = _judged(path, anchor, *(each.stat().st_mtime_ns if each.is_file() else 0 for each in (path, bound)))
    except InvalidInput:
        return []
    return [
        f"{each.file.name}:{each.line}: {each.message} ({each.rule})"
        for each in found
        if section is not None and section[0] <= each.line <= section[1] and each.severity != "info"
    ]


@lru_cache(maxsize=64)  # many drills carry the same few runbooks out, and judging one takes seconds
def _judged(path: Path, anchor: str, _written_ns: int, _bound_ns: int) -> tuple[tuple[int, int] | None, tuple[Finding, ...]]:
    """The lines of a section, and what the rules find in its document."""
    from scenarios.reading import read_runbook

    section = next((each for each in read_runbook(path).sections if each.anchor == anchor), None)
    return (None, ()) if section is None else ((section.line, section.end_line), _found(path, _written_ns, _bound_ns))


@lru_cache(maxsize=16)
def _found(path: Path, _written_ns: int, _bound_ns: int) -> tuple[Finding, ...]:
    from gameday.linting import Wishes, context_of
    from scenarios.lint import lint
    from scenarios.lint.run import chosen_rules

    bound = path.with_name("bindings.yaml")
    return tuple(lint([path], context_of(Wishes(bindings=bound if bound.is_file() else None)), chosen_rules((), ())).findings)


def _opened(out: Path, url: str | None) -> Store:
    from reports.store import Store

    return Store.open(out, url)


def _row(drills: Any, name: str, store: Store) -> Mapping[str, Any]:
    """The drill of this name, or of a part of it that names just one. Raises InvalidInput."""
    from scenarios.errors import InvalidInput, Problem
    from scenarios.suggestions import hint

    names = list(drills["drill"])
    fits = [each for each in names if each == name] or [each for each in names if name in each]
    if len(fits) != 1:
        newest = ", ".join(fits[-_MOST_NAMED:])
        told = (
            f"names {len(fits)} drills; give more of the name: {newest}"
            if fits
            else f"is no drill in the store{hint(name, names)}"
        )
        raise InvalidInput([Problem(Path(store.place), 0, 0, f"'{name}' {told}")])
    found: Mapping[str, Any] = drills[drills["drill"] == fits[0]].iloc[0].to_dict()
    return found


def _print_changes(found: Changes) -> None:
    click.echo(f"{found.before} -> {found.after}")
    for what, before, after in found.facts:
        click.echo(f"  {what}: {before} -> {after}")
    if not found.facts:
        click.echo("  the same commit, versions and settings")
    click.echo("  the scenarios were not recorded" if found.scenario is None else found.scenario or "  the same scenario")


COMMANDS: Sequence[click.Command] = (report, store)
