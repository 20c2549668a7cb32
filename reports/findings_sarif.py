"""Findings in runbooks as SARIF 2.1.0, which code hosts show beside the lines of a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scenarios.errors import shown
from scenarios.lint import Finding, Related, Report, Rule, Severity

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def as_sarif(report: Report, version: str) -> str:
    """One run of one tool: its rules with their explanations, and a result for each finding. `version` is gameday's."""
    index = {rule.id: number for number, rule in enumerate(report.rules)}
    results = [
        _result(each, index, baseline=("unchanged" if report.is_known(number) else "new") if report.known else None)
        for number, each in enumerate(report.findings)
    ]
    driver = {"name": "gameday", "semanticVersion": version, "rules": [_rule(each) for each in report.rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": _uri(each)}, "mimeType": "text/markdown"} for each in report.files],
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    first = rule.explanation.partition("\n\n")[0]
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": " ".join(first.split())},
        "help": {"text": rule.help, "markdown": rule.help},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.theme]},
    }


def _result(each: Finding, index: dict[str, int], *, baseline: str | None) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": each.rule,
        "level": _LEVELS[each.severity],
        "message": {"text": each.message},
        "locations": [_location(each.file, each.line, each.column)],
        "partialFingerprints": {"gamedayFinding/v1": each.fingerprint},
    }
    if each.rule in index:
        result["ruleIndex"] = index[each.rule]
    if each.related:
        result["relatedLocations"] = [_related(number, other) for number, other in enumerate(each.related)]
    if each.evidence:
        result["properties"] = {"evidence": each.evidence}
    if baseline is not None:
        result["baselineState"] = baseline
    return result


def _related(number: int, other: Related) -> dict[str, Any]:
    return {"id": number, "message": {"text": other.message}, **_location(other.file, other.line, None)}


def _location(file: Path, line: int, column: int | None) -> dict[str, Any]:
    region = {"startLine": max(1, line)} | ({"startColumn": max(1, column)} if column is not None else {})
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": region}}


def _uri(file: Path) -> str:
    """Relative to the current folder where the file lies below it, which is how code hosts find it."""
    said = shown(file)
    return Path(said).as_uri() if Path(said).is_absolute() else quote(Path(said).as_posix())
