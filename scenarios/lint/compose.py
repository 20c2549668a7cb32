"""Rules: docker compose, used so that it does something else than is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs
from scenarios.reading import Runbook

_CHANGED = re.compile(
    r"environment variable|\.env\b|\bconfig(?:uration)? change|\bnew (?:image|configuration|settings)\b", re.IGNORECASE
)
_FILE = ("-f", "--file", "--project-directory")


@rule("restart-keeps-environment", severity="error", title="A restart that keeps the old environment")
def restart_keeps_environment(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """After a change of environment variables or of the compose file the containers are restarted with `docker compose restart`. That starts the same containers again, with the environment and image they were made with: the change has no effect, and the incident goes on while everybody believes it mended.

    Bad: `# Update environment variables` / `docker compose restart risk-manager`
    Good: `# Update environment variables` / `docker compose up -d risk-manager`
    """
    for run in all_runs(runbook):
        verb = _verb(run)
        found = _CHANGED.search(run.said) if verb == "restart" or (run.program == "docker" and run.starts("restart")) else None
        if found is not None:
            message = f"restart keeps the environment that the container was made with; after '{found[0]}' it takes `up -d`, which makes it anew"
            yield restart_keeps_environment.finding(runbook, run, message, f"{run.said}\n{run.text}")


@rule("compose-file-missing", severity="warning", title="docker compose is not told which file")
def compose_file_missing(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Some commands of the document name the compose file, in a folder of its own, and others don't. Where the first work, in the folder above it, the others fail: "no configuration file provided: not found"; in a folder that happens to hold another compose file they act on other containers. It is told once for each block.

    Bad: `docker compose -f deploy/compose/docker-compose.yml ps` and later `docker compose logs`
    Good: `export COMPOSE_FILE=deploy/compose/docker-compose.yml` once, and then `docker compose ps`, `docker compose logs`
    """
    calls = [each for each in all_runs(runbook) if _verb(each)]
    named = next((each for each in calls if "/" in (_file(each) or "")), None)
    if named is None or "COMPOSE_FILE" in runbook.text or any(each.program == "cd" for each in all_runs(runbook)):
        return
    told: set[int] = set()
    for run in calls:
        if _file(run) is None and run.step.fence.line not in told:
            told.add(run.step.fence.line)
            related = (Related(runbook.path, named.line, f"here the file is named: {_file(named)}"),)
            yield compose_file_missing.finding(
                runbook, run, f"without -f this fails where line {named.line} works: it names {_file(named)}", run.text, related
            )


def _verb(run: Run) -> str:
    """The verb of a call of docker compose; empty for everything else."""
    values = list(run.simple.values)
    if run.simple.program == "docker" and values[:1] == ["compose"]:
        values = values[1:]
    elif run.simple.program != "docker-compose":
        return ""
    while values and values[0].startswith("-"):
        values = values[2 if values[0] in (*_FILE, "-p", "--project-name", "--profile", "--env-file") else 1 :]
    return values[0] if values else ""


def _file(run: Run) -> str | None:
    values, verb = list(run.simple.values), _verb(run)
    before = values[: values.index(verb)] if verb in values else values
    return next((after for option, after in pairwise(before) if option in _FILE), None) or next(
        (each.partition("=")[2] for each in before if each.startswith(tuple(f"{one}=" for one in _FILE))), None
    )
