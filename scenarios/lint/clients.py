"""Rules: curl and psql, used so that a failure passes for success or the wrong database answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs
from scenarios.reading import Runbook
from scenarios.reading.sessions import clustered

_FAILS = ("-f", "--fail", "--fail-with-body", "-i", "--include", "-I", "--head", "-v", "--verbose", "-w", "--write-out")
_SHORT_FAILS = re.compile(r"-[A-Za-z]*[fiIvw][A-Za-z]*")
_CHANGES = ("POST", "PUT", "DELETE", "PATCH")
_HEALTH = re.compile(r"/(?:health|healthz|ready|readyz|livez|ping|status)/?(?:\?|$)", re.IGNORECASE)
_TARGETS = ("-h", "--host", "-d", "--dbname", "-U", "--username", "-p", "--port", "-l", "--list", "--version", "-V", "--help")
_GLUED = re.compile(r"-[hdUp]\S+")
_VALUED = ("-c", "--command", "-f", "--file", "-v", "--set", "--variable", "-o", "--output", "-P", "--pset", "-F", "-R", "-T")
_PG = re.compile(r"\bPG(?:HOST|DATABASE|USER|SERVICE|PORT|HOSTADDR)\b|\bpg_service\.conf\b")
_STOPS = re.compile(r"\bON_ERROR_STOP\b")


@rule("curl-hides-failure", severity="warning", title="curl takes an error answer for success")
def curl_hides_failure(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """curl ends with exit code 0 whatever the server answers, 404 and 500 included, unless it is told otherwise. An emergency stop that was refused then looks like one that was carried out, to a script and to a hurried reader alike. It is a warning for requests that change something, and only mentioned for health checks, whose answer a person may read.

    Bad: `curl -X POST http://localhost:8080/emergency/stop-trading`
    Good: `curl --fail-with-body -X POST http://localhost:8080/emergency/stop-trading`
    """
    for run in all_runs(runbook):
        if run.program != "curl" or run.has(*_FAILS) or any(_SHORT_FAILS.fullmatch(each) for each in run.values):
            continue
        address = next((each for each in run.values if "://" in each), "")
        method = (run.option("-X", "--request") or next((each[2:] for each in run.values if each.startswith("-X")), "")).upper()
        if method in _CHANGES or run.has("-d", "--data", "--data-raw", "--json", "-F"):
            yield curl_hides_failure.finding(
                runbook, run, "a refusal (HTTP 4xx or 5xx) ends with exit code 0 here, like success", run.text
            )
        elif _HEALTH.search(address):
            message = "without --fail this check passes with any answer, HTTP 503 included"
            yield curl_hides_failure.finding(runbook, run, message, run.text, severity="info")


@rule("psql-without-target", severity="warning", title="psql is not told which database")
def psql_without_target(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """psql is called with neither host, user nor database, while the same document names them elsewhere. It then takes the local socket, the operator's login name as user, and the database of that same name: mostly it fails with "database "alice" does not exist", and on a machine with a database of its own it answers the question for the wrong one. Nothing in the document sets PGHOST, PGDATABASE or a service file.

    Bad: `psql -c "SELECT count(*) FROM pg_stat_activity"`
    Good: `psql -h localhost -U eafix -d eafix_prod -c "SELECT count(*) FROM pg_stat_activity"`
    """
    calls = [each for each in all_runs(runbook) if each.program == "psql"]
    named = next((each for each in calls if _is_aimed(each) and each.reach.place == "here"), None)
    if named is None or _PG.search(runbook.text):
        return
    for run in calls:
        if not _is_aimed(run) and run.reach.place == "here":
            related = (Related(runbook.path, named.line, f"here they are named: {named.text}"),)
            message = f"this reaches the database named after whoever types it; line {named.line} names host, user and database"
            yield psql_without_target.finding(runbook, run, message, run.text, related)


@rule("psql-goes-on", severity="warning", title="psql goes on after an error")
def psql_goes_on(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """psql carries a file of SQL out, statement by statement, and goes on after one that fails; its exit code is 0 all the same. A migration or a repair is then half applied, and the step reports success.

    Bad: `psql -d orders -f migration.sql`
    Good: `psql -d orders --single-transaction -v ON_ERROR_STOP=1 -f migration.sql`
    """
    for run in all_runs(runbook):
        if run.program == "psql" and run.has("-f", "--file") and not _STOPS.search(run.text):
            half = "" if run.has("-1", "--single-transaction") else ", and what came before it stays"
            message = f"without ON_ERROR_STOP psql goes on after an error in the file and ends with exit code 0{half}"
            yield psql_goes_on.finding(runbook, run, message, run.text)


def _is_aimed(run: Run) -> bool:
    """Whether it says which database: by an option, by a word of its own, or by a variable."""
    values = run.values
    if any(each.partition("=")[0] in _TARGETS or _GLUED.fullmatch(each) for each in values):
        return True
    if any(_PG.search(each.name) for each in run.simple.assignments):
        return True
    return any(not each.startswith("-") and (at == 0 or not _takes_the_next(values[at - 1])) for at, each in enumerate(values))


def _takes_the_next(option: str) -> bool:
    return option in _VALUED or clustered("psql", option, "cf") == ""
