"""What runs in the stack, as Kubernetes objects: a deployment for a service, a statefulset for an instance of a datastore.

Each has one pod at most, because the stack runs one process for it: a deployment that wants three has one of three ready.
A pod's name is made of the process's name and start, so it changes with each new process.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Mapping
from typing import Any

from fakes.commands.control import State, Unit
from fakes.commands.processes import memory_total

NODE = "gameday"
VERSION = "v1.32.4"
ROLE = "POSTGRES_ROLE"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # those of generated names in Kubernetes
_TRUTH = {True: "True", False: "False"}
_CRASH_WITHIN_S = 60.0  # a process that ends itself so soon after its start is in a crash loop


def iso(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_s))


def container_name(state: State, unit: Unit) -> str:
    """`gateway` of the deployment eafix-gateway; a datastore's is that of its program."""
    if unit.kind != "service":
        return unit.kind
    return str(unit.deployment or unit.name).removeprefix(f"{state.prefix}-")


def image(state: State, unit: Unit) -> str:
    if unit.kind != "service":
        return f"{unit.kind}:{unit.version}" if unit.version else unit.kind
    of = state.unit(unit.standby_for or "") or unit
    name = unit.image or of.image or f"{state.prefix}/{of.name}"
    return f"{name}:{unit.version}" if unit.version else name


def pod_labels(unit: Unit) -> dict[str, str]:
    if unit.statefulset:
        found = {"app": unit.app, "statefulset": unit.statefulset, "version": unit.version, "role": unit.role}
    else:
        found = {"app": unit.app, "version": unit.version, **unit.labels}
    return {key: value for key, value in found.items() if value}


def template_hash(unit: Unit, version: str, environment: Mapping[str, str], defect: str) -> str:
    """The same for the same template: pods of a version that was gone back to have the names they had."""
    more = "".join(f" {key}={value}" for key, value in sorted(environment.items())) + (f" {defect}" if defect else "")
    return letters(f"{unit.deployment or unit.statefulset} {version}{more}", 10)


def letters(text: str, count: int) -> str:
    number = zlib.crc32(text.encode()) << 32 | zlib.crc32(text[::-1].encode())
    found = ""
    for _ in range(count):
        number, index = divmod(number, len(_LETTERS))
        found += _LETTERS[index]
    return found


def current_hash(unit: Unit) -> str:
    return template_hash(unit, unit.version, unit.environment, unit.defect)


def pod_name(unit: Unit) -> str:
    if unit.statefulset:
        return f"{unit.statefulset}-0"
    return f"{unit.deployment}-{current_hash(unit)}-{letters(f'{unit.deployment} {unit.pid} {unit.restarts}', 5)}"


def ready(unit: Unit) -> bool:
    return unit.running and unit.ready


def crash_looping(unit: Unit) -> bool:
    """Whether it ended itself, with an error, soon after it was started. A process that was killed did not."""
    code, ended_s = unit.exit_code, unit.ended_s
    return (
        not unit.running
        and code is not None
        and 0 < code < 128
        and ended_s is not None
        and ended_s - unit.started_s < _CRASH_WITHIN_S
    )


def meta(state: State, name: str, namespace: str | None, labels: Mapping[str, str], made_s: float) -> dict[str, Any]:
    made = {"name": name, "labels": dict(labels), "creationTimestamp": iso(state.epoch_s + made_s)}
    return made | ({"namespace": namespace} if namespace else {})


def _container(state: State, unit: Unit) -> dict[str, Any]:
    environment = {ROLE: unit.role} if unit.kind == "postgres" else dict(unit.environment)
    made: dict[str, Any] = {
        "name": container_name(state, unit),
        "image": image(state, unit),
        "ports": [{"containerPort": unit.port, "protocol": "TCP"}],
    }
    return made | ({"env": [{"name": key, "value": value} for key, value in sorted(environment.items())]} if environment else {})


def workload(state: State, unit: Unit) -> dict[str, Any]:
    """The Deployment or StatefulSet of a unit."""
    name, is_ready = str(unit.deployment or unit.statefulset), int(ready(unit))
    selector = {"app": unit.app} | ({"statefulset": name} if unit.statefulset else {})
    made: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet" if unit.statefulset else "Deployment",
        "metadata": meta(state, name, unit.namespace, pod_labels(unit), 0.0),
        "spec": {
            "replicas": unit.wanted,
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": pod_labels(unit)}, "spec": {"containers": [_container(state, unit)]}},
        },
        "status": {"replicas": int(unit.running), "readyReplicas": is_ready, "availableReplicas": is_ready, "updatedReplicas": int(unit.running)},
    }  # fmt: skip
    if unit.deployment:
        made["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": str(unit.revision)}
        made["status"]["conditions"] = [_available(unit)]
        made["status"]["unavailableReplicas"] = max(unit.wanted - is_ready, 0)
        made["spec"]["strategy"] = {"type": "Recreate"}
    else:
        made["spec"]["serviceName"] = name
    return made


def available(unit: Unit) -> bool:
    return unit.wanted == 0 or ready(unit)


def _available(unit: Unit) -> dict[str, str]:
    fine = available(unit)
    reason = "MinimumReplicasAvailable" if fine else "MinimumReplicasUnavailable"
    message = f"Deployment {'has' if fine else 'does not have'} minimum availability."
    return {"type": "Available", "status": _TRUTH[fine], "reason": reason, "message": message}


def replica_set(state: State, unit: Unit) -> dict[str, Any]:
    """That of the template that runs now."""
    made = workload(state, unit)
    labels = pod_labels(unit) | {"pod-template-hash": current_hash(unit)}
    metadata = meta(state, f"{unit.deployment}-{current_hash(unit)}", unit.namespace, labels, since(unit))
    status = {"replicas": int(unit.running), "readyReplicas": int(ready(unit))}
    return made | {"kind": "ReplicaSet", "metadata": metadata, "status": status}


def since(unit: Unit) -> float:
    return float(unit.revisions[-1].get("at_s") or 0.0) if unit.revisions else 0.0


def pod(state: State, unit: Unit) -> dict[str, Any]:
    name = pod_name(unit)
    labels = pod_labels(unit) | (
        {"statefulset.kubernetes.io/pod-name": name} if unit.statefulset else {"pod-template-hash": current_hash(unit)}
    )
    looping = crash_looping(unit)
    owner = {"kind": "StatefulSet", "name": unit.statefulset} if unit.statefulset else {
        "kind": "ReplicaSet", "name": f"{unit.deployment}-{current_hash(unit)}",
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta(state, name, unit.namespace, labels, unit.started_s) | {"ownerReferences": [{"apiVersion": "apps/v1", **owner}]},
        "spec": {"containers": [_container(state, unit)], "nodeName": NODE, "restartPolicy": "Always"},
        "status": {
            "phase": "Running" if unit.running or looping else "Failed",
            "podIP": "127.0.0.1",
            "hostIP": "127.0.0.1",
            "startTime": iso(state.epoch_s + unit.started_s),
            "conditions": [{"type": "Ready", "status": _TRUTH[ready(unit)]}, {"type": "ContainersReady", "status": _TRUTH[ready(unit)]}],
            "containerStatuses": [
                {
                    "name": container_name(state, unit), "image": image(state, unit), "ready": ready(unit), "started": unit.running,
                    "restartCount": unit.restarts, "state": _state(state, unit, looping=looping),
                }
            ],
        },
    }  # fmt: skip


def _state(state: State, unit: Unit, *, looping: bool) -> dict[str, Any]:
    if unit.running:
        return {"running": {"startedAt": iso(state.epoch_s + unit.started_s)}}
    if looping:
        return {
            "waiting": {
                "reason": "CrashLoopBackOff",
                "message": f"back-off restarting failed container={container_name(state, unit)}",
            }
        }
    ended = {} if unit.ended_s is None else {"finishedAt": iso(state.epoch_s + unit.ended_s)}
    code = 137 if unit.exit_code is None else unit.exit_code if unit.exit_code >= 0 else 128 - unit.exit_code
    return {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error", **ended}}


def service(state: State, name: str, namespace: str, port: int, selector: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta(state, name, namespace, {}, 0.0),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "127.0.0.1",
            "selector": dict(selector),
            "ports": [{"port": port, "protocol": "TCP", "targetPort": port}],
        },
    }


def ingress(state: State, row: Mapping[str, Any]) -> dict[str, Any]:
    """The stack's way in: which host leads to which service."""
    rules = []
    for host, target in dict(row.get("hosts") or {}).items():
        unit = state.unit(target)
        backend = {
            "service": {
                "name": unit.deployment if unit and unit.deployment else target,
                "port": {"number": unit.port if unit else 80},
            }
        }
        rules.append({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": meta(state, str(row["name"]), str(row.get("namespace") or state.namespace), {}, 0.0),
        "spec": {"ingressClassName": "nginx", "rules": rules},
        "status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}},
    }


def node(state: State) -> dict[str, Any]:
    """This machine, with its true figures."""
    amounts = {"cpu": str(os.cpu_count() or 1), "memory": f"{memory_total() // 1024}Ki", "pods": "110"}
    system = os.uname()
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": meta(state, NODE, None, {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "node-role.kubernetes.io/control-plane": ""}, 0.0),
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": NODE}],
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}],
            "nodeInfo": {"kubeletVersion": VERSION, "kernelVersion": system.release, "osImage": "Linux", "architecture": system.machine, "containerRuntimeVersion": "gameday://1"},
        },
    }  # fmt: skip
