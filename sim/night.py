"""One night of a plan, as processes in virtual time (SimPy). It leaves a light record or, when somebody listens, every event.

Time is documented time: seconds from the start of the drill. What happens depends on the night's row of draws and on nothing else.
"""

from __future__ import annotations

import math

from sim import plan as at
from sim.parts import DETECTION, FLAG, PAGING, AlertPlan, Condition
from sim.response import DAY_H, WEEK_H, Responders
from sim.stack import Process

_OTHERS_WITHIN_S = 600.0  # before and after the fault: when another incident begins that overlaps
_SHIFT_AT_H = 8.0


class Night(Responders):
    """One night: `run` it, then read it."""

    @property
    def begin_s(self) -> float:
        """When the scenario's times count from: at a drawn phase of the scrapes."""
        every_s = self.plan.watching.scrape_s
        return (math.floor((self.plan.load.lead_s + 2.5) / every_s) + 1 + self.row[self._base + at.PHASE]) * every_s

    def run(self) -> Night:
        """Everything until nothing more happens, or until nobody watches any more."""
        plan, env, process = self.plan, self.env, self.env.process
        self._when()
        begin_s = self.begin_s
        for alert in plan.alerts:
            process(self._watch(alert))
        first_s = begin_s + min(each.at_s for each in plan.conditions)
        for condition in plan.conditions:
            process(self._break(condition, begin_s))
        if plan.reported_after_s is not None:
            process(self._report(first_s + plan.reported_after_s))
        if self.row[self._base + at.OTHER] < plan.people.other_incident:
            process(self._other_incident(first_s))
        if plan.log_every_s is not None:
            process(self._ship(plan.log_every_s))
        self.path.append((first_s, DETECTION))
        env.run(until=first_s + plan.give_up_after_s + plan.load.settle_s)
        return self

    def _when(self) -> None:
        """The hour of the week, who is awake, and when the shift ends."""
        people, begin_s = self.plan.people, self.begin_s
        hour = self.row[self._base + at.HOUR] * WEEK_H if people.hour < 0 else people.hour
        self.hour = hour
        of_day = hour % DAY_H
        night_from, night_until = people.night
        if hour < 120 and people.work[0] <= of_day < people.work[1]:
            self._class = 0
            self.flags |= FLAG["market-hours"]
        elif of_day >= night_from or of_day < night_until:
            self._class = 2
            self.flags |= FLAG["asleep"]
        else:
            self._class = 1
        every_s = people.shift_every_s
        self._shift_at_s = begin_s + every_s - ((of_day - _SHIFT_AT_H) * 3600.0) % every_s

    def _other_incident(self, first_s: float) -> Process:
        """Another incident needs the same hands."""
        begins_s = max(first_s + (2 * self.row[self._base + at.OTHER_AT] - 1) * _OTHERS_WITHIN_S, 0.0)
        yield self.env.timeout(begins_s)
        self.flags |= FLAG["other-incident"]
        with self._hands.request() as hand:
            yield hand
            yield self.env.timeout(self.row[at.OTHER_WORK])

    def _ship(self, every_s: float) -> Process:
        """The transaction log goes off site every so often, as long as there is a database that writes one."""
        env, takes_s = self.env, min(self.row[at.SHIP], every_s / 2)
        yield env.timeout(self.row[self._base + at.SHIP_PHASE] * every_s)
        while not self._gone() and not self._finished:
            reaches_s = env.now
            yield env.timeout(takes_s)
            if self._gone():
                return
            self._shipped_s = reaches_s
            if self._note is not None:
                self._note(env.now, "backup.shipped", "postgres-primary", {"log": [], "reaches_s": reaches_s})
            yield env.timeout(every_s - takes_s)

    def _gone(self) -> bool:
        """Is there no database any more that writes a log?"""
        return not self._shipping_alive

    def _break(self, condition: Condition, begin_s: float) -> Process:
        env = self.env
        wait_s = condition.at_s
        if condition.until_s is not None:
            wait_s += (condition.until_s - wait_s) * self.row[self._base + at.SCRAPE]
        if condition.after is not None:
            moment = self._moments.setdefault(condition.after, env.event())
            yield moment
            begin_s = env.now
        yield env.timeout(begin_s + wait_s - env.now)
        self.injected_s, self.last_injected_s = min(self.injected_s, env.now), env.now
        if self._note is not None:
            self._note(env.now, "fault.injected", condition.name, {"took_s": 0.0, **condition.parameters})
            if self.plan.felt:
                self._note(env.now, "fault.bit", condition.name, {"evidence": "simulated"})
        self.bitten += self.plan.felt
        self.active.append(condition)
        if condition.writer:
            self.readable_s = math.inf
            self.dead_s = env.now if self.dead_s is None else self.dead_s
            if condition.kind in {"process.kill", "site.cut", "site.lost"}:
                self._shipping_alive = False
        self._down(condition.bit, orders=condition.orders and not condition.orders_after_s, canary=condition.canary)
        if condition.up:
            self._show("up")
        if condition.feed or condition.canary:
            self._show("feed")
        self._show("other")
        if condition.orders and condition.orders_after_s:
            env.process(self._stale(condition))
        if condition.heal_after_s is not None:
            yield env.timeout(condition.heal_after_s)
            if self._note is not None:
                self._note(env.now, "fault.healed", condition.name, {})
            self._end(condition, 0.0)

    def _stale(self, condition: Condition) -> Process:
        yield self.env.timeout(condition.orders_after_s)
        if condition in self.active:
            self._down(condition.bit, orders=True, canary=False)

    def _true(self, alert: AlertPlan) -> bool:
        if alert.sees == "up":
            return any(each.up for each in self.active)
        if alert.sees == "feed":
            return any(each.feed or each.canary for each in self.active)
        if alert.sees == "other":
            return bool(self.active)
        return self._orders_down != 0

    def _watch(self, alert: AlertPlan) -> Process:
        """Scrapes see it, evaluations notice it, `for` passes, the alert fires: all on the monitor's grids."""
        env, watching = self.env, self.plan.watching
        every_s = watching.evaluate_s
        while True:
            symptom = env.event()
            self._symptoms.setdefault(alert.sees, []).append(symptom)
            yield symptom
            seen_s = env.now
            if alert.rise < 0:
                offset_s = self.row[self._base + at.SCRAPE] * watching.scrape_s
                seen_s = offset_s + math.ceil((seen_s - offset_s) / watching.scrape_s) * watching.scrape_s
                if self.active and all(each.hangs for each in self.active if each.up):
                    seen_s += min(watching.scrape_timeout_s, watching.scrape_s)
            else:
                seen_s += self.row[alert.rise]
            pending_s = math.ceil(seen_s / every_s) * every_s
            fires_s = math.ceil((pending_s + alert.for_s) / every_s - 1e-9) * every_s
            yield env.timeout(fires_s - env.now)
            if not self._true(alert):
                continue
            if self._note is not None:
                labels = {"alertname": alert.name, "job": "simulated"}
                self._note(
                    env.now, "alert.firing", alert.name,
                    {"labels": labels, "value": 0.0, "severity": alert.severity, "since_s": pending_s, "expected": True},
                )  # fmt: skip
            if self.fired_s is None:
                self.fired_s = env.now
                self.path.append((env.now, PAGING))
                self._came("alert")
                yield from self._page(alert.name)
            return

    def _report(self, at_s: float) -> Process:
        """People have seen it, and no alert has paged."""
        yield self.env.timeout(at_s)
        if self.fired_s is None and self.active:
            self.fired_s = at_s
            self.path.append((at_s, PAGING))
            if self._note is not None:
                self._note(at_s, "incident.reported", "reported", {"why": "no alert has paged"})
            yield from self._page("reported")
