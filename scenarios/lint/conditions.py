"""Rules: conditions that stand in a comment, where the shell does not read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, runs
from scenarios.reading import Runbook

_CONDITION = re.compile(
    r"^(?:\d+\.\s*)?(?P<said>(?:if|when|only if|unless|consider|in case)\b.*|.*\b(?:if (?:needed|necessary|required|stale|possible|recent \w+)|\(if \w+.*\)|emergency only\b.*|only (?:if|when)\b.*))",
    re.IGNORECASE,
)
_WAIT = re.compile(r"^(?P<said>(?:wait|verify|check|confirm)\b.*\bbefore\b.*)", re.IGNORECASE)
_CHANGES = re.compile(
    r"^(?:sudo\s+)?(?:kubectl\s+(?:[-\w= ]+\s)?(?:delete|scale|patch|apply|rollout\s+(?:restart|undo)|edit|set)\b|kubectl\b.*\bFLUSH|helm\s+(?:rollback|upgrade|uninstall)\b|docker\s+(?:restart|stop|rm|kill)\b"
    r"|docker\s+compose\b.*\b(?:restart|stop|down|up)\b|pm2\s+(?:restart|reload|stop|delete)\b|systemctl\s+(?:restart|stop|start)\b|curl\b.*-X\s*(?:POST|PUT|DELETE|PATCH)\b|rm\b|dropdb\b"
    r"|eafix-cli\b.*\b(?:clear|reset|switch|enable|disable|stop|start|cleanup|restart|reconnect|optimize)\b|alembic\s+(?:up|down)grade\b|psql\b.*\b(?:ALTER\s+SYSTEM|pg_terminate_backend|DROP|DELETE|UPDATE)\b)",
    re.IGNORECASE,
)  # fmt: skip
_SAFE = re.compile(r"--dry-run|--check\b")


@rule("condition-in-comment", severity="info", title="A condition that only the comment knows")
def condition_in_comment(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The comment says that the command is for one case only ("if needed", "if issues: rollback", "wait and verify before"), and the block carries it out in every case: pasted as a whole, or run by a machine, it rolls back what was deployed a line before. Alternatives that exclude each other belong into blocks of their own, each with the check that decides.

    Bad: one block with `helm upgrade ...`, `# If issues: rollback` and `helm rollback ...`
    Good: two blocks, the second under "When the error rate is above 1 % after five minutes"
    """
    for procedure in runbook.procedures:
        found = list(runs(procedure))
        for run in found:
            alone = len({each.command.line for each in found if each.step.fence.line == run.step.fence.line}) == 1
            said = _said(run)
            if (
                alone
                or run.simple.within
                or not said
                or not _CHANGES.search(run.text)
                or _SAFE.search(run.text)
                or run.command.line != run.line
            ):
                continue
            message = f"the block does this in every case; its condition stands in the comment only: {said}"
            yield condition_in_comment.finding(runbook, run, message, f"# {said}\n{run.text}")


def _said(run: Run) -> str:
    """The condition that the comment right above the command tells, or the step's title when there is none above."""
    above = [each.text for each in run.command.comments if each.place in ("above", "trailing")]
    for text in above or [run.step.title]:
        found = _CONDITION.search(text) or _WAIT.search(text)
        if found is not None:
            return found["said"].strip()
    return ""
