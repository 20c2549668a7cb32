"""Rules: variables and placeholders that nothing gives a value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related, Severity
from scenarios.lint.rule import rule
from scenarios.lint.walk import one_line
from scenarios.reading import Command, Placeholder, Procedure, Runbook

_MOST_RELATED = 12
_NAMES = re.compile(r"[a-z]+(?:-[a-z]+)+")
_TESTED = re.compile(r"-[nzv]\s+\"?\$?\{?(\w+)")  # the document itself looks whether it is set
_USUAL = {
    "SSH_AUTH_SOCK",
    "GOPATH",
    "JAVA_HOME",
    "KUBECONFIG",
    "DISPLAY",
    "VIRTUAL_ENV",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "SUDO_USER",
}
_SECRET = re.compile(r"secret|password|passwd|token|key", re.IGNORECASE)


@rule("unset-variable", severity="warning", title="A variable that nothing sets")
def unset_variable(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Commands use a variable that no line of the document sets and that no shell has of itself. Where it is missing, bash puts nothing in its place and goes on: `psql $DATABASE_URL -c ...` then reaches whatever database the operator's own name leads to, and `rm -rf $DIR/*` means `rm -rf /*`. It is told once a document, at its first use.

    Bad: `eafix-cli incident report --incident-id=$INCIDENT_ID`
    Good: `INCIDENT_ID=${INCIDENT_ID:?set it to the incident's number}` in the first step, or a value in the bindings file
    """
    tested = {found[1] for command in runbook.commands for found in _TESTED.finditer(command.text)}
    places: dict[str, list[tuple[Procedure, Command, Placeholder]]] = {}
    for procedure, command, each in _placeholders(runbook):
        if (
            each.kind == "variable"
            and each.name not in tested | _USUAL
            and each.name not in context.bindings.of(runbook.reference(procedure))
        ):
            places.setdefault(each.name, []).append((procedure, command, each))
    for name, used in places.items():
        _, command, first = used[0]
        others = tuple(Related(runbook.path, each.line, f"${name} is used here too") for _, _, each in used[1:][:_MOST_RELATED])
        often = f", and it is used in {len(used)} places" if len(used) > 1 else ""
        message = f"nothing in this document sets {name}{often}; without a value bash puts nothing in its place"
        yield unset_variable.finding(runbook, first, message, one_line(command.text), others)


@rule("unbound-placeholder", severity="info", title="A placeholder without a value")
def unbound_placeholder(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A command holds something that somebody must replace before it means anything, and no bindings file gives it a value, so nobody can rehearse it. It is a warning where nothing marks it as a placeholder, so that it is easily taken for the real thing: a made-up zone id, a version v1.x.x, a password NEW_SECRET or a row of dots run unchanged, and do what they say.

    Bad: `kubectl create secret generic api --from-literal=jwt='NEW_SECRET'`
    Good: `kubectl create secret generic api --from-literal=jwt="${JWT:?}"` / `docker compose stop <service-name>` with `service-name: risk-manager` in the bindings file
    """
    seen: set[tuple[int, str]] = set()
    for procedure, command, each in _placeholders(runbook):
        bound = context.bindings.of(runbook.reference(procedure))
        key = (procedure.section.line, each.text)
        if each.kind == "variable" or each.name in bound or key in seen:
            continue
        seen.add(key)
        message, severity = _about(each)
        yield unbound_placeholder.finding(runbook, each, message, one_line(command.text), severity=severity)


def _about(each: Placeholder) -> tuple[str, Severity]:
    if each.kind == "ellipsis":
        return f"arguments are left out here: the shell passes {each.text} on as it stands", "warning"
    if each.kind == "sample":
        if _NAMES.fullmatch(each.text):
            return f"{each.text} is a sample, not the name of anything: somebody must put the real one there", "info"
        harm = "; it becomes the real one" if _SECRET.search(each.text) else ""
        return f"{each.text} is a sample, but nothing marks it as one: the command runs with it{harm}", "warning"
    if each.kind == "date":
        return f"{each.text} stands for a date that somebody must know", "info"
    return f"{each.text} must be given a value", "info"


def _placeholders(runbook: Runbook) -> Iterator[tuple[Procedure, Command, Placeholder]]:
    for procedure in runbook.procedures:
        for command in procedure.commands:
            for each in command.placeholders:
                if each.where != "comment":
                    yield procedure, command, each
