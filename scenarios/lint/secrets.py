"""Rules: secrets where others can read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, all_runs
from scenarios.reading import Runbook, Word

_OPTION = re.compile(
    r"(--(?:[a-z-]*password|passphrase|[a-z-]*token|[a-z-]*secret|(?:[a-z-]*-)?api-key|secret-key|access-key))(?:=(.+))?",
    re.IGNORECASE,
)
_NOT_SECRET = re.compile(r"(?:file|stdin|no|prompt|ask|rotate|revoke|generate|list|show|length)\b|-(?:file|stdin|ttl|name|id)$")
_LITERAL = re.compile(r"--from-literal=[\w.-]*(?:secret|password|passwd|token|key)[\w.-]*=(?P<value>.+)", re.IGNORECASE)
_HEADER = re.compile(r"(?:authorization|x-api-key|x-auth-token)\s*:\s*(?:bearer|basic|token)?\s*(?P<value>\S+)", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+]*://[^/\s:@]+:(?P<value>[^/\s@]+)@", re.IGNORECASE)
_NAMED = re.compile(r"(?:PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH|[A-Z_]*(?:PASSWORD|SECRET|TOKEN|API_KEY|ACCESS_KEY))")
_SHORT = {"redis-cli": ("-a",), "valkey-cli": ("-a",), "curl": ("-u",), "sshpass": ("-p",)}
_DEFAULT = re.compile(
    r"\b(?P<pair>(?P<user>admin|root|guest|postgres|grafana|user)\s*/\s*(?:(?P=user)|password|changeme|secret|prom-operator))\b",
    re.IGNORECASE,
)
_ADVICE = re.compile(r"\b(?:change|changed|replace|rotate|never|not|disable|remove|default)\b", re.IGNORECASE)


@rule("secret-on-command-line", severity="error", title="A secret on the command line")
def secret_on_command_line(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A password, key or token is an argument of a command. Everybody on the machine reads it in the list of processes while the command runs, and it stays in the shell's history, in audit logs and in recordings of the session, which is just where an intruder looks; in an incident about a breach it gives the new secret away at once.

    Bad: `kubectl create secret generic api --from-literal=jwt-secret='...'` / `redis-cli -a hunter2 ping`
    Good: `kubectl create secret generic api --from-file=jwt-secret=/run/secrets/jwt` / `REDISCLI_AUTH="$(cat /run/secrets/redis)" redis-cli ping`
    """
    for run in all_runs(runbook):
        for word, what in _given(run):
            seen = "" if word in run.reach.arguments else " and in this document"
            where = "stays in the shell's history" + (seen or ", and everybody on the machine reads it in the list of processes")
            yield secret_on_command_line.finding(runbook, word, f"{what} {where}", run.text)


@rule("default-credentials", severity="warning", title="Credentials in the document")
def default_credentials(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The document names a user with its password, and that one is the product's default. Whoever reads the runbook, and whoever guesses, can log in; a default password in a runbook is a sign that nobody changed it. The word "default" or "change" beside it makes it advice, which is not reported.

    Bad: `Grafana: http://localhost:3000 (admin/admin)`
    Good: `Grafana: http://localhost:3000 (password in the vault under "Grafana")`
    """
    for number, line in enumerate(runbook.source.lines, 1):
        found = _DEFAULT.search(line)
        if found is not None and not _ADVICE.search(line) and "://" in line + _around(runbook, number):
            message = f"{found['pair']} is a user with its default password, for everybody who reads this"
            yield default_credentials.finding(runbook, (number, found.start("pair") + 1), message, line.strip())


def _around(runbook: Runbook, number: int) -> str:
    return runbook.source.line(number - 1) + runbook.source.line(number + 1)


def _given(run: Run) -> Iterator[tuple[Word, str]]:
    """The words of a command that are a secret, and what they are called."""
    words, values = run.reach.arguments, run.values
    for at, (word, value) in enumerate(zip(words, values, strict=True)):
        after = values[at + 1] if at + 1 < len(values) else ""
        option = _OPTION.fullmatch(value)
        if (
            option is not None
            and not (run.program == "docker" and option[1] == "--secret")
            and not _NOT_SECRET.search(option[1])
            and _is_secret(option[2] or after)
        ):
            yield word, f"the value of {option[1]}"
        elif value in _SHORT.get(run.program, ()) and _is_secret(after) and (run.program != "curl" or ":" in after):
            yield words[at + 1], f"the value of {value}"
        elif found := (
            _LITERAL.fullmatch(value.replace("'", "").replace('"', "")) or _HEADER.search(value) or _ADDRESS.search(value)
        ):
            if _is_secret(found["value"]):
                yield word, "the secret in it"
        elif run.program in ("mysql", "mariadb") and re.fullmatch(r"-p.+", value):
            yield word, "the value of -p"
    for each in run.simple.assignments:
        if each.by == "=" and each.value is not None and run.program and _NAMED.fullmatch(each.name) and each.value.value:
            yield each.value, f"{each.name} as it stands here"


def _is_secret(value: str) -> bool:
    """Whether that can be one: not an option, a file, a dash, and nothing that is read from elsewhere."""
    return bool(value) and not value.startswith(("-", "@", "file:", "/", "$(cat", "<(")) and value not in ("true", "false")
