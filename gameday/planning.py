"""`gameday plan`: which scenarios are due next month, and the papers for the day."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path

from rich.text import Text

from gameday.listing import make_console
from harness.people.surprise import surprise_after
from reports.listing import details, drills
from reports.planning import Due, Last, how_due, newest, pages, ranked, sessions
from reports.store_engine import FILE, VARIABLE
from scenarios.errors import InvalidInput, Problem
from scenarios.loader import LoadedScenario, catalogue, find_scenarios, load_scenario
from scenarios.places import DATA, locate

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
    planned = sessions(dues, int(found[1]), int(found[2]), time(int(clock[1]), int(clock[2])), count, now, surprise_after)
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
    lasts, committed = _lasts(out), _committed(DATA.resolve())
    loaded = [load_scenario(path) for path in find_scenarios(catalogue())]
    return [
        how_due(each, lasts.get(each.name), _changed(each, committed), now)
        for each in loaded
        if not each.scenario.detection.must_not_page
    ]  # nobody responds to what pages nobody


def _lasts(out: Path) -> dict[str, Last]:
    """The newest completed drill of each scenario: of those in the folder, and of those in the store, where others' are too."""
    newest_of: dict[str, Path] = {}
    for row in drills(out):
        if row.status == "completed":
            newest_of.setdefault(row.scenario, row.folder)
    found = {name: last for name, folder in newest_of.items() if (last := _last(folder)) is not None}
    for name, last in _stored(out).items():
        if name not in found or found[name].at < last.at:
            found[name] = last
    return found


def _last(folder: Path) -> Last | None:
    found = details(folder)
    if found.row.at is None:
        return None
    shares = [
        each.measured / each.limit
        for each in found.verdicts
        if each.kind == "target" and each.limit and each.measured is not None
    ]
    return Last(found.row.at, found.row.verdict, max(shares, default=None))


def _stored(out: Path) -> dict[str, Last]:
    """Live drills alone: a simulated night rehearses nobody, and a made-up one is none. Raises StoreError."""
    if not os.environ.get(VARIABLE) and not (out / FILE).is_file():
        return {}
    from reports.store import Store

    store = Store.open(out)
    rows, targets = store.drills(), store.targets()
    rows = rows[
        (rows["status"] == "completed") & (rows["engine"] == "live") & ~rows["synthetic"].astype(bool) & rows["started"].notna()
    ]
    rows = rows.drop_duplicates("scenario", keep="last")  # the oldest come first
    judged = targets[targets["measured"].notna() & (targets["limit"] > 0)]
    shares = (judged["measured"] / judged["limit"]).groupby(judged["drill"]).max().to_dict()
    return {
        each.scenario: Last(each.started.to_pydatetime().replace(tzinfo=UTC), each.verdict, shares.get(each.drill))
        for each in rows.itertuples()
    }


def _changed(loaded: LoadedScenario, committed: Mapping[Path, datetime]) -> datetime | None:
    """When the scenario or its runbook last changed: by git, for what it keeps unchanged; else by the disk."""
    book = locate(loaded.scenario.response.procedure.partition("#")[0])
    paths = [each.resolve() for each in (loaded.path, book) if each.is_file()]
    times = [stamp for each in paths if (stamp := committed.get(each) or newest([each])) is not None]
    return max(times, default=None)


def _committed(folder: Path) -> dict[Path, datetime]:
    """When each file below it last changed by git, all asked at once; without those that have changed since."""
    asking = ["git", "-C", str(folder)]
    try:
        log = _said([*asking, "log", "--format=%x00%cI", "--name-only", "--relative", "--", "."])
        changed = _said([*asking, "diff", "--name-only", "--relative", "HEAD", "--", "."]).splitlines()
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[Path, datetime] = {}
    for commit in log.split("\0")[1:]:
        at, *names = commit.split("\n")
        for name in filter(None, names):
            found.setdefault(folder / name, datetime.fromisoformat(at))  # the newest comes first
    return {path: at for path, at in found.items() if str(path.relative_to(folder)) not in changed}


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
