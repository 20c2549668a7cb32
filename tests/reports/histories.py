"""Made-up histories: a small builder that tells the story of a drill the way the harness records it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

from harness.history import Event, History

SERVICES = (
    "gui-gateway", "data-ingestor", "indicator-engine", "signal-generator", "risk-manager", "execution-engine",
    "postgres-primary", "postgres-replica", "redis",
)  # fmt: skip
RUNBOOK = "runbooks/eafix-operations.md#primary-database-failure"


@dataclass
class Story:
    """Collects events. Times are documented seconds; wall times are the same unless `speed` says otherwise."""

    speed: float = 1.0
    events: list[Event] = field(default_factory=list)
    seed: int = 7

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # the same story every time
        self._numbers = {"order": 0, "canary": 0}

    def add(self, at_s: float, kind: str, subject: str, /, **data: Any) -> None:
        self.events.append(Event(at_s, at_s / self.speed, kind, subject, data))

    def begin(self, scenario: str = "primary-database-failure", title: str = "The primary database is killed under load") -> None:
        load = {"orders-per-s": 25, "canary-every": "0.5s"}
        steady = {"order-within-ms": 500, "canary-within-ms": 2000}
        self.add(
            0.0, "drill.started", scenario, seed=42, speed=self.speed, stack="embedded", commit="0123456789ab",
            versions={"gameday": "0.1.0", "postgres": "18.4", "redis": "6.2.14", "toxiproxy": "2.12.0"},
            command=f"gameday run {scenario} --seed 42 --speed {self.speed:g}",
            scenario={"title": title, "load": load, "steady-state": steady}, targets=[],
        )  # fmt: skip
        for index, name in enumerate(SERVICES):
            self.add(0.3 + index * 0.01, "service.state", name, state="up")

    def down(self, name: str, from_s: float, to_s: float | None = None) -> None:
        self.add(from_s, "service.state", name, state="down")
        if to_s is not None:
            self.add(to_s, "service.state", name, state="up")

    def load(
        self,
        op: str,
        from_s: float,
        to_s: float,
        *,
        per_s: float,
        bad: tuple[float, float] | None = None,
        how: str = "op.fail",
        slow_until_s: float = 0.0,
    ) -> None:
        """Evenly paced operations; those intended in `bad` end as `how`, the ones soon after it are slow."""
        count = int((to_s - from_s) * per_s)
        for index in range(count):
            self.operation(op, from_s + index / per_s, bad=bad, how=how, slow_until_s=slow_until_s)

    def operation(
        self, op: str, at_s: float, *, bad: tuple[float, float] | None = None, how: str = "op.fail", slow_until_s: float = 0.0
    ) -> None:
        self._numbers[op] += 1
        name = f"{op[0]}-{self._numbers[op]:06d}"
        self.add(at_s, "op.invoke", name, op=op, intended_s=at_s)
        usual = 4.0 if op == "order" else 60.0
        latency = usual * math.exp(self._random.gauss(0, 0.45))
        if bad and bad[0] <= at_s < bad[1]:
            kind = "op.info" if at_s - bad[0] < 0.4 else how
            latency = 900 + self._random.random() * 2100
        else:
            kind = "op.ok"
            if bad and bad[1] <= at_s < slow_until_s:
                latency *= 30 * (slow_until_s - at_s) / (slow_until_s - bad[1]) + 1
        self.add(at_s + latency / 1000, kind, name, op=op, latency_ms=latency, status=201 if kind == "op.ok" else 503)

    def step(self, at_s: float, name: str, command: str, *, takes_s: float = 0.3, ok: bool = True, output: str = "") -> float:
        """One step of one command. Returns when it ended."""
        index = sum(event.kind == "step.started" for event in self.events) + 1
        self.add(at_s, "step.started", name, index=index)
        done = at_s + takes_s
        self.add(done, "command.finished", name, command=command, exit_code=0 if ok else 1, duration_s=takes_s, output=output)
        self.add(done, "step.finished", name, index=index, ok=ok, why="" if ok else "exit code 1, expected 0")
        return done

    def history(self) -> History:
        return History.of(self.events)


STEPS = (
    ("Confirm that the primary is down", "kubectl get pods -l app=postgres", 0.4),
    ("Stop trading", "curl -fsS -X POST http://localhost:8080/emergency/stop-trading", 0.2),
    ("Look at the replica's lag", "psql -h localhost -p 5433 -c 'SELECT pg_last_wal_replay_lsn()'", 0.2),
    ("Promote the replica", "kubectl exec postgres-replica-0 -- pg_ctl promote", 0.5),
    ("Point the service at the new primary", "kubectl patch service postgres-primary -p '{...}'", 0.3),
    ("Restart the services that hold connections", "kubectl rollout restart deployment/eafix-execution-engine", 2.5),
    ("Check that the database takes writes", "psql -h localhost -c 'SELECT pg_is_in_recovery()'", 0.2),
    ("Resume trading", "curl -fsS -X POST http://localhost:8080/emergency/resume-trading", 0.2),
    ("Reconcile positions with the broker", "curl -fsS http://localhost:8080/api/reconcile/positions | jq .", 0.6),
)


def database_failure(*, speed: float = 20.0) -> History:
    """The whole of a drill in which the primary is killed at 0:30, and mended by a procedure of nine steps."""
    story = Story(speed=speed)
    story.begin()
    story.add(26.0, "steady.proven", "observer", since_s=6.0)
    story.add(29.9, "fault.injecting", "primary killed", fault="process.kill")
    story.add(30.0, "fault.injected", "primary killed", fault="process.kill")
    story.add(30.1, "fault.bit", "primary killed", evidence="process 4242 is gone")
    story.down("postgres-primary", 31.0)
    for name in ("gui-gateway", "risk-manager", "execution-engine"):
        story.down(name, 35.0, 141.0 if name != "gui-gateway" else 139.0)
    story.add(35.0, "alert.pending", "service_down", severity="critical", expected=True)
    story.add(65.0, "alert.firing", "service_down", severity="critical", expected=True)
    story.add(40.0, "alert.pending", "trading_system_failure", severity="critical", expected=True)
    story.add(100.0, "alert.firing", "trading_system_failure", severity="critical", expected=True)
    story.add(65.0, "page.sent", "service_down", incident="i-1")
    story.add(108.0, "page.acknowledged", "service_down", incident="i-1", by="auto responder")
    story.add(108.0, "procedure.started", RUNBOOK)
    at_s = 112.0
    for number, (name, command, takes_s) in enumerate(STEPS, start=1):
        at_s = story.step(at_s, name, command, takes_s=takes_s, output=f"done {number}") + 3.2
        if name.startswith("Point"):
            story.add(at_s - 3.1, "cutover", "postgres", to="postgres-replica", **{"from": "postgres-primary"})
    story.add(at_s, "procedure.finished", RUNBOOK, outcome="done")
    recovered = 138.4
    _paced(story, until_s=205.0, bad=(30.0, recovered), fast=((0, 28), (31, 110), (152, 205)))
    story.add(145.0, "alert.resolved", "service_down")
    story.add(145.0, "alert.resolved", "trading_system_failure")
    story.add(199.0, "recovery.proven", "observer", recovered_at_s=recovered)
    story.add(203.0, "fault.healed", "primary killed")
    story.add(205.0, "drill.finished", "primary-database-failure", status="completed")
    return story.history()


def _paced(story: Story, *, until_s: float, bad: tuple[float, float], fast: tuple[tuple[float, float], ...]) -> None:
    """Orders and canaries evenly paced in wall time, while documented time is bent in the `fast` stretches."""
    for op, per_s in (("order", 25.0), ("canary", 2.0)):
        at_s = 1.0
        while at_s < until_s:
            story.operation(op, at_s, bad=bad if op == "order" else None, slow_until_s=bad[1] + 2.5)
            rate = story.speed if any(start <= at_s < end for start, end in fast) else 1.0
            at_s += rate / per_s
