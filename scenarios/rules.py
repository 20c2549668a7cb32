"""Loads alert rules from Prometheus rule files, so that the same file serves Prometheus and us."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser
from pydantic import ConfigDict, Field

from scenarios.errors import InvalidInput, Problem
from scenarios.fields import Duration, FileModel, PositiveDuration, format_duration
from scenarios.model import AlertRule
from scenarios.validation import read_model
from scenarios.yaml_source import Location, Source

_ALERT = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class _Labels(FileModel):
    severity: str = Field(min_length=1)


class _Annotations(FileModel):
    """`source` is document:line of where the rule is documented. Whatever else stands there is for people."""

    model_config = ConfigDict(extra="ignore")

    source: str = Field(min_length=1)


class _Rule(FileModel):
    alert: str
    expr: str
    for_s: Duration = 0.0
    labels: _Labels
    annotations: _Annotations


class _Group(FileModel):
    name: str
    interval_s: PositiveDuration | None = None
    rules: tuple[_Rule, ...] = Field(min_length=1)


class _RuleFile(FileModel):
    groups: tuple[_Group, ...] = Field(min_length=1)


def load_rules(path: Path) -> tuple[AlertRule, ...]:
    """The alert rules of a file, in its order. Raises InvalidInput."""
    source, file = read_model(path, _RuleFile)
    problems: list[Problem] = []
    found: dict[str, AlertRule] = {}
    for number, group in enumerate(file.groups):
        if group.interval_s is not None:
            what = "interval: every group is evaluated as often as the stack says (monitoring.evaluate-every); leave this out"
            problems.append(source.problem(what, ("groups", number, "interval")))
        for index, rule in enumerate(group.rules):
            at = ("groups", number, "rules", index)
            problems += _wrong(source, at, rule, found)
            found[rule.alert] = _flat(rule)
    if problems:
        raise InvalidInput(problems)
    return tuple(found.values())


def _flat(rule: _Rule) -> AlertRule:
    held = format_duration(rule.for_s)
    return AlertRule.model_validate(
        {"alert": rule.alert, "expr": rule.expr, "for": held, "severity": rule.labels.severity, "source": rule.annotations.source}
    )


def _wrong(source: Source, at: Location, rule: _Rule, before: dict[str, AlertRule]) -> list[Problem]:
    problems = []
    if not _ALERT.fullmatch(rule.alert):
        problems.append(
            source.problem(f"'{rule.alert}' is no name of an alert; use letters, digits and underscores", (*at, "alert"))
        )
    if "{{" in rule.labels.severity:
        what = f"severity: '{rule.labels.severity}' is a template, and nothing here expands one; write the severity itself"
        problems.append(source.problem(what, (*at, "labels", "severity")))
    if rule.alert in before:
        problems.append(source.problem(f"the alert {rule.alert} stands here again", (*at, "alert")))
    try:
        promql_parser.parse(rule.expr)
    except ValueError as error:
        problems.append(source.problem(f"expr: this is not PromQL: {' '.join(str(error).split())}", (*at, "expr")))
    return problems
