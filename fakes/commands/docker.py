"""Stand-in for `docker`: the stack's containers, their images and compose, in the words and exit codes of docker 28.2."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.flags import BadFlag, Flag, Parsed, parse
from fakes.commands.wire import Unreachable

_NOT_OFFERED = (
    "attach", "builder", "checkpoint", "commit", "config", "container", "context", "cp", "create", "diff", "events", "export", "help",
    "history", "image", "import", "info", "load", "login", "logout", "manifest", "network", "node", "pause", "plugin", "rename", "run", "save",
    "search", "secret", "service", "stack", "swarm", "system", "trust", "unpause", "update", "volume",
)  # fmt: skip
_GROUPS = {  # the same commands, called by what they act on
    "container": {
        "ls": "ps", "list": "ps", "ps": "ps", "logs": "logs", "restart": "restart", "stop": "stop", "start": "start", "kill": "kill",
        "rm": "rm", "remove": "rm", "exec": "exec", "stats": "stats", "top": "top", "port": "port", "wait": "wait",
    },
    "image": {"ls": "images", "list": "images", "build": "build", "push": "push", "pull": "pull", "tag": "tag", "rm": "rmi", "remove": "rmi"},
}  # fmt: skip
_GROUPS_REAL = {
    "container": (
        "attach",
        "commit",
        "cp",
        "create",
        "diff",
        "export",
        "inspect",
        "pause",
        "prune",
        "rename",
        "run",
        "unpause",
        "update",
    ),
    "image": ("history", "import", "inspect", "load", "prune", "save"),
    "network": ("connect", "create", "disconnect", "inspect", "ls", "list", "prune", "rm"),
    "volume": ("create", "inspect", "ls", "list", "prune", "rm", "update"),
    "system": ("df", "dial-stdio", "events", "info", "prune"),
}
_GLOBAL = (
    Flag("config"), Flag("context", "c"), Flag("debug", "D", "switch"), Flag("host", "H"), Flag("log-level", "l"), Flag("tls", "", "switch"),
    Flag("tlscacert"), Flag("tlscert"), Flag("tlskey"), Flag("tlsverify", "", "switch"), Flag("version", "v", "switch"),
    Flag("help", "h", "switch"),
)  # fmt: skip
_UNUSED = ("help", "config", "context", "host", "tls", "tlscacert", "tlscert", "tlskey", "tlsverify")
_SIGNAL, _TIMEOUT, _FORMAT = Flag("signal", "s"), Flag("timeout", "t", "int"), Flag("format")


class Verb(NamedTuple):
    """One command: where its function is, its flags, its usage, and how many words it takes at least and at most."""

    module: str
    function: str
    flags: tuple[Flag, ...]
    usage: str
    least: int = 0
    most: int | None = None
    lacks: str = ""  # the flags among them that the stand-in has not


def _switches(names: str) -> tuple[Flag, ...]:
    """`a,all` is --all with -a."""
    return tuple(Flag(name, short, "switch") for short, _, name in (each.rpartition(",") for each in names.split()))


_LEGACY = "cgroup-parent cpu-period cpu-quota cpuset-cpus cpuset-mems isolation memory-swap security-opt shm-size ulimit"  # of the builder
VERBS = {
    "ps": Verb("engine", "ps", (*_switches("a,all l,latest no-trunc q,quiet s,size"), _FORMAT, Flag("filter", "f"), Flag("last", "n", "int")), "[OPTIONS]", 0, 0),
    "logs": Verb("engine", "logs", (*_switches("details f,follow t,timestamps"), Flag("since"), Flag("until"), Flag("tail", "n")), "[OPTIONS] CONTAINER", 1, 1, "details"),
    "exec": Verb("engine", "execute", (*_switches("d,detach i,interactive privileged t,tty"), Flag("detach-keys"), Flag("env", "e"), Flag("env-file"), Flag("user", "u"), Flag("workdir", "w")), "[OPTIONS] CONTAINER COMMAND [ARG...]", 2, None, "detach-keys env-file privileged workdir"),
    "restart": Verb("engine", "restart", (_SIGNAL, _TIMEOUT), "[OPTIONS] CONTAINER [CONTAINER...]", 1),
    "stop": Verb("engine", "stop", (_SIGNAL, _TIMEOUT), "[OPTIONS] CONTAINER [CONTAINER...]", 1),
    "start": Verb("engine", "start", (*_switches("a,attach i,interactive"), Flag("checkpoint"), Flag("checkpoint-dir"), Flag("detach-keys")), "[OPTIONS] CONTAINER [CONTAINER...]", 1, None, "checkpoint checkpoint-dir detach-keys"),
    "kill": Verb("engine", "kill", (_SIGNAL,), "[OPTIONS] CONTAINER [CONTAINER...]", 1),
    "rm": Verb("engine", "rm", _switches("f,force l,link v,volumes"), "[OPTIONS] CONTAINER [CONTAINER...]", 1),
    "inspect": Verb("engine", "inspect", (*_switches("s,size"), Flag("format", "f"), Flag("type")), "[OPTIONS] NAME|ID [NAME|ID...]", 1),
    "top": Verb("engine", "top", (), "CONTAINER [ps OPTIONS]", 1),
    "port": Verb("engine", "port", (), "CONTAINER [PRIVATE_PORT[/PROTO]]", 1, 2),
    "wait": Verb("engine", "wait", (), "CONTAINER [CONTAINER...]", 1),
    "stats": Verb("stats", "stats", (*_switches("a,all no-stream no-trunc"), _FORMAT), "[OPTIONS] [CONTAINER...]"),
    "build": Verb("images", "build", (*_switches("force-rm no-cache pull q,quiet rm compress squash load push"), Flag("tag", "t"), Flag("file", "f"), Flag("build-arg"), Flag("cache-from"), Flag("label"), Flag("network"), Flag("platform"), Flag("progress"), Flag("target"), Flag("memory", "m"), Flag("add-host"), Flag("iidfile"), Flag("secret"), Flag("ssh"), *(Flag(name) for name in _LEGACY.split()), Flag("cpu-shares", "c"), Flag("disable-content-trust", "", "switch")), "[OPTIONS] PATH | URL | -", 1, 1, "push secret ssh iidfile add-host squash"),
    "images": Verb("images", "images", (*_switches("a,all digests no-trunc q,quiet tree"), Flag("filter", "f"), _FORMAT), "[OPTIONS] [REPOSITORY[:TAG]]", 0, 1),
    "tag": Verb("images", "tag", (), "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", 2, 2),
    "push": Verb("images", "push", (*_switches("a,all-tags disable-content-trust q,quiet"), Flag("platform")), "[OPTIONS] NAME[:TAG]", 1, 1),
    "pull": Verb("images", "pull", (*_switches("a,all-tags disable-content-trust q,quiet"), Flag("platform")), "[OPTIONS] NAME[:TAG|@DIGEST]", 1, 1),
    "rmi": Verb("images", "rmi", (*_switches("f,force no-prune"), Flag("platform")), "[OPTIONS] IMAGE [IMAGE...]", 1),
}  # fmt: skip

REAL = (*_NOT_OFFERED, *VERBS, "version")  # every command of the real docker, but for plugins


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
    try:
        before = parse(argv, _GLOBAL, stop_at_word=True)
    except BadFlag as error:
        raise Failure(
            f"{error}\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\nRun 'docker --help' for more information", 125
        ) from error
    for flag in _UNUSED:
        if before.has(flag):
            raise not_modelled("docker", f"--{flag}")
    verb, arguments = (before.words[0], before.words[1:]) if before.words else ("", [])
    if before.on("version"):
        print("Docker version 28.2.2, build e6534b4")
        return 0
    if verb == "compose":
        from fakes.commands.containers.compose import compose

        return compose(arguments, control)
    if verb in _GROUPS_REAL and arguments and not arguments[0].startswith("-"):
        return _group(verb, arguments, control)
    if verb == "version":
        return _version(control)
    if verb in VERBS:
        return _carry_out(verb, verb, arguments, control)
    if verb in REAL or not verb:
        raise not_modelled("docker", verb or "the help text")
    raise Failure(f"docker: unknown command: docker {verb}\n\nRun 'docker --help' for more information")


def _group(group: str, arguments: list[str], control: Control) -> int:
    name = arguments[0]
    verb = _GROUPS.get(group, {}).get(name)
    if verb is None:
        if name in _GROUPS_REAL[group]:
            raise not_modelled("docker", f"{group} {name}")
        raise Failure(
            f"docker: unknown command: docker {group} {name}\n\nUsage:  docker {group}\n\nRun 'docker {group} --help' for more information"
        )
    return _carry_out(verb, f"{group} {name}", arguments[1:], control)


def _carry_out(verb: str, called: str, arguments: list[str], control: Control) -> int:
    """Check the line as docker does, then do it; the module is imported only now: a command must start fast."""
    what = VERBS[verb]
    usage = f"Usage:  docker {called} {what.usage}"
    try:
        line = parse(arguments, what.flags, stop_at_word=verb in ("exec", "top"))
    except BadFlag as error:
        raise Failure(f"{error}\n\n{usage}\n\nRun 'docker {called} --help' for more information", 125) from error
    for flag in what.lacks.split():
        if line.has(flag):
            raise not_modelled("docker", f"{called} --{flag}")
    line = line._replace(words=[*line.words, *line.rest])
    if wrong := _wrong_count(len(line.words), what):
        see = "See" if what.most is None else "Run"
        raise Failure(f"docker: 'docker {called}' {wrong}\n\n{usage}\n\n{see} 'docker {called} --help' for more information")
    action: Callable[[Parsed, Control], int] = getattr(_module(what.module), what.function)
    return action(line, control)


def _wrong_count(count: int, what: Verb) -> str:
    if what.least <= count and (what.most is None or count <= what.most):
        return ""
    if what.most == 0:
        return "accepts no arguments"
    kind = "" if what.most == what.least else "at least " if what.most is None else "at most " if what.least == 0 else ""
    number = what.most if what.least == 0 else what.least
    if what.most is not None and 0 < what.least < what.most:
        return f"requires at least {what.least} and at most {what.most} arguments"
    return f"requires {kind}{number} argument{'s' if number != 1 else ''}"


def _module(name: str) -> object:
    from importlib import import_module

    return import_module(f"fakes.commands.containers.{name}")


def _version(control: Control) -> int:
    print(
        "Client:\n Version:           28.2.2\n API version:       1.50\n OS/Arch:           linux/amd64\n Context:           default",
        flush=True,
    )
    control.state()
    print("\nServer: gameday's stack\n Engine:\n  Version:          28.2.2\n  API version:      1.50 (minimum version 1.24)")
    return 0
