"""Findings in runbooks as JSON: `findings.schema.json` beside this file is its contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scenarios.errors import shown
from scenarios.lint import Finding, Report
from scenarios.lint.report import Coverage

SCHEMA = "gameday.findings/1"
SCHEMA_FILE = Path(__file__).with_name("findings.schema.json")


def as_json(report: Report) -> str:
    """One object; findings in the order of the documents."""
    data = {
        "schema": SCHEMA,
        "files": [shown(each) for each in report.files],
        "findings": [_finding(each, known=report.is_known(number)) for number, each in enumerate(report.findings)],
        "counts": {
            "by_rule": report.by_rule, "by_severity": report.by_severity, "new": len(report.new),
            "known": len(report.findings) - len(report.new), "gone": report.gone,
        },
        "coverage": coverage_data(report.coverage) | _carried(report),
        "rules": [{"id": each.id, "severity": each.severity, "title": each.title} for each in report.rules],
    }  # fmt: skip
    if report.carried is not None:
        data["broken"] = [
            {"file": shown(each.file), "line": each.line, "procedure": each.procedure, "reason": each.reason, "log": each.log}
            for each in report.broken
        ]
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def coverage_data(coverage: Coverage) -> dict[str, Any]:
    """The counts of commands, and the share that can be executed (null when there is no command)."""
    return {
        "commands": coverage.commands, "executable": coverage.executable, "needs_binding": coverage.needs_binding,
        "not_executable": coverage.not_executable, "share": coverage.share,
    }  # fmt: skip


def _carried(report: Report) -> dict[str, Any]:
    """What became of each command; nothing when nothing was carried out."""
    if report.carried is None:
        return {}
    rows = [
        {
            "file": shown(each.file), "line": each.line, "column": each.column, "command": each.command, "procedure": each.procedure,
            "status": each.status, "reason": each.reason,
        }
        for each in report.carried
    ]  # fmt: skip
    return {
        "executed": report.by_status["executed"], "by_status": dict(sorted(report.by_status.items())),
        "share_executed": report.share_executed, "of": rows,
    }  # fmt: skip


def _finding(each: Finding, *, known: bool) -> dict[str, Any]:
    return {
        "file": shown(each.file), "line": each.line, "column": each.column, "rule": each.rule, "severity": each.severity,
        "message": each.message, "evidence": each.evidence,
        "related": [{"file": shown(other.file), "line": other.line, "message": other.message} for other in each.related],
        "fingerprint": each.fingerprint, "known": known,
    }  # fmt: skip
