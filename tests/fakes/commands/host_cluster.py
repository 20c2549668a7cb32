"""The cluster of fake_cluster, with what the host's commands need beside it: a store of objects, and what changes services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fakes.commands.fake_cluster import Answer, FakeCluster


class Answers(dict[tuple[str, str], "Answer | Callable[[str, Any], Answer]"]):
    """The answers of a control API, whose objects are under any path below /objects."""

    def __init__(self, known: dict[tuple[str, str], Any]) -> None:
        super().__init__(known)
        self.objects: dict[str, dict[str, Any]] = {}

    def get(self, key: tuple[str, str], default: Any = None) -> Any:
        method, path = key
        if path == "/objects":
            return self._find if method == "GET" else self._put
        if method == "DELETE" and path.startswith("/objects/"):
            return (200, {}) if self.objects.pop(path.removeprefix("/objects/"), None) else (404, {"error": "no such object"})
        return super().get(key, default)

    def _find(self, query: str, _body: Any) -> Answer:
        kind = query.partition("kind=")[2].partition("&")[0]
        return 200, {"objects": [each for _, each in sorted(self.objects.items()) if kind in ("", each["kind"])]}

    def _put(self, _query: str, body: Any) -> Answer:
        key = f"{body['kind']}/{body['metadata']['namespace']}/{body['metadata']['name']}"
        created = key not in self.objects
        self.objects[key] = body
        return 200, {"created": created, "changed": True, "object": body}


def as_host(cluster: FakeCluster) -> FakeCluster:
    """Give a fake cluster what the commands of the host ask for."""
    handler: Any = cluster._server.RequestHandlerClass
    handler.do_PUT = handler.do_DELETE = handler.do_GET
    cluster.answers = Answers(cluster.answers)
    for name, row in cluster.services.items():
        cluster.answers["POST", f"/services/{name}/configure"] = _configure(row)
    for name, row in cluster.datastores.items():
        cluster.answers["POST", f"/datastores/{name}/wipe"] = _wipe(row)
    return cluster


def _configure(row: dict[str, Any]) -> Callable[[str, Any], Answer]:
    def change(_query: str, body: Any) -> Answer:
        row["environment"] = row.get("environment", {}) | body["environment"]
        row["revision"] = row.get("revision", 1) + 1
        return 200, row

    return change


def _wipe(row: dict[str, Any]) -> Callable[[str, Any], Answer]:
    def change(_query: str, _body: Any) -> Answer:
        row.update(state="stopped", ready=False)
        return 200, row

    return change
