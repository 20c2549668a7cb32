"""The monitor's state in the shapes of Prometheus' HTTP API.

Times there are Unix times: the wall clock at the start of the drill plus documented seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from harness.monitor.errors import BadQuery
from harness.monitor.labels import Labels
from harness.monitor.monitor import Monitor
from harness.monitor.promql import Query, Result, ResultType
from harness.monitor.rules import Alert, RuleState
from harness.monitor.series import to_ms
from harness.monitor.target import TargetState
from harness.monitor.values import Window, number_text

MOST_POINTS = 11_000  # of one series in a range query, as in Prometheus

Json = dict[str, Any]


def instant_answer(kind: ResultType, result: Result, at_s: float, epoch_s: float) -> Json:
    """The data of `/api/v1/query`."""
    shown_at_s = _unix(epoch_s, at_s)
    if isinstance(result, str):
        return {"resultType": kind, "result": [shown_at_s, result]}
    if isinstance(result, float):
        return {"resultType": kind, "result": [shown_at_s, number_text(result)]}
    rows = [_series(row, epoch_s) if isinstance(row, Window) else _element(row, shown_at_s) for row in result]
    return {"resultType": kind, "result": rows}


def _element(element: tuple[Labels, float], shown_at_s: float) -> Json:
    return {"metric": dict(element[0]), "value": [shown_at_s, number_text(element[1])]}


def _series(window: Window, epoch_s: float) -> Json:
    samples = zip(window.times, window.values, strict=True)
    return {
        "metric": dict(window.labels),
        "values": [[_unix(epoch_s, at_ms / 1000), number_text(value)] for at_ms, value in samples],
    }


def instants(start_s: float, end_s: float, step_s: float) -> list[float]:
    """The instants of a range query. Raises BadQuery in Prometheus' words."""
    if end_s < start_s:
        raise BadQuery("end timestamp must not be before start time")
    if to_ms(step_s) < 1:
        raise BadQuery("zero or negative query resolution step widths are not accepted. Try a positive integer")
    if (end_s - start_s) / step_s > MOST_POINTS:
        raise BadQuery(
            f"exceeded maximum resolution of {MOST_POINTS:,} points per timeseries. Try decreasing the query resolution (?step=XX)"
        )
    start_ms, step_ms = to_ms(start_s), to_ms(step_s)
    return [at_ms / 1000 for at_ms in range(start_ms, to_ms(end_s) + 1, step_ms)]


class RangeAnswer:
    """Collects the data of `/api/v1/query_range`, one instant at a time."""

    def __init__(self, monitor: Monitor, expression: str) -> None:
        """Raises BadQuery."""
        self._monitor = monitor
        self._query = Query(expression)
        self._rows: dict[Labels, list[list[Any]]] = {}
        if self._query.result_type not in ("vector", "scalar"):
            kind = {"matrix": "range vector", "string": "string"}[self._query.result_type]
            raise BadQuery(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')

    def add(self, at_s: float) -> None:
        """Evaluate at a documented time. Raises QueryFailed."""
        monitor = self._monitor
        shown_at_s = _unix(monitor.epoch_s, at_s)
        for labels, value in self._query.vector_at(monitor.store, at_s, epoch_s=monitor.epoch_s, dialect=monitor.dialect):
            self._rows.setdefault(labels, []).append([shown_at_s, number_text(value)])

    @property
    def data(self) -> Json:
        rows = sorted(self._rows.items())
        return {"resultType": "matrix", "result": [{"metric": dict(labels), "values": values} for labels, values in rows]}


def alerts_answer(alerts: Iterable[Alert], epoch_s: float) -> list[Json]:
    """The alerts of `/api/v1/alerts`."""
    return [
        {
            "labels": dict(alert.labels),
            "annotations": {},
            "state": alert.state,
            "activeAt": _stamp(epoch_s, alert.since_s),
            "value": number_text(alert.value),
        }
        for alert in alerts
    ]


def rules_answer(monitor: Monitor) -> Json:
    """The data of `/api/v1/rules`: all rules stand in one group."""
    evaluated_at_s = max((rule.evaluated_at_s for rule in monitor.rules if rule.evaluated_at_s is not None), default=None)
    group = {
        "name": "gameday",
        "file": "",
        "rules": [_rule(rule, monitor.epoch_s) for rule in monitor.rules],
        "interval": monitor.evaluate_every_s,
        "limit": 0,
        "evaluationTime": sum(rule.took_s for rule in monitor.rules),
        "lastEvaluation": _stamp(monitor.epoch_s, evaluated_at_s),
    }
    return {"groups": [group]}


def _rule(rule: RuleState, epoch_s: float) -> Json:
    states = {alert.state for alert in rule.active.values()}
    health = "unknown" if rule.evaluated_at_s is None else "err" if rule.error else "ok"
    return {
        "type": "alerting",
        "name": rule.rule.alert,
        "query": rule.rule.expr,
        "duration": rule.rule.for_s,
        "keepFiringFor": 0,
        "labels": {"severity": rule.rule.severity},
        "annotations": {},
        "alerts": alerts_answer(rule.active.values(), epoch_s),
        "state": next((state for state in ("firing", "pending") if state in states), "inactive"),
        "health": health,
        "lastError": rule.error,
        "evaluationTime": rule.took_s,
        "lastEvaluation": _stamp(epoch_s, rule.evaluated_at_s),
    }


def targets_answer(monitor: Monitor) -> Json:
    """The data of `/api/v1/targets`."""
    return {"activeTargets": [_target(state, monitor.epoch_s) for state in monitor.targets], "droppedTargets": []}


def _target(state: TargetState, epoch_s: float) -> Json:
    at_ms = state.scraped_at_ms
    return {
        "discoveredLabels": {"__address__": state.target.instance, "job": state.target.name},
        "labels": state.identity,
        "scrapePool": state.target.name,
        "scrapeUrl": state.target.url,
        "globalUrl": state.target.url,
        "lastError": state.error,
        "lastScrape": _stamp(epoch_s, None if at_ms is None else at_ms / 1000),
        "lastScrapeDuration": state.took_s,
        "health": state.health,
    }


def _unix(epoch_s: float, at_s: float) -> float:
    return round(epoch_s + at_s, 3)


def _stamp(epoch_s: float, at_s: float | None) -> str:
    if at_s is None:
        return "0001-01-01T00:00:00Z"  # how Go writes a time that is not set
    return datetime.fromtimestamp(_unix(epoch_s, at_s), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
