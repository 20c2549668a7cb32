"""Rules about names and ports: do commands speak of what is there, by the stack file or by the documents themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.platforms import groups, platform, stack_applies
from scenarios.lint.rule import rule
from scenarios.lint.services import compose_services, deployments, is_documented, listed, names_in_loops, ports, used
from scenarios.reading import Runbook, Simple, reach
from scenarios.suggestions import hint

_LOCAL = re.compile(r"\b(?:localhost|127\.0\.0\.1):(?P<port>\d{2,5})(?![\w$])")
_ENOUGH = 4  # services that documents must list before a name that is not among them says anything
_CLUSTER_WIDE = {
    "node", "nodes", "no", "namespace", "namespaces", "ns", "pv", "persistentvolume", "persistentvolumes", "clusterrole", "clusterroles", "storageclass",
    "crd", "crds", "apiservices",
}  # fmt: skip
_NAMESPACED = (
    "get",
    "describe",
    "delete",
    "create",
    "patch",
    "scale",
    "rollout",
    "logs",
    "exec",
    "edit",
    "set",
    "top",
    "label",
    "annotate",
    "wait",
    "port-forward",
)
_MOSTLY = 0.8


@rule("unknown-service", severity="error", title="A service that the stack does not have", across=True)
def unknown_service(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """A command names a deployment or a compose service that the stack file does not know: the command fails with NotFound. Without a stack file the documents of the platform are asked: a warning, when they list their services and this one is in no list. It was renamed, merged or never built, and the runbook was not told.

    Bad: `kubectl rollout restart deployment/eafix-portfolio-manager`, where no such deployment exists.
    Good: the deployments that hold a connection to the database, by the names they have in the cluster.
    """
    for group in groups(runbooks):
        known = {each.name for book in group for each in listed(book)} | {name for book in group for name in names_in_loops(book)}
        for book in group:
            if stack_applies(context, book):
                yield from _unknown_to_stack(context, book)
            elif len(known) >= _ENOUGH:
                name = platform(book, context.runbooks or runbooks)
                for each in used(book):
                    if not is_documented(each.name, name, known):
                        message = f"no document of this platform lists a service for the {_kind(each.kind)} {each.name}; they list {', '.join(sorted(known))}"
                        yield unknown_service.finding(book, each, message, each.text, severity="warning")


def _kind(kind: str) -> str:
    return {"deployment": "deployment", "compose": "compose service"}[kind]


def _unknown_to_stack(context: Context, runbook: Runbook) -> Iterator[Finding]:
    if context.stack is None:
        return
    names = {"deployment": deployments(context.stack), "compose": compose_services(context.stack)}
    for each in used(runbook):
        known = names[each.kind]
        if known and each.name not in known:
            message = f"the stack '{context.stack.title}' has no {_kind(each.kind)} {each.name}{hint(each.name, known)}"
            yield unknown_service.finding(runbook, each, message, each.text)


@rule("wrong-port", severity="error", title="A port at which something else answers", across=True)
def wrong_port(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """A command calls a port at which the stack file has nothing, or another service than the comment says; or two documents of one platform give the same service two ports, or one port to two services. A health check of the wrong port tells that somebody else is well.

    Bad: `curl http://localhost:8082/healthz  # Data Ingestor`, where the data ingestor answers at 8081.
    Good: `curl http://localhost:8081/healthz  # Data Ingestor`
    """
    for group in groups(runbooks):
        rows = [each for book in group for each in listed(book)]
        for at, one in enumerate(rows):
            for other in rows[at + 1 :]:
                if (one.name == other.name) != (one.port == other.port):
                    message = (
                        f"{one.name} is at {one.port} here, but {other.name} at {other.port} ({other.runbook.name}:{other.line})"
                    )
                    related = (Related(other.runbook.path, other.line, other.runbook.source.line(other.line).strip()),)
                    yield wrong_port.finding(
                        one.runbook, (one.line, 1), message, one.runbook.source.line(one.line).strip(), related
                    )
        for book in group:
            if context.stack is not None and stack_applies(context, book):
                yield from _against_stack(context, book)


def _against_stack(context: Context, runbook: Runbook) -> Iterator[Finding]:
    assert context.stack is not None
    known = ports(context.stack)
    for each in listed(runbook):
        service = context.stack.services.get(each.name)
        if service is not None and service.port != each.port:
            message = f"{each.name} answers at {service.port} in the stack '{context.stack.title}', not at {each.port}"
            yield wrong_port.finding(runbook, (each.line, 1), message, runbook.source.line(each.line).strip())
    for command in runbook.commands:
        for found in _LOCAL.finditer(command.text):
            port = int(found["port"])
            row = command.text.count("\n", 0, found.start())
            if port not in known:
                begins = command.columns[row] if row < len(command.columns) else 1
                column = begins + found.start() - (command.text.rfind("\n", 0, found.start()) + 1)
                message = f"nothing answers at port {port} in the stack '{context.stack.title}'"
                yield wrong_port.finding(runbook, (command.line + row, column), message, command.text.split("\n")[row])


@rule("port-not-listed", severity="info", title="A port that no list of services names", across=True)
def port_not_listed(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """The documents list their services with ports, and a command calls a neighbouring port that is in no list. Its owner can only be guessed, and the daily check of all services leaves it out.

    Bad: a list of 8080 to 8084, and elsewhere `curl http://localhost:8085/api/executions`.
    Good: the list has a line for the execution engine at 8085.
    """
    for group in groups(runbooks):
        rows = [each for book in group for each in listed(book)]
        known = {each.port for each in rows}
        near = {each // 100 for each in known}
        for book in group if len(known) >= _ENOUGH - 1 else ():
            for command in book.commands:
                for found in _LOCAL.finditer(command.text):
                    port = int(found["port"])
                    if (
                        port not in known
                        and port // 100 in near
                        and not (stack_applies(context, book) and context.stack and port in ports(context.stack))
                    ):
                        message = f"port {port} is in no list of services; listed are {min(known)} to {max(known)} ({rows[0].runbook.name}:{rows[0].line})"
                        related = (Related(rows[0].runbook.path, rows[0].line, "the list"),)
                        yield port_not_listed.finding(book, command, message, command.text, related)


@rule("database-differs", severity="warning", title="A database that is not the stack's")
def database_differs(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A command connects to a database of another name than the stack's, and the procedure has not made it. It fails, or worse: it answers, from a copy that nobody writes to.

    Bad: `psql -d eafix -c "SELECT count(*) FROM orders"`, where the database is called eafix_prod.
    Good: `psql -d eafix_prod -c "SELECT count(*) FROM orders"`
    """
    expected = str(context.stack.settings.get("postgres.database", "")) if context.stack is not None else ""
    if not expected or not stack_applies(context, runbook):
        return
    for procedure in runbook.procedures:
        made = set(re.findall(r"\b(?:createdb|CREATE DATABASE)\s+([\w-]+)", "\n".join(each.text for each in procedure.commands)))
        for command in procedure.commands:
            for simple in command.script.commands if command.script else ():
                name = _database(simple)
                if name and name not in (expected, "postgres", "template1", "template0") and name not in made:
                    yield database_differs.finding(
                        runbook, simple, f"the database of the stack is {expected}, not {name}", simple.text
                    )


def _database(simple: Simple) -> str:
    found = reach(simple)
    if found.program not in ("psql", "pg_dump", "pg_restore"):
        return ""
    values = found.values
    for before, said in pairwise(values):
        if before in ("-d", "--dbname") and re.fullmatch(r"\w+", said):
            return said
    return next(
        (each.partition("=")[2] for each in values if each.startswith("--dbname=") and re.fullmatch(r"--dbname=\w+", each)), ""
    )


@rule("namespace-missing", severity="error", title="One command forgets the namespace that all others name")
def namespace_missing(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Nearly all kubectl commands of the document name a namespace, and this one does not. It works in whatever namespace the operator's context has, usually `default`: a secret that was deleted in production is made again somewhere else, the pods restart and find none.

    Bad: `kubectl delete secret app-secrets -n production`, then `kubectl create secret generic app-secrets ...`
    Good: the second command has `-n production` too.
    """
    simples = [simple for command in runbook.commands for simple in (command.script.commands if command.script else ())]
    calls = [(simple, tuple(_said(simple))) for simple in simples if "kubectl" in (simple.program, reach(simple).program)]
    bound = [(simple, words) for simple, words in calls if _is_namespaced(words)]
    named = [_namespace(words) for _, words in bound]
    if len(bound) < 5 or sum(bool(each) for each in named) < _MOSTLY * len(bound):
        return
    usual = max({each for each in named if each}, key=named.count)
    for (simple, words), namespace in zip(bound, named, strict=True):
        if not namespace:
            message = f"this names no namespace, and {sum(bool(each) for each in named)} of {len(bound)} kubectl commands here do, mostly {usual}: it works in whatever namespace is the operator's current one"
            yield namespace_missing.finding(runbook, simple, message, f"kubectl {' '.join(words)}".split("\n")[0])


def _said(simple: Simple) -> Iterator[str]:
    found = reach(simple)
    words = found.arguments if found.program == "kubectl" else simple.arguments
    for each in words:
        yield each.text if each.value is None else each.value


def _is_namespaced(words: Sequence[str]) -> bool:
    plain = [each for each in words if not each.startswith("-")]
    if not plain or plain[0] not in _NAMESPACED or "-A" in words or "--all-namespaces" in words:
        return False
    return not (len(plain) > 1 and plain[1].partition("/")[0].lower() in _CLUSTER_WIDE)


def _namespace(words: Sequence[str]) -> str:
    for before, said in zip(words, (*words[1:], ""), strict=True):
        if before in ("-n", "--namespace"):
            return said
        if before.startswith("--namespace="):
            return before.partition("=")[2]
    return ""
