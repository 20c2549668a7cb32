"""Stand-in for `helm`: releases of the platform, in the grammar, words and exit codes of helm 3.16.

Its verbs and flags are those of the real one (`helming/grammar.txt`, made from its help). What is real and has no meaning here
ends with exit code 3; what is not real fails in helm's words.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.flags import BadFlag, Grammar, Parsed, grammar_of, parse, suggestions
from fakes.commands.wire import Unreachable

# verb: module, function, the flags that have a meaning here (a name in that module)
_VERBS = {
    "history": ("show", "history", "HISTORY"), "list": ("show", "list_releases", "LIST"), "status": ("show", "status", "STATUS"),
    "get values": ("show", "values", "VALUES"), "get manifest": ("show", "manifest", "MANIFEST"), "test": ("show", "test", "TEST"),
    "upgrade": ("deploy", "upgrade", "UPGRADE"), "rollback": ("deploy", "rollback", "ROLLBACK"),
}  # fmt: skip
_ARGUMENTS = {"history": (1, 1), "list": (0, 0), "status": (1, 1), "get values": (1, 1), "get manifest": (1, 1), "test": (1, 1), "upgrade": (2, 2), "rollback": (1, None)}  # fmt: skip
_SHORT = {"hist": "history", "ls": "list", "inspect": "show", "del": "uninstall", "delete": "uninstall", "un": "uninstall"}
_NO_EFFECT = frozenset(("namespace", "burst-limit", "debug", "qps", "registry-config", "repository-cache", "repository-config"))


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    control = Control.from_environment()
    try:
        return _dispatch(argv, control)
    except Unreachable as error:
        raise Failure(
            f'Error: Kubernetes cluster unreachable: Get "http://{error.address}/version": dial tcp {error.address}: connect: {error.reason}'
        ) from error
    except Refused as error:
        raise Failure(f"Error: {error}") from error


def _dispatch(argv: list[str], control: Control) -> int:
    grammar = grammar_of("helming")
    everywhere = grammar.entry("*").flags
    try:
        before = parse(argv, everywhere, stop_at_word=True)
    except BadFlag as error:
        raise Failure(f"Error: {error}") from error
    if not before.words or before.words[0] == "help" or "--help" in argv or "-h" in argv:
        raise not_modelled("helm", "the help text")
    verb, arguments = _verb(grammar, before.words)
    try:
        line = parse(arguments, (*everywhere, *grammar.entry(verb).flags))
    except BadFlag as error:
        raise Failure(f"Error: {error}") from error
    line = line._replace(values=before.values | line.values)
    if verb == "version":
        print("v3.16.4 (gameday's stand-in)")
        return 0
    if verb not in _VERBS:
        raise not_modelled("helm", f"the command {verb}")
    if line.has("kube-context"):
        raise Failure(f'Error: Kubernetes cluster unreachable: context "{line.text("kube-context")}" does not exist')
    _count(verb, grammar, line)
    name, function, flags = _VERBS[verb]
    module: Any = importlib.import_module(f"fakes.commands.helming.{name}")
    for flag in line.values:
        if flag not in getattr(module, flags) and flag not in _NO_EFFECT:
            raise not_modelled("helm", f"{verb} --{flag}")
    return int(getattr(module, function)(line, control, line.text("namespace") or os.environ.get("HELM_NAMESPACE", "default")))


def _verb(grammar: Grammar, words: list[str]) -> tuple[str, list[str]]:
    """The verb with its subcommand, and what follows. Raises Failure for one that helm does not have."""
    verb, rest = _SHORT.get(words[0], words[0]), words[1:]
    if verb not in grammar:
        near = suggestions(verb, grammar.entry("-").below)
        more = "\n\nDid you mean this?\n\t" + "\n\t".join(near) + "\n" if near else ""
        raise Failure(f'Error: unknown command "{verb}" for "helm"{more}\nRun \'helm --help\' for usage.')
    if below := grammar.entry(verb).below:
        place = next((place for place, word in enumerate(rest) if not word.startswith("-")), None)
        if place is None or rest[place] not in below:
            raise not_modelled("helm", f"the help text of {verb}")
        verb, rest = f"{verb} {rest[place]}", rest[:place] + rest[place + 1 :]
    return verb, rest


def _count(verb: str, grammar: Grammar, line: Parsed) -> None:
    least, most = _ARGUMENTS[verb]
    given = len(line.words)
    if least <= given and (most is None or given <= most):
        return
    usage = grammar.entry(verb).usage
    if most == 0:
        raise Failure(f'Error: "helm {verb}" accepts no arguments\n\nUsage:  {usage}')
    plural = "argument" if least == 1 else "arguments"
    much = f"at least {least}" if most is None else str(least)
    raise Failure(f'Error: "helm {verb}" requires {much} {plural}\n\nUsage:  {usage}')
