"""Holds back what Prometheus says until it is true in documented time.

Prometheus runs on the wall at the drill's speed, while documented time now and then runs slower (choice 6 of the design):
there it looks too often and its `for` is over too soon. So of an alert only this is taken from Prometheus: since when its
condition has held without a break, whether it fires, and when it is gone. Each is put on the documented evaluation that
notices it, and nothing is told before documented time is there and an evaluation of Prometheus from then or later still says
so. What comes and goes between two documented looks has never been. An alert fires when its condition has held for the
rule's `for` of documented time, Prometheus says that it fires, and Alertmanager has passed it on.

Never too early. Late by one evaluation interval at most: that is where the interval between Prometheus' own evaluations
happens to span a documented one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.monitor.labels import Labels, value_of
from harness.monitor.prometheus.bent import BentTime
from harness.monitor.prometheus.cadence import Cadence
from harness.monitor.rules import Alert, AlertState
from scenarios.model import AlertRule

_PASSED_ON_WITHIN_WALL_S = 5.0
_PLAY_WALL_S = 0.01  # what comparing two clocks at two times may cost
NOT_PASSED_ON = "Prometheus says that it {says}, and Alertmanager has not passed that on within {within:g} s"


@dataclass(frozen=True, slots=True)
class Active:
    """An alert as Prometheus shows it at one of its evaluations.

    Its condition has held from the evaluation at `active_wall_s` on. `active_at` is the same instant by Prometheus' own
    clock: equal as long as it has held without a break.
    """

    labels: Labels
    state: Literal["pending", "firing"]
    value: float
    active_at: float
    active_wall_s: float


@dataclass(slots=True)
class _Word:
    """What Alertmanager last said of an alert, and when that came true for Prometheus. Wall seconds."""

    firing: bool
    at_wall_s: float


@dataclass(slots=True)
class _Held:
    """One alert that Prometheus has shown. Documented seconds, but where a name says otherwise."""

    labels: Labels
    active_at: float  # by Prometheus' own clock
    active_wall_s: float
    since_s: float  # the documented evaluation that notices it
    value: float
    seen_wall_s: float  # the last evaluation that showed it
    told: AlertState | None = None
    gone_s: float | None = None  # the documented evaluation that notices that it is gone
    waiting_since_wall_s: float | None = None  # for Alertmanager
    complained: bool = False


class HeldRule:
    """The alerts of one rule. `look` takes what Prometheus shows and gives what may be told now."""

    def __init__(
        self, rule: AlertRule, bent: BentTime, cadence: Cadence, *, speed: float, on_problem: Callable[[str, str], None]
    ) -> None:
        self.rule = rule
        self._bent, self._cadence, self._speed, self._on_problem = bent, cadence, speed, on_problem
        self._held: dict[Labels, _Held] = {}
        self._words: dict[Labels, _Word] = {}

    def hear(self, labels: Labels, *, firing: bool, at_wall_s: float) -> None:
        """Take Alertmanager's word for an alert; `at_wall_s` is when Prometheus let it fire or resolved it."""
        self._words[labels] = _Word(firing, at_wall_s)

    @property
    def next_due_s(self) -> float | None:
        """When something may have to be told next, in documented time. A past time: as soon as Prometheus confirms it."""
        return min((due for held in self._held.values() for due in [self._due_s(held)] if due is not None), default=None)

    def look(self, shown: Sequence[Active], evaluated_wall_s: float, now_wall_s: float) -> list[Alert]:
        """What Prometheus showed of this rule after its evaluation at `evaluated_wall_s`; the changes to tell, in order."""
        changed: list[Alert] = []
        present = {active.labels for active in shown}
        for held in [held for labels, held in self._held.items() if labels not in present]:
            changed += self._missed(held, evaluated_wall_s, now_wall_s)
        for active in shown:
            held, ended = self._found(active)
            changed += ended
            changed += self._ripened(held, active, evaluated_wall_s, now_wall_s)
        return changed

    # --- one alert --------------------------------------------------------------------------------------------

    def _due_s(self, held: _Held) -> float | None:
        if held.gone_s is not None:
            return held.gone_s
        if held.told is None:
            return held.since_s
        return self._fires_s(held) if held.told == "pending" else None

    def _fires_s(self, held: _Held) -> float:
        return self._cadence.evaluation(held.since_s + self.rule.for_s)

    def _noticed(self, labels: Labels, wall_s: float) -> float:
        dense = self._bent.rate(wall_s) < self._speed
        return self._cadence.noticed(self._bent.documented(wall_s), value_of(labels, "job"), dense=dense)

    def _found(self, active: Active) -> tuple[_Held, list[Alert]]:
        """What is held of an alert that is there, and what has to be told of an earlier one with the same labels."""
        held = self._held.get(active.labels)
        ended: list[Alert] = []
        if held is not None and held.active_at != active.active_at:
            gone_s = self._noticed(held.labels, held.seen_wall_s) if held.gone_s is None else held.gone_s
            if self._noticed(active.labels, active.active_wall_s) <= gone_s:
                # Gone and back between two documented looks.
                held.active_at, held.active_wall_s = active.active_at, active.active_wall_s
            else:
                ended = [self._alert(held, "resolved", gone_s)] if held.told == "firing" else []
                held = None
        if held is None:
            since_s = self._noticed(active.labels, active.active_wall_s)
            held = _Held(active.labels, active.active_at, active.active_wall_s, since_s, active.value, active.active_wall_s)
            self._held[active.labels] = held
        held.gone_s = None
        return held, ended

    def _ripened(self, held: _Held, active: Active, evaluated_wall_s: float, now_wall_s: float) -> list[Alert]:
        held.value, held.seen_wall_s = active.value, evaluated_wall_s
        evaluated_s = self._bent.documented(evaluated_wall_s)
        changed = []
        if held.told is None and self.rule.for_s > 0 and evaluated_s >= held.since_s:
            changed.append(self._alert(held, "pending", held.since_s))
            held.told = "pending"
        if held.told != "firing" and evaluated_s >= self._fires_s(held) and active.state == "firing":
            word = self._words.get(held.labels)
            if word is not None and word.firing:
                changed.append(self._alert(held, "firing", self._fired_s(held, word)))
                held.told, held.waiting_since_wall_s = "firing", None
            else:
                self._wait(held, "fires", now_wall_s)
        return changed

    def _fired_s(self, held: _Held, word: _Word) -> float:
        """The documented evaluation that let it fire: later than due when Prometheus itself was late."""
        due_s = self._fires_s(held)
        late_s = self._bent.documented(word.at_wall_s - _PLAY_WALL_S) - due_s
        return due_s if late_s <= 0 else self._cadence.evaluation(due_s + late_s)

    def _missed(self, held: _Held, evaluated_wall_s: float, now_wall_s: float) -> list[Alert]:
        """An alert that Prometheus does not show any more."""
        if held.gone_s is None:
            held.gone_s = max(self._noticed(held.labels, evaluated_wall_s), held.since_s)
        word = self._words.get(held.labels)
        if held.told != "firing":
            if self._bent.documented(evaluated_wall_s) >= held.gone_s:
                del self._held[held.labels]
            return []
        resolved = word is not None and not word.firing
        if word is not None and resolved and word.at_wall_s >= held.active_wall_s:  # exactly when; we saw it when we looked
            held.gone_s = min(held.gone_s, max(self._noticed(held.labels, word.at_wall_s), self._fires_s(held)))
        if self._bent.documented(evaluated_wall_s) < held.gone_s:
            return []
        if not resolved and not self._wait(held, "is resolved", now_wall_s):
            return []
        del self._held[held.labels]
        return [self._alert(held, "resolved", held.gone_s)]

    def _wait(self, held: _Held, says: str, now_wall_s: float) -> bool:
        """Wait for Alertmanager; True when that has taken too long."""
        if held.waiting_since_wall_s is None:
            held.waiting_since_wall_s = now_wall_s
        late = now_wall_s - held.waiting_since_wall_s > _PASSED_ON_WITHIN_WALL_S
        if late and not held.complained:
            held.complained = True
            self._on_problem(f"rule {self.rule.alert}", NOT_PASSED_ON.format(says=says, within=_PASSED_ON_WITHIN_WALL_S))
        return late

    def _alert(self, held: _Held, state: AlertState, at_s: float) -> Alert:
        rule = self.rule
        return Alert(rule.alert, state, dict(held.labels), held.value, at_s, held.since_s, rule.severity, rule.expr)
