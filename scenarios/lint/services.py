"""What documents and stacks know of services: their names, and the ports they answer at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scenarios.lint.platforms import Name
from scenarios.model import Stack
from scenarios.reading import Runbook, reach
from scenarios.reading.reach import Reach

_LOCAL = re.compile(r"\b(?:localhost|127\.0\.0\.1):(?P<port>\d{2,5})(?![\w$])")
_TITLE = re.compile(r"[A-Z][\w/]*(?:[ -][A-Z][\w/]*){0,3}")
_WORKLOAD = re.compile(r"(?:deployments?|deploy)(?:\.apps)?/(?P<name>[\w.-]+)")
_NOT_ONE = re.compile(
    r"(?:^|-)(?:service-name|slow-service|affected-service|your-\w+|my-\w+|example|some-service|blue|green|canary|name)(?:$|-)"
)
_DEBUG = "debug.port"  # of the process itself: reached from inside its pod
_KUBECTL_KINDS = ("deployment", "deployments", "deploy")
_COMPOSE_VERBS = ("logs", "restart", "stop", "start", "up", "kill", "pause", "unpause", "exec", "top", "rm")


@dataclass(frozen=True, slots=True)
class Listed:
    """A document that says where a service answers: `curl http://localhost:8080/healthz  # GUI Gateway`."""

    name: str
    port: int
    runbook: Runbook
    line: int


@dataclass(frozen=True, slots=True)
class Used:
    """A name of a service in a command: of a deployment, or of a compose service."""

    kind: str  # deployment, compose
    name: str
    runbook: Runbook
    line: int
    column: int
    text: str


def slug(name: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", name.lower()))


def listed(runbook: Runbook) -> Iterator[Listed]:
    """Addresses with the name of their service behind them."""
    for command in runbook.commands:
        behind = [each.text for each in command.comments if each.place == "trailing"]
        port = _LOCAL.search(command.text)
        if port and len(behind) == 1 and _TITLE.fullmatch(behind[0].strip()):
            yield Listed(slug(behind[0]), int(port["port"]), runbook, command.line)


def names_in_loops(runbook: Runbook) -> set[str]:
    """The services that a loop of the document goes through: `for service in a-b c-d; do`."""
    found = re.findall(r"for\s+service\w*\s+in\s+([^;\n]+);", runbook.text)
    return {name for each in found for name in each.split() if re.fullmatch(r"[a-z][a-z0-9-]*", name)}


def used(runbook: Runbook) -> Iterator[Used]:
    """Names of deployments and compose services in commands, without those that stand for any."""
    for command in runbook.commands:
        for simple in command.script.commands if command.script else ():
            for kind, word, name in _names(reach(simple)):
                if not _NOT_ONE.search(name) and re.fullmatch(r"[a-z][a-z0-9.-]*", name):
                    yield Used(kind, name, runbook, word.line, word.column, simple.text)


def _names(found: Reach) -> Iterator[tuple[str, Any, str]]:
    words = found.arguments
    values = found.values
    if found.program == "kubectl":
        for before, word, said in zip(("", *values), words, values, strict=False):
            slashed = _WORKLOAD.fullmatch(said)
            if slashed:
                yield "deployment", word, slashed["name"]
            elif before in _KUBECTL_KINDS and not said.startswith("-"):
                yield "deployment", word, said
    elif found.program == "docker" and values[:1] == ("compose",):
        yield from _compose(words, values)


def _compose(words: Sequence[Any], values: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
    verb = next((at for at, each in enumerate(values) if each in _COMPOSE_VERBS), None)
    for at in range(verb + 1, len(values)) if verb is not None else ():
        said, before = values[at], values[at - 1]
        if not said.startswith("-") and not (
            before.startswith("-") and "=" not in before and before not in ("-d", "-f", "-T", "--build")
        ):
            yield "compose", words[at], said
            if values[verb or 0] == "exec":
                return


def deployments(stack: Stack) -> set[str]:
    return {each.deployment for each in stack.services.values() if each.deployment}


def compose_services(stack: Stack) -> set[str]:
    names = [each.compose for each in stack.services.values()] + [each.compose for each in stack.datastores.values()]
    return {each for each in names if each}


def ports(stack: Stack) -> dict[int, str]:
    """The ports that a client of the stack can use, and what is there."""
    known = {each.port: name for name, each in stack.services.items()} | {
        each.port: name for name, each in stack.addresses.items()
    }
    inside = {int(each.settings[_DEBUG]): name for name, each in stack.services.items() if _DEBUG in each.settings}
    return known | inside | {9090: "prometheus", 3000: "grafana"}


def is_documented(name: str, platform: Name, known: set[str]) -> bool:
    """Whether a deployment's name is that of a documented service, with the platform before it or the first word left out."""
    short = name.removeprefix(f"{platform[0]}-") if platform else name
    return any(short == each or each.endswith(f"-{short}") or short.endswith(f"-{each}") for each in known)
