"""Rules: commands that wait for a person or never end, so that nobody but a person at a terminal can carry them out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Severity
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs, one_line
from scenarios.reading import Class, Command, Procedure, Runbook, classify
from scenarios.reading.sessions import opens

_SHELLS = ("bash", "sh", "zsh", "ash", "dash", "python", "python3", "irb", "node", "")
_TTY = re.compile(r"-[A-Za-z]*t[A-Za-z]*|--tty(?:=true)?")
_FOLLOWED = {
    "logs",
    "get",
    "rollout",
    "attach",
    "exec",
    "port-forward",
    "proxy",
    "events",
}  # the verbs of kubectl that may go on for ever
_STDOUT = (">", ">>", ">|", "&>", "&>>")


@rule("endless-command", severity="warning", title="A command that never ends")
def endless_command(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The command runs until somebody stops it: it follows a log, refreshes a screen, or pings for ever. Pasted together with the lines below, it keeps the terminal and they never run; an automatic run hangs until its time is up. It is a warning where commands follow in the same block, and only mentioned where it is the last.

    Bad: `kubectl logs -f deployment/api` / `docker stats` / `top`
    Good: `kubectl logs --since=10m deployment/api` / `docker stats --no-stream` / `top -b -n 1`
    """
    for procedure in runbook.procedures:
        for command in procedure.commands:
            if classify(command).endless and not _ends(command):
                after = _next(procedure, command)
                follows = f"; line {after.line} and what follows wait for it" if after is not None else ""
                yield endless_command.finding(
                    runbook, command, f"this runs until somebody stops it{follows}", one_line(command.text), severity=None if after else "info"
                )  # fmt: skip


@rule("interactive-command", severity="warning", title="A command that waits for a person")
def interactive_command(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The command opens an editor, or a client that waits for something to be typed. Each operator then types something else, nothing of it is recorded, and no rehearsal can carry it out. A session whose commands the document gives is only mentioned: it can be written so that it runs by itself.

    Bad: `kubectl edit configmap risk-limits` / `psql -d orders`
    Good: `kubectl patch configmap risk-limits --patch-file limits.yaml` / `psql -d orders -c "SELECT count(*) FROM fills"`
    """
    for command in runbook.commands:
        found = classify(command)
        session = opens(command.script) if command.script is not None else None
        if found.kind is Class.NOT_EXECUTABLE and "opens an editor" in found.reason:
            yield interactive_command.finding(runbook, command, found.reason, one_line(command.text))
        elif session is not None:
            typed = bool(command.input)
            message = f"{session[1]} waits for what is typed" + (
                "; give it as an argument or a here-document" if typed else ", and the document doesn't say what"
            )
            yield interactive_command.finding(
                runbook, command, message, one_line(command.text), severity="info" if typed else None
            )


@rule("needless-tty", severity="info", title="A terminal is asked for, and nothing is typed")
def needless_tty(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`exec -t` asks for a terminal though the command reads nothing. Where there is none, in a script, a cron job or a CI run, docker refuses ("the input device is not a TTY") and kubectl warns; where there is one, psql shows long results in a pager and waits for a key.

    Bad: `docker exec -it db psql -c "SELECT 1"`
    Good: `docker exec db psql -c "SELECT 1"`
    """
    for run in _terminals(runbook):
        if not _redirects(run):
            severity: Severity | None = None if run.reach.through[-1].startswith(("kubectl", "oc")) else "warning"
            message = f"-t asks for a terminal, but {run.program} is given all it needs; leave -t out"
            yield needless_tty.finding(runbook, run, message, run.text, severity=severity)


@rule("tty-in-output", severity="error", title="A terminal alters what is saved to a file")
def tty_in_output(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """`exec -t` puts a terminal between the command and the file that its output goes to. A terminal turns every line feed into carriage return and line feed, and mixes the error output (progress meters, warnings) into it: a binary file, such as a heap profile, a dump or an archive, is spoilt, and that is noticed when it is needed.

    Bad: `kubectl exec -it api-0 -- curl http://localhost:6060/debug/pprof/heap > heap.prof`
    Good: `kubectl exec api-0 -- curl -sf http://localhost:6060/debug/pprof/heap > heap.prof`
    """
    for run in _terminals(runbook):
        if _redirects(run):
            message = "the terminal of -t changes line ends in the output and mixes error output into it: the file is spoilt if it is not plain text"
            yield tty_in_output.finding(runbook, run, message, run.text)


def _terminals(runbook: Runbook) -> Iterator[Run]:
    """Commands in a pod or container that ask for a terminal though they start no session."""
    for run in all_runs(runbook):
        if not any(each.endswith(" exec") for each in run.reach.through) or run.program in _SHELLS:
            continue
        values = list(run.simple.values)
        before = values[values.index("exec") + 1 : len(values) - len(run.values) - 1] if "exec" in values else []
        session = opens(run.command.script) if run.command.script is not None else None
        if any(_TTY.fullmatch(each) for each in before) and session is None and not classify(run.command).endless:
            yield run


def _redirects(run: Run) -> bool:
    return any(each.operator in _STDOUT and each.descriptor in (None, 1) for each in run.simple.redirections)


def _ends(command: Command) -> bool:
    """Whether `-f` is a file to it, or it only prints its help."""
    simples = command.script.commands if command.script is not None else ()
    if any({"--help", "--version"} & set(each.values) for each in simples):
        return True
    kubernetes = [each for each in simples if each.program in ("kubectl", "oc")]
    return bool(kubernetes) and len(kubernetes) == len(simples) and not any(_FOLLOWED & set(each.values) for each in kubernetes)


def _next(procedure: Procedure, command: Command) -> Command | None:
    """The command after it in the same block."""
    for step in procedure.steps:
        if command in step.commands:
            block = [each for other in procedure.steps if other.fence.line == step.fence.line for each in other.commands]
            later = [each for each in block if each.line > command.line]
            return later[0] if later else None
    return None
