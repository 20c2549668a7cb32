"""Hand-made histories: a drill told in a few lines, with answers that can be worked out on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.history import Event, History
from harness.workload.ledger import Ledger, Operation

ORDER_EVERY_S = 0.04
CANARY_EVERY_S = 0.5
LATENCY_S = 0.005
TIMEOUT_S = 2.0

SCENARIO: dict[str, Any] = {
    "title": "A made-up drill",
    "description": "For tests.",
    "faults": [{"fault": "process.kill", "process": "postgres-primary"}],
    "steady-state": {"settle": "60s", "hold": "20s"},
    "detection": {"alerts": ["DatabaseDown", "OrdersFailing"]},
    "response": {"procedure": "runbooks/database.md#failover"},
    "targets": ["rto", "rpo"],
}
TARGETS: list[dict[str, Any]] = [
    {"name": "rto", "measure": "time_to_recover_s", "limit": 300.0, "unit": "s", "source": "runbook.md:12"},
    {"name": "rpo", "measure": "recovery_point_s", "limit": 0.0, "unit": "s", "source": "runbook.md:13"},
]


def every(from_s: float, to_s: float, step_s: float) -> Iterable[float]:
    return (from_s + step_s * n for n in range(round((to_s - from_s) / step_s)))


@dataclass
class Story:
    """Collects the events of a drill. Documented time is wall time unless `documented` says otherwise."""

    documented: Callable[[float], float] = lambda wall_s: wall_s
    events: list[Event] = field(default_factory=list)
    orders_sent: int = 0
    canaries_sent: int = 0

    def at(self, wall_s: float, kind: str, subject: str = "it", /, **data: Any) -> Story:
        self.events.append(Event(self.documented(wall_s), wall_s, kind, subject, data))
        return self

    def operation(self, wall_s: float, op: str, outcome: str, latency_s: float, **data: Any) -> str:
        """One operation due at this wall time; its id."""
        if op == "order":
            self.orders_sent += 1
            name = f"d1-o-{self.orders_sent:06d}"
        else:
            self.canaries_sent += 1
            name = f"d1-c-{self.canaries_sent:06d}"
        self.at(wall_s, "op.invoke", name, op=op, intended_s=self.documented(wall_s), intended_wall_s=wall_s, **data)
        if outcome != "open":
            self.at(wall_s + latency_s, f"op.{outcome}", name, op=op, latency_ms=latency_s * 1000)
        return name

    def load(self, from_s: float, to_s: float, out: Iterable[tuple[float, float]] = (), *, kinds: str = "order canary") -> Story:
        """Orders and canaries from `from_s` to `to_s`; those due in one of the periods `out` fail, the others succeed."""
        periods = list(out)
        for op, step_s in (("order", ORDER_EVERY_S), ("canary", CANARY_EVERY_S)):
            for due_s in every(from_s, to_s, step_s):
                is_out = op in kinds and any(start <= due_s < end for start, end in periods)
                self.operation(due_s, op, "fail" if is_out else "ok", LATENCY_S)
        return self

    def history(self) -> History:
        return History.of(self.events)

    def operations(self) -> list[Operation]:
        return Ledger.of(self.history()).operations


def started(story: Story, *, scenario: Mapping[str, Any] | None = None, targets: Iterable[Mapping[str, Any]] = TARGETS) -> Story:
    """The first event of a drill."""
    return story.at(
        0.0, "drill.started", "made-up", seed=7, speed=1.0, stack="embedded", versions={"postgres": "18.4"}, commit="abc",
        command="gameday run made-up --seed 7", scenario={**SCENARIO, **(scenario or {})}, targets=list(targets), settings={},
        prefix="d1-",
    )  # fmt: skip
