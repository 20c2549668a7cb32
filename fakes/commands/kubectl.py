"""Stand-in for `kubectl`: the verbs and resources that the stack has, in the grammar, words and exit codes of kubectl 1.32.

Its verbs and flags are those of the real one (`kube/grammar.txt`, made from its help). What is real and has no meaning here
ends with exit code 3; what is not real fails in kubectl's words.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from typing import Any

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.flags import BadFlag, Flag, Grammar, Parsed, grammar_of, parse, suggestions
from fakes.commands.wire import Unreachable

_KUBE = "fakes.commands.kube"
# verb: module, function, the flags that have a meaning here (a name in that module)
_VERBS = {
    "get": ("show", "get", "GET"), "events": ("show", "events", "EVENTS"), "describe": ("describe", "describe", "DESCRIBE"),
    "scale": ("change", "scale", "SCALE"), "patch": ("change", "patch", "PATCH"), "annotate": ("change", "annotate", "LABEL"),
    "label": ("change", "label", "LABEL"), "delete": ("delete", "delete", "DELETE"), "edit": ("setting", "edit", "EDIT"),
    "set env": ("setting", "env", "ENV"), "set image": ("setting", "image", "IMAGE"), "set resources": ("setting", "resources", "RESOURCES"),
    "apply": ("apply", "apply", "APPLY"), "create": ("apply", "create_files", "CREATE"),
    "create namespace": ("create", "namespace", "SAYING"), "create secret generic": ("create", "secret", "SECRET"),
    "create configmap": ("create", "config_map", "DATA"), "create deployment": ("create", "deployment", "DEPLOYMENT"),
    "create serviceaccount": ("create", "service_account", "SAYING"), "wait": ("waiting", "wait", "WAIT"),
    "logs": ("pods", "logs", "LOGS"), "exec": ("pods", "execute", "EXEC"),
    "top pod": ("pods", "top_pods", "TOP"), "top node": ("pods", "top_nodes", "TOP_NODE"),
}  # fmt: skip
_ROLLOUTS = ("status", "restart", "history", "undo")
_SHORT = {  # kubectl's other names of subcommands
    "create": {"ns": "namespace", "cm": "configmap", "deploy": "deployment", "sa": "serviceaccount", "svc": "service", "cj": "cronjob",
               "ing": "ingress", "pdb": "poddisruptionbudget", "pc": "priorityclass", "quota": "quota"},
    "top": {"pods": "pod", "po": "pod", "nodes": "node", "no": "node"},
}  # fmt: skip
_NO_EFFECT = frozenset((
    "allow-missing-template-keys", "chunk-size", "field-manager", "save-config", "server-print", "show-managed-fields", "validate",
    "namespace", "request-timeout", "v", "vmodule", "cache-dir", "insecure-skip-tls-verify", "warnings-as-errors", "log-flush-frequency",
    "match-server-version", "disable-compression", "context", "cluster", "user",
))  # fmt: skip
_RECORDED = (  # verbs with the deprecated --record, which no help tells of
    "annotate", "apply", "edit", "label", "patch", "replace", "scale", "set env", "set image", "set resources",
)  # fmt: skip
Verb = Callable[[Parsed, Control], int]


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    control = Control.from_environment()
    try:
        return _dispatch(argv, control)
    except Unreachable as error:
        if error.address != control.address:
            raise Failure(f"Error from server: {error}") from error
        raise Failure(
            f"The connection to the server {error.address} was refused - did you specify the right host or port?"
        ) from error
    except Refused as error:
        kind = {400: "BadRequest", 404: "NotFound", 409: "Conflict"}.get(error.status, "InternalError")
        raise Failure(f"Error from server ({kind}): {error}") from error


def _dispatch(argv: list[str], control: Control) -> int:
    grammar = grammar_of("kube")
    everywhere = grammar.entry("*").flags
    try:
        before = parse(argv, everywhere, stop_at_word=True)
    except BadFlag as error:
        raise Failure(f"error: {error}\nSee 'kubectl --help' for usage.") from error
    if not before.words or before.words[0] in ("help", "options"):
        raise not_modelled("kubectl", "the help text")
    verb, arguments = look_up(grammar, before.words)
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--help" in own or "-h" in own:
        raise not_modelled("kubectl", "the help text")
    try:
        hidden = (Flag("record", "", "switch"),) if verb in _RECORDED else ()
        line = parse(arguments, (*everywhere, *grammar.entry(verb).flags, *hidden))
    except BadFlag as error:
        raise Failure(f"error: {error}\nSee 'kubectl {verb} --help' for usage.") from error
    line = line._replace(values=before.values | line.values)
    for name in ("context", "cluster"):
        if line.has(name):
            raise Failure(f'error: {name} "{line.text(name)}" does not exist')
    return _action(verb, grammar, line)(line, control)


def look_up(grammar: Grammar, words: list[str]) -> tuple[str, list[str]]:
    """The verb with its subcommands, and what follows. Raises Failure for one that kubectl does not have."""
    verb, rest = words[0], words[1:]
    if verb not in grammar:
        near = suggestions(verb, grammar.entry("-").below)
        more = "\n\nDid you mean this?\n\t" + "\n\t".join(near) + "\n" if near else ""
        raise Failure(f'error: unknown command "{verb}" for "kubectl"{more}')
    while below := grammar.entry(verb).below:
        place = next((place for place, word in enumerate(rest) if not word.startswith("-")), None)
        if place is None:
            break
        word = _SHORT.get(verb, {}).get(rest[place], rest[place])
        if word not in below:
            _wrong_subcommand(verb, rest)
            break
        verb, rest = f"{verb} {word}", rest[:place] + rest[place + 1 :]
    return verb, rest


def _wrong_subcommand(verb: str, rest: list[str]) -> None:
    """Raises Failure, but for verbs that take arguments of their own."""
    words = [word for word in rest if not word.startswith("-")]
    if verb in ("set", "rollout", "top", "create secret", "create service"):
        said = " ".join(words) if verb != "top" else words[0]
        raise Failure(f"error: unknown command \"{said}\"\nSee 'kubectl {verb} -h' for help and examples")
    if verb == "create" and "-f" not in rest and not any(word.startswith("--filename") for word in rest):
        raise Failure(f"error: Unexpected args: [{' '.join(words)}]\nSee 'kubectl create -h' for help and examples")


def _action(verb: str, grammar: Grammar, line: Parsed) -> Verb:
    """A verb's function. Its module is imported only now: a command must start fast. Raises Failure for what has no meaning here."""
    if verb in ("cluster-info", "version", "api-resources"):
        _check_flags(verb, line, ("client", "output") if verb == "version" else ())
        return {"cluster-info": _cluster_info, "version": _version, "api-resources": _api_resources}[verb]
    if verb.startswith("rollout "):
        module = importlib.import_module(f"{_KUBE}.rollout")
        word = verb.removeprefix("rollout ")
        if word not in _ROLLOUTS:
            raise not_modelled("kubectl", verb)
        _check_flags(verb, line, module.FLAGS[word])
        return lambda parsed, control: int(module.rollout(word, parsed, control))
    if verb in _VERBS:
        name, function, flags = _VERBS[verb]
        module = importlib.import_module(f"{_KUBE}.{name}")
        _check_flags(verb, line, getattr(module, flags))
        action: Any = getattr(module, function)
        return action  # type: ignore[no-any-return]
    if grammar.entry(verb).below:
        raise not_modelled("kubectl", f"the help text of {verb}")
    raise not_modelled("kubectl", f"the command {verb}" if " " not in verb else verb)


def _check_flags(verb: str, line: Parsed, meant: Collection[str]) -> None:
    for name in line.values:
        if name not in meant and name not in _NO_EFFECT:
            raise not_modelled("kubectl", f"{verb} {'-k' if name == 'kustomize' else '--' + name}")


def _cluster_info(line: Parsed, control: Control) -> int:
    if line.words:
        raise not_modelled("kubectl", "cluster-info dump")
    control.state()
    print(f"Kubernetes control plane is running at http://{control.address}")
    print("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")
    return 0


def _version(line: Parsed, control: Control) -> int:
    if line.has("output"):
        raise not_modelled("kubectl", "version --output")
    print("Client Version: v1.32.4 (gameday's stand-in)")
    if not line.on("client"):
        control.state()
        print("Server Version: v1.32.4 (gameday's stack)")
    return 0


def _api_resources(_line: Parsed, control: Control) -> int:
    from fakes.commands.kube.kinds import KINDS
    from fakes.commands.kube.table import print_table

    control.state()
    rows = [[kind.plural, ",".join(kind.names[1:]), kind.version, str(kind.namespaced).lower(), kind.kind] for kind in KINDS]
    print_table([["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"], *sorted(rows, key=lambda row: (row[2], row[0]))])
    return 0
