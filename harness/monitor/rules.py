"""Alert rules and the states of their alerts; follows `AlertingRule.Eval` in Prometheus' rules/alerting.go.

Each label set in the answer of a rule's expression is an alert of its own: pending when it first appears, firing at the
first evaluation where it has been there for the rule's `for`, resolved when a firing one is gone. A pending alert that
goes away leaves without a word. An evaluation that fails changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.monitor.errors import QueryFailed
from harness.monitor.labels import NAME, Labels, make_labels
from harness.monitor.promql import Query
from harness.monitor.series import Series, SeriesStore, to_ms
from harness.monitor.values import Dialect, Vector
from scenarios.model import AlertRule

AlertState = Literal["pending", "firing", "resolved"]
NAME_LABEL = "alertname"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    `at_s` is the documented time of the evaluation that put it into its state; `since_s` is that of the first evaluation
    from which on its condition has held without a break.
    """

    rule: str
    state: AlertState
    labels: Mapping[str, str]
    value: float
    at_s: float
    since_s: float
    severity: str
    expr: str


class RuleState:
    """One rule, its active alerts, and how its last evaluation went."""

    def __init__(self, rule: AlertRule) -> None:
        """Raises BadQuery when the rule's expression cannot be used."""
        self.rule = rule
        self.query = Query(rule.expr)
        self.active: dict[Labels, Alert] = {}
        self.error = ""  # of the last evaluation
        self.evaluated_at_s: float | None = None
        self.took_s = 0.0  # wall
        self._written: dict[Labels, Series] = {}
        self._own = {NAME_LABEL: rule.alert, "severity": rule.severity}

    def evaluate(self, store: SeriesStore, at_s: float, *, epoch_s: float, dialect: Dialect) -> list[Alert]:
        """Evaluate at a documented time and return the alerts that changed state. Raises QueryFailed, changing nothing."""
        vector = self.query.vector_at(store, at_s, epoch_s=epoch_s, dialect=dialect)
        changed = self.update(vector, at_s)
        self._write(store, to_ms(at_s))
        return changed

    def update(self, vector: Vector, at_s: float) -> list[Alert]:
        """Take the expression's answer at a documented time and return the alerts that changed state."""
        present = self._labelled(vector)
        changed: list[Alert] = []
        for labels in [labels for labels in self.active if labels not in present]:
            gone = self.active.pop(labels)
            if gone.state == "firing":
                changed.append(replace(gone, state="resolved", at_s=at_s))
        for labels, value in present.items():
            before = self.active.get(labels)
            alert = replace(before, value=value) if before else self._begun(labels, value, at_s)
            if alert.state == "pending" and to_ms(at_s) - to_ms(alert.since_s) >= to_ms(self.rule.for_s):
                alert = replace(alert, state="firing", at_s=at_s)
            if before is None or before.state != alert.state:
                changed.append(alert)
            self.active[labels] = alert
        return changed

    def _labelled(self, vector: Vector) -> dict[Labels, float]:
        present: dict[Labels, float] = {}
        for labels, value in vector:
            own = make_labels({**dict(labels), NAME: "", **self._own})
            if own in present:
                raise QueryFailed("vector contains metrics with the same labelset after applying alert labels")
            present[own] = value
        return present

    def _begun(self, labels: Labels, value: float, at_s: float) -> Alert:
        rule = self.rule
        return Alert(rule.alert, "pending", dict(labels), value, at_s, at_s, rule.severity, rule.expr)

    def _write(self, store: SeriesStore, at_ms: int) -> None:
        """The `ALERTS` series that Prometheus keeps of pending and firing alerts."""
        written: dict[Labels, Series] = {}
        for labels, alert in self.active.items():
            own = make_labels({**dict(labels), NAME: "ALERTS", "alertstate": alert.state})
            written[own] = store.series(own)
            written[own].append(at_ms, 1.0)
        for own, series in self._written.items():
            if own not in written:
                series.end(at_ms)
        self._written = written
