"""`kubectl create KIND NAME`: namespaces, secrets, config maps, deployments and service accounts without a file."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.kube import act, kinds
from fakes.commands.kube.apply import checked_dry, say
from fakes.commands.kube.cluster import DEFAULT, Cluster

SAYING = ("dry-run", "output")
DATA = (*SAYING, "from-literal", "from-file", "from-env-file")
SECRET = (*DATA, "type")
DEPLOYMENT = (*SAYING, "image", "port", "replicas")
_DNS = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def namespace(line: Parsed, control: Control) -> int:
    return _create(
        line, control, "namespace", lambda name: ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    )


def service_account(line: Parsed, control: Control) -> int:
    return _create(line, control, "serviceaccount", lambda name: _head("v1", "ServiceAccount", name))


def secret(line: Parsed, control: Control) -> int:
    def made(name: str) -> dict[str, Any]:
        encoded = {key: base64.b64encode(value).decode() for key, value in _data(line).items()}
        return {**_head("v1", "Secret", name), "type": line.text("type", "Opaque"), "data": encoded}

    return _create(line, control, "secret generic", made)


def config_map(line: Parsed, control: Control) -> int:
    def made(name: str) -> dict[str, Any]:
        return {
            **_head("v1", "ConfigMap", name),
            "data": {key: value.decode("utf-8", "replace") for key, value in _data(line).items()},
        }

    return _create(line, control, "configmap", made)


def deployment(line: Parsed, control: Control) -> int:
    if not line.has("image"):
        raise Failure('error: required flag(s) "image" not set')

    def made(name: str) -> dict[str, Any]:
        images = [image for text in line.texts("image") for image in text.split(",")]
        rows: list[dict[str, Any]] = [
            {"name": image.rpartition("/")[2].partition(":")[0].partition("@")[0], "image": image} for image in images
        ]
        if line.has("port"):
            rows[0]["ports"] = [{"containerPort": line.number("port", 0)}]
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": rows}}
        spec = {"replicas": line.number("replicas", 1), "selector": {"matchLabels": {"app": name}}, "template": template}
        head = _head("apps/v1", "Deployment", name)
        return {**head, "metadata": {**head["metadata"], "labels": {"app": name}}, "spec": spec}

    return _create(line, control, "deployment", made)


def _head(version: str, kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


def _create(line: Parsed, control: Control, verb: str, make: Callable[[str], dict[str, Any]]) -> int:
    if len(line.words) != 1:
        raise Failure(
            f"error: exactly one NAME is required, got {len(line.words)}\nSee 'kubectl create {verb} -h' for help and examples"
        )
    (name,) = line.words
    wanted = make(name)
    kind = kinds.of_manifest(wanted["kind"], wanted["apiVersion"])
    assert kind is not None
    dry = checked_dry(line)
    if dry != "client":
        cluster = Cluster(control)
        if kind.namespaced:
            wanted["metadata"]["namespace"] = line.text("namespace") or DEFAULT
        _admit(cluster, verb.partition(" ")[0], wanted, kind)
        if dry == "none":
            act.put(cluster, wanted)
    say(line, kind.short, name, wanted, "created")
    return 0


def _admit(cluster: Cluster, word: str, wanted: dict[str, Any], kind: kinds.Kind) -> None:
    """Raises Failure for a name that is taken or none, and for a namespace that is not there."""
    name, space = wanted["metadata"]["name"], wanted["metadata"].get("namespace", "")
    if not _DNS.fullmatch(name):
        raise Failure(
            f'The {kind.kind} "{name}" is invalid: metadata.name: Invalid value: "{name}": a lowercase RFC 1123 '
            f"{'label' if kind.plural == 'namespaces' else 'subdomain'} must consist of lower case alphanumeric characters"
        )
    head = "error: failed to create " + word + (" " if word == "secret" else ": ")
    head = "Error from server ({}): " if word == "namespace" else head
    if kind.namespaced:
        try:
            cluster.require_namespace(space)
        except Failure as failure:
            raise Failure(head + failure.message.removeprefix("Error from server (NotFound): ")) from None
    if cluster.get(kind, space, name):
        raise Failure(head.format("AlreadyExists") + f'{kind.qualified} "{name}" already exists')


def _data(line: Parsed) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    if line.has("from-env-file"):
        raise not_modelled("kubectl", "--from-env-file")
    for text in line.texts("from-file"):
        key, equals, path = text.partition("=")
        path = path if equals else key
        if os.path.isdir(path):
            for name in sorted(os.listdir(path)):
                _add(found, name, _read(os.path.join(path, name)))
        else:
            _add(found, key if equals else os.path.basename(path), _read(path))
    for text in line.texts("from-literal"):
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise Failure(f"error: invalid literal source {text}, expected key=value")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        _add(found, key, value.encode())
    return found


def _add(found: dict[str, bytes], key: str, value: bytes) -> None:
    if key in found:
        raise Failure(f'error: cannot add key "{key}", another key by that name already exists in Data')
    found[key] = value


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"error: error reading {path}: {(error.strerror or '').lower()}") from error
