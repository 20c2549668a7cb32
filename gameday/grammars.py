"""The grammars of tools, for the rule `unknown-command`: which verbs the real tools have. Nothing is run.

Only tools whose verbs are published are judged. What `eafix-cli` or a Makefile offers is known to the team that has it: the
stand-ins for those answer for our own stack, not for other people's documents.
"""

from __future__ import annotations

from collections.abc import Sequence

from scenarios.lint.context import UNKNOWN_TOOL

_COMPOSE = frozenset([
    "alpha", "attach", "bridge", "build", "commit", "config", "convert", "cp", "create", "down", "events", "exec", "export", "help", "images",
    "kill", "logs", "ls", "pause", "port", "ps", "publish", "pull", "push", "restart", "rm", "run", "scale", "start", "stats", "stop", "top",
    "unpause", "up", "version", "volumes", "wait", "watch",
])  # fmt: skip
_DOCKER_TOO = ("ai", "buildx", "compose", "debug", "desktop", "exec", "init", "mcp", "model", "sbom", "scout", "stats")
_HELM = frozenset([
    "completion", "create", "dep", "dependencies", "dependency", "env", "get", "help", "hist", "history", "inspect", "install", "lint", "list",
    "ls", "package", "plugin", "pull", "fetch", "push", "registry", "repo", "rollback", "search", "show", "status", "template", "test", "un",
    "uninstall", "del", "delete", "upgrade", "verify", "version",
])  # fmt: skip
_GRAFANA_ADMIN = frozenset(
    ["data-migration", "flush-rbac-seed-assignment", "help", "reset-admin-password", "secrets-migration", "user-manager"]
)
_GRAFANA_PLUGINS = frozenset(
    [
        "install",
        "list-remote",
        "list-versions",
        "update",
        "upgrade",
        "update-all",
        "upgrade-all",
        "ls",
        "uninstall",
        "remove",
        "help",
    ]
)
_VALUED = frozenset([
    "-n", "--namespace", "--context", "--kubeconfig", "--cluster", "-s", "--server", "--user", "--token", "--as", "--request-timeout",
    "-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi", "--progress", "--parallel", "-v",
    "--kube-context", "--homepath", "--config", "-H", "--host", "--log-level", "-l",
])  # fmt: skip


def grammar(words: Sequence[str]) -> str | None:
    """Why the tool would refuse this command, None when it has such a command, UNKNOWN_TOOL when the tool is not known."""
    program, rest = words[0], _plain(words[1:])
    if program == "docker" and rest[:1] == ["compose"]:
        return _one_of(rest[1:], _COMPOSE, 'unknown docker command: "compose {}"')
    judge = {"kubectl": _kubectl, "docker": _docker, "docker-compose": _compose, "helm": _helm, "grafana-cli": _grafana}.get(
        program
    )
    return UNKNOWN_TOOL if judge is None else judge(rest)


def _kubectl(rest: list[str]) -> str | None:
    from fakes.commands import kubectl
    from fakes.commands.entry import Failure
    from fakes.commands.flags import grammar_of

    if not rest:
        return None
    try:
        kubectl.look_up(grammar_of("kube"), rest)
    except Failure as failure:
        said = str(failure).partition("\n")[0]
        plugin = f" (there is none, unless a plugin kubectl-{rest[0]} is installed)" if "unknown command" in said else ""
        return said + plugin
    return None


def _docker(rest: list[str]) -> str | None:
    from fakes.commands import docker

    return _one_of(rest, {*docker.REAL, *_DOCKER_TOO}, "unknown command: docker {}")


def _compose(rest: list[str]) -> str | None:
    return _one_of(rest, _COMPOSE, 'unknown docker command: "compose {}"')


def _helm(rest: list[str]) -> str | None:
    return _one_of(rest, _HELM, 'Error: unknown command "{}" for "helm"')


def _grafana(rest: list[str]) -> str | None:
    if rest[:1] == ["admin"]:
        return _one_of(rest[1:], _GRAFANA_ADMIN, "No help topic for '{}': grafana-cli admin has no such command")
    if rest[:1] == ["plugins"]:
        return _one_of(rest[1:], _GRAFANA_PLUGINS, "No help topic for '{}': grafana-cli plugins has no such command")
    return _one_of(rest, {"admin", "plugins", "cue", "help"}, "No help topic for '{}'")


def _one_of(rest: list[str], known: frozenset[str] | set[str], refusal: str) -> str | None:
    if not rest or rest[0] in known or not rest[0].replace("-", "").isalpha():
        return None
    return refusal.format(rest[0])


def _plain(words: Sequence[str]) -> list[str]:
    """The words without options and their values."""
    found: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            break
        if word in _VALUED and queue:
            queue.pop(0)
        elif not word.startswith("-"):
            found.append(word)
    return found
