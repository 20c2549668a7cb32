"""Prints drills, verdicts and what a machine has, as tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from gameday.exits import MEANINGS, worst
from harness.doctor import Finding
from harness.history import History
from harness.result import Result, build_result, write_result
from harness.run import Outcome
from harness.verdict import Judgement
from reports.listing import LATEST, drills, find
from reports.verdicts import compared, headline, measure_name
from reports.words import duration_text
from scenarios.model import Target

if TYPE_CHECKING:  # it needs the container engine's packages, which are optional
    from harness.engine.clean import Cleaned

_LEAST_WIDTH = 140  # in a file or a CI log nothing needs to be folded
VERDICT_STYLES = {"pass": "green", "fail": "bold red", "unknown": "yellow"}
_MARKS = {True: ("ok", "green"), False: ("missing", "bold red"), None: ("note", "yellow")}


def make_console() -> Console:
    """A console as wide as the terminal; wide where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LEAST_WIDTH)


def print_summary(console: Console, folder: Path, result: Result) -> None:
    """The verdict in a sentence, each target and invariant, and where to read on."""
    verdict = result.verdict.value
    sentence = headline(History.read(folder), result.measures, result.judgements)
    console.print()
    console.print(Text.assemble((f" {verdict.upper()} ", f"reverse {VERDICT_STYLES[verdict]}"), "  ", sentence), soft_wrap=True)
    console.print(verdict_table(result.judgements))
    console.print(
        f"report   {folder / 'report.md'}\npicture  {folder / 'timeline.png'}\nresult   {folder / 'result.json'}", soft_wrap=True
    )
    if result.started.data.get("command"):
        console.print(f"again    {result.started.data['command']}", soft_wrap=True)


def print_rows(console: Console, rows: Sequence[tuple[str, int | None, Outcome | None]]) -> None:
    """What each of several drills came to: name, exit code (None: not started), outcome."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("scenario", "verdict", "detect", "acknowledge", "recover", "RPO", "lost", "what failed"):
        table.add_column(column, overflow="fold")
    for name, code, outcome in rows:
        word = "not started" if code is None else MEANINGS.get(code, f"exit code {code}")
        measured, failed = ["–"] * 5, ""
        if outcome is not None:
            found = outcome.result.measures
            times = (found.time_to_detect_s, found.time_to_acknowledge_s, found.time_to_recover_s, found.recovery_point_s)
            measured = [
                *("–" if each is None else duration_text(each) for each in times),
                "–" if found.lost_writes is None else str(found.lost_writes),
            ]
            failed = ", ".join(each.name for each in outcome.result.judgements if each.verdict.value != "pass")
        table.add_row(name, Text(word, VERDICT_STYLES.get(word, "yellow")), *measured, failed)
    console.print()
    console.print(table)
    counts = Counter("not started" if code is None else MEANINGS.get(code, "other") for _, code, _ in rows)
    console.print(", ".join(f"{number} {word}" for word, number in counts.most_common()))


def verdict_table(judgements: Sequence[Judgement]) -> Table:
    """A row for each target, and for each invariant."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("verdict", "measure", "measured", "limit", "source or reason"):
        table.add_column(column, overflow="fold")
    for judgement in judgements:
        measured, limit = compared(judgement) if judgement.kind == "target" else ("", "")
        word = judgement.verdict.value
        about = judgement.why or judgement.source or ""
        table.add_row(Text(word, VERDICT_STYLES[word]), measure_name(judgement.name), measured, limit, about)
    return table


def print_drills(out: Path) -> None:
    """One row a drill, newest first."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("drill", "verdict", "detect", "acknowledge", "recover", "RPO", "lost"):
        table.add_column(column, overflow="fold")
    rows = drills(out)
    for row in rows:
        times = (row.time_to_detect_s, row.time_to_acknowledge_s, row.time_to_recover_s, row.recovery_point_s)
        verdict = row.verdict if row.status == "completed" else f"{row.verdict} ({row.status})"
        lost = "–" if row.lost_writes is None else str(row.lost_writes)
        table.add_row(
            row.drill,
            Text(verdict, VERDICT_STYLES.get(row.verdict, "")),
            *("–" if each is None else duration_text(each) for each in times),
            lost,
        )
    console = make_console()
    console.print(table if rows else f"{out} holds no drills yet. Run one: gameday run primary-database-failure --speed 20")


def print_report(name: str | None, out: Path) -> None:
    """The report of a drill; when it has none, because it was cut short, its summary."""
    folder = find(out, name or LATEST)
    console = make_console()
    report = folder / "report.md"
    if report.is_file():
        console.print(Markdown(report.read_text(encoding="utf-8")))
    else:
        print_summary(console, folder, build_result(folder))


def judge_again(names: Sequence[str], out: Path, *, targets: Path | None, write: bool) -> int:
    """Judge old histories; the worst exit code."""
    from scenarios.loader import load_targets

    given = load_targets(targets) if targets else None
    console = make_console()
    codes = []
    for name in names:
        folder = find(out, name)
        chosen = None if given is None else _named(build_result(folder), given)
        result = write_result(folder, chosen) if write else build_result(folder, chosen)
        if write:
            from gameday.reporting import refresh_incident
            from reports.write import write_reports

            write_reports(folder, result)
            refresh_incident(folder, result)
        print_summary(console, folder, result)
        codes.append(result.exit_code)
    return worst(codes)


def _named(result: Result, given: Mapping[str, Target]) -> dict[str, Target]:
    """Of the given targets, those that the drill's scenario names; all, when it names none."""
    named = result.started.data.get("scenario", {}).get("targets") or list(given)
    return {name: given[name] for name in named if name in given}


def print_findings(findings: Sequence[Finding]) -> bool:
    """What `gameday doctor` found; true when something is missing without which no drill runs."""
    console = make_console()
    for finding in findings:
        mark, style = _MARKS[finding.ok]
        console.print(Text.assemble((f"{mark:<8}", style), f"{finding.part:<14}", finding.found), soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"{'':<22}{finding.remedy}", "dim"), soft_wrap=True)
    return any(finding.ok is False for finding in findings)


def print_cleaned(cleaned: Cleaned) -> None:
    """What `gameday clean` removed, and what it left alone."""
    console = make_console()
    for drill in cleaned.running:
        console.print(f"{drill} still runs: left alone", soft_wrap=True)
    if not cleaned.drills:
        console.print("nothing to clean: no drill that is over has left anything")
        return
    removed = {"container": cleaned.containers, "network": cleaned.networks, "volume": cleaned.volumes}
    amounts = [f"{number} {kind}{'' if number == 1 else 's'}" for kind, number in removed.items()]
    console.print(f"removed {', '.join(amounts)} of {', '.join(cleaned.drills)}", soft_wrap=True)
