"""promtool's unit tests of rules: what stands in a file, and what our own evaluator makes of it.

The format is https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/, as far as we use it.
Annotations are read and passed over: our monitor has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from harness.monitor.exposition import read_line
from harness.monitor.labels import make_labels, show
from harness.monitor.rules import NAME_LABEL, RuleState
from harness.monitor.values import Dialect
from scenarios.fields import PositiveDuration
from scenarios.model import AlertRule
from tests.harness.monitor.loading import ask, load


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExpectedAlert(_Part):
    exp_labels: dict[str, str]
    exp_annotations: dict[str, str]


class AlertTest(_Part):
    """Which alerts of a rule are firing at an instant."""

    alertname: str
    eval_time: PositiveDuration
    exp_alerts: tuple[ExpectedAlert, ...] = ()


class ExpectedSample(_Part):
    labels: str
    value: float


class ExpressionTest(_Part):
    """What an expression gives at an instant."""

    expr: str
    eval_time: PositiveDuration
    exp_samples: tuple[ExpectedSample, ...]


class InputSeries(_Part):
    series: str
    values: str


class Case(_Part):
    """Series, and what is expected of the rules over them. The interval must be told: without it promtool 2 takes 1m."""

    name: str
    interval: PositiveDuration
    input_series: tuple[InputSeries, ...]
    alert_rule_test: tuple[AlertTest, ...] = ()
    promql_expr_test: tuple[ExpressionTest, ...] = ()

    def names(self, alert: str) -> bool:
        """Whether something is expected of this alert."""
        named = {test.alertname for test in self.alert_rule_test}
        return alert in named or any(f'{NAME_LABEL}="{alert}"' in test.expr for test in self.promql_expr_test)


class UnitTests(_Part):
    rule_files: tuple[Path, ...]
    evaluation_interval: PositiveDuration
    tests: tuple[Case, ...]


def read_unit_tests(path: Path) -> UnitTests:
    """A file of unit tests, with the whole paths of its rule files."""
    read = UnitTests.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    return read.model_copy(update={"rule_files": tuple((path.parent / file).resolve() for file in read.rule_files)})


def complaints(case: Case, rules: Sequence[AlertRule], *, every_s: float, dialect: Dialect) -> Iterator[str]:
    """What our evaluator finds otherwise than the case expects, evaluating the rules in their order from second 0 on."""
    assert all(test.eval_time % every_s == 0 for test in case.alert_rule_test), f"{case.name}: asks between two evaluations"
    store = load({each.series: each.values for each in case.input_series}, every_s=case.interval)
    states = [RuleState(rule) for rule in rules]
    end_s = max([test.eval_time for test in case.alert_rule_test] + [test.eval_time for test in case.promql_expr_test])
    for step in range(round(end_s / every_s) + 1):
        for state in states:
            state.evaluate(store, step * every_s, epoch_s=0.0, dialect=dialect)
        for test in case.alert_rule_test:
            if test.eval_time == step * every_s:
                yield from _differing(case, test.alertname, test.eval_time, _expected_alerts(test), _firing(states, test))
    for asked in case.promql_expr_test:
        samples = {show(read_line(f"{sample.labels} 0")[0]): sample.value for sample in asked.exp_samples}
        yield from _differing(
            case, asked.expr, asked.eval_time, samples, ask(store, asked.expr, asked.eval_time, dialect=dialect)
        )


def _differing(case: Case, what: str, at_s: float, expected: object, found: object) -> Iterator[str]:
    if expected != found:
        yield f"{case.name}: {what} at {at_s:g} s: expected {expected}, found {found}"


def _expected_alerts(test: AlertTest) -> list[str]:
    return sorted(show(make_labels({NAME_LABEL: test.alertname, **alert.exp_labels})) for alert in test.exp_alerts)


def _firing(states: Sequence[RuleState], test: AlertTest) -> list[str]:
    alerts = [alert for state in states for alert in state.active.values()]
    return sorted(show(make_labels(alert.labels)) for alert in alerts if (alert.rule, alert.state) == (test.alertname, "firing"))
