"""Made-up drills of real scenarios, as the harness would hand them out: for what is made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.errors import HarnessError
from harness.history import Event, History
from harness.result import Result
from harness.run import DrillOptions, Outcome
from harness.verdict import Judgement, Verdict
from reports.rehearsal import Rehearsal
from scenarios.loader import LoadedScenario, find_scenarios, load_scenario
from scenarios.model import Invariant
from tests.reports.histories import Story
from tests.reports.judgements import MEASURES

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
DRILL = "20261121T100000Z-redis-outage-abc123"
_CODES = {PASS: 0, FAIL: 1, UNKNOWN: 3}


@cache
def load(name: str = "redis-outage") -> LoadedScenario:
    return load_scenario(find_scenarios([name])[0])


def judgements_of(loaded: LoadedScenario, changed: dict[str, dict[str, Any]] | None = None) -> tuple[Judgement, ...]:
    """All passed; `changed` gives single ones other fields, by the target's or the invariant's name."""
    targets = [
        Judgement(each.measure, "target", PASS, each.limit, 0.0, each.unit, each.source, target=name)
        for name, each in loaded.targets.items()
    ]
    invariants = [Judgement(name, "invariant", PASS) for name in get_args(Invariant)]
    return tuple(replace(each, **(changed or {}).get(each.target or each.name, {})) for each in [*targets, *invariants])


def history_of(
    loaded: LoadedScenario, *, stopped_at: int | None = None, status: str = "completed", steps: int | None = None
) -> History:
    """A drill in which the fault is injected at 0:30, and the procedure's steps follow; one of them may fail."""
    story = Story(speed=20.0)
    story.begin(loaded.name, loaded.scenario.title)
    story.add(30.0, "fault.injected", "redis-unreachable", fault="link.down")
    story.add(65.0, "alert.firing", "service_down", severity="critical", expected=True)
    story.add(108.0, "page.acknowledged", "service_down", incident="i-1", by="auto responder")
    story.add(108.0, "procedure.started", loaded.procedure.reference)
    at_s = 112.0
    for number, step in enumerate(loaded.procedure.steps[:steps], start=1):
        at_s = story.step(at_s, step.name, step.command, ok=number != stopped_at, output=f"said {number}") + 3.0
        if number == stopped_at and step.on_failure == "stop":
            break
    story.add(199.0, "recovery.proven", "observer", recovered_at_s=138.4)
    story.add(200.0, "readback.orders", "postgres", present=[])
    for name in get_args(Invariant):
        story.add(201.0, "check.finished", name, ok=True, detail="")
    if status != "cut":
        error = {"error": "postgres-primary not ready after 30 s"} if status == "errored" else {}
        story.add(205.0, "drill.finished", loaded.name, status=status, **error)
    return story.history()


def result_of(loaded: LoadedScenario, history: History, judgements: Sequence[Judgement], *, status: str = "completed") -> Result:
    found = {each.verdict for each in judgements}
    verdict = next((each for each in (FAIL, UNKNOWN) if each in found), PASS if status == "completed" else UNKNOWN)
    error = "postgres-primary not ready after 30 s" if status == "errored" else None
    code = 4 if status == "errored" else 130 if status == "aborted" else _CODES[verdict]
    started = history.first("drill.started")
    assert started is not None
    measures = replace(MEASURES, lost_writes=3 if FAIL in found else 0)
    return Result(DRILL, loaded.name, status, verdict, code, measures, tuple(judgements), started, error)


def kept(folder: Path, history: History) -> Path:
    """The folder of a drill with this history."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.jsonl").write_text("".join(f"{each.to_line()}\n" for each in history.events), encoding="utf-8")
    return folder


def rehearsed(
    out: Path, name: str | LoadedScenario = "redis-outage", *, status: str = "completed", stopped_at: int | None = None, **changed: dict[str, Any]
) -> Rehearsal:  # fmt: skip
    """A drill of a scenario of the catalogue, kept in `out`. `changed`: see `judgements_of`, with `_` for `-`."""
    loaded = load(name) if isinstance(name, str) else name
    history = history_of(loaded, status=status, stopped_at=stopped_at)
    changes = {re.sub("_", "-", key): value for key, value in changed.items()}
    result = result_of(loaded, history, judgements_of(loaded, changes), status=status)
    return Rehearsal(loaded, kept(out / DRILL, history), result)


MISSED = {"verdict": FAIL, "measured": 362.0}
Runner = Callable[[LoadedScenario, DrillOptions, Callable[[Event], None]], Outcome]


def runner(*, breaks: str = "", asked: list[str] | None = None, **how: Any) -> Runner:
    """Stands in for `run_drill`: hands such a drill out, or breaks; `asked` hears of each."""

    def run(loaded: LoadedScenario, options: DrillOptions, _on_event: Callable[[Event], None], *_: Any) -> Outcome:
        if asked is not None:
            asked.append(loaded.name)
        if breaks:
            raise HarnessError(breaks)
        found = rehearsed(options.out, loaded, **how)
        assert found.folder is not None
        assert found.result is not None
        return Outcome(found.folder, found.result)

    return run


@pytest.fixture
def nothing_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are not drawn: that takes a second a drill."""
    monkeypatch.setattr("reports.write.write_reports", lambda folder, result: None)
    monkeypatch.setattr("gameday.reporting.after_drill", lambda *_, **__: None)
