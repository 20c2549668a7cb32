"""One reading of the control API, as the objects of a cluster: what runs in the stack, and what was applied beside it.

An object in the store that has the name of something that runs says more of it (annotations, resources, probes); what runs
says the rest: version, environment, replicas, state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from fakes.commands.control import Control, State, Unit
from fakes.commands.entry import Failure
from fakes.commands.kube import kinds, live
from fakes.commands.kube.kinds import Kind
from fakes.commands.kube.merging import strategic

DEFAULT = "default"
_CLUSTER = "_"  # the store's word for what is in no namespace
_REQUIREMENT = re.compile(r"\s*(!?)([\w./-]+)(?:\s*(==|=|!=)\s*([\w.-]*)|\s+(in|notin)\s*\(([^)]*)\))?\s*")
_FIELD = re.compile(r"\s*([\w.\[\]-]+)\s*(==|=|!=)\s*([^,]*)\s*")
_SYSTEM = ("default", "kube-node-lease", "kube-public", "kube-system")
_POD_MAKERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod")


class Thing(NamedTuple):
    """One object. `unit` is what runs behind it; `address` what the control API calls its service address."""

    kind: Kind
    object: dict[str, Any]
    unit: Unit | None = None
    address: str | None = None
    made_s: float = 0.0
    stored: dict[str, Any] | None = None  # what the store holds of it

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.object["metadata"].get("namespace", ""))

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.object["metadata"].get("labels") or {})

    @property
    def annotations(self) -> dict[str, str]:
        return dict(self.object["metadata"].get("annotations") or {})

    @property
    def short(self) -> str:
        """`deployment.apps/eafix-gateway`."""
        return f"{self.kind.short}/{self.name}"


class Cluster:
    """The objects of the cluster at one moment. Raises Unreachable, Refused."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.state: State = control.state()
        self.now_s = self.state.now_s
        self._stored = {_key(found): found for found in control.objects()}
        living = self._living()
        self.things = [*living, *self._standing(living)]
        self._events: list[Thing] | None = None

    def of(self, kind: Kind, namespace: str | None) -> list[Thing]:
        """All objects of a kind in a namespace; in all of them when it is None."""
        if kind.plural == "events" and self._events is None:
            self._events = _events(self)
        rows = (self._events or []) if kind.plural == "events" else self.things
        found = [thing for thing in rows if thing.kind == kind and (not kind.namespaced or namespace in (None, thing.namespace))]
        return found if kind.plural == "events" else sorted(found, key=lambda thing: (thing.namespace, thing.name))

    def find(self, kind: Kind, namespace: str, name: str) -> Thing:
        """Raises Failure, in the API server's words, when there is none."""
        found = self.get(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def get(self, kind: Kind, namespace: str, name: str) -> Thing | None:
        rows = self.of(kind, namespace)
        for thing in rows:
            if thing.name == name:
                return thing
        for thing in rows:  # the documents call some deployments by several names
            if kind.plural == "deployments" and thing.unit and name in thing.unit.aliases:
                return thing._replace(object=strategic(thing.object, {"metadata": {"name": name}}))
        return None

    def standby(self, namespace: str, name: str) -> Unit | None:
        """A service that is declared, and not there until its deployment is created."""
        for unit in self.state.units:
            if not unit.present and unit.namespace == namespace and name in (unit.deployment, *unit.aliases):
                return unit
        return None

    def require_namespace(self, namespace: str) -> None:
        """Raises Failure when there is no such namespace."""
        self.find(kinds.named("namespaces"), "", namespace)

    def pods(self, namespace: str | None, selector: Mapping[str, str]) -> list[Thing]:
        """The pods that a service or a workload selects."""
        return [pod for pod in self.of(kinds.named("pods"), namespace) if selector and selector.items() <= pod.labels.items()]

    def pods_of(self, thing: Thing) -> list[Thing]:
        """Those of a workload, or those that a service selects."""
        if thing.kind.plural == "pods":
            return [thing]
        if thing.unit is not None and thing.kind.plural != "services":
            return [pod for pod in self.of(kinds.named("pods"), thing.namespace) if pod.unit == thing.unit]
        return self.pods(thing.namespace, selector_of(thing))

    def again(self) -> Cluster:
        return Cluster(self.control)

    # --- what there is ------------------------------------------------------------------------------------------

    def _living(self) -> list[Thing]:
        found = [thing for unit in self.state.units if unit.present and unit.inside for thing in self._of_unit(unit)]
        for address in self.state.addresses:
            if address.kubernetes:
                made = live.service(self.state, address.kubernetes, self.state.namespace, address.port, address.selector)
                found.append(self._thing("services", made, address=address.name))
        if self.state.ingress:
            found.append(self._thing("ingresses", live.ingress(self.state, self.state.ingress)))
        found.append(self._thing("nodes", live.node(self.state)))
        taken = {(thing.namespace, thing.name) for thing in found if thing.kind.plural == "services" and thing.unit is None}
        found = [
            row for row in found if row.unit is None or row.kind.plural != "services" or (row.namespace, row.name) not in taken
        ]
        return found + [self._endpoints(found, row) for row in found if row.kind.plural == "services"]

    def _of_unit(self, unit: Unit) -> list[Thing]:
        if not (unit.deployment or unit.statefulset):
            return []
        found = [self._thing("statefulsets" if unit.statefulset else "deployments", live.workload(self.state, unit), unit)]
        if unit.deployment:
            found.append(self._thing("replicasets", live.replica_set(self.state, unit), unit, made_s=live.since(unit)))
        if unit.wanted or unit.running:
            found.append(self._thing("pods", live.pod(self.state, unit), unit, made_s=unit.started_s))
        if unit.deployment and unit.standby_for is None:
            selector = {"app": unit.app} if unit.selector is None else unit.selector
            made = live.service(self.state, unit.deployment, unit.namespace, unit.port, selector)
            found.append(self._thing("services", made, unit, unit.name))
        return found

    def _thing(
        self, plural: str, made: dict[str, Any], unit: Unit | None = None, address: str | None = None, made_s: float = 0.0
    ) -> Thing:
        kind = kinds.named(plural)
        stored = self._stored.get((kind.kind, made["metadata"].get("namespace", _CLUSTER), made["metadata"]["name"]))
        return Thing(kind, strategic(clean(stored), made) if stored else made, unit, address, made_s, stored)

    def _endpoints(self, found: list[Thing], service: Thing) -> Thing:
        selector = selector_of(service)
        pods = [row for row in found if row.kind.plural == "pods" and row.namespace == service.namespace and row.unit]
        there = [pod for pod in pods if selector.items() <= pod.labels.items() and pod.unit and live.ready(pod.unit)]
        subsets = [
            {"addresses": [{"ip": "127.0.0.1", "targetRef": {"kind": "Pod", "name": pod.name}}], "ports": [{"port": pod.unit.port, "protocol": "TCP"}]}
            for pod in there if pod.unit
        ]  # fmt: skip
        metadata = live.meta(self.state, service.name, service.namespace, {}, 0.0)
        return Thing(
            kinds.named("endpoints"), {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets}
        )

    def _standing(self, living: list[Thing]) -> list[Thing]:
        """What stands in the store and is nothing that runs; and the pods that such a workload would have."""
        running = {(thing.kind.kind, thing.namespace or _CLUSTER, thing.name) for thing in living}
        found = []
        for key, stored in self._stored.items():
            kind = next((kind for kind in kinds.KINDS if kind.kind == key[0]), None)
            if kind is None or key in running:
                continue
            made_s = float(stored["metadata"].get("creationTimestamp_s") or 0.0)
            shown = strategic(clean(stored), {"metadata": {"creationTimestamp": live.iso(self.state.epoch_s + made_s)}})
            if kind.plural == "namespaces":
                shown = strategic({"status": {"phase": "Active"}}, shown)
            thing = Thing(kind, shown, None, None, made_s, stored)
            found += [thing, *_never_scheduled(thing)]
        there = {thing.name for thing in found if thing.kind.plural == "namespaces"}
        for name in {*_SYSTEM, self.state.namespace, *(unit.namespace for unit in self.state.units)} - there:
            made = {"apiVersion": "v1", "kind": "Namespace", "metadata": live.meta(self.state, name, None, {"kubernetes.io/metadata.name": name}, 0.0), "status": {"phase": "Active"}}  # fmt: skip
            found.append(Thing(kinds.named("namespaces"), made))
        return found


def _key(stored: Mapping[str, Any]) -> tuple[str, str, str]:
    metadata = stored["metadata"]
    return str(stored["kind"]), str(metadata.get("namespace") or _CLUSTER), str(metadata["name"])


def clean(stored: dict[str, Any]) -> dict[str, Any]:
    """Without what only the store needs."""
    metadata = {key: value for key, value in stored["metadata"].items() if key != "creationTimestamp_s"}
    return {**stored, "metadata": metadata}


def _never_scheduled(thing: Thing) -> list[Thing]:
    """The pods of a workload that no program of the stack belongs to: they stay Pending, and say why."""
    if thing.kind.kind not in _POD_MAKERS or thing.kind.plural == "pods":
        return []
    spec = thing.object.get("spec") or {}
    template = spec.get("template") or {}
    digest = live.letters(f"{thing.name}", 10)
    images = ", ".join(str(each.get("image")) for each in (template.get("spec") or {}).get("containers") or [])
    message = f"0/1 nodes are available: gameday has no program for {images}."
    status = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
    }
    found = []
    for number in range(int(spec.get("replicas", 1))):
        name = (
            f"{thing.name}-{number}"
            if thing.kind.kind == "StatefulSet"
            else f"{thing.name}-{digest}-{live.letters(f'{thing.name}{number}', 5)}"
        )
        metadata = {
            "name": name,
            "namespace": thing.namespace,
            "labels": dict((template.get("metadata") or {}).get("labels") or {}),
        }
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.get("spec") or {}, "status": status}
        found.append(Thing(kinds.named("pods"), made, made_s=thing.made_s))
    return found


def _events(cluster: Cluster) -> list[Thing]:
    found = []
    for number, row in enumerate(cluster.control.events()):
        at_s, name = float(row["at_s"]), str(row["object"])
        stamp = live.iso(cluster.state.epoch_s + at_s)
        about = "Pod" if row.get("reason") in ("Started", "Killing", "Scheduled", "BackOff") else "Deployment"
        made = {
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": f"{name}.{number:x}", "namespace": row.get("namespace") or cluster.state.namespace, "creationTimestamp": stamp},
            "type": row["type"], "reason": row["reason"], "message": row["message"], "lastTimestamp": stamp, "firstTimestamp": stamp,
            "count": 1, "involvedObject": {"kind": about, "name": name, "namespace": row.get("namespace") or cluster.state.namespace},
        }  # fmt: skip
        found.append(Thing(kinds.named("events"), made, made_s=at_s))
    return found


def selector_of(thing: Thing) -> dict[str, str]:
    selector = (thing.object.get("spec") or {}).get("selector") or {}
    return dict(selector.get("matchLabels", {}) if "matchLabels" in selector else selector)


def not_found(kind: Kind, name: str) -> Failure:
    return Failure(f'Error from server (NotFound): {kind.qualified} "{name}" not found')


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


def fields_match(selector: str, thing: Thing) -> bool:
    """Whether an object satisfies a field selector such as `status.phase!=Running`. Raises Failure."""
    for part in filter(str.strip, selector.split(",")):
        read = _FIELD.fullmatch(part)
        if read is None:
            raise Failure(f"error: invalid field selector: {part!r}; can't understand {part!r}")
        value: Any = thing.object
        for step in read[1].split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if (str(value if value is not None else "") == read[3]) != (read[2] != "!="):
            return False
    return True
