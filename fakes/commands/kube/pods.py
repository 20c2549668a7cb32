"""`kubectl logs`, `exec` and `top`: what goes into a pod, and what it uses."""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

from fakes.commands.control import Control, Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.inside import missing_program, run_inside
from fakes.commands.kube import kinds
from fakes.commands.kube.cluster import DEFAULT, Cluster, Thing, matches, selector_of
from fakes.commands.kube.selecting import namespace_of, select
from fakes.commands.kube.table import print_table
from fakes.commands.logs import Source, show
from fakes.commands.processes import memory_total, usage

LOGS = (
    "follow", "tail", "since", "selector", "container", "previous", "timestamps", "all-containers", "prefix", "ignore-errors",
    "max-log-requests", "pod-running-timeout", "all-pods",
)  # fmt: skip
EXEC = ("stdin", "tty", "container", "quiet", "pod-running-timeout")
TOP = ("selector", "no-headers", "sort-by", "all-namespaces", "field-selector", "sum", "containers")
TOP_NODE = ("selector", "no-headers", "sort-by", "show-capacity")
_LOGS_USAGE = """error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.
POD or TYPE/NAME is a required argument for the logs command
See 'kubectl logs -h' for help and examples"""
_NO_TTY = "Unable to use a TTY - input is not a terminal or the right kind of file"
_SAMPLE_S = 0.2
_PROGRAMS = {  # what is in the images beside the clients that docker's containers have
    "postgres": ("pg_restore", "pg_dumpall", "vacuumdb", "reindexdb", "createuser", "dropuser"),
    "service": ("curl",),
}
_STARTS = " listens on port "  # what a service logs when it has started


class _Use(NamedTuple):
    name: str
    namespace: str
    milli: int  # of a core
    memory: int  # bytes


def logs(line: Parsed, control: Control) -> int:
    selector = line.text("selector")
    if len(line.words) > 2 or bool(line.words) == bool(selector):
        raise Failure(_LOGS_USAGE)
    if line.on("timestamps"):
        raise not_modelled("kubectl", "logs --timestamps")
    cluster = Cluster(control)
    container = line.text("container") or "".join(line.words[1:])
    if selector:
        pods = [pod for pod in cluster.of(kinds.named("pods"), namespace_of(line)) if matches(selector, pod.labels)]
        if not pods:
            print(f"No resources found in {line.text('namespace') or DEFAULT} namespace.", file=sys.stderr)
            return 0
    else:
        pods = [_pod(cluster, line)]
    sources = [_source(line, pod, container) for pod in pods]
    tail = line.number("tail", 10 if selector else -1)
    if line.on("previous"):
        return _previous(control, pods[0], tail)
    now_s = cluster.state.epoch_s + cluster.now_s
    show(control, sources, tail=tail, since_s=line.seconds("since", 0.0), now_s=now_s, follow=line.on("follow"), tool="kubectl")
    return 0


def _source(line: Parsed, pod: Thing, container: str) -> Source:
    names = [row["name"] for row in (pod.object.get("spec") or {}).get("containers") or []]
    if container and container not in names:
        raise Failure(f"error: container {container} is not valid for pod {pod.name}")
    if pod.unit is None:
        message = pod.object["status"]["conditions"][0]["message"]
        raise Failure(f"Error from server (BadRequest): pod {pod.name} does not have a host assigned: {message}")
    return Source(pod.unit, f"[pod/{pod.name}/{names[0]}] " if line.on("prefix") else "")


def _previous(control: Control, pod: Thing, tail: int) -> int:
    """The log of the process before: a service says when one starts."""
    assert pod.unit is not None
    lines = control.logs(pod.unit).lines
    starts = [number for number, text in enumerate(lines) if _STARTS in text]
    if len(starts) < 2 or not pod.unit.restarts:
        name = pod.object["spec"]["containers"][0]["name"]
        raise Failure(f'Error from server (BadRequest): previous terminated container "{name}" in pod "{pod.name}" not found')
    rows = lines[starts[-2] : starts[-1]]
    print("".join(f"{text}\n" for text in (rows[-tail:] if tail > 0 else rows if tail else [])), end="")
    return 0


def _pod(cluster: Cluster, line: Parsed) -> Thing:
    """The pod that POD or TYPE/NAME means. Raises Failure."""
    word, space = line.words[0], line.text("namespace") or DEFAULT
    if "/" not in word:
        return cluster.find(kinds.named("pods"), space, word)
    (thing,) = select(cluster, line._replace(words=[word], values={"namespace": [space]})).must()
    if thing.kind.plural == "pods":
        return thing
    pods = cluster.pods_of(thing)
    if not pods:
        shown = ",".join(f"{key}={value}" for key, value in sorted(selector_of(thing).items()))
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
    pod = _pod(Cluster(control), line)
    container = line.text("container")
    if container not in ("", *(row["name"] for row in pod.object["spec"]["containers"])):
        raise Failure(f"error: container {container} not found in pod {pod.name}")
    if pod.unit is None:
        raise Failure(f"Error from server (BadRequest): pod {pod.name} does not have a host assigned")
    if not pod.unit.running:
        if pod.object["status"]["phase"] == "Running":
            name = pod.object["spec"]["containers"][0]["name"]
            raise Failure(f'error: Internal error occurred: unable to upgrade connection: container not found ("{name}")')
        raise Failure("error: cannot exec into a container in a completed pod; current phase is Failed")
    if line.on("tty") and line.on("stdin") and not _terminal():
        print(_NO_TTY, file=sys.stderr, flush=True)
    return _run_inside(pod.unit, line.rest, stdin=line.on("stdin"))


def _terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:
        return False


def _run_inside(unit: Unit, command: list[str], *, stdin: bool) -> int:
    missing = missing_program(unit, command)
    if missing and command[0] not in _PROGRAMS.get(unit.kind, ()):
        raise Failure(f"error: Internal error occurred: error executing command in container: {missing}")
    try:
        code = run_inside(unit, command, stdin=stdin)
    except OSError as error:
        raise Failure(f"error: {command[0]}: {error.strerror}") from error
    if code:
        raise Failure(f"command terminated with exit code {code}", code)
    return 0


def top_pods(line: Parsed, control: Control) -> int:
    """What the processes of the pods use, over a fifth of a second, from /proc."""
    cluster = Cluster(control)
    selected = select(cluster, line._replace(words=["pods", *line.words]))
    pods = selected.must()
    before = {pod.name: usage(pod.unit.pid) for pod in pods if pod.unit and pod.unit.running and pod.unit.pid}
    time.sleep(_SAMPLE_S)
    rows = []
    for pod in pods:
        first = before.get(pod.name)
        last = usage(pod.unit.pid) if first and pod.unit and pod.unit.pid else None
        if first and last:
            rows.append(_Use(pod.name, pod.namespace, max(round((last.cpu_s - first.cpu_s) / _SAMPLE_S * 1000), 0), last.memory))
    if not rows and pods:  # kubectl's own words for a pod that runs nothing
        raise Failure("error: metrics not available yet")
    if not rows:
        space = namespace_of(line)
        raise Failure("No resources found" if space is None else f"No resources found in {space} namespace.", 0)
    _print_use(line, _by(line, rows))
    return 0


def _by(line: Parsed, rows: list[_Use]) -> list[_Use]:
    by = line.text("sort-by")
    if by not in ("", "cpu", "memory"):
        raise Failure("error: --sort-by accepts only cpu or memory")
    return sorted(rows, key=lambda row: -(row.milli if by == "cpu" else row.memory)) if by else rows


def _print_use(line: Parsed, rows: list[_Use]) -> None:
    spaced = line.on("all-namespaces")
    heads = [] if line.on("no-headers") else [[*(["NAMESPACE"] if spaced else []), "NAME", "CPU(cores)", "MEMORY(bytes)"]]
    table = [[*([row.namespace] if spaced else []), row.name, f"{row.milli}m", f"{row.memory // 2**20}Mi"] for row in rows]
    if line.on("sum"):
        table.append([*([""] if spaced else []), "", "________", "________"])
        table.append(
            [*([""] if spaced else []), "", f"{sum(row.milli for row in rows)}m", f"{sum(row.memory for row in rows) // 2**20}Mi"]
        )
    print_table(heads + table, trailing=True)


def top_nodes(line: Parsed, control: Control) -> int:
    """What this machine uses, over a fifth of a second, from /proc."""
    cluster = Cluster(control)
    (thing,) = [cluster.find(kinds.named("nodes"), "", name) for name in line.words] or cluster.of(kinds.named("nodes"), None)
    before = _machine()
    time.sleep(_SAMPLE_S)
    after = _machine()
    cores = os.cpu_count() or 1
    total = max(after[1] - before[1], 1)
    share = (after[0] - before[0]) / total
    used = memory_total() - _available()
    heads = [] if line.on("no-headers") else [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]]
    row = [
        thing.name,
        f"{round(share * cores * 1000)}m",
        f"{round(share * 100)}%",
        f"{used // 2**20}Mi",
        f"{round(100 * used / memory_total())}%",
    ]
    print_table([*heads, row], trailing=True)
    return 0


def _machine() -> tuple[int, int]:
    """Clock ticks that the cores worked, and all ticks."""
    with open("/proc/stat", encoding="utf-8") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def _available() -> int:
    with open("/proc/meminfo", encoding="utf-8") as file:
        return next(int(row.split()[1]) * 1024 for row in file if row.startswith("MemAvailable:"))
