"""Kubernetes objects as JSON, as far as the stack knows what stands in them; and the small part of JSONPath that reads them."""

from __future__ import annotations

import re
from typing import Any

from fakes.commands.entry import Failure, not_modelled
from fakes.commands.kube.cluster import NAMESPACE, Cluster, Pod, Service, Workload

_STEP = re.compile(r"\.([\w-]+(?:\\\.[\w/-]+)*)|\[(\*|-?\d+|'[^']+')\]")
_TRUTH = {True: "True", False: "False"}


def pod_object(pod: Pod) -> dict[str, Any]:
    unit = pod.owner.unit
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": NAMESPACE, "labels": pod.labels},
        "spec": {"containers": [_container(pod.owner)]},
        "status": {
            "phase": "Running" if unit.running else "Failed",
            "podIP": "127.0.0.1",
            "conditions": [{"type": "Ready", "status": _TRUTH[pod.ready]}],
            "containerStatuses": [{"name": pod.owner.container, "ready": pod.ready, "restartCount": unit.restarts}],
        },
    }


def workload_object(cluster: Cluster, workload: Workload) -> dict[str, Any]:
    ready = ready_count(cluster, workload)
    status: dict[str, Any] = {"replicas": workload.unit.wanted, "readyReplicas": ready, "availableReplicas": ready}
    if workload.resource == "deployments":
        status["conditions"] = [{"type": "Available", "status": _TRUTH[ready >= workload.unit.wanted]}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment" if workload.resource == "deployments" else "StatefulSet",
        "metadata": {"name": workload.name, "namespace": NAMESPACE, "labels": workload.labels},
        "spec": {
            "replicas": workload.unit.wanted,
            "selector": {"matchLabels": workload.selector},
            "template": {"metadata": {"labels": workload.labels}, "spec": {"containers": [_container(workload)]}},
        },
        "status": status,
    }


def service_object(service: Service) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service.name, "namespace": NAMESPACE, "labels": {}},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "127.0.0.1",
            "selector": dict(service.selector),
            "ports": [{"port": service.port, "protocol": "TCP"}],
        },
    }


def endpoints_object(cluster: Cluster, service: Service) -> dict[str, Any]:
    pairs = [address.split(":") for address in cluster.endpoints(service)]
    subsets = [{"addresses": [{"ip": ip}], "ports": [{"port": int(port), "protocol": "TCP"}]} for ip, port in pairs]
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": service.name, "namespace": NAMESPACE, "labels": {}},
        "subsets": subsets,
    }


def ready_count(cluster: Cluster, workload: Workload) -> int:
    return sum(pod.ready for pod in cluster.pods_of(workload))


def json_path(template: str, root: Any) -> str:
    """What `-o jsonpath=TEMPLATE` prints. Raises Failure for a template that is wrong or beyond fields and indices."""
    template = template if "{" in template else "{" + template + "}"
    printed = ""
    for literal, expression in re.findall(r"([^{]*)(?:\{([^}]*)\})?", template):
        printed += literal
        if expression.startswith(('"', "'")):
            printed += expression.strip("\"'").encode().decode("unicode_escape")
        elif expression:
            printed += " ".join(_show(value) for value in _walk(expression.removeprefix("$"), [root]))
    return printed


def _walk(expression: str, values: list[Any]) -> list[Any]:
    place = 0
    while place < len(expression):
        step = _STEP.match(expression, place)
        if step is None:
            raise not_modelled("kubectl", f"the JSONPath {expression!r}")
        name, index = step.groups()
        if name or index.startswith("'"):
            key = (name or index.strip("'")).replace("\\.", ".")
            values = [value[key] for value in values if isinstance(value, dict) and key in value]
        elif index == "*":
            values = [item for value in values for item in (value.values() if isinstance(value, dict) else value)]
        else:
            values = [_at(value, int(index)) for value in values]
        place = step.end()
    return values


def _at(value: Any, index: int) -> Any:
    try:
        return value[index]
    except (IndexError, KeyError, TypeError):
        length = len(value) if isinstance(value, list) else 0
        raise Failure(f"error: error executing jsonpath: array index out of bounds: index {index}, length {length}") from None


def _show(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _container(workload: Workload) -> dict[str, Any]:
    return {"name": workload.container, "image": workload.image, "ports": [{"containerPort": workload.unit.port}]}
