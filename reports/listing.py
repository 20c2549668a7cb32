"""Reads the folder of drills for `gameday list` and `gameday show`. A drill that was cut short is a row like any other."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import BadHistory
from harness.history import HISTORY_FILE, Event
from harness.result import RESULT_FILE

LATEST = "latest"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class DrillRow:
    """One drill of the list. None stands for what was not measured; times are documented seconds.

    `verdict` is pass, fail or unknown; `status` completed, aborted or errored. `problem` says why a folder could only be
    read in part.
    """

    folder: Path
    drill: str
    at: datetime | None
    scenario: str
    status: str
    verdict: str
    seed: int | None
    speed: float | None
    time_to_detect_s: float | None
    time_to_acknowledge_s: float | None
    time_to_recover_s: float | None
    recovery_point_s: float | None
    lost_writes: int | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One verdict as `result.json` tells it."""

    name: str
    kind: str
    limit: float | None
    measured: float | None
    unit: str
    verdict: str
    source: str
    why: str
    target: str


@dataclass(frozen=True, slots=True)
class Details:
    """All that `gameday show` tells of a drill. `files` are those that it left, by what they are."""

    row: DrillRow
    verdicts: tuple[VerdictRow, ...]
    measures: Mapping[str, float | None]
    versions: Mapping[str, str]
    rerun: str
    files: Mapping[str, Path]


def drills(folder: Path) -> list[DrillRow]:
    """Every drill in a folder of drills, the newest first. A folder that is not there holds none."""
    if not folder.is_dir():
        return []
    found = [row(each) for each in folder.iterdir() if each.is_dir() and _is_drill(each)]
    return sorted(found, key=lambda each: (each.at or datetime.min.replace(tzinfo=UTC), each.drill), reverse=True)


def find(folder: Path, name: str) -> Path:
    """The drill's folder that is meant by `latest`, a path, its full name, or any part of one that names just one.

    Raises BadHistory with the nearest name.
    """
    if _is_drill(Path(name)):
        return Path(name)
    rows = drills(folder)
    if not rows:
        raise BadHistory(f"{folder} holds no drills. Run one: gameday run primary-database-failure --speed 20")
    if name == LATEST:
        return rows[0].folder
    fits = [each for each in rows if each.drill == name] or [each for each in rows if name in each.drill]
    if len(fits) == 1:
        return fits[0].folder
    if fits:
        raise BadHistory(f"{name} names {len(fits)} drills, from {fits[-1].drill} to {fits[0].drill}. Give more of the name.")
    near = difflib.get_close_matches(name, [each.drill for each in rows], n=1, cutoff=0.3) or [rows[0].drill]
    raise BadHistory(f"{folder} holds no drill called {name}; the nearest is {near[0]}. `gameday list` shows them all.")


def row(folder: Path) -> DrillRow:
    """The row of one drill, from its `result.json`, or from the head of its history where there is none."""
    result, problem = _result(folder)
    started = {} if result else _started(folder)
    measures = _mapping(result.get("measures"))
    lost = _number(measures.get("lost_writes"))
    seed = _number(result.get("seed", started.get("seed")))
    return DrillRow(
        folder=folder,
        drill=folder.name,
        at=_when(folder),
        scenario=str(result.get("scenario") or started.get("scenario") or "?"),
        status=str(result.get("status") or "aborted"),
        verdict=str(result.get("verdict") or "unknown").lower(),
        seed=None if seed is None else int(seed),
        speed=_number(result.get("speed", started.get("speed"))),
        time_to_detect_s=_number(measures.get("time_to_detect_s")),
        time_to_acknowledge_s=_number(measures.get("time_to_acknowledge_s")),
        time_to_recover_s=_number(measures.get("time_to_recover_s")),
        recovery_point_s=_number(measures.get("recovery_point_s")),
        lost_writes=None if lost is None else int(lost),
        problem=problem,
    )


def details(folder: Path) -> Details:
    """Everything about one drill. Raises BadHistory where the folder is none of a drill."""
    if not _is_drill(folder):
        raise BadHistory(f"{folder}: no {HISTORY_FILE} here. Give the folder of a drill, as `gameday list` shows it.")
    result, _ = _result(folder)
    verdicts = result.get("verdicts")
    files = {name: folder / name for name in ("report.md", "timeline.png", RESULT_FILE, HISTORY_FILE, "ledger.jsonl", "logs")}
    return Details(
        row=row(folder),
        verdicts=tuple(_verdict(each) for each in verdicts if isinstance(each, dict)) if isinstance(verdicts, list) else (),
        measures={name: _number(value) for name, value in _mapping(result.get("measures")).items() if _is_measured(value)},
        versions={name: str(value) for name, value in _mapping(result.get("versions")).items()},
        rerun=str(result.get("rerun") or ""),
        files={name: path for name, path in files.items() if path.exists()},
    )


def _is_drill(folder: Path) -> bool:
    return (folder / HISTORY_FILE).is_file() or (folder / RESULT_FILE).is_file()


def _result(folder: Path) -> tuple[Mapping[str, Any], str]:
    """What `result.json` says, and why it could not be read."""
    try:
        found = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, f"no {RESULT_FILE}: cut short, judge it by `gameday judge`"
    except (OSError, ValueError) as error:
        return {}, f"{RESULT_FILE} cannot be read ({error})"
    return (found, "") if isinstance(found, dict) else ({}, f"{RESULT_FILE} is not an object")


def _started(folder: Path) -> Mapping[str, Any]:
    """Scenario, seed and speed from the first event of the history, as far as it got."""
    try:
        with (folder / HISTORY_FILE).open(encoding="utf-8", errors="replace") as lines:
            event = next(_events(lines), None)
    except OSError:
        return {}
    return {**event.data, "scenario": event.subject} if event and event.kind == "drill.started" else {}


def _events(lines: Iterator[str]) -> Iterator[Event]:
    for line in lines:
        try:
            yield Event.from_line(line)
        except (ValueError, KeyError, TypeError):
            return


def _when(folder: Path) -> datetime | None:
    """When the drill began, as its name says; else when its folder was last changed."""
    try:
        return datetime.strptime(folder.name.split("-")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except OSError:
        return None


def _verdict(found: Mapping[str, Any]) -> VerdictRow:
    return VerdictRow(
        name=str(found.get("name", "?")),
        kind=str(found.get("kind", "")),
        limit=_number(found.get("limit")),
        measured=_number(found.get("measured")),
        unit=str(found.get("unit") or ""),
        verdict=str(found.get("verdict", "unknown")).lower(),
        source=str(found.get("source") or ""),
        why=str(found.get("why") or ""),
        target=str(found.get("target") or ""),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_measured(value: object) -> bool:
    """A number, or nothing where it could not be measured; not a group of further figures."""
    return value is None or _number(value) is not None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
