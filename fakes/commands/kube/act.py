"""Makes the cluster be as an object says: what a changed manifest does to what runs, and what only the store keeps of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from fakes.commands.control import Control, Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.kube import live
from fakes.commands.kube.cluster import Cluster, Thing

CAUSE = "kubernetes.io/change-cause"
_RUNNERS = ("Deployment", "StatefulSet", "DaemonSet")


def become(cluster: Cluster, thing: Thing, wanted: dict[str, Any]) -> bool:
    """Act on whatever differs; whether anything did. Raises Failure for what is invalid, or beyond the stack."""
    check(wanted)
    wanted = encoded(wanted)
    if thing.unit is not None and thing.kind.plural in ("deployments", "statefulsets"):
        acted = _workload(cluster, thing, thing.unit, wanted)
    elif thing.address is not None:
        acted = _service(cluster, thing, wanted)
    else:
        acted = False
    kept = _kept(thing, wanted)
    if kept != _kept(thing, thing.object):
        cluster.control.put_object(kept)
        return True
    return acted


def put(cluster: Cluster, wanted: dict[str, Any]) -> None:
    """Bring an object into being that is not there. A deployment of a standby of the stack brings that up."""
    check(wanted)
    wanted = encoded(wanted)
    metadata = wanted["metadata"]
    unit = cluster.standby(str(metadata.get("namespace", "")), str(metadata["name"])) if wanted["kind"] == "Deployment" else None
    if unit is not None:
        _bring_up(cluster, unit, wanted)
    cluster.control.put_object(stripped(wanted) if unit else wanted)


def _bring_up(cluster: Cluster, unit: Unit, wanted: dict[str, Any]) -> None:
    container = _own_container(cluster, unit, wanted)
    version, environment = _version(cluster, unit, container), _environment(container)
    if version != unit.version or environment != dict(unit.environment):
        gone = dict.fromkeys(set(unit.environment) - set(environment))
        cluster.control.configure(unit, version=version, environment={**environment, **gone}, cause=_cause(wanted))
    cluster.control.create(unit)
    replicas = int((wanted.get("spec") or {}).get("replicas", 1))
    if replicas != 1:
        set_replicas(cluster.control, unit, replicas)


def _workload(cluster: Cluster, thing: Thing, unit: Unit, wanted: dict[str, Any]) -> bool:
    container = _own_container(cluster, unit, wanted)
    acted = False
    if unit.kind == "service":
        version, environment = _version(cluster, unit, container), _environment(container)
        if version != unit.version or environment != dict(unit.environment):
            gone = dict.fromkeys(set(unit.environment) - set(environment))
            cluster.control.configure(unit, version=version, environment={**environment, **gone}, cause=_cause(wanted, thing))
            acted = True
    else:
        acted = _datastore(cluster, thing, unit, container)
    replicas = int((wanted.get("spec") or {}).get("replicas", 1))
    return set_replicas(cluster.control, unit, replicas, name=thing.name) or acted


def _datastore(cluster: Cluster, thing: Thing, unit: Unit, container: dict[str, Any]) -> bool:
    """POSTGRES_ROLE=primary: the instance leaves recovery, and its pod carries the label that addresses select by."""
    environment = _environment(container)
    role = environment.pop(live.ROLE, unit.role)
    if environment:
        raise not_modelled("kubectl", f"setting {', '.join(sorted(environment))} on {thing.name}")
    if container.get("image") != live.image(cluster.state, unit):
        raise not_modelled("kubectl", f"another image for {thing.name}")
    if role == unit.role or unit.kind != "postgres":
        return False
    if role != "primary":
        raise not_modelled(
            "kubectl", f"{live.ROLE}={role} (only primary can be set: a primary cannot become a replica without a rebuild)"
        )
    cluster.control.act(unit, "promote", wait=False)
    cluster.control.label(unit, role)
    return True


def set_replicas(control: Control, unit: Unit, replicas: int, *, name: str = "") -> bool:
    """Whether that changes anything. The stack runs one process at most, and says so when more are asked for."""
    if replicas == unit.wanted and bool(replicas) == unit.running:
        return False
    if replicas > 1:
        called = name or unit.deployment or unit.statefulset
        print(f"Warning: this stack runs one process for {called}: 1 of {replicas} replicas", file=sys.stderr)
    if unit.kind == "service":
        control.scale(unit, replicas)
    elif bool(replicas) != unit.running:
        control.act(unit, "start" if replicas else "stop", wait=False)
    return True


def _service(cluster: Cluster, thing: Thing, wanted: dict[str, Any]) -> bool:
    before, after = (dict((row.get("spec") or {}).get("selector") or {}) for row in (thing.object, wanted))
    if before == after or thing.address is None:
        return False
    cluster.control.point(
        thing.address,
        {key: value for key, value in after.items() if before.get(key) != value} | dict.fromkeys(set(before) - set(after)),
    )
    return True


def _own_container(cluster: Cluster, unit: Unit, wanted: dict[str, Any]) -> dict[str, Any]:
    """The container that the unit's process is: by its name, or the only one there is."""
    rows = containers(wanted)
    name = live.container_name(cluster.state, unit)
    found = next((row for row in rows if row.get("name") == name), rows[0] if len(rows) == 1 else None)
    if found is None:
        raise not_modelled("kubectl", f"a {wanted['kind']} {wanted['metadata']['name']} without its container {name}")
    return found


def containers(workload: Mapping[str, Any]) -> list[dict[str, Any]]:
    template = (workload.get("spec") or {}).get("template") or {}
    return list((template.get("spec") or {}).get("containers") or [])


def _version(cluster: Cluster, unit: Unit, container: Mapping[str, Any]) -> str:
    """The tag of the image. Raises Failure for an image that no program of the stack is in."""
    image = str(container["image"])
    if image == live.image(cluster.state, unit):
        return unit.version
    repository, _, tag = image.rpartition(":") if ":" in image.rpartition("/")[2] else (image, "", "latest")
    own = live.image(cluster.state, unit).rpartition(":")[0] or live.image(cluster.state, unit)
    programs = [each for each in (unit, cluster.state.unit(unit.standby_for or "")) if each]
    called = {
        name
        for each in programs
        for name in (each.name, str(each.deployment), *each.aliases, live.container_name(cluster.state, each))
    }
    called |= {str(each.image).rpartition("/")[2] for each in cluster.state.units if each.image} | {own.rpartition("/")[2]}
    if repository.rpartition("/")[2] not in called:
        raise not_modelled("kubectl", f"the image {image} for {unit.deployment} (its program is in {own})")
    return tag


def _environment(container: Mapping[str, Any]) -> dict[str, str]:
    """Its plain variables; those that come from a secret or a config map have no effect here."""
    return {str(row["name"]): str(row.get("value", "")) for row in container.get("env") or [] if "valueFrom" not in row}


def _cause(wanted: Mapping[str, Any], thing: Thing | None = None) -> str:
    """The change-cause that this change itself brings."""
    said = str((wanted["metadata"].get("annotations") or {}).get(CAUSE, ""))
    return said if thing is None or said != thing.annotations.get(CAUSE) else ""


def encoded(wanted: dict[str, Any]) -> dict[str, Any]:
    """A secret's `stringData` as its `data`, as the API server turns it; anything else as it is."""
    if wanted.get("kind") != "Secret" or "stringData" not in wanted:
        return wanted
    import base64

    plain = {key: base64.b64encode(str(value).encode()).decode() for key, value in (wanted["stringData"] or {}).items()}
    left = {key: value for key, value in wanted.items() if key != "stringData"}
    return {**left, "data": {**(wanted.get("data") or {}), **plain}}


# --- what only the store keeps ----------------------------------------------------------------------------------


def _kept(thing: Thing, wanted: dict[str, Any]) -> dict[str, Any]:
    if thing.unit is None and thing.address is None:
        return _without_status(thing, wanted)
    kept = stripped(wanted)
    if thing.unit is not None and kept["metadata"]["name"] in thing.unit.aliases:
        kept["metadata"]["name"] = thing.unit.deployment
    return kept


def _without_status(thing: Thing, wanted: dict[str, Any]) -> dict[str, Any]:
    """A node's figures and a way in's address are the stack's; other objects are the store's altogether."""
    if thing.stored is None or thing.kind.plural == "nodes":
        wanted = {key: value for key, value in wanted.items() if key != "status"}
    metadata = {
        key: value for key, value in wanted["metadata"].items() if key not in ("creationTimestamp", "resourceVersion", "uid")
    }
    return {**wanted, "metadata": metadata}


def stripped(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the stack itself says of a workload or a service: it would be stale as soon as that changes."""
    spec = {
        key: value
        for key, value in (wanted.get("spec") or {}).items()
        if key not in ("replicas", "selector", "clusterIP", "ports")
    }
    rows = [{key: value for key, value in row.items() if key not in ("image", "env", "ports")} for row in containers(wanted)]
    if rows:
        template = spec["template"]
        metadata = {key: value for key, value in (template.get("metadata") or {}).items() if key != "labels"}
        spec["template"] = {**template, "metadata": metadata, "spec": {**template["spec"], "containers": rows}}
    metadata = {
        key: value for key, value in wanted["metadata"].items() if key in ("name", "namespace", "labels", "annotations") and value
    }  # fmt: skip
    return {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": metadata, "spec": spec}


# --- what the API server refuses --------------------------------------------------------------------------------


def check(wanted: Mapping[str, Any]) -> None:
    """Raises Failure, in the API server's words, for a workload or a service that it would not take."""
    kind, name = str(wanted["kind"]), str(wanted["metadata"].get("name", ""))
    problems = _problems(wanted) if kind in _RUNNERS else []
    if kind == "Service" and not (wanted.get("spec") or {}).get("ports"):
        problems = ["spec.ports: Required value"]
    if problems:
        text = problems[0] if len(problems) == 1 else "\n* " + "\n* ".join(problems)
        raise Failure(f'The {kind} "{name}" is invalid: {text}')


def _problems(wanted: Mapping[str, Any]) -> list[str]:
    spec = wanted.get("spec") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    found = []
    if not selector:
        found.append("spec.selector: Required value")
    elif not selector.items() <= labels.items():
        shown = ", ".join(f'"{key}":"{value}"' for key, value in sorted(labels.items()))
        found.append(
            f"spec.template.metadata.labels: Invalid value: map[string]string{{{shown}}}: `selector` does not match template `labels`"
        )
    rows = containers(wanted)
    if not rows:
        found.append("spec.template.spec.containers: Required value")
    for number, row in enumerate(rows):
        found += [
            f"spec.template.spec.containers[{number}].{key}: Required value" for key in ("name", "image") if not row.get(key)
        ]
    if not isinstance(spec.get("replicas", 1), int) or spec.get("replicas", 1) < 0:
        found.append(f"spec.replicas: Invalid value: {spec.get('replicas')}: must be greater than or equal to 0")
    return found
