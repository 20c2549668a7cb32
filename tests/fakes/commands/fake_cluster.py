"""A control API and services that answer what a test tells them to, and remember what they were asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.errors import HarnessError
from harness.stack.objects import ObjectStore
from harness.stack.releases import Releases, Revision

Answer = tuple[int, Any]
NOW_S, EPOCH_S = 3600.0, 1795255800.0  # 2026-11-21 10:10:00 UTC at the start, 11:10:00 now


class Answering:
    """An HTTP server on a free port. `answers` maps (method, path without query) to an answer or to what makes it."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Answer | Callable[[str, Any], Answer]] = {}
        self.otherwise: dict[str, Callable[[str], Answer]] = {}  # by method, for paths that no answer is for
        self.asked: list[tuple[str, str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                outer.asked.append((self.command, self.path, body))
                path, _, query = self.path.partition("?")
                otherwise = outer.otherwise.get(self.command)
                found = outer.answers.get((self.command, path)) or (
                    otherwise(path) if otherwise else (404, {"error": f"no {path}"})
                )
                status, value = found(query, body) if callable(found) else found
                text = (value if isinstance(value, str) else json.dumps(value)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = _serve

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def posts(self) -> list[tuple[str, Any]]:
        """The path and body of each POST."""
        return [(path, body) for method, path, body in self.asked if method == "POST"]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class FakeCluster(Answering):
    """A stack of two services, a broker, two Postgres instances and a Redis, behind a control API."""

    def __init__(self) -> None:
        super().__init__()
        self.web = Answering()  # all services answer here
        self.services: dict[str, dict[str, Any]] = {}
        self.datastores: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, list[str]] = {}
        for number, name in enumerate(("gui-gateway", "data-ingestor", "signal-generator", "risk-manager", "execution-engine")):
            self.services[name] = _service(name, self.web.port, number)
        for name in ("broker", "price-primary", "price-backup"):
            self.services[name] = _service(name, self.web.port, 7) | {"deployment": None, "compose": None, "inside": False}
        self.datastores["postgres-primary"] = _datastore("postgres", "eafix-postgres", "writer", 15432)
        self.datastores["postgres-replica"] = _datastore("postgres", "eafix-postgres-replica", "replica", 15433)
        self.datastores["redis"] = _datastore("redis", "eafix-redis", "primary", 16379)
        self.addresses: dict[str, dict[str, Any]] = {
            "postgres": _address(5432, "eafix-postgres", {"app": "eafix-postgres", "role": "writer"}, "postgres-primary"),
            "redis": _address(6379, "eafix-redis", {"app": "eafix-redis"}, "redis"),
        }
        self.platform: dict[str, Any] = {}  # what the state says beside its units
        self.objects = ObjectStore("default", ())
        self.events: list[dict[str, Any]] = []
        self._releases = {name: Releases.of("1.0.0") for name in self.services}
        self._offer_objects()
        self.answers[("GET", "/state")] = lambda _query, _body: (200, self.state())
        for name in self.services:
            self._offer("services", name)
        for name in self.datastores:
            self._offer("datastores", name)
            self.answers["POST", f"/datastores/{name}/promote"] = (200, {})
            self.answers["POST", f"/datastores/{name}/role"] = (200, {})
        for name in self.addresses:
            self.answers["POST", f"/addresses/{name}/selector"] = (200, {"instance": "postgres-replica"})

    def _offer(self, kind: str, name: str) -> None:
        def become(state: str) -> Callable[[str, Any], Answer]:
            def change(_query: str, _body: Any) -> Answer:
                running = state == "running"
                row = (self.services if kind == "services" else self.datastores)[name]
                row |= {"state": state, "ready": running, "replicas": int(running)}
                return 200, row

            return change

        def log(query: str, _body: Any) -> Answer:
            lines = self.logs.get(name, [])
            start = int(query.removeprefix("from=")) if query.startswith("from=") else 0
            return 200, {"lines": lines[start:], "next": len(lines)}

        if kind == "services":
            self._offer_releases(name)
        for verb, state in {"start": "running", "restart": "running", "stop": "stopped"}.items():
            self.answers["POST", f"/{kind}/{name}/{verb}"] = become(state)
        self.answers["GET", f"/{kind}/{name}/logs"] = log

    def _offer_objects(self) -> None:
        def found(query: str, _body: Any) -> Answer:
            asked = dict(part.split("=", 1) for part in query.split("&") if part)
            return 200, {"objects": self.objects.found(asked.get("kind"), asked.get("namespace"))}

        def put(_query: str, body: Any) -> Answer:
            stored, created, changed = self.objects.put(body, NOW_S)
            return 200, {"created": created, "changed": changed, "object": stored}

        def delete(path: str) -> Answer:
            _, _, kind, namespace, name = path.split("/")
            return (
                (200, {}) if self.objects.delete(kind, namespace, name) else (404, {"error": f"no {kind} {name} in {namespace}"})
            )

        self.answers["GET", "/objects"], self.answers["PUT", "/objects"] = found, put
        self.answers["GET", "/events"] = lambda _query, _body: (200, {"events": self.events})
        self.otherwise["DELETE"] = delete

    def _offer_releases(self, name: str) -> None:
        """What the control API does to a service's revisions, by the same rules."""
        releases, row = self._releases[name], self.services[name]

        def show() -> Answer:
            now = releases.current
            row.update(vars_of(now), revisions=releases.rows())
            return 200, row

        def configure(_query: str, body: Any) -> Answer:
            releases.configure(body, NOW_S)
            return show()

        def undo(_query: str, body: Any) -> Answer:
            try:
                releases.undo(body["revision"], NOW_S)
            except HarnessError as error:
                return 409, {"error": str(error)}
            return show()

        def become(there: dict[str, Any]) -> Answer:
            row.update(there)
            return show()

        def scale(_query: str, body: Any) -> Answer:
            number = body["replicas"]
            return become({"replicas": number, "state": "running" if number else "stopped", "ready": bool(number)})

        made = {"present": True, "replicas": 1, "state": "running", "ready": True}
        gone = {"present": False, "state": "stopped"}
        answers: dict[str, Callable[[str, Any], Answer]] = {
            "configure": configure, "undo": undo, "scale": scale, "create": lambda _query, _body: become(made),
            "delete": lambda _query, _body: become(gone),
        }  # fmt: skip
        self.answers |= {("POST", f"/services/{name}/{verb}"): answer for verb, answer in answers.items()}
        self.answers["POST", f"/addresses/{name}/selector"] = (200, {"instance": name})

    def add_service(self, name: str, **facts: Any) -> None:
        """One more service, a standby for instance."""
        self.services[name] = _service(name, self.web.port, 50) | facts
        self._releases[name] = Releases.of(self.services[name]["version"])
        self._offer("services", name)

    def state(self) -> dict[str, Any]:
        return {
            "services": self.services, "datastores": self.datastores, "addresses": self.addresses, "links": [],
            "now_s": NOW_S, "epoch_s": EPOCH_S, **self.platform,
        }  # fmt: skip

    def kill(self, name: str) -> None:
        """What is left after kill -9."""
        row = self.services.get(name) or self.datastores[name]
        row |= {"state": "stopped", "ready": False, "pid": None, "exit_code": 137, "ended_s": NOW_S - 5}

    def close(self) -> None:
        super().close()
        self.web.close()


@contextmanager
def fake_cluster() -> Iterator[FakeCluster]:
    cluster = FakeCluster()
    try:
        yield cluster
    finally:
        cluster.close()


def vars_of(now: Revision) -> dict[str, Any]:
    return {"version": now.version, "environment": dict(now.environment), "defect": now.defect, "revision": now.revision}


def _service(name: str, port: int, number: int) -> dict[str, Any]:
    return {
        "deployment": f"eafix-{name}", "compose": name, "state": "running", "pid": 1000 + number, "port": port, "version": "1.0.0",
        "restarts": 0, "started_s": NOW_S - 300, "ready": True, "inside": True, "replicas": 1,
    }  # fmt: skip


def _datastore(kind: str, statefulset: str, role: str, port: int) -> dict[str, Any]:
    return {
        "kind": kind, "statefulset": statefulset, "compose": statefulset.removeprefix("eafix-"), "role": role, "app": f"eafix-{kind}",
        "state": "running", "pid": 2000, "port": port, "ready": True, "started_s": 0.0, "replicas": 1,
    }  # fmt: skip


def _address(port: int, kubernetes: str, selector: dict[str, str], instance: str) -> dict[str, Any]:
    return {"port": port, "kubernetes": kubernetes, "selector": selector, "instance": instance}
