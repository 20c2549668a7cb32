"""Stand-in for `docker`: compose, stats and exec of the stack's containers, in the words and exit codes of docker 28."""

from __future__ import annotations

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.flags import BadFlag, Flag, Parsed, parse
from fakes.commands.wire import Unreachable

_REAL = (
    "attach", "build", "builder", "checkpoint", "commit", "config", "container", "context", "cp", "create", "diff", "events", "export",
    "history", "image", "images", "import", "info", "inspect", "kill", "load", "login", "logout", "logs", "manifest", "network", "node",
    "pause", "plugin", "port", "ps", "pull", "push", "rename", "restart", "rm", "rmi", "run", "save", "search", "secret", "service",
    "stack", "start", "stop", "swarm", "system", "tag", "top", "trust", "unpause", "update", "version", "volume", "wait",
)  # fmt: skip


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    control = Control.from_environment()
    try:
        return _dispatch(argv, control)
    except Unreachable as error:
        raise Failure(f"Cannot connect to the Docker daemon at tcp://{error.address}. Is the docker daemon running?") from error
    except Refused as error:
        raise Failure(f"Error response from daemon: {error}") from error


def _dispatch(argv: list[str], control: Control) -> int:
    verb, arguments = (argv[0], argv[1:]) if argv else ("", [])
    if verb == "compose":
        from fakes.commands.containers.compose import compose

        return compose(arguments, control)
    if verb in ("stats", "exec"):
        from fakes.commands.containers import stats

        if verb == "stats":
            return stats.stats(_line(verb, arguments, stats.STATS_FLAGS), control)
        return stats.execute(_line(verb, arguments, stats.EXEC_FLAGS), control)
    if verb in _REAL or verb.startswith("-") or not verb:
        raise not_modelled("docker", verb or "the help text")
    raise Failure(f"docker: unknown command: docker {verb}\n\nRun 'docker --help' for more information")


def _line(verb: str, arguments: list[str], flags: tuple[Flag, ...]) -> Parsed:
    try:
        return parse(arguments, flags, stop_at_word=verb == "exec")
    except BadFlag as error:
        usage = {"stats": "docker stats [OPTIONS] [CONTAINER...]", "exec": "docker exec [OPTIONS] CONTAINER COMMAND [ARG...]"}[
            verb
        ]
        message = f"{error}\n\nUsage:  {usage}\n\nRun 'docker {verb} --help' for more information"
        raise Failure(message, 125) from error
