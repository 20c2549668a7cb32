"""`gameday plan`: which scenarios are due next month, and the papers for the day."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, time
from pathlib import Path

from rich.text import Text

from gameday.listing import make_console
from reports.listing import details, drills
from reports.planning import Due, Last, how_due, newest, pages, ranked, sessions
from scenarios.errors import InvalidInput, Problem
from scenarios.loader import LoadedScenario, catalogue, find_scenarios, load_scenario
from scenarios.places import locate

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def plan(month: str, at: str, count: int, out: Path, to: Path | None, now: datetime | None = None) -> None:
    """Write the plan of a month (`2026-12`) into `to`, by default plans/MONTH. Raises InvalidInput."""
    now = now or datetime.now(UTC)
    found, clock = _MONTH.fullmatch(month), _TIME.fullmatch(at)
    if found is None:
        raise InvalidInput([Problem(Path("--month"), 0, 0, f"'{month}' is no month; write it as {now:%Y-%m}")])
    if clock is None:
        raise InvalidInput([Problem(Path("--at"), 0, 0, f"'{at}' is no time of day; write it as 10:00 (UTC)")])
    dues = ranked(_dues(out, now))
    planned = sessions(dues, int(found[1]), int(found[2]), time(int(clock[1]), int(clock[2])), count, now)
    if not planned:
        raise InvalidInput([Problem(Path("--month"), 0, 0, f"{month} has no workday left")])
    folder = to or Path("plans", month)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pages(month, planned, dues, now).items():
        (folder / name).write_bytes(content)
    console = make_console()
    for number, each in enumerate(planned, start=1):
        console.print(
            Text.assemble(
                (f"{number:>2}  {each.at:%a %Y-%m-%d %H:%M} UTC  ", "dim"),
                f"{each.due.scenario.name}: {'; '.join(each.due.reasons)}",
            ),
            soft_wrap=True,
        )
    console.print(
        f"written to {folder}: facilitators.md and a sheet each (secret), a briefing each and game-days.ics (for everybody)"
    )


def _dues(out: Path, now: datetime) -> list[Due]:
    newest_of: dict[str, Path] = {}
    for row in drills(out):
        if row.status == "completed":
            newest_of.setdefault(row.scenario, row.folder)
    loaded = [load_scenario(path) for path in find_scenarios(catalogue())]
    return [
        how_due(each, _last(newest_of.get(each.name)), _changed(each), now)
        for each in loaded
        if not each.scenario.detection.must_not_page
    ]  # nobody responds to what pages nobody


def _last(folder: Path | None) -> Last | None:
    if folder is None:
        return None
    found = details(folder)
    if found.row.at is None:
        return None
    shares = [
        each.measured / each.limit
        for each in found.verdicts
        if each.kind == "target" and each.limit and each.measured is not None
    ]
    return Last(found.row.at, found.row.verdict, max(shares, default=None))


def _changed(loaded: LoadedScenario) -> datetime | None:
    """When the scenario or its runbook last changed: by git, for what it keeps unchanged; else by the disk."""
    book = locate(loaded.scenario.response.procedure.partition("#")[0])
    paths = [each for each in (loaded.path, book) if each.is_file()]
    times = [stamp for each in paths if (stamp := _committed(each) or newest([each])) is not None]
    return max(times, default=None)


def _committed(path: Path) -> datetime | None:
    asked = ["git", "-C", str(path.parent), "log", "-1", "--format=%cI", "--", path.name]
    try:
        if subprocess.run(
            [*asked[:3], "status", "--porcelain", "--", path.name], capture_output=True, text=True, timeout=10, check=True
        ).stdout:
            return None  # changed and not committed
        said = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return datetime.fromisoformat(said) if said else None
