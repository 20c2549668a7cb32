"""Operations of the workload, put together from the ledger's events.

An operation is one order or one canary tick: its `op.invoke`, and the `op.ok`, `op.fail` or `op.info` that ended it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from harness.history import Event, History

INVOKE = "op.invoke"
_ENDS = ("op.ok", "op.fail", "op.info")


class Outcome(Enum):
    """What the client knows of an operation."""

    OK = "ok"  # acknowledged: it happened
    FAIL = "fail"  # it certainly did not happen
    INFO = "info"  # nobody told: it may have happened, or may yet
    OPEN = "open"  # no answer so far


@dataclass(frozen=True, slots=True)
class Operation:
    """One order or canary. Times in seconds from the start of the drill; `_wall_s` is wall time, the others documented.

    `intended_s` is when it was due to be sent, and latency counts from there, so a stalled stack can't hide the time that
    the following operations had to wait. An open operation has no `done_s` and no latency.
    """

    id: str
    op: str  # "order" or "canary"
    intended_s: float
    intended_wall_s: float
    outcome: Outcome = Outcome.OPEN
    done_s: float | None = None
    done_wall_s: float | None = None
    latency_ms: float | None = None
    error: str | None = None

    @property
    def acknowledged(self) -> bool:
        return self.outcome is Outcome.OK

    def within(self, limit_ms: float) -> bool:
        """Did it succeed, and in time?"""
        return self.acknowledged and self.latency_ms is not None and self.latency_ms <= limit_ms


class Ledger:
    """Pairs events to operations as they come. Events of other kinds are passed over."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.done: list[Operation] = []  # in the order of their ends
        self.open: dict[str, Operation] = {}
        for event in events:
            self.add(event)

    @classmethod
    def of(cls, history: History) -> Ledger:
        return cls(history.events)

    def add(self, event: Event) -> Operation | None:
        """The operation that this event ended, or None. An end without its invocation is passed over: it has no intended time."""
        if event.kind == INVOKE:
            data = event.data
            intended_s, wall_s = data.get("intended_s", event.at_s), data.get("intended_wall_s", event.wall_s)
            self.open[event.subject] = Operation(event.subject, str(data["op"]), float(intended_s), float(wall_s))
            return None
        if event.kind not in _ENDS or (started := self.open.pop(event.subject, None)) is None:
            return None
        latency_ms = event.data.get("latency_ms", (event.wall_s - started.intended_wall_s) * 1000)
        ended = replace(
            started, outcome=Outcome(event.kind.removeprefix("op.")), done_s=event.at_s, done_wall_s=event.wall_s,
            latency_ms=float(latency_ms), error=event.data.get("error"),
        )  # fmt: skip
        self.done.append(ended)
        return ended

    @property
    def operations(self) -> list[Operation]:
        """Every operation, those still open last."""
        return [*self.done, *self.open.values()]

    @property
    def orders(self) -> Iterator[Operation]:
        return (operation for operation in self.operations if operation.op == "order")

    @property
    def canaries(self) -> Iterator[Operation]:
        return (operation for operation in self.operations if operation.op == "canary")
