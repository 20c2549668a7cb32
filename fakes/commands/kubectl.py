"""Stand-in for `kubectl`: the verbs and resources that the stack has, in the grammar, words and exit codes of kubectl 1.32."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.flags import BadFlag, Flag, Parsed, parse
from fakes.commands.kube.cluster import NAMESPACE
from fakes.commands.wire import Unreachable

_GLOBAL = (Flag("namespace", "n"), Flag("context"), Flag("request-timeout"), Flag("v", "v", "int"))
_REAL_VERBS = (
    "annotate", "api-resources", "api-versions", "apply", "attach", "auth", "autoscale", "certificate", "completion", "config", "cordon",
    "cp", "debug", "diff", "drain", "edit", "events", "explain", "expose", "help", "kustomize", "label", "options", "plugin",
    "port-forward", "proxy", "replace", "run", "set", "taint", "uncordon",
)  # fmt: skip
_CREATES = (
    "clusterrole", "clusterrolebinding", "configmap", "cm", "cronjob", "cj", "deployment", "deploy", "ingress", "ing", "job", "namespace",
    "ns", "poddisruptionbudget", "pdb", "priorityclass", "pc", "quota", "role", "rolebinding", "secret", "service", "svc",
    "serviceaccount", "sa", "token",
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
    try:
        before = parse(argv, _GLOBAL, stop_at_word=True)
    except BadFlag as error:
        raise Failure(f"error: {error}\nSee 'kubectl --help' for usage.") from error
    if not before.words:
        raise not_modelled("kubectl", "the help text")
    verb, arguments = before.words[0], before.words[1:]
    if verb == "create":
        return _create(arguments)
    action, flags = _verb(verb)
    try:
        line = parse(arguments, (*_GLOBAL, *flags))
    except BadFlag as error:
        raise Failure(f"error: {error}\nSee 'kubectl {verb} --help' for usage.") from error
    line = line._replace(values=before.values | line.values)
    if line.has("context"):
        raise Failure(f'error: context "{line.text("context")}" does not exist')
    namespace = line.text("namespace", NAMESPACE)
    if namespace != NAMESPACE:
        if verb == "get" and len(line.words) == 1 and "/" not in line.words[0]:
            print(f"No resources found in {namespace} namespace.", file=sys.stderr)
            return 0
        raise Failure(f'Error from server (NotFound): namespaces "{namespace}" not found')
    return action(line, control)


def _verb(verb: str) -> tuple[Verb, tuple[Flag, ...]]:
    """A verb's function and flags. Its module is imported only now: a command must start fast."""
    if verb in ("get", "describe"):
        from fakes.commands.kube import show

        return (show.get, show.GET_FLAGS) if verb == "get" else (show.describe, show.DESCRIBE_FLAGS)
    if verb in ("scale", "patch", "delete"):
        from fakes.commands.kube import change

        return {
            "scale": (change.scale, change.SCALE_FLAGS),
            "patch": (change.patch, change.PATCH_FLAGS),
            "delete": (change.delete, change.DELETE_FLAGS),
        }[verb]
    if verb in ("rollout", "wait"):
        from fakes.commands.kube import rollout

        return (rollout.rollout, rollout.ROLLOUT_FLAGS) if verb == "rollout" else (rollout.wait, rollout.WAIT_FLAGS)
    if verb in ("logs", "exec", "top"):
        from fakes.commands.kube import pods

        return {
            "logs": (pods.logs, pods.LOGS_FLAGS),
            "exec": (pods.execute, pods.EXEC_FLAGS),
            "top": (pods.top, pods.TOP_FLAGS),
        }[verb]
    if verb in ("cluster-info", "version"):
        return (_cluster_info, ()) if verb == "cluster-info" else (_version, (Flag("client", "", "switch"), Flag("output", "o")))
    if verb in _REAL_VERBS:
        raise not_modelled("kubectl", f"the command {verb}")
    raise Failure(f'error: unknown command "{verb}" for "kubectl"')


def _create(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    if words and words[0] not in _CREATES:
        raise Failure(f"error: Unexpected args: [{' '.join(words)}]\nSee 'kubectl create -h' for help and examples")
    raise not_modelled("kubectl", " ".join(["create", *words[:1]]))


def _cluster_info(_line: Parsed, control: Control) -> int:
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
