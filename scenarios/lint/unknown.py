"""Rules: commands that the tool itself refuses."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.lint.context import UNKNOWN_TOOL, Context
from scenarios.lint.finding import Finding
from scenarios.lint.rule import rule
from scenarios.lint.walk import all_runs
from scenarios.reading import Runbook


@rule("unknown-command", severity="error", title="The tool has no such command")
def unknown_command(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The tool lacks this command: it answers with an error and does nothing, every time, on every machine. The step was never tried; what it was to bring about (a backup, a check, a restore) has never happened. Judged by the tools' own grammars, as far as gameday knows them: kubectl, docker, docker compose, helm, systemctl, grafana-cli.

    Bad: `kubectl verify backup nightly`
    Good: `pg_restore --list nightly.dump > /dev/null`
    """
    if context.grammar is None:
        return
    for run in all_runs(runbook):
        asked = dict.fromkeys([(run.simple.program, *run.simple.values), (run.program, *run.values)])
        refusals = (context.grammar(words) for words in asked if words[0])
        refusal = next((each for each in refusals if each not in (None, UNKNOWN_TOOL)), None)
        if refusal is not None:
            yield unknown_command.finding(runbook, run, f"{run.program} refuses this: {refusal}", run.text)
