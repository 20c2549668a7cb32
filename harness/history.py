"""The history of a drill: an append-only list of events, one JSON object a line, each flushed at once.

A drill folder holds `history.jsonl` (written by the conductor) and `ledger.jsonl` (written by the observer: every
operation of the workload). Both have one shape and one clock; `History.read` merges them by documented time. A line
cut off by a crash is passed over at the end of a file; anywhere else it is `BadHistory`.
The kinds of events and their data are listed in `docs/history.md`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from fakes.clock import Clock
from harness.errors import BadHistory

HISTORY_FILE = "history.jsonl"
LEDGER_FILE = "ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    `at_s` is documented time and `wall_s` monotonic wall time, both in seconds from the start of the drill. `data` holds
    JSON values only; which keys a kind has is written in `docs/history.md`.
    """

    at_s: float
    wall_s: float
    kind: str  # "fault.injected"
    subject: str  # "postgres-primary"
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_line(self) -> str:
        row = {"at": round(self.at_s, 6), "wall": round(self.wall_s, 6), "kind": self.kind, "subject": self.subject}
        return json.dumps({**row, "data": self.data} if self.data else row, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_line(cls, line: str) -> Event:
        """Raises ValueError or KeyError when the line is no event."""
        row = json.loads(line)
        return cls(float(row["at"]), float(row["wall"]), row["kind"], row["subject"], row.get("data", {}))


class Recorder:
    """Appends events to a file, one line each, flushed before `record` returns; listeners hear of each event.

    The file appears with its first event in it: whoever finds one, however the drill ended, can judge it.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._unborn = path if path.exists() else path.with_name(f".{path.name}.new")
        self._file = self._unborn.open("a", encoding="utf-8")
        self._clock = clock
        self._listeners: list[Callable[[Event], None]] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        self._listeners.append(listener)

    def record(self, kind: str, subject: str, /, *, at_s: float | None = None, wall_s: float | None = None, **data: Any) -> Event:
        """Write an event that happened now, or at the given times."""
        event = Event(
            self._clock.now() if at_s is None else at_s, self._clock.wall() if wall_s is None else wall_s, kind, subject, data
        )
        self._file.write(event.to_line() + "\n")
        self._file.flush()
        if self._unborn != self._path:
            self._unborn = self._unborn.replace(self._path)
        for listener in self._listeners:
            listener(event)
        return event

    def close(self) -> None:
        self._file.close()
        if self._unborn != self._path:
            self._unborn.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


@dataclass(frozen=True)
class History:
    """All events of one drill in the order of documented time."""

    events: tuple[Event, ...]

    @classmethod
    def of(cls, events: Iterable[Event]) -> History:
        return cls(tuple(sorted(events, key=lambda event: (event.at_s, event.wall_s))))

    @classmethod
    def read(cls, folder: Path) -> History:
        """The history that a drill left in its folder. Raises BadHistory, with file and line."""
        if not (folder / HISTORY_FILE).is_file():
            raise BadHistory(f"{folder}: no {HISTORY_FILE} here. Give the folder of a drill, as `gameday list` shows it.")
        events = list(_read_lines(folder / HISTORY_FILE))
        if (folder / LEDGER_FILE).is_file():
            events += _read_lines(folder / LEDGER_FILE)
        return cls.of(events)

    def of_kind(self, *kinds: str) -> Iterator[Event]:
        return (event for event in self.events if event.kind in kinds)

    def first(self, kind: str, *, after_s: float = float("-inf"), subject: str | None = None) -> Event | None:
        """The first event of a kind at or after a documented time, or None."""
        for event in self.events:
            if event.kind == kind and event.at_s >= after_s and subject in (None, event.subject):
                return event
        return None

    def last(self, kind: str) -> Event | None:
        return next((event for event in reversed(self.events) if event.kind == kind), None)


def _read_lines(path: Path) -> Iterator[Event]:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Event.from_line(line)
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):  # cut off by a crash: no newline came after it
                return
            raise BadHistory(f"{path}:{number}: not an event ({error}). The file was changed or damaged.") from error
