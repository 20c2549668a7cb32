"""The stack in the words of a cluster: deployments, statefulsets, pods and services.

A deployment is a service of the stack, a statefulset an instance of a datastore; each has one pod at most, because the
stack runs one process for it. A pod's name is made of the process's name and start, so it changes with each new process.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from fakes.commands.control import State, Unit
from fakes.commands.entry import Failure

NAMESPACE = "default"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # those of generated names in Kubernetes
_REQUIREMENT = re.compile(r"\s*(!?)([\w./-]+)(?:\s*(==|=|!=)\s*([\w.-]*)|\s+(in|notin)\s*\(([^)]*)\))?\s*")

ALIASES = {
    "pods": ("pods", "pod", "po"),
    "deployments": ("deployments", "deployment", "deploy", "deployments.apps", "deployment.apps"),
    "statefulsets": ("statefulsets", "statefulset", "sts", "statefulsets.apps", "statefulset.apps"),
    "services": ("services", "service", "svc"),
    "endpoints": ("endpoints", "ep"),
}
QUALIFIED = {"deployments": "deployments.apps", "statefulsets": "statefulsets.apps"}
SHORT = {
    "pods": "pod", "deployments": "deployment.apps", "statefulsets": "statefulset.apps", "services": "service",
    "endpoints": "endpoints",
}  # fmt: skip
_OTHERS = (
    "all", "nodes", "node", "no", "namespaces", "namespace", "ns", "configmaps", "configmap", "cm", "secrets", "secret", "events",
    "event", "ev", "ingresses", "ingress", "ing", "jobs", "job", "cronjobs", "cronjob", "cj", "replicasets", "replicaset", "rs",
    "daemonsets", "daemonset", "ds", "pvc", "persistentvolumeclaims", "pv", "persistentvolumes", "hpa", "nodes.metrics",
)  # fmt: skip


class Workload(NamedTuple):
    """A deployment or a statefulset."""

    resource: str  # "deployments" or "statefulsets"
    name: str
    unit: Unit

    @property
    def container(self) -> str:
        return self.unit.name if self.unit.kind == "service" else self.unit.kind

    @property
    def image(self) -> str:
        name = f"eafix/{self.container}" if self.unit.kind == "service" else self.unit.kind
        return f"{name}:{self.unit.version}" if self.unit.version else name

    @property
    def selector(self) -> dict[str, str]:
        return {"app": self.unit.app} | ({} if self.resource == "deployments" else {"statefulset": self.name})

    @property
    def revision(self) -> str:
        return _letters(f"{self.name} {self.unit.version}", 10)

    @property
    def labels(self) -> dict[str, str]:
        labels = {"version": self.unit.version, "role": self.unit.role}
        return self.selector | {key: value for key, value in labels.items() if value}


class Pod(NamedTuple):
    """The pod of a workload. `status` is the word of `kubectl get pods`."""

    name: str
    owner: Workload
    status: str

    @property
    def ready(self) -> bool:
        return self.owner.unit.running and self.owner.unit.ready

    @property
    def labels(self) -> dict[str, str]:
        if self.owner.resource == "deployments":
            return self.owner.labels | {"pod-template-hash": self.owner.revision}
        return self.owner.labels | {"statefulset.kubernetes.io/pod-name": self.name}


class Service(NamedTuple):
    """A service address. `address` is its name in the control API."""

    name: str
    address: str
    port: int
    selector: Mapping[str, str]


class Cluster:
    """One reading of the control API's state, as Kubernetes objects."""

    def __init__(self, state: State) -> None:
        self.now_s = state.now_s
        self.workloads = _workloads(state)
        self.services = _services(state)
        self.pods = [_pod(workload) for workload in self.workloads if workload.unit.wanted or workload.unit.running]

    def workload(self, resource: str, name: str) -> Workload:
        """Raises Failure, in the API server's words, when there is none."""
        for workload in self.workloads:
            if (workload.resource, workload.name) == (resource, name):
                return workload
        raise not_found(resource, name)

    def pod(self, name: str) -> Pod:
        for pod in self.pods:
            if pod.name == name:
                return pod
        raise not_found("pods", name)

    def service(self, name: str) -> Service:
        for service in self.services:
            if service.name == name:
                return service
        raise not_found("services", name)

    def pods_of(self, workload: Workload) -> list[Pod]:
        return [pod for pod in self.pods if pod.owner == workload]

    def endpoints(self, service: Service) -> list[str]:
        """Where a service leads: its ready pods."""
        return [
            f"127.0.0.1:{pod.owner.unit.port}"
            for pod in self.pods
            if pod.ready and service.selector.items() <= pod.labels.items()
        ]


def not_found(resource: str, name: str) -> Failure:
    return Failure(f'Error from server (NotFound): {QUALIFIED.get(resource, resource)} "{name}" not found')


def resource_of(word: str) -> str:
    """`deploy` -> `deployments`. Raises Failure for a resource that the cluster, or the stand-in, does not have."""
    for resource, names in ALIASES.items():
        if word.lower() in names:
            return resource
    if word.lower() in _OTHERS:
        raise Failure(f"kubectl: resource {word} exists in the real tool, but gameday's stand-in does not offer it", 3)
    raise Failure(f'error: the server doesn\'t have a resource type "{word}"')


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a selector such as `app=x,role!=replica,tier in (a, b),!old`. Raises Failure when it is none."""
    rest = selector
    while rest.strip():
        found = _REQUIREMENT.match(rest)
        if found is None or (found.end() < len(rest) and rest[found.end()] != ","):
            raise Failure(f"error: unable to parse requirement: found {rest.strip()[:40]!r}, expected: identifier")
        if not _holds(found, labels):
            return False
        rest = rest[found.end() + 1 :]
    return True


def _holds(found: re.Match[str], labels: Mapping[str, str]) -> bool:
    negated, key, operator, value, among, members = found.groups()
    if among:
        inside = labels.get(key) in [member.strip() for member in members.split(",")]
        return inside if among == "in" else not inside
    if operator:
        return (labels.get(key) == value) != (operator == "!=")
    return (key in labels) != bool(negated)


def _workloads(state: State) -> list[Workload]:
    found = []
    for unit in state.units:
        if unit.deployment:
            found.append(Workload("deployments", unit.deployment, unit))
        elif unit.statefulset:
            found.append(Workload("statefulsets", unit.statefulset, unit))
    return sorted(found, key=lambda workload: workload.name)


def _services(state: State) -> list[Service]:
    """The service addresses, and for each deployment the service that carries its name."""
    found = [Service(row.kubernetes, row.name, row.port, row.selector) for row in state.addresses if row.kubernetes]
    named = {service.name for service in found}
    found += [
        Service(unit.deployment, unit.name, unit.port, {"app": unit.app})
        for unit in state.units
        if unit.deployment and unit.deployment not in named
    ]
    return sorted(found, key=lambda service: service.name)


def _pod(workload: Workload) -> Pod:
    unit = workload.unit
    if workload.resource == "statefulsets":
        name = f"{workload.name}-0"
    else:
        name = f"{workload.name}-{workload.revision}-{_letters(f'{workload.name} {unit.pid} {unit.restarts}', 5)}"
    return Pod(name, workload, "Running" if unit.running else "Error")


def _letters(text: str, count: int) -> str:
    number = zlib.crc32(text.encode()) << 32 | zlib.crc32(text[::-1].encode())
    letters = ""
    for _ in range(count):
        number, index = divmod(number, len(_LETTERS))
        letters += _LETTERS[index]
    return letters
