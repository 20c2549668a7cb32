"""One scenario that had its turn in a run, and the moment in its history that a verdict rests on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import BadHistory
from harness.history import HISTORY_FILE, Event, History
from harness.measure import Measures
from harness.result import Result
from harness.verdict import COMPLETED, Judgement
from reports import chronicle
from reports.regression import Regression
from scenarios.loader import LoadedScenario

_Find = Callable[[History, Measures], Event | None]


@dataclass(frozen=True)
class Rehearsal:
    """A scenario of a run. Without a result it has no history: the harness broke first (`error`), or it was not started."""

    loaded: LoadedScenario
    folder: Path | None = None
    result: Result | None = None
    error: str = ""
    worse: tuple[Regression, ...] = ()  # measures that are worse than in the drills before, where that was asked

    @property
    def completed(self) -> bool:
        """Whether its drill ran to its end, however that was judged."""
        return self.result is not None and self.result.status == COMPLETED

    @cached_property
    def history(self) -> History:
        """What was recorded; empty without a drill. Raises BadHistory."""
        return History.of([]) if self.folder is None or self.result is None else History.read(self.folder)

    @cached_property
    def took_s(self) -> float:
        """Wall seconds from the start of the drill to its last event."""
        return max((event.wall_s for event in self.history.events), default=0.0)

    @cached_property
    def lines(self) -> Mapping[tuple[float, str, str], int]:
        """The line of each event in `history.jsonl`, by its time, kind and subject."""
        found: dict[tuple[float, str, str], int] = {}
        if self.folder is None or not (path := self.folder / HISTORY_FILE).is_file():
            return found
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), start=1):
            try:
                event = Event.from_line(line)
            except (ValueError, KeyError, TypeError, json.JSONDecodeError):
                continue
            found.setdefault((round(event.at_s, 6), event.kind, event.subject), number)
        return found

    def moment(self, judgement: Judgement) -> tuple[Event, int | None] | None:
        """The event that decided this verdict, and its line in `history.jsonl` (None: it stands in the ledger)."""
        try:
            event = moment_of(self.history, self.result.measures, judgement) if self.result else None
        except BadHistory:
            return None
        return None if event is None else (event, self.lines.get((round(event.at_s, 6), event.kind, event.subject)))


def moment_of(history: History, measures: Measures, judgement: Judgement) -> Event | None:
    """The event at which the measure was complete, or by which an invariant was judged; else the last one of the drill."""
    if judgement.kind == "invariant":
        own = (event for event in history.of_kind("check.finished") if event.subject == judgement.name)
        found = next(own, None) or history.last("readback.orders") or history.last("readback.failed")
    else:
        find = _MOMENTS.get(judgement.name)
        found = find(history, measures) if find is not None else None
    return found or history.last("drill.finished") or (history.events[-1] if history.events else None)


def _since_fault(kinds: tuple[str, ...], measure: str) -> _Find:
    """The event of these kinds that lies nearest to the measured time after the first injection."""

    def find(history: History, measures: Measures) -> Event | None:
        fault_s, measured = chronicle.first_fault_s(history), getattr(measures, measure)
        if fault_s is None or measured is None:
            return history.last("recovery.given_up")
        after = [event for event in history.of_kind(*kinds) if event.at_s >= fault_s]
        return min(after, key=lambda event: abs(event.at_s - fault_s - measured), default=None)

    return find


def _acknowledged(history: History, _measures: Measures) -> Event | None:
    fault_s = chronicle.first_fault_s(history)
    return None if fault_s is None else history.first("page.acknowledged", after_s=fault_s)


def _recovered(history: History, _measures: Measures) -> Event | None:
    return history.last("recovery.proven") or history.last("recovery.given_up")


def _read_back(history: History, _measures: Measures) -> Event | None:
    return history.last("readback.orders") or history.last("readback.failed")


def _first_update(history: History, _measures: Measures) -> Event | None:
    fault_s = chronicle.first_fault_s(history)
    return None if fault_s is None else history.first("update.posted", after_s=fault_s)


def _last_update(history: History, _measures: Measures) -> Event | None:
    return history.last("update.posted")


_MOMENTS: Mapping[str, _Find] = {
    "time_to_detect_s": _since_fault(("alert.firing",), "time_to_detect_s"),
    "time_to_acknowledge_s": _acknowledged,
    "time_to_mitigate_s": _since_fault(("command.finished",), "time_to_mitigate_s"),
    "time_to_recover_s": _recovered,
    "time_to_first_update_s": _first_update,
    "time_to_resolution_update_s": _last_update,
    "recovery_point_s": _read_back,
    "lost_writes": _read_back,
}
