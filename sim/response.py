"""People in one night: who is paged, who hears it, who has free hands, and how the procedure goes, wrong turns included."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from sim import plan as at
from sim.parts import FLAG, HAND_OVER, HANDS, MENDING, RETRIES, SEGMENTS, WRONG, StepPlan
from sim.stack import GAP_BIT, Process, StackOfNight

STEPS = len(SEGMENTS)  # where the segments of a path begin that are steps
RESPONDER = "simulated responder"
DAY_H, WEEK_H = 24.0, 168.0
_EXPERT_S = 60.0  # who takes over reads what was done
_ACK_OF = {1: 0, 2: 2, 3: 3, 4: 4}  # places of their delays in a night's row, from that of the on-call engineer
_LEVELS = {1: 0, 2: FLAG["level-2"], 3: FLAG["level-3"], 4: FLAG["level-3"] | FLAG["executive"]}


class Responders(StackOfNight):
    """The response to one night's incident."""

    def _page(self, subject: str) -> Process:
        """Page, and climb the ladder: first until somebody acknowledges, then for help until it is over."""
        env, people, row = self.env, self.plan.people, self.row
        wait_s = self.plan.watching.group_wait_s + row[at.PAGE]
        if people.holds_at_night and self._class:
            wait_s += self._until_work_s()
        yield env.timeout(wait_s)
        paged_s = self.paged_s = env.now
        if self._note is not None:
            self._note(paged_s, "page.sent", subject, {"incident": "S1"})
        self._came("page")
        missed = people.missed[self._class]
        for number, rung in enumerate(people.rungs):
            if rung.after_s > env.now - paged_s:
                yield env.timeout(paged_s + rung.after_s - env.now)
            if self._finished and not self.active:
                return
            if self.acknowledged_s is None or rung.level > 1:
                self.flags |= _LEVELS[rung.level]
                if self._note is not None and number:
                    self._note(env.now, "page.escalated", subject, {"incident": "S1", "level": rung.level, "to": rung.who})
                if row[self._base + at.MISS + number] < missed:
                    self.flags |= FLAG["page-missed"]
                    continue
                env.process(self._hear(subject, number, rung.level, rung.who))

    def _until_work_s(self) -> float:
        """Seconds from this hour of the week to the next beginning of work."""
        opens = self.plan.people.work[0]
        return 3600.0 * min((day * DAY_H + opens - self.hour) % WEEK_H for day in range(5))

    def _hear(self, subject: str, number: int, level: int, who: str) -> Process:
        """Somebody heard the page: whoever acknowledges first takes it, the others help."""
        people, env = self.plan.people, self.env
        yield env.timeout(
            self.row[at.ACK + _ACK_OF[level] + (number if level == 1 else 0)]
            * people.slower[self._class]
            * people.severity_slower
        )
        if self.acknowledged_s is not None:
            self.helpers += level > 1
            return
        if not self.active and self.mended_s is not None:
            return  # it was resolved before anybody looked
        self.acknowledged_s, self.level = env.now, level
        if self._note is not None:
            self._note(env.now, "page.acknowledged", subject, {"incident": "S1", "by": f"{who} ({RESPONDER})"})
        self._came("acknowledged")
        env.process(self._respond())

    def _respond(self) -> Process:
        env, hands = self.env, self._hands
        if self.level > 1:  # other people than those who may be busy
            yield from self._procedure()
            return
        with hands.request() as hand:
            if not hand.triggered:
                self.path.append((env.now, HANDS))
                if self.plan.people.holds_at_night:
                    yield hand
                else:  # a P0 or P1: what is at hand is put aside, at the price of handing it over
                    yield hand | env.timeout(self.row[at.HAND_OVER])
            yield from self._procedure()

    def _procedure(self) -> Process:
        env, plan, row, note = self.env, self.plan, self.row, self._note
        people = plan.people
        slower = people.think_slower[self._class]
        self.started_s = env.now
        if note is not None:
            note(env.now, "procedure.started", plan.procedure, {})
        self._came("procedure")
        for step in plan.steps:
            if env.now >= self._shift_at_s:
                yield from self._hand_over()
            self.path.append((env.now, STEPS + step.number))
            yield env.timeout(row[step.normals] * slower)
            if self.helpers and self._shared(step):
                continue
            if step.changes and row[step.uniforms] < people.wrong_turn * (people.eyes if self.helpers else 1.0):
                yield from self._wrong_turn(step)
            if note is not None:
                note(env.now, "step.started", step.name, {"index": step.number + 1})
            ok = True
            if step.special:
                ok = yield from self._special(step)
            else:  # most steps: not through a generator of its own
                yield env.timeout(row[step.normals + 1])
                self._ended(step, row[step.normals + 1])
            if step.changes and step.waits == "no":
                if row[step.uniforms + 1] < people.step_fails:
                    yield from self._again(step)
                self._act(step)
            if not self._went(step, ok=ok):
                return
        self._close("done")

    def _special(self, step: StepPlan) -> Generator[simpy.Event, Any, bool]:
        """A step that waits for something, or whose command is felt by clients."""
        if step.waits != "no":
            return (yield from self._wait_for(step))
        yield from self._command(step, self.row[step.normals + 1], exit_code=0)
        return True

    def _went(self, step: StepPlan, *, ok: bool) -> bool:
        """Note how a step ended; False when the procedure ends with it."""
        if self._note is not None:
            why = "" if ok else "simulated: not within its budget"
            self._note(self.env.now, "step.finished", step.name, {"index": step.number + 1, "ok": ok, "why": why})
        if not ok and step.stops:
            self._close("stopped")
            return False
        return True

    def _close(self, outcome: str) -> None:
        now = self.env.now
        self._finished = True
        if outcome == "done":
            self.procedure_done_s = now
        self.procedure_ended_s = now
        if self._note is not None:
            self._note(now, "procedure.finished", self.plan.procedure, {"outcome": outcome})
        self._came("procedure-done")
        if self.active:
            self.path.append((now, MENDING))

    def _hand_over(self) -> Process:
        self.flags |= FLAG["hand-over"]
        self.path.append((self.env.now, HAND_OVER))
        self._shift_at_s += self.plan.people.shift_every_s
        yield self.env.timeout(self.row[at.HAND_OVER])

    def _wrong_turn(self, step: StepPlan) -> Process:
        self.flags |= FLAG["wrong-turn"]
        self.path.append((self.env.now, WRONG))
        yield self.env.timeout(self.row[step.normals + 2])
        self.path.append((self.env.now, STEPS + step.number))

    def _shared(self, step: StepPlan) -> bool:
        """Does somebody else take this step over: one that only looks, and waits for nothing?"""
        if step.changes or step.waits != "no" or not self.plan.people.verify_beside:
            return False
        self.env.process(self._beside(step))
        return True

    def _beside(self, step: StepPlan) -> Process:
        """Somebody else looks while the next step goes on."""
        yield self.env.timeout(self.row[step.normals + 1])

    def _again(self, step: StepPlan) -> Process:
        """Its command failed: it is tried once more, and after that by somebody else."""
        env, row = self.env, self.row
        self.flags |= FLAG["retry"]
        self.path.append((env.now, RETRIES))
        yield env.timeout(row[step.normals])
        yield from self._command(step, row[step.normals + 3], exit_code=0)
        if row[step.uniforms + 2] < self.plan.people.step_fails:
            yield from self._next_level(step)
        self.path.append((env.now, STEPS + step.number))

    def _next_level(self, step: StepPlan) -> Process:
        """It failed twice: what was done is rolled back, and the next level does it anew."""
        env, row = self.env, self.row
        self.level = min(self.level + 1, 4)
        self.flags |= FLAG["roll-back"] | _LEVELS[self.level]
        yield env.timeout(row[at.ROLL_BACK])
        yield env.timeout(row[at.ACK + _ACK_OF[self.level]] * self.plan.people.slower[self._class] + _EXPERT_S)
        yield from self._command(step, row[step.normals + 1], exit_code=0)

    def _command(self, step: StepPlan, takes_s: float, *, exit_code: int) -> Process:
        env = self.env
        takes_s += step.more_s
        if step.gap:
            gap_s = min(self.row[at.GAP], takes_s)
            yield env.timeout(takes_s - gap_s)
            self._down(GAP_BIT, orders=True, canary=False)
            yield env.timeout(gap_s)
            self._up(GAP_BIT)
        else:
            yield env.timeout(takes_s)
        self._ended(step, takes_s, exit_code)

    def _ended(self, step: StepPlan, takes_s: float, exit_code: int = 0) -> None:
        self.mitigated_s = self.env.now
        if self._note is not None:
            ran = {
                "command": step.command,
                "exit_code": exit_code,
                "duration_s": round(takes_s, 6),
                "output": "",
                "timed_out": False,
            }
            self._note(self.env.now, "command.finished", step.name, ran)

    def _wait_for(self, step: StepPlan) -> Generator[simpy.Event, Any, bool]:
        env, row = self.env, self.row
        deadline_s = env.now + step.budget_s
        healing = step.waits == "healing"
        while True:
            waits = (
                any(each.heal_after_s is not None for each in self.active) if healing
                else bool(self._orders_down | self._canary_down)
            )  # fmt: skip
            yield from self._command(step, row[step.normals + 1], exit_code=int(waits))
            if not waits:
                if step.changes:
                    self._act(step)
                return True
            if env.now + step.retry_s >= deadline_s:
                return False
            yield env.timeout(step.retry_s)
