"""`kubectl rollout` and `kubectl wait`: what takes its time."""

from __future__ import annotations

import time

from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Flag, Parsed
from fakes.commands.kube import cluster as kube
from fakes.commands.kube.cluster import Cluster, Pod, Workload
from fakes.commands.kube.show import Row, select

ROLLOUT_FLAGS = (
    Flag("timeout", "", "duration"), Flag("watch", "w", "switch"), Flag("revision", "", "int"), Flag("selector", "l"),
)  # fmt: skip
WAIT_FLAGS = (Flag("for"), Flag("timeout", "", "duration"), Flag("selector", "l"), Flag("all", "", "switch"))
_POLL_S = 0.03
_NOT_OFFERED = ("undo", "pause", "resume")


def rollout(line: Parsed, control: Control) -> int:
    if not line.words:
        raise not_modelled("kubectl", "the help text of rollout")
    verb, words = line.words[0], line.words[1:]
    if verb in _NOT_OFFERED:
        raise not_modelled("kubectl", f"rollout {verb}")
    if verb not in ("restart", "status", "history"):
        raise Failure(f"error: unknown command \"{verb}\"\nSee 'kubectl rollout -h' for help and examples")
    if not words and not line.text("selector"):
        raise Failure("error: required resource not specified")
    line = line._replace(words=words)
    workloads = [_roller(resource, row, verb) for resource, row in select(Cluster(control.state()), line)]
    for workload in workloads:
        if verb == "restart":
            if workload.unit.wanted:  # a workload scaled to nothing has no pod to replace
                control.act(workload.unit, "restart", wait=False)
            print(f"{kube.SHORT[workload.resource]}/{workload.name} restarted", flush=True)
        elif verb == "status":
            _status(line, control, workload)
        else:
            _history(workload)
    return 0


def _roller(resource: str, row: Row, verb: str) -> Workload:
    if isinstance(row, Workload):
        return row
    doing = {"restart": "restarting", "status": "rollout status", "history": "history viewer"}[verb]
    if verb == "restart":
        raise Failure(f'error: {resource} "{row.name}" {doing} is not supported')
    raise Failure(f"error: no {doing} has been implemented for {kube.SHORT[resource].capitalize()}")


def _history(workload: Workload) -> None:
    print(f"{kube.SHORT[workload.resource]}/{workload.name} ")
    print("REVISION  CHANGE-CAUSE")
    for revision in range(1, workload.unit.restarts + 2):
        print(f"{revision:<10}<none>")
    print()


def _status(line: Parsed, control: Control, workload: Workload) -> None:
    """Wait, as kubectl does without --watch=false, until the workload's process is there and ready."""
    limit_s = line.seconds("timeout", 0.0)
    deadline = time.monotonic() + limit_s if limit_s else float("inf")
    watching = line.text("watch", "true") == "true"
    said = ""
    while True:
        workload = Cluster(control.state()).workload(workload.resource, workload.name)
        done, message = _progress(workload)
        if message != said:
            print(message, flush=True)
            said = message
        if done or not watching:
            return
        if time.monotonic() >= deadline:
            raise Failure("error: timed out waiting for the condition")
        time.sleep(_POLL_S)


def _progress(workload: Workload) -> tuple[bool, str]:
    unit = workload.unit
    done = unit.wanted == 0 or (unit.running and unit.ready)
    if workload.resource == "statefulsets":
        if done:
            return (
                True,
                f"statefulset rolling update complete {unit.wanted} pods at revision {workload.name}-{workload.revision}...",
            )
        return False, "Waiting for 1 pods to be ready..."
    if done:
        return True, f'deployment "{workload.name}" successfully rolled out'
    return False, f'Waiting for deployment "{workload.name}" rollout to finish: 0 of 1 updated replicas are available...'


def wait(line: Parsed, control: Control) -> int:
    condition = line.text("for")
    kind, _, expected = condition.partition("=")
    if kind == "jsonpath":
        raise not_modelled("kubectl", "wait --for=jsonpath")
    if condition != "delete" and (kind != "condition" or not expected):
        raise Failure(f'error: unrecognized condition: "{condition}"')
    if not line.words:
        raise Failure("error: You must provide one or more resources by argument or filename.")
    if not (line.words[1:] or "/" in line.words[0] or line.text("selector") or line.on("all")):
        raise Failure("error: resource(s) were provided, but no name was specified")
    found = select(Cluster(control.state()), line)
    if not found and condition != "delete":
        raise Failure("error: no matching resources found")
    deadline = time.monotonic() + line.seconds("timeout", 30.0)
    for resource, row in found:
        _await(control, resource, row, condition, deadline)
        print(f"{kube.SHORT[resource]}/{row.name} condition met", flush=True)
    return 0


def _await(control: Control, resource: str, row: Row, condition: str, deadline: float) -> None:
    while not _holds(Cluster(control.state()), resource, row, condition):
        if time.monotonic() >= deadline:
            raise Failure(f"error: timed out waiting for the condition on {kube.QUALIFIED.get(resource, resource)}/{row.name}")
        time.sleep(_POLL_S)


def _holds(cluster: Cluster, resource: str, row: Row, condition: str) -> bool:
    present = {pod.name: pod for pod in cluster.pods} if resource == "pods" else {}
    if condition == "delete":
        return isinstance(row, Pod) and row.name not in present
    name, _, expected = condition.removeprefix("condition=").partition("=")
    actual: bool | None = None  # a condition that the object never has
    if isinstance(row, Pod) and name.lower() == "ready":
        if row.name not in present:
            raise kube.not_found(resource, row.name)
        actual = present[row.name].ready
    elif resource == "deployments" and name.lower() == "available":
        unit = cluster.workload(resource, row.name).unit
        actual = unit.wanted == 0 or (unit.running and unit.ready)
    return actual is not None and actual == (expected.lower() != "false")
