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

    def load(
        self, from_s: float, to_s: float, out: Iterable[tuple[float, float]] = (), *, kinds: str = "order canary",
        order_every_s: float = ORDER_EVERY_S,
    ) -> Story:  # fmt: skip
        """Orders and canaries from `from_s` to `to_s`; those due in one of the periods `out` fail, the others succeed."""
        periods = list(out)
        for op, step_s in (("order", order_every_s), ("canary", CANARY_EVERY_S)):
            for due_s in every(from_s, to_s, step_s):
                is_out = op in kinds and any(start <= due_s < end for start, end in periods)
                self.operation(due_s, op, "fail" if is_out else "ok", LATENCY_S)
        return self

    def history(self) -> History:
        return History.of(self.events)

    def operations(self) -> list[Operation]:
        return Ledger.of(self.history()).operations


def drill(*, out: tuple[float, float] | None = (30.0, 150.0), until_s: float = 260.0, **changes: Any) -> Story:
    """A whole drill, told plainly; an order every 0.2 s. `changes` go to `started`.

    The database is killed at 30 s and clients are out from then to 150 s. An alert fires at 65 s, its page is acknowledged at
    110 s, the procedure runs from 118 s, its last command ends at 149 s. Nothing is read back and nothing finished: see `ended`.
    """
    story = started(Story(), **changes).load(0, until_s, [out] if out else [], order_every_s=0.2)
    story.at(25, "steady.proven", "observer", since_s=5.0)
    story.at(30, "fault.injected", "kill postgres-primary", fault="process.kill", process="postgres-primary")
    story.at(30.2, "fault.bit", "kill postgres-primary", evidence="its process is gone")
    story.at(35, "alert.pending", "DatabaseDown", labels={"job": "postgres"}, value=0.0, severity="critical", expected=True)
    story.at(65, "alert.firing", "DatabaseDown", labels={"job": "postgres"}, value=0.0, severity="critical", expected=True)
    story.at(65.1, "page.sent", "DatabaseDown", incident="1")
    story.at(110, "page.acknowledged", "DatabaseDown", incident="1", by="responder")
    story.at(118, "procedure.started", "runbooks/database.md#failover")
    for at_s, name in ((120, "promote"), (140, "re-point"), (149, "restart")):
        story.at(at_s, "command.finished", name, command=name, exit_code=0, duration_s=1.0, output="")
    story.at(139, "cutover", "postgres", **{"from": "postgres-primary", "to": "postgres-replica"})
    return story.at(149.5, "procedure.finished", "runbooks/database.md#failover", outcome="done")


def ended(story: Story, *, lost: Iterable[str] = (), at_s: float = 260.5, status: str = "completed", **finished: Any) -> Story:
    """Read everything back, without the lost orders, and finish the drill."""
    missing = set(lost)
    orders = [one for one in Ledger.of(story.history()).done if one.op == "order" and one.acknowledged and one.id not in missing]
    executions = [
        [f"E-{one.id}", one.id, f"F-{one.id}", "EURUSD", "sell" if n % 2 else "buy", 1000, one.intended_s, one.intended_s]
        for n, one in enumerate(orders)
    ]
    rows = {
        "executions": executions,
        "orders": [[one.id, "client", 1000, one.intended_s - 0.5, one.intended_s] for one in orders],
        "positions": [["EURUSD", 1000 * (len(orders) % 2)]],
        "halts": [],
        "limits": [["max_order_quantity", 1e6], ["max_position", 1e7]],
        "fills": [[row[2], row[1], *row[3:6], row[6]] for row in executions],
        "fills_meanwhile": [],
    }
    story.at(at_s, "readback.orders", "postgres", began_s=at_s - 0.2, present=[one.id for one in orders], rows=rows)
    return story.at(at_s + 0.5, "drill.finished", "made-up", status=status, **finished)


def acknowledged_ids(story: Story, *, before_s: float) -> list[str]:
    """The orders acknowledged before this wall time, the oldest first."""
    found = (one for one in Ledger.of(story.history()).done if one.op == "order" and one.acknowledged)
    return [one.id for one in sorted(found, key=lambda one: one.done_wall_s or 0) if (one.done_wall_s or 0) < before_s]


def started(story: Story, *, scenario: Mapping[str, Any] | None = None, targets: Iterable[Mapping[str, Any]] = TARGETS) -> Story:
    """The first event of a drill."""
    return story.at(
        0.0, "drill.started", "made-up", seed=7, speed=1.0, stack="embedded", versions={"postgres": "18.4"}, commit="abc",
        command="gameday run made-up --seed 7", scenario={**SCENARIO, **(scenario or {})}, targets=list(targets), settings={},
        drill="20261121T100000Z-made-up-0001", started="2026-11-21T10:00:00.000+00:00",
    )  # fmt: skip
