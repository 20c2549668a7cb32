"""`kubectl get` and `kubectl describe`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Flag, Parsed
from fakes.commands.kube import cluster as kube
from fakes.commands.kube import objects
from fakes.commands.kube.cluster import Cluster, Pod, Service, Workload
from fakes.commands.kube.table import pairs, print_table, short_age

GET_FLAGS = (
    Flag("selector", "l"), Flag("output", "o"), Flag("all-namespaces", "A", "switch"), Flag("no-headers", "", "switch"),
    Flag("show-labels", "", "switch"), Flag("watch", "w", "switch"), Flag("label-columns", "L"), Flag("ignore-not-found", "", "switch"),
)  # fmt: skip
DESCRIBE_FLAGS = (Flag("selector", "l"),)
_FORMATS = "custom-columns, custom-columns-file, go-template, go-template-file, json, jsonpath, jsonpath-as-json, jsonpath-file, name, template, templatefile, wide, yaml"
_NO_RESOURCE = """You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.

error: Required resource not specified.
Use "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).
See 'kubectl get -h' for help and examples"""
_COLUMNS = {
    "pods": ("NAME", "READY", "STATUS", "RESTARTS", "AGE"),
    "deployments": ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"),
    "statefulsets": ("NAME", "READY", "AGE"),
    "services": ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"),
    "endpoints": ("NAME", "ENDPOINTS", "AGE"),
}
_WIDE = {
    "pods": ("IP", "NODE", "NOMINATED NODE", "READINESS GATES"),
    "deployments": ("CONTAINERS", "IMAGES", "SELECTOR"),
    "statefulsets": ("CONTAINERS", "IMAGES"),
    "services": ("SELECTOR",),
    "endpoints": (),
}
Row = Pod | Workload | Service


def get(line: Parsed, control: Control) -> int:
    if not line.words:
        raise Failure(_NO_RESOURCE)
    if line.on("watch"):
        raise not_modelled("kubectl", "get --watch")
    form = _form(line.text("output"))
    cluster = Cluster(control.state())
    found = select(cluster, line)
    if form in ("", "wide"):
        _print_tables(cluster, found, line, wide=form == "wide")
    elif form == "name":
        for resource, row in found:
            print(f"{kube.SHORT[resource]}/{row.name}")
    else:
        _print_objects(cluster, found, form, single="/" in line.words[0] or len(line.words) == 2)
    return 0


def describe(line: Parsed, control: Control) -> int:
    if not line.words:
        raise Failure(
            'error: You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.'
        )
    cluster = Cluster(control.state())
    found = select(cluster, line)
    for number, (resource, row) in enumerate(found):
        print("\n\n" if number else "", end="")
        _describe(_object(cluster, resource, row))
    return 0


def select(cluster: Cluster, line: Parsed) -> list[tuple[str, Row]]:
    """The objects that `TYPE [NAME...]` or `TYPE/NAME ...` and `-l` mean. Raises Failure."""
    words, selector = line.words, line.text("selector")
    if any("/" in word for word in words):
        return [_named(cluster, *_split(word)) for word in words]
    resources = [kube.resource_of(word) for word in words[0].split(",")]
    if words[1:]:
        if selector:
            raise Failure("error: name cannot be provided when a selector is specified")
        return [_named(cluster, resource, name) for resource in resources for name in words[1:]]
    return [(resource, row) for resource in resources for row in _all(cluster, resource) if kube.matches(selector, _labels(row))]


def _split(word: str) -> tuple[str, str]:
    resource, slash, name = word.partition("/")
    if not slash:
        raise Failure(
            "error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"
        )
    if not resource or not name or "/" in name:
        raise Failure("error: arguments in resource/name form must have a single resource and name")
    return kube.resource_of(resource), name


def _named(cluster: Cluster, resource: str, name: str) -> tuple[str, Row]:
    if resource == "pods":
        return resource, cluster.pod(name)
    if resource in ("services", "endpoints"):
        try:
            return resource, cluster.service(name)
        except Failure:
            raise kube.not_found(resource, name) from None
    return resource, cluster.workload(resource, name)


def _all(cluster: Cluster, resource: str) -> Sequence[Row]:
    if resource == "pods":
        return sorted(cluster.pods, key=lambda pod: pod.name)
    if resource in ("services", "endpoints"):
        return cluster.services
    return [workload for workload in cluster.workloads if workload.resource == resource]


def _labels(row: Row) -> dict[str, str]:
    return {} if isinstance(row, Service) else row.labels


def _form(output: str) -> str:
    kind = output.partition("=")[0]
    if kind in ("", "wide", "name", "json") and "=" not in output:
        return output
    if kind == "jsonpath" and "=" in output:
        return output
    if kind in _FORMATS.split(", "):
        raise not_modelled("kubectl", f"the output format {output}")
    raise Failure(
        f'error: unable to match a printer suitable for the output format "{output}", allowed formats are: {_FORMATS.replace(", ", ",")}'
    )


def _print_tables(cluster: Cluster, found: list[tuple[str, Row]], line: Parsed, *, wide: bool) -> None:
    if not found:
        print(f"No resources found in {kube.NAMESPACE} namespace.", file=sys.stderr)
    resources = list(dict.fromkeys(resource for resource, _ in found))
    extra = [name for text in line.texts("label-columns") for name in text.split(",")]
    for number, resource in enumerate(resources):
        heads = [*_COLUMNS[resource], *(_WIDE[resource] if wide else ())] + [name.rpartition("/")[2].upper() for name in extra]
        table = [] if line.on("no-headers") else [heads + (["LABELS"] if line.on("show-labels") else [])]
        for row in (row for kind, row in found if kind == resource):
            cells = _cells(cluster, resource, row, wide=wide) + [_labels(row).get(name, "") for name in extra]
            if len(resources) > 1:
                cells[0] = f"{kube.SHORT[resource]}/{cells[0]}"
            if line.on("show-labels"):
                cells.append(pairs(_labels(row)))
            table.append(cells)
        if number:
            print()
        print_table(table)


def _cells(cluster: Cluster, resource: str, row: Row, *, wide: bool) -> list[str]:
    if isinstance(row, Service):
        age = short_age(cluster.now_s)
        if resource == "endpoints":
            return [row.name, ",".join(cluster.endpoints(row)) or "<none>", age]
        return [row.name, "ClusterIP", "127.0.0.1", "<none>", f"{row.port}/TCP", age] + ([pairs(row.selector)] if wide else [])
    if isinstance(row, Pod):
        age = short_age(cluster.now_s - row.owner.unit.started_s)
        cells = [row.name, f"{int(row.ready)}/1", row.status, str(row.owner.unit.restarts), age]
        return cells + (["127.0.0.1", "gameday", "<none>", "<none>"] if wide else [])
    ready, age = objects.ready_count(cluster, row), short_age(cluster.now_s)
    cells = [row.name, f"{ready}/{row.unit.wanted}", age]
    if resource == "deployments":
        cells[2:2] = [str(int(row.unit.running)), str(ready)]
    if wide:
        cells += [row.container, row.image] + ([pairs(row.selector)] if resource == "deployments" else [])
    return cells


def _object(cluster: Cluster, resource: str, row: Row) -> dict[str, Any]:
    if isinstance(row, Pod):
        return objects.pod_object(row)
    if isinstance(row, Workload):
        return objects.workload_object(cluster, row)
    return objects.endpoints_object(cluster, row) if resource == "endpoints" else objects.service_object(row)


def _print_objects(cluster: Cluster, found: list[tuple[str, Row]], form: str, *, single: bool) -> None:
    items = [_object(cluster, resource, row) for resource, row in found]
    root = (
        items[0]
        if single and len(items) == 1
        else {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
    )
    if form == "json":
        print(json.dumps(root, indent=4))
    else:
        print(objects.json_path(form.partition("=")[2], root), end="")


def _describe(item: dict[str, Any]) -> None:
    """Name, namespace and labels first, then what the object holds, a line each."""
    meta = item["metadata"]
    rows = [("Name", meta["name"]), ("Namespace", meta["namespace"]), ("Labels", pairs(meta["labels"]) or "<none>")]
    for part in ("spec", "status", "subsets"):
        rows += _flat(item.get(part), part.capitalize())
    width = max(len(name) for name, _ in rows) + 3
    for name, value in rows:
        print(f"{name + ':':<{width}}{value}")


def _flat(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [row for key, item in value.items() for row in _flat(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [row for number, item in enumerate(value) for row in _flat(item, f"{path}[{number}]")]
    return [] if value is None else [(path, str(value))]
