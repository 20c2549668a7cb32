"""Static rules about runbooks: what would fail, mislead or harm at 3 a.m., found by reading alone.

    Finding   something wrong at a place of a document: rule, severity, message, evidence (`finding.py`)
    Rule      `@rule("id", severity=..., title=...)` on a function that yields findings; its docstring explains it (`rule.py`)
    Context   all that a rule may know beside the document: the other documents, the stack, the day (`context.py`)
    Report    what came of `lint(paths, context)`: findings, counts, what is covered (`run.py`, `report.py`)

A finding is silenced by `<!-- gameday: ignore rule-id reason -->` in the line before its block (`ignores.py`).
"""

from scenarios.lint.context import Context, Grammar
from scenarios.lint.finding import Finding, Related, Severity
from scenarios.lint.report import Report
from scenarios.lint.rule import Rule, all_rules, rule
from scenarios.lint.run import lint, lint_runbooks

__all__ = ["Context", "Finding", "Grammar", "Related", "Report", "Rule", "Severity", "all_rules", "lint", "lint_runbooks", "rule"]
