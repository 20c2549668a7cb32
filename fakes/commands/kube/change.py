"""`kubectl scale`, `patch` and `delete`: what changes the cluster at once."""

from __future__ import annotations

import json
import sys
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Flag, Parsed
from fakes.commands.kube import cluster as kube
from fakes.commands.kube.cluster import Cluster, Pod, Service, Workload
from fakes.commands.kube.show import select

SCALE_FLAGS = (
    Flag("replicas", "", "int"),
    Flag("current-replicas", "", "int"),
    Flag("timeout", "", "duration"),
    Flag("selector", "l"),
)
PATCH_FLAGS = (Flag("patch", "p"), Flag("patch-file"), Flag("type"))
DELETE_FLAGS = (
    Flag("selector", "l"), Flag("wait", "", "switch"), Flag("now", "", "switch"), Flag("force", "", "switch"),
    Flag("grace-period", "", "int"), Flag("timeout", "", "duration"), Flag("ignore-not-found", "", "switch"), Flag("all", "", "switch"),
)  # fmt: skip
_ROLE = "POSTGRES_ROLE"
_TYPES = ("json", "merge", "strategic")


def scale(line: Parsed, control: Control) -> int:
    if not line.has("replicas"):
        raise Failure('error: required flag(s) "replicas" not set')
    replicas = line.number("replicas", 0)
    if replicas < 0:
        raise Failure("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    if not line.words:
        raise Failure("error: resource(s) were provided, but no name was specified")
    for workload in _workloads(Cluster(control.state()), line, "scale"):
        if line.has("current-replicas") and line.number("current-replicas", 0) != workload.unit.wanted:
            raise Failure(f"error: Expected replicas to be {line.number('current-replicas', 0)}, was {workload.unit.wanted}")
        set_replicas(control, workload, replicas)
        print(f"{kube.SHORT[workload.resource]}/{workload.name} scaled")
    return 0


def set_replicas(control: Control, workload: Workload, replicas: int) -> None:
    """0 stops the process, 1 starts it. The stack runs one process at most, and says so when more are asked for."""
    if replicas > 1:
        print(f"Warning: this stack runs one process for {workload.name}: 1 of {replicas} replicas", file=sys.stderr)
    if bool(replicas) != bool(workload.unit.wanted) or bool(replicas) != workload.unit.running:
        control.act(workload.unit, "start" if replicas else "stop", wait=False)


def delete(line: Parsed, control: Control) -> int:
    """Of pods: their workload puts a new process in the place of each."""
    if not line.words:
        raise Failure(
            "error: You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'"
        )
    if not (line.words[1:] or "/" in line.words[0] or line.text("selector") or line.on("all")):
        raise Failure("error: resource(s) were provided, but no name was specified")
    found = select(Cluster(control.state()), line)
    if not found:
        print("No resources found")
    for resource, row in found:
        if not isinstance(row, Pod):
            raise not_modelled("kubectl", f"deleting {resource}")
        control.act(row.owner.unit, "restart", wait=False)
        print(f'pod "{row.name}" deleted')
    return 0


def patch(line: Parsed, control: Control) -> int:
    if line.has("patch-file"):
        raise not_modelled("kubectl", "patch --patch-file")
    if not line.text("patch"):
        raise Failure("error: must specify --patch or --patch-file containing the contents of the patch")
    if line.text("type", "strategic") not in _TYPES:
        raise Failure(f'error: --type must be one of [{" ".join(_TYPES)}], not "{line.text("type")}"')
    if not line.words:
        raise Failure("error: You must provide one or more resources by argument or filename.")
    change = _read_patch(line)
    for resource, row in select(Cluster(control.state()), line):
        changed = _patch_one(control, resource, row, change)
        print(f"{kube.SHORT[resource]}/{row.name} patched" + ("" if changed else " (no change)"))
    return 0


def _read_patch(line: Parsed) -> dict[str, Any]:
    if line.text("type") == "json":
        raise not_modelled("kubectl", "patch --type=json")
    try:
        change = json.loads(line.text("patch"))
    except ValueError as error:
        raise Failure(f'error: unable to parse "{line.text("patch")}": {error}') from error
    if not isinstance(change, dict):
        raise Failure(f'error: unable to parse "{line.text("patch")}": a patch is an object')
    return change


def _patch_one(control: Control, resource: str, row: Any, change: dict[str, Any]) -> bool:
    spec = _only(change, "spec", row.name)
    if isinstance(row, Service):
        selector = _only(spec, "selector", row.name)
        merged = {key: value for key, value in {**row.selector, **selector}.items() if value is not None}
        if merged != row.selector:
            control.point(row.address, selector)
        return merged != row.selector
    if isinstance(row, Workload):
        if "replicas" in spec:
            set_replicas(control, row, int(spec["replicas"]))
        changed = "replicas" in spec and int(spec["replicas"]) != row.unit.wanted
        left = {key: value for key, value in spec.items() if key != "replicas"}
        return _patch_template(control, row, left) or changed if left else changed
    raise not_modelled("kubectl", f"patching {resource}")


def _patch_template(control: Control, workload: Workload, spec: dict[str, Any]) -> bool:
    containers = _only(_only(_only(spec, "template", workload.name), "spec", workload.name), "containers", workload.name)
    kind = "StatefulSet" if workload.resource == "statefulsets" else "Deployment"
    for container in containers:
        if container.get("name") != workload.container:
            raise Failure(f'The {kind} "{workload.name}" is invalid: spec.template.spec.containers[1].image: Required value')
    variables = [row for container in containers for row in _only(container, "env", workload.name, beside="name")]
    if workload.unit.kind != "postgres" or [row.get("name") for row in variables] != [_ROLE]:
        raise not_modelled("kubectl", f"setting {', '.join(str(row.get('name')) for row in variables)} on {workload.name}")
    return _set_role(control, workload, str(variables[0].get("value")))


def _set_role(control: Control, workload: Workload, role: str) -> bool:
    """POSTGRES_ROLE=primary: the instance leaves recovery, and its pod carries the label that addresses select by."""
    if role != "primary":
        raise not_modelled(
            "kubectl", f"{_ROLE}={role} (only primary can be set: a primary cannot become a replica without a rebuild)"
        )
    control.act(workload.unit, "promote", wait=False)
    if workload.unit.role != role:
        control.label(workload.unit, role)
    return workload.unit.role != role


def _only(part: dict[str, Any], key: str, name: str, *, beside: str = "") -> Any:
    """The value of the one key that the stack can act on; any other key would be ignored silently, so it is refused."""
    others = [other for other in part if other not in (key, beside)]
    if others or key not in part:
        raise not_modelled("kubectl", f"patching {', '.join(others) or 'nothing'} of {name}")
    return part[key]


def _workloads(cluster: Cluster, line: Parsed, verb: str) -> list[Workload]:
    found = []
    for resource, row in select(cluster, line):
        if not isinstance(row, Workload):
            raise Failure(f"error: cannot {verb} a {kube.SHORT[resource]}")
        found.append(row)
    if not found:
        raise Failure(f"error: no objects passed to {verb}")
    return found
