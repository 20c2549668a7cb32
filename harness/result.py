"""`result.json`: what a drill came to, as a published contract (`result.schema.json`). A later version only adds.

It is made from the drill's folder alone, so it can be made again: from an old history, or against changed targets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import BadHistory, HarnessError
from harness.history import Event, History
from harness.measure import Measures, measure
from harness.verdict import Judgement, Verdict, exit_code, judge, overall, status_of, targets_of
from scenarios.model import Target

SCHEMA = "gameday.result/1"
RESULT_FILE = "result.json"
SCHEMA_FILE = Path(__file__).with_name("result.schema.json")
_DIGITS = 6


@dataclass(frozen=True)
class Result:
    """A drill, measured and judged."""

    drill: str
    scenario: str
    status: str
    verdict: Verdict
    exit_code: int
    measures: Measures
    judgements: tuple[Judgement, ...]
    started: Event  # the event that says what was rehearsed, with what, and how to do it again
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The document of `result.json`."""
        given = self.started.data
        document = {
            "schema": SCHEMA,
            "drill": self.drill,
            "scenario": self.scenario,
            "title": str(given.get("scenario", {}).get("title", self.scenario)),
            "started": given.get("started"),
            "status": self.status,
            "error": self.error,
            "verdict": self.verdict.value,
            "exit_code": self.exit_code,
            **{key: given.get(key) for key in ("seed", "speed", "stack", "commit")},
            "rerun": given.get("command"),
            "versions": {name: str(version) for name, version in given.get("versions", {}).items()},
            "measures": self.measures.to_json(),
            "verdicts": [{**asdict(judgement), "verdict": judgement.verdict.value} for judgement in self.judgements],
        }
        rounded: dict[str, Any] = _rounded(document)
        return rounded


def build_result(folder: Path, targets: Mapping[str, Target] | None = None) -> Result:
    """Measure and judge the drill in a folder: against the targets in its history, or these.

    Raises BadHistory when the history does not even begin.
    """
    history = History.read(folder)
    started = history.first("drill.started")
    if started is None:
        raise BadHistory(f"{folder}: the history has no drill.started event, so what was rehearsed is not known.")
    measures = measure(history)
    judgements = judge(history, measures, targets_of(history) if targets is None else targets)
    verdict = overall(judgements, history)
    finished = history.last("drill.finished")
    error = finished.data.get("error") if finished else "the history stops before the drill's end"
    return Result(
        drill=str(started.data.get("drill", folder.resolve().name)), scenario=started.subject, status=status_of(history),
        verdict=verdict, exit_code=exit_code(verdict, history), measures=measures, judgements=tuple(judgements), started=started,
        error=None if error is None else str(error),
    )  # fmt: skip


def write_result(folder: Path, targets: Mapping[str, Target] | None = None) -> Result:
    """Build the result and put it into the folder, whole or not at all. Raises BadHistory, HarnessError."""
    result = build_result(folder, targets)
    path = folder / RESULT_FILE
    fresh = path.with_suffix(f".{os.getpid()}.new")
    try:
        fresh.write_text(json.dumps(result.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise HarnessError(f"{path} could not be written: {error.strerror}. Free some space or choose another folder.") from error
    return result


def _rounded(value: Any) -> Any:
    """Microseconds are what the history has; digits beyond are the machine's."""
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
