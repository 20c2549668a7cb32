"""Rules about thresholds: the same value called warning here and critical there, levels in the wrong order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scenarios.lint.claims import quotes
from scenarios.lint.claims_thresholds import Threshold, metric_of, thresholds
from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Severity
from scenarios.lint.platforms import groups
from scenarios.lint.rule import rule
from scenarios.reading import Runbook

_LAX = 10  # times the critical threshold: an incident that is only called grave there is another scale, not rounding
_GRAVE = ("P0", "P1")


@rule("contradicting-threshold", severity="error", title="Two different thresholds for the same thing", across=True)
def contradicting_threshold(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """A threshold that another place contradicts: two tables of one platform give different figures for the same metric and level; or an alert rule pages as a warning at the very value that the table of key figures calls critical, or at a value that the table knows nothing of. Who tunes alerts follows the one, who judges the night the other.

    Bad: `| API Response Time | < 100ms | > 200ms | > 500ms |` (target, warning, critical) and an alert of severity `warning` at `> 0.5` seconds.
    Good: alerts at 0.2 (warning) and 0.5 (critical), so that both documents say the same.
    """
    for group in groups(runbooks):
        known = [each for book in group for each in thresholds(book)]
        yield from _tables(known)
        for alert in (each for each in known if each.by == "alert"):
            yield from _alert(alert, known)
        for prose in (each for each in known if each.by == "prose" and each.level in _GRAVE):
            yield from _prose(prose, known)
        for trigger in (each for each in known if each.by == "trigger"):
            yield from _trigger(trigger, known)


def _tables(known: Sequence[Threshold]) -> Iterator[Finding]:
    tables = [each for each in known if each.by == "table"]
    for at, one in enumerate(tables):
        for other in tables[at + 1 :]:
            if (
                _comparable(one, other)
                and one.level == other.level
                and one.value != other.value
                and other.claim.where != one.claim.where
            ):
                yield _finding(
                    one,
                    other,
                    f"{one.metric}: {one.level} is {one.claim.said} here, but {other.claim.said} at {other.claim.where}",
                )


def _comparable(one: Threshold, other: Threshold) -> bool:
    return one.metric == other.metric and one.unit == other.unit and one.side == other.side


def _alert(alert: Threshold, known: Sequence[Threshold]) -> Iterator[Finding]:
    levels = [each for each in known if each.by == "table" and _comparable(alert, each)]
    if not levels or any(each.value == alert.value and each.level in (alert.level, "alert") for each in levels):
        return
    same = next((each for each in levels if each.value == alert.value), None)
    own = next((each for each in levels if each.level == alert.level), None)
    shown = f"the alert {alert.name} ({alert.level}) fires at {_shown(alert)}"
    if same is not None and same.level in ("warning", "critical"):
        extra = f"; {own.level} there is {own.claim.said}" if own is not None else ""
        yield _finding(alert, same, f"{shown}, which the table calls {same.level} ({same.claim.where}){extra}")
    elif own is not None:
        yield _finding(alert, own, f"{shown}, but the table's {own.level} is {own.claim.said} ({own.claim.where})")


def _shown(threshold: Threshold) -> str:
    said = threshold.claim.said
    value = (
        f"{threshold.metric} {threshold.side} {threshold.value * 1000:g} ms"
        if threshold.unit == "s" and threshold.value < 1
        else f"{threshold.metric} {threshold.side} {threshold.value:g} {threshold.unit}"
    )
    return value if said.endswith(f"{threshold.value:g}") and threshold.unit == "%" else f"{value} (`{said}`)"


def _prose(prose: Threshold, known: Sequence[Threshold]) -> Iterator[Finding]:
    for other in known:
        if other.by == "table" and other.level == "critical" and _comparable(prose, other) and prose.value >= _LAX * other.value:
            times = prose.value / other.value
            message = f"{prose.metric}: a {prose.level} begins at {prose.claim.said} here, but {other.claim.said} is critical at {other.claim.where}, {times:g} times less"
            yield _finding(prose, other, message, "warning")


def _trigger(trigger: Threshold, known: Sequence[Threshold]) -> Iterator[Finding]:
    table = [each for each in known if each.by == "table" and each.level == "alert" and _comparable(trigger, each)]
    others = [each for each in known if each.by == "trigger" and each.metric == trigger.metric and each is not trigger]
    for other in table:
        if other.value != trigger.value and not any(each.value == other.value for each in others):
            message = f"{trigger.metric}: the only alert fires at {trigger.value:g} {trigger.unit} (`{trigger.claim.said}`), but the table alerts at {other.claim.said} ({other.claim.where})"
            yield _finding(trigger, other, message, "warning")


def _finding(one: Threshold, other: Threshold, message: str, severity: Severity = "error") -> Finding:
    evidence = quotes([one.claim, other.claim])
    return contradicting_threshold.finding(
        one.claim.runbook, one.claim.place, message, evidence, (other.claim.related,), severity
    )


@rule("threshold-order", severity="error", title="Thresholds in the wrong order")
def threshold_order(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """In one row of a table the warning lies beyond the critical value, or the target reaches beyond the warning. A value is then critical before it is a warning, or well and worth a warning at once.

    Bad: `| CPU Usage | < 70% | > 95% | > 90% |` (target, warning, critical)
    Good: `| CPU Usage | < 70% | > 80% | > 90% |`
    """
    rows: dict[int, dict[str, Threshold]] = {}
    for each in thresholds(runbook):
        if each.by == "table":
            rows.setdefault(each.claim.line, {})[each.level] = each
    for levels in rows.values():
        for lower, upper in (("target", "warning"), ("warning", "critical"), ("target", "critical"), ("target", "alert")):
            one, other = levels.get(lower), levels.get(upper)
            if one and other and one.unit == other.unit and _turned(one, other):
                message = f"{one.metric}: {lower} ({one.claim.said}) and {upper} ({other.claim.said}) are the wrong way round"
                yield threshold_order.finding(runbook, other.claim.place, message, quotes([one.claim]))
                break


def _turned(lower: Threshold, upper: Threshold) -> bool:
    """Whether the graver level begins before the lesser one, on the side that is bad."""
    return lower.value > upper.value if upper.side == ">" else lower.value < upper.value


@rule("threshold-without-alert", severity="info", title="A critical threshold that nothing watches")
def threshold_without_alert(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The document says from where on a value is critical, it has alert rules, and none of them is about that value. It is then known what would be critical, and nobody is told when it is. One finding a table. Documents without alert rules are left out: theirs may lie elsewhere.

    Bad: `| Memory Usage | < 80% | > 85% | > 95% |` beside alerts for errors and latency only.
    Good: an alert for memory, or a line that says where it is defined.
    """
    watched = " ".join(f"{each.name.text} {each.expr.text}" for each in runbook.alerts).replace("_", " ").lower()
    metrics = {metric_of(each.name.text.replace("_", " ")) for each in runbook.alerts} | {
        each.metric for each in thresholds(runbook) if each.by == "alert"
    }
    for table in runbook.tables if runbook.alerts else ():
        lines = {row.line for row in table.rows}
        rows = [
            each for each in thresholds(runbook) if each.by == "table" and each.level == "critical" and each.claim.line in lines
        ]
        alone = [each for each in rows if each.metric not in metrics and not _is_named(each.metric, watched)]
        if alone:
            message = f"no alert of this document watches {', '.join(each.metric for each in alone)}, though the table says when that is critical"
            yield threshold_without_alert.finding(runbook, alone[0].claim.place, message, quotes(each.claim for each in alone))


def _is_named(metric: str, watched: str) -> bool:
    """Whether the alerts speak of it in other words: `data_feed_failure` of the data feed."""
    return " ".join(metric.lower().split()[:2]) in watched
