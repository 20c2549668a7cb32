"""Rules about alert rules: conditions that never fire, never end, are not PromQL, or mean another unit than the document does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scenarios.lint import promql
from scenarios.lint.claims_thresholds import metric_of, thresholds
from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.platforms import groups
from scenarios.lint.rule import rule
from scenarios.reading import Runbook, reach

_QUERY = re.compile(r"\b(?:histogram_quantile|rate|increase|sum|avg|max|min)\s*\(")
_NAMED = re.compile(
    r"`(?P<name>[a-z][a-z0-9]*(?:_[a-z0-9]+)+)`\s+(?:alert\b|fires\b|is\s+firing\b)|\balert\s+`(?P<after>[a-z][a-z0-9]*(?:_[a-z0-9]+)+)`"
)
_USUAL = {"critical", "warning", "info", "page", "none", "ticket"}


@rule("alert-not-promql", severity="error", title="An alert condition that Prometheus cannot parse")
def alert_not_promql(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The condition of an alert rule is not PromQL: Prometheus refuses the whole file, and none of its alerts exists. A trigger that a document tells in prose is told as information only: what it means has to be decided before anybody can configure it.

    Bad: `condition: pm2_process_restarts > 3 in 5 minutes`
    Good: `expr: increase(pm2_process_restarts[5m]) > 3`
    """
    for alert in runbook.alerts:
        parsed = promql.parse(alert.expr.text)
        if isinstance(parsed, str):
            yield alert_not_promql.finding(
                runbook, alert.expr, f"{alert.name.text}: this is not PromQL: {parsed}", alert.expr.text
            )
    for term in runbook.terms:
        said = re.fullmatch(r"`([^`]+)`", term.value.strip())
        if term.term.strip(": ").lower() in ("trigger", "condition") and said and isinstance(promql.parse(said[1]), str):
            column = runbook.source.line(term.line).find(said[1]) + 1
            message = "this trigger is no PromQL, and can be read in more than one way; an alert rule has to be written for it"
            yield alert_not_promql.finding(runbook, (term.line, column), message, said[1], severity="info")


@rule("alert-never-fires", severity="error", title="An alert that never fires")
def alert_never_fires(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The condition can never be true: a quantile of something that is no histogram's buckets gives no value at all, a comparison lies outside of what the metric can be, or a word stands where a number must. The alert looks well in every dashboard, and the outage it was written for is found by customers. A native histogram is one series and has quantiles as it is: where the document doesn't show that the metric is a classic one, this is a warning.

    Bad: `histogram_quantile(0.95, http_request_duration_seconds) > 0.5`
    Good: `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 0.5`
    """
    for alert in runbook.alerts:
        parsed = promql.parse(alert.expr.text)
        for never in () if isinstance(parsed, str) else promql.never_true(parsed, runbook.text):
            message = f"{alert.name.text} never fires: {never.reason}"
            yield alert_never_fires.finding(
                runbook, alert.expr, message, alert.expr.text, severity=None if never.certain else "warning"
            )


@rule("query-without-answer", severity="error", title="A query that never has an answer")
def query_without_answer(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A command asks Prometheus something that has no answer whatever the state: a quantile of a metric that is not the buckets of a histogram. It prints an empty result, which reads as "no latency problem".

    Bad: `eafix-cli metrics query 'histogram_quantile(0.95, http_request_duration_seconds)'`
    Good: `eafix-cli metrics query 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))'`
    """
    for command in runbook.commands:
        for simple in command.script.commands if command.script else ():
            for word in reach(simple).arguments:
                parsed = promql.parse(word.value) if word.value and _QUERY.search(word.value) else ""
                for never in () if isinstance(parsed, str) else promql.never_true(parsed, runbook.text):
                    message = f"this query has no answer: {never.reason}"
                    yield query_without_answer.finding(
                        runbook, word, message, word.value or "", severity=None if never.certain else "warning"
                    )


@rule("alert-never-resolves", severity="error", title="An alert that never ends")
def alert_never_resolves(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A counter is compared with a number. A counter only grows: once the alert has fired it fires until the process restarts, however long ago the trouble was, and new trouble can no longer be told from old.

    Bad: `trading_orders_failed_total > 5`
    Good: `increase(trading_orders_failed_total[5m]) > 5`
    """
    for alert in runbook.alerts:
        parsed = promql.parse(alert.expr.text)
        for name in () if isinstance(parsed, str) else promql.never_false_again(parsed):
            message = f"{alert.name.text} never ends once it has fired: {name} is a counter, which only grows; compare its increase over a time"
            yield alert_never_resolves.finding(runbook, alert.expr, message, alert.expr.text)


@rule("alert-unit", severity="warning", title="An alert that counts in another unit than its threshold")
def alert_unit(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The document gives the threshold as a share (5 %), the alert compares a rate per second with the same digits (0.05). Those are different things: one failed request in twenty seconds fires it on a busy day, and at three requests an hour nothing does, even if all fail.

    Bad: `Error Rate | > 5%` and `rate(http_requests_total{status=~"5.."}[5m]) > 0.05`
    Good: `sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.05`
    """
    shares = [each for each in thresholds(runbook) if each.by == "table" and each.unit == "%"]
    for alert in runbook.alerts:
        parsed = promql.parse(alert.expr.text)
        rate = None if isinstance(parsed, str) else promql.per_second(parsed)
        metric = metric_of(alert.name.text.replace("_", " "))
        for share in shares if rate is not None else ():
            if share.metric == metric and rate is not None and abs(share.value / 100 - rate.right) < 1e-9:
                message = f"{alert.name.text} compares failures per second of each series with {rate.right:g}, but the threshold is a share: {share.metric} {share.claim.said} ({share.claim.where})"
                yield alert_unit.finding(
                    runbook, alert.expr, message, f"{alert.expr.text}\n{share.claim.quote}", (share.claim.related,)
                )


@rule("alert-without-severity", severity="warning", title="An alert without a severity")
def alert_without_severity(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The rule does not say how grave it is, or uses a word that the document gives no meaning to. Routing depends on it: an alert without a known severity goes to the default receiver, which at night is often nobody.

    Bad: a rule with `name` and `condition` only.
    Good: the same with `severity: critical`.
    """
    words = _severity_words(runbook)
    for alert in runbook.alerts:
        if alert.severity is None:
            yield alert_without_severity.finding(
                runbook, alert.name, f"{alert.name.text} has no severity: it is not said whom it pages", alert.expr.text
            )
        elif alert.severity.text.lower() not in words:
            yield alert_without_severity.finding(
                runbook,
                alert.severity,
                f"{alert.name.text}: no severity is called '{alert.severity.text}' in this document",
                alert.expr.text,
            )


def _severity_words(runbook: Runbook) -> set[str]:
    cells = {each.text.strip().lower() for table in runbook.tables for each in (*table.header, *table.column("severity"))}
    return _USUAL | cells | {each.group().lower() for each in re.finditer(r"\bP[0-4]\b|\bSEV-?\d\b", runbook.text, re.IGNORECASE)}


@rule("alert-without-for", severity="info", title="An alert that fires at the first sample")
def alert_without_for(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The rule does not say how long its condition must hold. One late scrape or a single spike pages somebody; after a week of that nobody looks any more. Where that is meant, because every single event counts, say `for: 0s`.

    Bad: `condition: rate(failed_login_attempts[5m]) > 10` and nothing else.
    Good: the same with `duration: 2m`.
    """
    for alert in runbook.alerts:
        if alert.holds is None:
            yield alert_without_for.finding(
                runbook,
                alert.name,
                f"{alert.name.text} fires at the first sample for which it is true: it has no `for`",
                alert.expr.text,
            )


@rule("alert-not-prometheus", severity="info", title="Alert rules that Prometheus does not read")
def alert_not_prometheus(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The rules are written with words of their own (`name`, `condition`, `duration`) and not as Prometheus reads them (`alert`, `expr`, `for`, in `groups`). Somebody must translate them, and what is deployed can no longer be compared with what is documented.

    Bad: `- name: service_down` / `condition: up == 0` / `duration: 30s`
    Good: `- alert: service_down` / `expr: up == 0` / `for: 30s`
    """
    for block in runbook.yaml_blocks:
        foreign = [each for each in block.alerts if not each.prometheus]
        if foreign:
            message = f"Prometheus does not read these {len(foreign)} rules as they stand: it knows `alert`, `expr` and `for`, in `groups`"
            yield alert_not_prometheus.finding(runbook, (block.fence.line, 1), message, foreign[0].name.text)


@rule("alert-undefined", severity="warning", title="An alert that no rule defines", across=True)
def alert_undefined(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """A procedure is used when a certain alert fires, and no rule in the documents of this platform defines an alert of that name. Either it was renamed, or it never existed and the procedure is never called for. Platforms whose documents define no alerts at all are left out.

    Bad: "when `service_dwn` fires", with a rule called `service_down`.
    Good: the name of the rule, letter by letter.
    """
    for group in groups(runbooks):
        defined = {alert.name.text for book in group for alert in book.alerts}
        for book in group if defined else ():
            for number, line in enumerate(book.source.lines, 1):
                for found in _NAMED.finditer(line):
                    name = found["name"] or found["after"]
                    if name not in defined:
                        yield alert_undefined.finding(
                            book, (number, found.start() + 1), f"no rule defines the alert {name}", line.strip()
                        )
