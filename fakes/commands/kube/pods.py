"""`kubectl logs`, `exec` and `top`: what goes into a pod."""

from __future__ import annotations

import time

from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Flag, Parsed
from fakes.commands.inside import missing_program, run_inside
from fakes.commands.kube import cluster as kube
from fakes.commands.kube.cluster import Cluster, Pod, Workload
from fakes.commands.kube.show import select
from fakes.commands.kube.table import print_table
from fakes.commands.logs import Source, show
from fakes.commands.processes import usage

LOGS_FLAGS = (
    Flag("follow", "f", "switch"), Flag("tail", "", "int"), Flag("since", "", "duration"), Flag("selector", "l"), Flag("container", "c"),
    Flag("previous", "p", "switch"), Flag("timestamps", "", "switch"), Flag("all-containers", "", "switch"), Flag("prefix", "", "switch"),
)  # fmt: skip
EXEC_FLAGS = (Flag("stdin", "i", "switch"), Flag("tty", "t", "switch"), Flag("container", "c"), Flag("quiet", "q", "switch"))
TOP_FLAGS = (Flag("selector", "l"), Flag("no-headers", "", "switch"), Flag("sort-by"), Flag("containers", "", "switch"))
_LOGS_USAGE = """error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.
POD or TYPE/NAME is a required argument for the logs command
See 'kubectl logs -h' for help and examples"""
_SAMPLE_S = 0.2


def logs(line: Parsed, control: Control) -> int:
    selector = line.text("selector")
    if len(line.words) > 2 or bool(line.words) == bool(selector):
        raise Failure(_LOGS_USAGE)
    for flag in ("previous", "timestamps", "prefix"):
        if line.on(flag):
            raise not_modelled("kubectl", f"logs --{flag}")
    state = control.state()
    cluster = Cluster(state)
    pods = [pod for pod in cluster.pods if kube.matches(selector, pod.labels)] if selector else [_pod(cluster, line.words[0])]
    container = line.text("container") or "".join(line.words[1:])
    tail = line.number("tail", 10 if selector else -1)
    for pod in pods:
        if container not in ("", pod.owner.container):
            raise Failure(f"error: container {container} is not valid for pod {pod.name}")
    sources = [Source(pod.owner.unit) for pod in pods]
    since_s, follow = line.seconds("since", 0.0), line.on("follow")
    show(control, sources, tail=tail, since_s=since_s, now_s=state.epoch_s + state.now_s, follow=follow, tool="kubectl")
    return 0


def _pod(cluster: Cluster, word: str) -> Pod:
    """The pod that POD or TYPE/NAME means. Raises Failure."""
    if "/" not in word:
        return cluster.pod(word)
    line = Parsed({}, [word], [], False)
    ((_, row),) = select(cluster, line)
    if isinstance(row, Pod):
        return row
    selector = row.selector if isinstance(row, Workload) else dict(row.selector)
    pods = [pod for pod in cluster.pods if selector.items() <= pod.labels.items()]
    if not pods:
        shown = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        raise Failure(f"error: no pods found for {word} (selector {shown}): timed out waiting for the condition")
    return pods[0]


def execute(line: Parsed, control: Control) -> int:
    if not line.words:
        raise Failure("error: pod, type/name or --filename must be specified")
    if not line.dashed and line.words[1:]:
        raise Failure(
            "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples"
        )
    if not line.rest:
        raise Failure("error: you must specify at least one command for the container")
    pod = _pod(Cluster(control.state()), line.words[0])
    container = line.text("container")
    if container not in ("", pod.owner.container):
        raise Failure(f"error: container {container} not found in pod {pod.name}")
    if not pod.owner.unit.running:
        raise Failure("error: cannot exec into a container in a completed pod; current phase is Failed")
    return _run_inside(pod, line.rest, stdin=line.on("stdin"))


def _run_inside(pod: Pod, command: list[str], *, stdin: bool) -> int:
    if missing := missing_program(pod.owner.unit, command):
        raise Failure(f"error: Internal error occurred: error executing command in container: {missing}")
    try:
        code = run_inside(pod.owner.unit, command, stdin=stdin)
    except OSError as error:
        raise Failure(f"error: {command[0]}: {error.strerror}") from error
    if code:
        raise Failure(f"command terminated with exit code {code}", code)
    return 0


def top(line: Parsed, control: Control) -> int:
    """What the processes of the pods use, over a fifth of a second, from /proc."""
    if not line.words:
        raise not_modelled("kubectl", "the help text of top")
    if line.words[0] in ("node", "nodes", "no"):
        raise not_modelled("kubectl", "top nodes")
    if line.words[0] not in ("pod", "pods", "po"):
        raise Failure(f"error: unknown command \"{line.words[0]}\"\nSee 'kubectl top -h' for help and examples")
    cluster = Cluster(control.state())
    if line.words[1:]:
        pods = [cluster.pod(name) for name in line.words[1:]]
    else:
        pods = [pod for pod in cluster.pods if kube.matches(line.text("selector"), pod.labels)]
    before = {pod.name: usage(pod.owner.unit.pid) for pod in pods if pod.owner.unit.running and pod.owner.unit.pid}
    time.sleep(_SAMPLE_S)
    rows = []
    for pod in pods:
        first, last = before.get(pod.name), usage(pod.owner.unit.pid or 0) if pod.name in before else None
        if first and last:
            milli = max(round((last.cpu_s - first.cpu_s) / _SAMPLE_S * 1000), 0)
            rows.append([pod.name, f"{milli}m", f"{last.memory // 2**20}Mi"])
    if not rows:
        raise Failure(f"No resources found in {kube.NAMESPACE} namespace.", 0 if not pods else 1)
    heads = [] if line.on("no-headers") else [["NAME", "CPU(cores)", "MEMORY(bytes)"]]
    print_table(heads + rows, trailing=True)
    return 0
