"""`kubectl describe`: an object in lines for people, and the events about it. Of a secret only how long its values are."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed
from fakes.commands.kube import columns, kinds, live
from fakes.commands.kube.cluster import Cluster, Thing, selector_of
from fakes.commands.kube.selecting import select
from fakes.commands.kube.show import nothing
from fakes.commands.kube.table import pairs, print_table, short_age

DESCRIBE = ("selector", "all-namespaces", "filename", "recursive", "show-events")
_HIDDEN = "kubectl.kubernetes.io/last-applied-configuration"
_NONE = "<none>"
_WIDTH = 24
_RAW = "="  # a line as it is
Rows = list[tuple[str, str]]


def describe(line: Parsed, control: Control) -> int:
    if not line.words and not line.texts("filename"):
        raise Failure(
            'error: You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.'
        )
    cluster = Cluster(control)
    selected = select(cluster, line)
    if not selected.things and not selected.missing:
        raise Failure(nothing(line), 0)
    for number, thing in enumerate(selected.things):
        print("\n\n" if number else "", end="")
        _describe(cluster, thing)
        if line.text("show-events", "true") == "true" and thing.kind.plural not in ("secrets", "configmaps", "namespaces"):
            _events(cluster, thing)
    selected.must()
    return 0


def _describe(cluster: Cluster, thing: Thing) -> None:
    rows: Rows = [("Name", thing.name)]
    if thing.kind.namespaced:
        rows.append(("Namespace", thing.namespace))
    rows += _several("Labels", thing.labels)
    rows += _several("Annotations", {key: value for key, value in thing.annotations.items() if key != _HIDDEN})
    make = {
        "pods": _pod, "deployments": _workload, "statefulsets": _workload, "replicasets": _workload, "services": _service,
        "secrets": _secret, "configmaps": _config_map,
    }.get(thing.kind.plural)  # fmt: skip
    rows += make(cluster, thing) if make else _flat(thing)
    width = max(_WIDTH, *(len(name) + 3 for name, _ in rows))
    for name, value in rows:
        print(value if name == _RAW else f"{name + ':' if name else '':<{width}}{value}".rstrip())


def _several(name: str, values: dict[str, str]) -> Rows:
    found = [f"{key}={value}" if name == "Labels" else f"{key}: {value}" for key, value in sorted(values.items())] or [_NONE]
    return [(name if not number else "", text) for number, text in enumerate(found)]


def _pod(_cluster: Cluster, thing: Thing) -> Rows:
    spec, status = thing.object.get("spec") or {}, thing.object["status"]
    rows: Rows = [
        ("Node", f"{spec['nodeName']}/127.0.0.1" if spec.get("nodeName") else _NONE), ("Status", str(status["phase"])),
        ("IP", str(status.get("podIP", ""))), ("Containers", ""),
    ]  # fmt: skip
    states = {row["name"]: row for row in status.get("containerStatuses") or []}
    for container in spec.get("containers") or []:
        rows += _container(container)
        if one := states.get(container["name"]):
            (word, more), *_ = one["state"].items()
            rows.append(("    State", word.capitalize()))
            rows += [(f"      {_words(key)}", str(value)) for key, value in more.items()]
            rows += [("    Ready", str(one["ready"])), ("    Restart Count", str(one["restartCount"]))]
    return [*rows, *_conditions(status)]


def _words(key: str) -> str:
    return {"startedAt": "Started", "finishedAt": "Finished", "exitCode": "Exit Code"}.get(key, key.capitalize())


def _container(container: dict[str, Any]) -> Rows:
    ports = ", ".join(f"{row['containerPort']}/{row.get('protocol', 'TCP')}" for row in container.get("ports") or []) or _NONE
    rows: Rows = [(f"  {container['name']}", ""), ("    Image", str(container.get("image", ""))), ("    Port", ports)]
    for kind in ("limits", "requests"):
        amounts = (container.get("resources") or {}).get(kind) or {}
        rows += [(f"    {kind.capitalize()}", "")] * bool(amounts) + [
            (f"      {key}", str(value)) for key, value in amounts.items()
        ]
    environment = container.get("env") or []
    rows.append(("    Environment", "" if environment else _NONE))
    for row in environment:
        source = row.get("valueFrom") or {}
        found = next((f"<set to the key {ref.get('key')!r} in {kind}>" for kind, ref in source.items()), "")
        rows.append((f"      {row['name']}", str(row.get("value", found))))
    return rows


def _conditions(status: dict[str, Any]) -> Rows:
    rows = status.get("conditions") or []
    found: Rows = [("Conditions", "")] if rows else []
    for row in rows:
        more = " ".join(str(row[key]) for key in ("reason", "message") if row.get(key))
        found.append((f"  {row['type']}", f"{row['status']}  {more}".rstrip()))
    return found


def _workload(cluster: Cluster, thing: Thing) -> Rows:
    spec, status = thing.object.get("spec") or {}, thing.object.get("status") or {}
    wanted, there = int(spec.get("replicas", 1)), int(status.get("replicas") or 0)
    ready = int(status.get("readyReplicas") or 0)
    rows: Rows = [("Selector", pairs(selector_of(thing)) or _NONE)]
    if thing.kind.plural == "deployments":
        rows.append(
            (
                "Replicas",
                f"{wanted} desired | {there} updated | {there} total | {ready} available | {max(wanted - ready, 0)} unavailable",
            )
        )
        rows.append(("StrategyType", str((spec.get("strategy") or {}).get("type", "RollingUpdate"))))
    else:
        rows.append(("Replicas", f"{wanted} desired | {there} total"))
        phases = [columns.pod_status(pod.object) for pod in cluster.pods_of(thing)]
        running, waiting = phases.count("Running"), phases.count("Pending")
        rows.append(
            ("Pods Status", f"{running} Running / {waiting} Waiting / 0 Succeeded / {len(phases) - running - waiting} Failed")
        )
    rows.append(("Pod Template", ""))
    rows.append(("  Labels", pairs(((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}) or _NONE))
    rows.append(("  Containers", ""))
    for container in ((spec.get("template") or {}).get("spec") or {}).get("containers") or []:
        rows += _container(container)
    return [*rows, *_conditions(status)]


def _service(cluster: Cluster, thing: Thing) -> Rows:
    spec = thing.object.get("spec") or {}
    rows: Rows = [
        ("Selector", pairs(spec.get("selector") or {}) or _NONE),
        ("Type", str(spec.get("type", "ClusterIP"))),
        ("IP", str(spec.get("clusterIP", "None"))),
    ]
    for port in spec.get("ports") or []:
        rows.append(("Port", f"{port.get('name') or '<unset>'}  {port['port']}/{port.get('protocol', 'TCP')}"))
        rows.append(("TargetPort", f"{port.get('targetPort', port['port'])}/{port.get('protocol', 'TCP')}"))
    there = cluster.get(kinds.named("endpoints"), thing.namespace, thing.name)
    return [*rows, ("Endpoints", columns.cells(cluster, there, wide=False)[1] if there else _NONE)]


def _secret(_cluster: Cluster, thing: Thing) -> Rows:
    rows: Rows = [("", ""), ("Type", str(thing.object.get("type", "Opaque"))), ("", ""), (_RAW, "Data"), (_RAW, "====")]
    sizes = {key: _size(str(value)) for key, value in (thing.object.get("data") or {}).items()}
    sizes |= {key: len(str(value).encode()) for key, value in (thing.object.get("stringData") or {}).items()}
    return rows + [(key, f"{size} bytes") for key, size in sorted(sizes.items())]


def _size(value: str) -> int:
    try:
        return len(base64.b64decode(value, validate=True))
    except (ValueError, binascii.Error):
        return len(value)


def _config_map(_cluster: Cluster, thing: Thing) -> Rows:
    rows: Rows = [("", ""), (_RAW, "Data"), (_RAW, "====")]
    for key, value in sorted((thing.object.get("data") or {}).items()):
        rows.append((key, ""))
        rows += [(_RAW, line) for line in ("----", *str(value).splitlines(), "")]
    return rows


def _flat(thing: Thing) -> Rows:
    """What there is no shape for: each value with its path."""
    rows: Rows = [("API Version", str(thing.object.get("apiVersion"))), ("Kind", thing.kind.kind)]
    for part, value in thing.object.items():
        if part not in ("apiVersion", "kind", "metadata"):
            rows += _paths(value, part.capitalize())
    return rows


def _paths(value: Any, path: str) -> Rows:
    if isinstance(value, dict):
        return [row for key, item in value.items() for row in _paths(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [row for number, item in enumerate(value) for row in _paths(item, f"{path}[{number}]")]
    return [] if value is None else [(path, str(value))]


def _events(cluster: Cluster, thing: Thing) -> None:
    names = {thing.name} | ({str(thing.unit.deployment or thing.unit.statefulset)} if thing.unit else set())
    rows = [row for row in cluster.of(kinds.named("events"), None) if row.object["involvedObject"]["name"] in names]
    reason = next(
        (row for row in (thing.object.get("status") or {}).get("conditions") or [] if row.get("reason") == "Unschedulable"), None
    )
    table = [["  Type", "Reason", "Age", "From", "Message"], ["  ----", "------", "----", "----", "-------"]]
    for row in rows:
        age, said = short_age(cluster.now_s - row.made_s), row.object
        table += [[f"  {said['type']}", said["reason"], age, live.NODE, said["message"]]]
    if reason:
        table.append(
            ["  Warning", "FailedScheduling", short_age(cluster.now_s - thing.made_s), "default-scheduler", reason["message"]]
        )
    if len(table) == 2:
        print(f"{'Events:':<{_WIDTH}}{_NONE}")
        return
    print("Events:")
    print_table(table)
