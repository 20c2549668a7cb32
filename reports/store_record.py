"""What the store keeps, read from folders: of a drill its result and what only its history has, of a campaign its sum."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.errors import BadHistory
from harness.history import HISTORY_FILE, Event
from harness.result import RESULT_FILE, build_result
from reports.store_tables import MEASURES

Row = Mapping[str, Any]
CAMPAIGN_FILE = "campaign.json"
_CLASSES = (
    "service-failure",
    "database-corruption",
    "data-centre-outage",
    "infrastructure-loss",
    "disaster-recovery-dry-run",
)  # targets.yaml


@dataclass(frozen=True)
class Record:
    """Rows for the tables of the store; `scenario` is None where the history does not hold it."""

    drill: Row
    verdicts: Sequence[Row]
    steps: Sequence[Row]
    scenario: str | None = None


def read_record(folder: Path) -> Record:
    """The record of a drill's folder, also of one that was cut short. Raises BadHistory, with the file and what is wrong."""
    try:
        history = (folder / HISTORY_FILE).read_bytes()
        judged = (folder / RESULT_FILE).read_bytes() if (folder / RESULT_FILE).exists() else b""
    except OSError as error:
        raise BadHistory(f"{folder}: {HISTORY_FILE} cannot be read ({error.strerror}). Give the folder of a drill.") from error
    digest = hashlib.sha256(history + b"\0" + judged).hexdigest()
    result = _parsed(folder, judged) if judged else build_result(folder).to_json()
    events = list(_events(folder, history))
    started = next((event for event in events if event.kind == "drill.started"), None)
    try:
        return _record(folder, digest, result, started, events)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadHistory(
            f"{folder / RESULT_FILE}: not a result as harness/result.schema.json describes it ({error!r})."
        ) from error


def read_campaign(folder: Path) -> Row:
    """The row of a campaign's folder, which `gameday simulate --out` has written. Raises BadHistory."""
    path = folder / CAMPAIGN_FILE
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
        row = {key: kind(found[key]) for key, kind in (("scenario", str), ("title", str), ("seed", int), ("nights", int))}
    except OSError as error:
        raise BadHistory(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadHistory(f"{path}: not a campaign as `gameday simulate --out` writes it ({error!r}).") from error
    return {**row, "digest": hashlib.sha256(text.encode()).hexdigest(), "folder": str(folder), "document": text}


def _parsed(folder: Path, judged: bytes) -> dict[str, Any]:
    try:
        found = json.loads(judged)
    except ValueError as error:
        raise BadHistory(f"{folder / RESULT_FILE}: no JSON ({error}). `gameday judge --write` makes it anew.") from error
    if not isinstance(found, dict):
        raise BadHistory(f"{folder / RESULT_FILE}: not an object. `gameday judge --write` makes it anew.")
    return found


def _events(folder: Path, history: bytes) -> Iterator[Event]:
    """The events that the store looks at. A last line that a crash cut off is passed over."""
    lines = history.decode("utf-8", "replace").split("\n")
    wanted = ('"drill.started"', '"step.', '"procedure.', '"fault.injected"')
    for number, line in enumerate(lines, start=1):
        if any(word in line[:200] for word in wanted):
            try:
                yield Event.from_line(line)
            except (ValueError, KeyError, TypeError) as error:
                if number < len(lines):
                    raise BadHistory(f"{folder / HISTORY_FILE}:{number}: no event: {line[:80]!r}") from error


def _record(folder: Path, digest: str, result: Mapping[str, Any], started: Event | None, events: Sequence[Event]) -> Record:
    given: Mapping[str, Any] = started.data if started else {}
    scenario = given.get("scenario") or {}
    measures, rerun = result["measures"], str(result.get("rerun") or "")
    orders, budget = measures.get("orders") or {}, measures.get("error_budget") or {}
    drill = {
        "drill": str(result["drill"]), "digest": digest, "folder": str(folder), "started": _utc(result.get("started")),
        "scenario": str(result["scenario"]), "title": str(result.get("title") or result["scenario"]),
        "disaster_class": disaster_class(scenario.get("targets") or [each.get("target") or "" for each in result["verdicts"]]),
        "runbook": str((scenario.get("response") or {}).get("procedure") or ""), "stack": str(result.get("stack") or "unknown"),
        "engine": str(given.get("engine") or "live"), "respond": str(given.get("respond") or "auto"), "variant": variant(rerun),
        "synthetic": bool(given.get("synthetic") or result.get("synthetic")), "seed": result.get("seed"), "speed": result.get("speed"),
        "code": result.get("commit"), "versions": json.dumps(result.get("versions") or {}, sort_keys=True), "rerun": rerun,
        "status": str(result["status"]), "verdict": str(result["verdict"]), "exit_code": int(result["exit_code"]),
        "bitten": bool(measures.get("bitten")), **{name: measures.get(name) for name in MEASURES},
        **{f"orders_{name}": orders.get(name) for name in ("attempted", "failed", "unknown")},
        **{f"budget_{name}": budget.get(name) for name in ("allowed_s", "spent_s")},
    }  # fmt: skip
    verdicts = [_verdict(number, each) for number, each in enumerate(result["verdicts"])]
    return Record(
        drill, verdicts, list(_steps(events)), json.dumps(scenario, sort_keys=True, ensure_ascii=False) if scenario else None
    )


def _verdict(position: int, each: Mapping[str, Any]) -> Row:
    plain = {key: each.get(key) for key in ("target", "limit", "measured", "unit", "source")}
    words = {key: str(each[key]) for key in ("kind", "name", "verdict")}
    return {"position": position, **plain, **words, "known": bool(each.get("known")), "why": str(each.get("why") or "")}


def _steps(events: Sequence[Event]) -> Iterator[Row]:
    zero = next((event.at_s for event in events if event.kind == "fault.injected"), 0.0)
    free_s: float | None = None  # when people had nothing to wait for any more
    open_: dict[str, Any] | None = None
    position = 0
    for event in events:
        if event.kind.startswith("procedure."):
            free_s = event.at_s
        elif event.kind == "step.started":
            if open_:
                yield open_
            waited = event.at_s - free_s if free_s is not None else 0.0
            open_ = {
                "position": position, "name": event.subject, "began_s": event.at_s - zero, "waited_s": max(waited, 0.0),
                "took_s": None, "ok": None, "why": "",
            }  # fmt: skip
            position, free_s = position + 1, event.at_s
        elif event.kind == "step.finished" and open_ and open_["name"] == event.subject:
            took = event.at_s - zero - open_["began_s"]
            yield {**open_, "took_s": took, "ok": bool(event.data.get("ok")), "why": str(event.data.get("why") or "")}
            open_, free_s = None, event.at_s
    if open_:
        yield open_


def disaster_class(targets: Sequence[str]) -> str:
    """The row of the recovery table (002:463-468) by whose targets a scenario is judged; "other" where there is none."""
    return next((name for target in targets for name in _CLASSES if str(target).startswith(name)), "other")


def variant(rerun: str) -> str:
    """What `--set` changed, as it stands in the command that runs a drill again: such a drill is compared with its like only."""
    try:
        words = shlex.split(rerun)
    except ValueError:
        return ""
    pairs = [word.partition("=")[2] for word in words if word.startswith("--set=")]
    pairs += [after for word, after in pairwise(words) if word == "--set"]
    return ", ".join(sorted(pairs))


def _utc(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
