"""Alert rules: pending, firing, resolved, each label set for itself, as Prometheus has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.monitor.errors import BadQuery, QueryFailed
from harness.monitor.labels import make_labels
from harness.monitor.rules import RuleState
from harness.monitor.series import SeriesStore
from harness.monitor.values import Dialect
from scenarios.model import AlertRule
from scenarios.rules import load_rules
from tests.harness.monitor.loading import ask, load
from tests.harness.monitor.stages import rule

CATALOGUE = Path(__file__).parents[3] / "scenarios" / "alerts" / "eafix.rules.yml"


def states(state: RuleState, store: SeriesStore, *instants: float) -> list[tuple[float, str]]:
    """Evaluate at these times and tell the changes."""
    return [
        (alert.at_s, alert.state)
        for at_s in instants
        for alert in state.evaluate(store, at_s, epoch_s=0.0, dialect=Dialect.PROMETHEUS_3)
    ]


def test_an_alert_fires_at_the_first_evaluation_at_which_it_was_active_for_long_enough() -> None:
    """Down from 15 s on, `for` 30 s, evaluated every 15 s: pending at 15, firing at 45, which is 30 s later to the second."""
    store = load({'up{job="a"}': "1 0 0 0 0 1"}, every_s=15)
    assert states(RuleState(rule("up == 0", for_="30s")), store, 0, 15, 30, 45, 60, 75) == [
        (15, "pending"),
        (45, "firing"),
        (75, "resolved"),
    ]


def test_evaluations_between_the_grid_of_for_round_up() -> None:
    """With `for` 30 s and evaluations every 20 s an alert fires after 40 s."""
    store = load({"up": "0+0x100"}, every_s=1)
    assert states(RuleState(rule("up == 0", for_="30s")), store, 0, 20, 40, 60) == [(0, "pending"), (40, "firing")]


def test_an_alert_without_for_fires_at_once() -> None:
    """It is never seen pending."""
    assert states(RuleState(rule("up == 0")), load({"up": "0"}), 0) == [(0, "firing")]


def test_a_pending_alert_that_goes_away_starts_anew() -> None:
    """The time before a break does not count, and going away is not told of."""
    store = load({"up": "0 0 1 0 0 0"}, every_s=15)
    assert states(RuleState(rule("up == 0", for_="30s")), store, 0, 15, 30, 45, 60, 75) == [
        (0, "pending"),
        (45, "pending"),
        (75, "firing"),
    ]


def test_a_missing_series_ends_an_alert_on_it() -> None:
    """A staleness marker takes the element out of the answer, so the alert is resolved, whatever the truth is."""
    store = load({"x": "9 9 stale"}, every_s=15)
    assert states(RuleState(rule("x > 1")), store, 0, 15, 30) == [(0, "firing"), (30, "resolved")]


def test_each_label_set_is_an_alert_of_its_own() -> None:
    """They begin and end independently; the metric's name is not among the labels, the rule's own labels are."""
    store = load({'up{job="a"}': "0 0 1", 'up{job="b"}': "1 0 0"}, every_s=15)
    state = RuleState(rule("up == 0", name="ServiceDown", for_="15s"))
    changes = [
        (alert.at_s, alert.state, dict(alert.labels))
        for at_s in (0, 15, 30)
        for alert in state.evaluate(store, at_s, epoch_s=0.0, dialect=Dialect.PROMETHEUS_3)
    ]
    a = {"alertname": "ServiceDown", "job": "a", "severity": "critical"}
    b = {"alertname": "ServiceDown", "job": "b", "severity": "critical"}
    assert changes == [
        (0, "pending", a),
        (15, "firing", a),
        (15, "pending", b),
        (30, "resolved", a),
        (30, "firing", b),
    ]


def test_an_alert_carries_the_latest_value_and_the_beginning() -> None:
    """A resolved one the last value for which it held."""
    state = RuleState(rule("x > 1", for_="30s"))
    store = load({"x": "5 6 7 0"}, every_s=15)
    changes = [
        alert for at_s in (0, 15, 30, 45) for alert in state.evaluate(store, at_s, epoch_s=0.0, dialect=Dialect.PROMETHEUS_3)
    ]
    assert [(alert.state, alert.value, alert.since_s) for alert in changes] == [
        ("pending", 5.0, 0),
        ("firing", 7.0, 0),
        ("resolved", 7.0, 0),
    ]


def test_a_failed_evaluation_changes_nothing() -> None:
    """A firing alert stays firing while its expression cannot be evaluated, and `for` goes on."""
    state = RuleState(rule("a / on() b", for_="20s"))
    store = load({"a": "1 1 1", 'b{n="1"}': "1 1 1", 'b{n="2"}': "_ 1 stale"}, every_s=10)
    assert states(state, store, 0) == [(0, "pending")]
    with pytest.raises(QueryFailed):
        states(state, store, 10)
    assert states(state, store, 20) == [(20, "firing")]


def test_alerts_that_the_rules_own_labels_make_equal_are_an_error() -> None:
    """Elements that differ in `severity` only cannot be told apart."""
    state = RuleState(rule("x"))
    with pytest.raises(QueryFailed, match="same labelset after applying alert labels"):
        state.update([(make_labels({"severity": "low"}), 1.0), (make_labels({"severity": "high"}), 1.0)], 0.0)
    assert state.active == {}


def test_a_scalar_is_a_rule_too() -> None:
    """It has one element without labels, whatever its value, as in Prometheus."""
    assert states(RuleState(rule("1 == bool 2")), load({}), 0) == [(0, "firing")]


@pytest.mark.parametrize("found", load_rules(CATALOGUE), ids=lambda found: found.alert)
def test_every_rule_of_the_catalogue_can_be_evaluated(found: AlertRule) -> None:
    """Over a stack that exports nothing yet, none of them has anything to say."""
    assert states(RuleState(found), load({}), 0) == []


def test_a_rule_that_cannot_be_read_is_refused() -> None:
    """Before the drill begins."""
    with pytest.raises(BadQuery, match=r"up ==: "):
        RuleState(rule("up =="))


def test_pending_and_firing_alerts_are_series_too() -> None:
    """`ALERTS` can be asked for, and ends with the alert."""
    store = load({'up{job="a"}': "0 0 0 1"}, every_s=15)
    state = RuleState(rule("up == 0", name="Down", for_="15s"))
    answers = []
    for at_s in (0, 15, 30, 45):
        states(state, store, at_s)
        answers.append(list(ask(store, "ALERTS", at_s)))
    labels = 'alertname="Down", alertstate="{}", job="a", severity="critical"'
    pending, firing = (f"ALERTS{{{labels.format(word)}}}" for word in ("pending", "firing"))
    assert answers == [[pending], [firing], [firing], []]
