"""The stack in one night: what is out, who feels it, and what commands do about it. Every change is a moment of the night's clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any

import simpy

from sim import plan as at
from sim.parts import FLAG, MENDING, Act, Condition, StepPlan
from sim.plan import Plan

Process = Generator[simpy.Event, Any, None]
Note = Callable[..., None]
GAP_BIT, STOP_BIT = 1 << 60, 1 << 61  # in the masks: a rolling restart, and services that were stopped on purpose


class StackOfNight:
    """The state of one night. Times are None for what never came."""

    def __init__(self, plan: Plan, row: list[float], note: Note | None = None) -> None:
        """`note(at_s, kind, subject, data)` hears every event of the history but the observer's."""
        self.plan, self.row, self._note = plan, row, note
        self.env = simpy.Environment()
        self._base = len(plan.draws.mu)
        self._orders_down = self._canary_down = 0
        self.active: list[Condition] = []
        self.changes: list[tuple[float, bool, bool]] = []  # since then: do orders fail, do canaries
        self.path: list[tuple[float, int]] = []  # since then: where the time goes
        self.cutovers: list[tuple[float, float, float]] = []  # when; what was acknowledged between the two was lost
        self.flags = self.level = self.helpers = 0
        self.hour, self._class = 0.0, 0  # of the week; at work, in the evening, asleep
        self._shift_at_s = math.inf
        self._hands = simpy.Resource(self.env, plan.people.hands)
        self.injected_s, self.last_injected_s = math.inf, -math.inf
        self.fired_s: float | None = None
        self.paged_s: float | None = None
        self.acknowledged_s: float | None = None
        self.started_s: float | None = None
        self.mitigated_s: float | None = None
        self.procedure_done_s: float | None = None
        self.procedure_ended_s: float | None = None
        self.dead_s: float | None = None
        self.mended_s: float | None = None
        self.readable_s = -math.inf  # since when the database can be read again; infinity: not yet
        self.bitten = 0
        self.promoted = self._standby_cleared = self._finished = False
        self._shipped_s, self._shipping_alive = -math.inf, True
        self._moments: dict[str, simpy.Event] = {}
        self._symptoms: dict[str, list[simpy.Event]] = {}

    def _down(self, bit: int, *, orders: bool, canary: bool) -> None:
        before = (self._orders_down != 0, self._canary_down != 0)
        if orders:
            self._orders_down |= bit
        if canary:
            self._canary_down |= bit
        self._felt(before)

    def _up(self, bit: int) -> None:
        before = (self._orders_down != 0, self._canary_down != 0)
        self._orders_down &= ~bit
        self._canary_down &= ~bit
        self._felt(before)

    def _felt(self, before: tuple[bool, bool]) -> None:
        orders, canary = self._orders_down != 0, self._canary_down != 0
        if (orders, canary) == before:
            return
        self.changes.append((self.env.now, orders, canary))
        if orders and not before[0]:
            self._show("orders-failed", "error-rate", "latency")

    def _show(self, *symptoms: str) -> None:
        for symptom in symptoms:
            for waiting in self._symptoms.pop(symptom, ()):
                waiting.succeed()

    def _came(self, moment: str) -> None:
        waiting = self._moments.get(moment)
        if waiting is not None and not waiting.triggered:
            waiting.succeed()

    def _end(self, condition: Condition, after_s: float) -> None:
        """The condition is over; clients feel it a little later."""
        if condition not in self.active:
            return
        self.active.remove(condition)
        if condition.writer and not any(each.writer for each in self.active):
            self.readable_s = self.env.now
        if self._orders_down & condition.bit or self._canary_down & condition.bit:
            self.mended_s = self.env.now
            self.env.process(self._mend(condition.bit, after_s or self.row[at.SETTLE]))
            if not self.active:
                self.path.append((self.env.now, MENDING))

    def _mend(self, bit: int, after_s: float) -> Process:
        yield self.env.timeout(after_s)
        self._up(bit)

    def _act(self, step: StepPlan) -> None:
        for act in step.acts:
            self._do(act)
        for condition in [each for each in self.active if each.ended_at == step.number]:
            self._end(condition, 0.0)

    def _do(self, act: Act) -> None:
        verb = act.verb
        if verb == "promote":
            self.promoted = self.plan.replica
        elif verb == "no-standby":
            self._standby_cleared = True
        elif verb == "readdress":
            self._fail_over()
        elif verb == "restore":
            self._restore(off_site=act.off_site)
        elif verb == "stop" and not act.parts:
            self._down(STOP_BIT, orders=True, canary=True)
        elif verb in {"start", "provision"} and not act.parts:
            self._up(STOP_BIT)
        elif verb == "ship-log" and self._shipping_alive:
            self._shipped_s = self.env.now
        for condition in list(self.active):
            if (
                verb in condition.ended_by
                and condition.ended_at is None
                and (not act.parts or act.parts & condition.parts or condition.feed)
            ):
                self._end(condition, 0.0)

    def _fail_over(self) -> None:
        """The service address leads to the promoted replica. It has what had reached it when the primary died."""
        if not self.promoted or (self.plan.synchronous and not self._standby_cleared):
            return
        now = self.env.now
        if self._note is not None:
            self._note(now, "cutover", "postgres", {"from": "postgres-primary", "to": "postgres-replica"})
        self.flags |= FLAG["failover-under-load"]
        dead_s = now if self.dead_s is None else self.dead_s
        lag_s = 0.0 if self.plan.synchronous else self.row[at.LAG] + self.plan.lag_more_s
        self.cutovers.append((now, dead_s - lag_s, dead_s))
        for condition in [each for each in self.active if each.moved]:
            self._end(condition, self.row[at.RECONNECT])

    def _restore(self, *, off_site: bool) -> None:
        """The database comes back with what its log still holds: all of it on site, what was shipped off site."""
        now = self.env.now
        if self._note is not None:
            self._note(now, "cutover", "postgres", {"from": "postgres-primary", "to": "postgres-primary, restored"})
        self.flags |= FLAG["restored"]
        dead_s = now if self.dead_s is None else self.dead_s
        self.cutovers.append((now, min(self._shipped_s, dead_s) if off_site else dead_s, dead_s))
