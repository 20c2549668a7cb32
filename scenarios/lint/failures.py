"""Rules: failures that nobody sees, because an exit code is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs, one_line, runs
from scenarios.reading import Procedure, Runbook

_FILTERS = frozenset(["jq", "head", "tail", "sort", "cat", "tee", "wc", "awk", "sed", "cut", "uniq", "tr", "column", "less"])
_HARMS = re.compile(
    r"^(?:sudo\s+)?(?:rm\s+(?:-\S+\s+)*(?![/~$\"-])\S|docker\s+compose\b.*\bdown\b|docker-compose\b.*\bdown\b|git\s+(?:clean|reset\s+--hard)\b|kubectl\s+delete\b.*-f\s"
    r"|terraform\s+(?:destroy|apply)\b|find\s+\.\s.*-delete\b|rsync\b.*--delete\b)"
)  # what depends on the folder that one is in
_PIPEFAIL = re.compile(r"\bset\s+-[a-z]*o\s+pipefail|\bset\s+-o\s+pipefail")
_ERREXIT = re.compile(r"^\s*set\s+-[a-z]*e[a-z]*\b", re.MULTILINE)
_CLAIMS = re.compile(r"\b(?:completed?|successful(?:ly)?|success|finished|verified|all (?:done|good))\b", re.IGNORECASE)
_SHEBANG = re.compile(r"^\s*#!\s*/\S*(?:sh|env \w*sh)\b", re.MULTILINE)
_SPEAKS = ("echo", "printf", "date", "sleep", "set")
_CHECKS = re.compile(r"\b(?:health|status|check|verification|verify|overview|diagnos\w*)\b", re.IGNORECASE)


@rule("pipe-hides-failure", severity="error", title="A pipe hides the failure that || waits for")
def pipe_hides_failure(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`a | b || echo failed` looks at b alone. When a cannot reach its server, b (jq, head, sort ...) reads an empty input and ends well: "failed" is never printed, the line stays empty, and an outage looks like a service without a status.

    Bad: `curl -s http://localhost:8080/healthz | jq .status || echo Failed`
    Good: `curl -sf http://localhost:8080/healthz | jq -e .status || echo Failed`, with -e because jq then fails on an empty input
    """
    for run in all_runs(runbook):
        script = run.command.script
        if script is None or run.simple.joined != "||" or _PIPEFAIL.search(_block(run)):
            continue
        at = script.commands.index(run.simple)
        last = script.commands[at - 1] if at else None
        if last is None or last.joined not in ("|", "|&") or not last.pipeline:
            continue
        first = next(each for each in script.commands if each.pipeline == last.pipeline)
        hides = last.program in _FILTERS and not (last.program == "jq" and {"-e", "--exit-status"} & set(last.values))
        if hides and first.program not in _FILTERS:
            message = f"|| looks at {last.program} alone: when {first.program} fails, {last.program} reads nothing and ends well"
            yield pipe_hides_failure.finding(runbook, run, message, one_line(f"{first.text} | ... | {last.text} || {run.simple.text}" if first.pipeline != last.pipeline else f"{first.text} | {last.text} || {run.simple.text}"))  # fmt: skip


@rule("cd-unchecked", severity="error", title="Destruction in a folder that may not be the one")
def cd_unchecked(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The block changes into a folder and then removes, resets or restarts what is there, without looking whether the `cd` worked. When the folder is missing (the clone or download before it failed) the shell stays where it is and the next commands hit that place instead: the production checkout, or the home of the operator.

    Bad: `git clone https://... recovery` / `cd recovery` / `docker compose down -v`
    Good: `git clone https://... recovery && cd recovery && docker compose down`
    """
    for procedure in runbook.procedures:
        for run in runs(procedure):
            if run.program != "cd" or run.simple.within or run.simple.joined or run.simple.program != "cd" or not run.values:
                continue
            if run.values[0] in ("-", "/", "~", "$HOME", "/tmp") or _ERREXIT.search(_block(run)) or _guarded(run):  # noqa: S108 - always there
                continue
            harm = _harm_after(procedure, run)
            if harm is not None:
                message = f"if this fails, line {harm.line} hits the folder you are in: {harm.text}"
                yield cd_unchecked.finding(runbook, run, message, f"{run.text}\n{harm.text}")


@rule("check-stops-early", severity="warning", title="A health check that ends at the first failure")
def check_stops_early(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The script looks at one part after the other, but under `set -e` it ends at the first that does not answer. When something is down, which is when it is run, the operator learns of one failure and takes the parts below for unchecked, or for well.

    Bad: `set -e` / `curl -f http://api/health` / `redis-cli ping`
    Good: `curl -f http://api/health || failed=1` / `redis-cli ping || failed=1` / `exit "${failed:-0}"`
    """
    for procedure in runbook.procedures:
        found = list(runs(procedure))
        for run in found:
            if run.program != "set" or not run.values or not re.fullmatch(r"-[a-z]*e[a-z]*", run.values[0]):
                continue
            about = f"{procedure.section.title} {run.said}"
            lines = {each.line for each in found if each.simple.joined in ("||", "&&")}
            bare = [
                each for each in found
                if each.step.fence.line == run.step.fence.line and each.line > run.line and each.program in ("curl", "psql", "redis-cli", "pg_isready", "kubectl", "docker", "wget")
                and each.line not in lines and "condition" not in each.simple.within
            ]  # fmt: skip
            if _CHECKS.search(about) and bare and found[-1].line > bare[0].line:
                message = (
                    f"under set -e the check ends at line {bare[0].line} when that fails, and what is below is never looked at"
                )
                yield check_stops_early.finding(runbook, bare[0], message, f"{run.text}\n{bare[0].text}")


def _block(run: Run) -> str:
    return run.step.fence.text


def _guarded(run: Run) -> bool:
    """Whether the next simple command hangs on it: `cd x && ...`, `cd x || exit`."""
    script = run.command.script
    rest = script.commands[script.commands.index(run.simple) + 1 :] if script is not None else ()
    return bool(rest) and rest[0].joined in ("&&", "||")


def _harm_after(procedure: Procedure, run: Run) -> Run | None:
    for other in runs(procedure):
        same = other.step.fence.line == run.step.fence.line
        if same and other.line > run.line and _HARMS.search(other.text):
            return other
    return None


@rule("success-claimed", severity="warning", title="A script that claims success whatever happened")
def success_claimed(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The script ends by printing that it is completed, verified or successful, and nothing makes it stop at a failure: there is no `set -e`, and the line hangs on no condition. After a restore that failed at once it prints "Recovery completed", and that line goes into the record of the drill.

    Bad: `#!/bin/bash` / `restore.sh --latest` / `echo "Recovery completed"`
    Good: `#!/bin/bash` / `set -euo pipefail` / the same
    """
    for procedure in runbook.procedures:
        found = list(runs(procedure))
        for run in found:
            script = "\n".join(run.step.fence.body)
            claim = _CLAIMS.search(run.text) if run.program in ("echo", "printf") and not _CHECKS.search(run.text) else None
            before = [
                each
                for each in found
                if each.step.fence.line == run.step.fence.line and each.line < run.line and each.program not in _SPEAKS
            ]
            if (
                claim is None
                or not before
                or not _SHEBANG.search(script)
                or _ERREXIT.search(script)
                or run.simple.within
                or run.simple.joined
            ):
                continue
            message = f"this says '{claim[0]}' also when everything before it has failed: the script has no `set -e`"
            yield success_claimed.finding(runbook, run, message, run.text)
