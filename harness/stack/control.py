"""The control API of a stack: what the stand-in commands on the operator's workstation act through.

It plays the cluster: HTTP and JSON on the loopback. Every call truly acts on the stack, and answers when it has.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from fakes.commands.processes import usage_here
from harness.errors import HarnessError
from harness.stack.control_backups import BackupControl
from harness.stack.control_cluster import ClusterControl
from harness.stack.control_sites import SitesControl, out_of_reach
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer

READY_WITHIN_S = 20.0
_LONGEST_LOG = 2_000_000  # bytes of a log's end that are searched
_EVENTS = {  # reason and message of what a verb does to a workload
    "start": ("Started", "Started container"),
    "stop": ("Killing", "Stopping container"),
    "restart": ("Killing", "Stopping container, it will be started again"),
    "promote": ("Promoted", "Promoted to primary"),
    "wipe": ("VolumeDelete", "Deleted the volume with all data"),
}


class Control:
    """Serves the control API on a port of the loopback."""

    def __init__(self, stack: EmbeddedStack, port: int) -> None:
        self._stack, self._port = stack, port
        self._runner: web.AppRunner | None = None
        self._cluster = ClusterControl(stack)

    async def start(self) -> None:
        stack = self._stack
        app = web.Application(middlewares=[_errors_as_json, self._reaches])
        app.add_routes(
            [
                *self._cluster.routes(),
                web.get("/state", self._state),
                web.get(r"/usage/{pid:\d+}", self._usage),
                web.post("/services/{name}/{verb:start|stop|restart}", self._service),
                web.get("/services/{name}/logs", self._logs),
                web.post("/datastores/{name}/{verb:start|stop|restart|promote|wipe}", self._datastore),
                web.get("/datastores/{name}/logs", self._logs),
                web.post("/datastores/{name}/role", self._role),
                *BackupControl(stack, self._cluster).routes(),
                *SitesControl(stack, self._cluster).routes(),
                web.post("/addresses/{name}/selector", self._selector),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _reaches(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Of a site that is gone nobody answers, whatever is asked."""
        if (why := out_of_reach(self._stack, request.path)) is not None:
            raise HarnessError(why)
        return await handler(request)

    async def _state(self, _request: web.Request) -> web.Response:
        stack = self._stack
        services = await asyncio.gather(*(self._service_state(name) for name in stack.services))
        return web.json_response(
            {
                "services": dict(zip(stack.services, services, strict=True)),
                "datastores": {name: self._datastore_state(name) for name in stack.datastores},
                "addresses": {
                    name: {
                        "port": stack.ports[model.port],
                        "kubernetes": model.kubernetes,
                        "selector": stack.selectors[name],
                        "instance": stack.pointing[name],
                    }
                    for name, model in stack.model.addresses.items()
                },
                **self._cluster.platform(),
                "links": [{"name": proxy.name, "listen": proxy.listen} for proxy in stack.topology.proxies],
                "ports": {str(documented): actual for documented, actual in stack.ports.mapped().items()},
                "now_s": stack.clock.now(),
                "epoch_s": time.time() - stack.clock.wall(),
            }
        )

    async def _service_state(self, name: str) -> dict[str, Any]:
        model, running = self._stack.model.services[name], self._stack.services[name]
        return {
            "deployment": model.deployment,
            "compose": model.compose,
            "program": model.program,
            "state": "running" if running.running else "stopped",
            "pid": running.pid,
            "port": self._stack.ports[model.port],
            "process_port": running.port,
            "version": running.config["version"],
            "replicas": running.replicas,
            "restarts": running.restarts,
            "started_s": running.started_s,
            "inside": model.inside,
            "depends_on": sorted(running.config["addresses"]),
            "ready": running.running and await running.answers(self._stack.http) == 200,
            **self._cluster.facts(name),
        }

    def _datastore_state(self, name: str) -> dict[str, Any]:
        model, store = self._stack.model.datastores[name], self._stack.datastores[name]
        return {
            "kind": model.kind,
            "statefulset": model.statefulset,
            "compose": model.compose,
            "role": self._stack.roles[name],
            "app": self._stack.topology.app(name),
            "state": "running" if store.running else "stopped",
            "pid": store.pid,
            "port": store.port,
            "ready": store.running,
            "replicas": store.replicas,
            "replica_of": model.replica_of,
            "started_s": store.started_s,
            "systemd": model.systemd,
            "namespace": self._stack.model.namespace,
        }

    async def _usage(self, request: web.Request) -> web.Response:
        """What a process of the stack uses: operators live in a process table of their own."""
        pid = int(request.match_info["pid"])
        running = [*self._stack.services.values(), *self._stack.datastores.values()]
        found = usage_here(pid) if pid in {each.pid for each in running} else None
        if found is None:
            raise web.HTTPGone(text=json.dumps({"error": f"no process {pid} of this stack"}))
        return web.json_response({"usage": list(found)})

    async def _service(self, request: web.Request) -> web.Response:
        service = _named(self._stack.services, request, "service")
        verb = request.match_info["verb"]
        await {"start": service.start, "stop": service.stop, "restart": service.restart}[verb]()
        self._cluster.tell(service.name, *_EVENTS[verb])
        if verb != "stop" and (await _body(request)).get("wait"):
            await service.wait_healthy(self._stack.http, within_s=READY_WITHIN_S)
        return web.json_response(await self._service_state(service.name))

    async def _datastore(self, request: web.Request) -> web.Response:
        store = _named(self._stack.datastores, request, "datastore")
        verb = request.match_info["verb"]
        self._cluster.tell(store.name, *_EVENTS[verb])
        if verb in ("stop", "restart", "wipe"):
            await store.stop()
        if verb == "wipe":
            await self._stack.wipe(store)
        if verb in ("start", "restart"):
            await self._stack.start_store(store)
        if verb == "promote":
            if not isinstance(store, PostgresServer):
                raise web.HTTPConflict(text=json.dumps({"error": f"{store.name} is no Postgres server"}))
            await store.promote()
        return web.json_response(self._datastore_state(store.name))

    async def _role(self, request: web.Request) -> web.Response:
        store = _named(self._stack.datastores, request, "datastore")
        await self._stack.set_role(store.name, str((await _body(request))["role"]))
        return web.json_response(self._datastore_state(store.name))

    async def _selector(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in self._stack.service_selectors:
            leads_to = await self._stack.set_service_selector(name, (await _body(request))["selector"])
            return web.json_response({"instance": leads_to, "selector": self._stack.service_selectors[name]})
        if name not in self._stack.selectors:
            raise web.HTTPNotFound(text=json.dumps({"error": f"no address {name}"}))
        instance = await self._stack.set_selector(name, (await _body(request))["selector"])
        return web.json_response({"instance": instance, "selector": self._stack.selectors[name]})

    async def _logs(self, request: web.Request) -> web.Response:
        log = self._stack.folders.logs / f"{request.match_info['name']}.log"
        if not log.is_file():
            raise web.HTTPNotFound(text=json.dumps({"error": f"no log of {request.match_info['name']}"}))
        size = log.stat().st_size
        start = int(request.query.get("from", max(0, size - _LONGEST_LOG)))
        with log.open("rb") as file:
            file.seek(min(start, size))
            lines = file.read(size - min(start, size)).decode(errors="replace").splitlines()
        tail = int(request.query.get("tail", "-1"))
        return web.json_response({"lines": lines[-tail:] if tail > 0 else [] if tail == 0 else lines, "next": size})


def _named(things: dict[str, Any], request: web.Request, kind: str) -> Any:
    name = request.match_info["name"]
    if name not in things:
        raise web.HTTPNotFound(text=json.dumps({"error": f"no {kind} {name}"}))
    return things[name]


async def _body(request: web.Request) -> dict[str, Any]:
    return await request.json() if request.can_read_body else {}


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except HarnessError as error:
        return web.json_response({"error": str(error)}, status=503)
    except (KeyError, ValueError) as error:
        return web.json_response({"error": f"bad request: {error!r}"}, status=400)
