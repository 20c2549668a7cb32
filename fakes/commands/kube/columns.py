"""The tables of `kubectl get`: for each kind the columns of the real one, made from the objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakes.commands.kube.cluster import Cluster, Thing
from fakes.commands.kube.table import pairs, short_age

_NONE = "<none>"
_HEADS = {
    "pods": "READY STATUS RESTARTS AGE", "deployments": "READY UP-TO-DATE AVAILABLE AGE", "statefulsets": "READY AGE",
    "replicasets": "DESIRED CURRENT READY AGE", "services": "TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE", "endpoints": "ENDPOINTS AGE",
    "ingresses": "CLASS HOSTS ADDRESS PORTS AGE", "nodes": "STATUS ROLES AGE VERSION", "namespaces": "STATUS AGE",
    "configmaps": "DATA AGE", "secrets": "TYPE DATA AGE", "horizontalpodautoscalers": "REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE",
    "networkpolicies": "POD-SELECTOR AGE", "certificates": "READY SECRET AGE", "cronjobs": "SCHEDULE TIMEZONE SUSPEND ACTIVE LAST~SCHEDULE AGE",
    "jobs": "STATUS COMPLETIONS DURATION AGE", "poddisruptionbudgets": "MIN~AVAILABLE MAX~UNAVAILABLE ALLOWED~DISRUPTIONS AGE",
    "serviceaccounts": "SECRETS AGE", "persistentvolumeclaims": "STATUS VOLUME CAPACITY ACCESS~MODES STORAGECLASS AGE",
    "daemonsets": "DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE~SELECTOR AGE",
}  # fmt: skip
_WIDE = {
    "pods": ("IP", "NODE", "NOMINATED NODE", "READINESS GATES"), "deployments": ("CONTAINERS", "IMAGES", "SELECTOR"),
    "statefulsets": ("CONTAINERS", "IMAGES"), "services": ("SELECTOR",), "replicasets": ("CONTAINERS", "IMAGES", "SELECTOR"),
    "nodes": ("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"), "certificates": ("ISSUER", "STATUS"),
}  # fmt: skip
EVENT_HEADS = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]


def heads(plural: str, *, wide: bool) -> list[str]:
    if plural == "events":
        return EVENT_HEADS
    words = [word.replace("~", " ") for word in _HEADS.get(plural, "AGE").split()]
    return ["NAME", *words, *(_WIDE.get(plural, ()) if wide else ())]


def cells(cluster: Cluster, thing: Thing, *, wide: bool) -> list[str]:
    """The row of one object."""
    age = short_age(cluster.now_s - thing.made_s)
    plural = thing.kind.plural
    if plural == "events":
        about = thing.object["involvedObject"]
        return [
            age,
            thing.object["type"],
            thing.object["reason"],
            f"{about['kind'].lower()}/{about['name']}",
            thing.object["message"],
        ]
    if plural == "nodes":
        row = [thing.name, "Ready", "control-plane", age, thing.object["status"]["nodeInfo"]["kubeletVersion"]]
    else:
        row = [thing.name, *_MIDDLE.get(plural, _nothing)(cluster, thing), age]
    return row + (_more(cluster, thing) if wide else [])


def pod_status(pod: dict[str, Any]) -> str:
    """The word of the column STATUS: a container's reason, else the phase."""
    for row in pod["status"].get("containerStatuses") or []:
        for key in ("waiting", "terminated"):
            if reason := row.get("state", {}).get(key, {}).get("reason"):
                return str(reason)
    return str(pod["status"]["phase"])


def _pod(_cluster: Cluster, thing: Thing) -> list[str]:
    rows = thing.object["status"].get("containerStatuses") or []
    count = len(thing.object.get("spec", {}).get("containers") or [])
    restarts = str(sum(row["restartCount"] for row in rows))
    return [f"{sum(row['ready'] for row in rows)}/{max(count, 1)}", pod_status(thing.object), restarts]


def _replicas(thing: Thing) -> tuple[int, int, int]:
    """Wanted, there, ready."""
    status = thing.object.get("status") or {}
    return (
        int((thing.object.get("spec") or {}).get("replicas", 1)),
        int(status.get("replicas") or 0),
        int(status.get("readyReplicas") or 0),
    )


def _deployment(_cluster: Cluster, thing: Thing) -> list[str]:
    wanted, there, ready = _replicas(thing)
    return [f"{ready}/{wanted}", str(there), str(ready)]


def _stateful_set(_cluster: Cluster, thing: Thing) -> list[str]:
    wanted, _, ready = _replicas(thing)
    return [f"{ready}/{wanted}"]


def _service(_cluster: Cluster, thing: Thing) -> list[str]:
    spec = thing.object.get("spec") or {}
    ports = ",".join(f"{row['port']}/{row.get('protocol', 'TCP')}" for row in spec.get("ports") or [])
    return [spec.get("type", "ClusterIP"), spec.get("clusterIP", _NONE), _NONE, ports or _NONE]


def _endpoints(_cluster: Cluster, thing: Thing) -> list[str]:
    found = [
        f"{one['ip']}:{port['port']}"
        for part in thing.object.get("subsets") or []
        for one in part.get("addresses") or []
        for port in part["ports"]
    ]
    return [",".join(found) or _NONE]


def _ingress(_cluster: Cluster, thing: Thing) -> list[str]:
    spec = thing.object.get("spec") or {}
    hosts = ",".join(str(rule.get("host", "*")) for rule in spec.get("rules") or []) or "*"
    there = ((thing.object.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    address = ",".join(str(row.get("ip") or row.get("hostname")) for row in there)
    return [spec.get("ingressClassName") or _NONE, hosts, address, "80, 443" if spec.get("tls") else "80"]


def _autoscaler(cluster: Cluster, thing: Thing) -> list[str]:
    spec = thing.object.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    unit = next(
        (unit for unit in cluster.state.units if target.get("name") in (unit.deployment, unit.statefulset) and unit.present), None
    )
    shown = []
    for metric in spec.get("metrics") or []:
        one = metric.get("resource") or {}
        goal = (one.get("target") or {}).get("averageUtilization")
        shown.append(f"{one.get('name', metric.get('type'))}: <unknown>/{goal}%")
    if "targetCPUUtilizationPercentage" in spec:
        shown.append(f"cpu: <unknown>/{spec['targetCPUUtilizationPercentage']}%")
    return [
        f"{target.get('kind')}/{target.get('name')}", ", ".join(shown) or _NONE, str(spec.get("minReplicas", 1)), str(spec.get("maxReplicas", "")),
        str(unit.wanted if unit else 0),
    ]  # fmt: skip


def _certificate(_cluster: Cluster, thing: Thing) -> list[str]:
    return [_condition(thing, "Ready", "status") or "False", str((thing.object.get("spec") or {}).get("secretName", ""))]


def _condition(thing: Thing, kind: str, key: str) -> str:
    rows = (thing.object.get("status") or {}).get("conditions") or []
    return next((str(row.get(key, "")) for row in rows if row.get("type") == kind), "")


def _policy(_cluster: Cluster, thing: Thing) -> list[str]:
    selector = ((thing.object.get("spec") or {}).get("podSelector") or {}).get("matchLabels") or {}
    return [pairs(selector) or _NONE]


def _secret(_cluster: Cluster, thing: Thing) -> list[str]:
    return [
        str(thing.object.get("type", "Opaque")),
        str(len({**(thing.object.get("data") or {}), **(thing.object.get("stringData") or {})})),
    ]


def _cron_job(_cluster: Cluster, thing: Thing) -> list[str]:
    spec = thing.object.get("spec") or {}
    return [str(spec.get("schedule", "")), str(spec.get("timeZone") or _NONE), str(bool(spec.get("suspend"))), "0", _NONE]


def _replica_set(_cluster: Cluster, thing: Thing) -> list[str]:
    return [str(number) for number in _replicas(thing)]


def _budget(_cluster: Cluster, thing: Thing) -> list[str]:
    spec = thing.object.get("spec") or {}
    return [str(spec.get("minAvailable", "N/A")), str(spec.get("maxUnavailable", "N/A")), "0"]


def _nothing(_cluster: Cluster, _thing: Thing) -> list[str]:
    return []


_MIDDLE: dict[str, Callable[[Cluster, Thing], list[str]]] = {
    "pods": _pod, "deployments": _deployment, "statefulsets": _stateful_set, "replicasets": _replica_set, "services": _service,
    "endpoints": _endpoints, "ingresses": _ingress, "horizontalpodautoscalers": _autoscaler, "certificates": _certificate,
    "networkpolicies": _policy, "secrets": _secret, "cronjobs": _cron_job, "poddisruptionbudgets": _budget,
    "namespaces": lambda _cluster, thing: [str((thing.object.get("status") or {}).get("phase", "Active"))],
    "configmaps": lambda _cluster, thing: [str(len(thing.object.get("data") or {}))],
    "jobs": lambda _cluster, thing: ["Running", f"0/{(thing.object.get('spec') or {}).get('completions', 1)}", ""],
    "serviceaccounts": lambda _cluster, _thing: ["0"],
    "persistentvolumeclaims": lambda _cluster, _thing: ["Pending", "", "", "", ""],
    "daemonsets": lambda _cluster, _thing: ["0", "0", "0", "0", "0", _NONE],
}  # fmt: skip


def _more(cluster: Cluster, thing: Thing) -> list[str]:
    """The columns of -o wide."""
    del cluster
    spec = thing.object.get("spec") or {}
    plural = thing.kind.plural
    if plural == "pods":
        return [thing.object["status"].get("podIP") or _NONE, spec.get("nodeName") or _NONE, _NONE, _NONE]
    if plural in ("deployments", "statefulsets", "replicasets"):
        containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
        row = [",".join(str(each.get("name")) for each in containers), ",".join(str(each.get("image")) for each in containers)]
        return row + ([] if plural == "statefulsets" else [pairs((spec.get("selector") or {}).get("matchLabels") or {})])
    if plural == "services":
        return [pairs(spec.get("selector") or {}) or _NONE]
    if plural == "nodes":
        info = thing.object["status"]["nodeInfo"]
        return ["127.0.0.1", _NONE, info["osImage"], info["kernelVersion"], info["containerRuntimeVersion"]]
    if plural == "certificates":
        return [str((spec.get("issuerRef") or {}).get("name", "")), _condition(thing, "Ready", "message")]
    return []
