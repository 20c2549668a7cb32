"""The control API's part about the cluster itself: releases of services, standbys, objects and events."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from aiohttp import web

from harness.errors import HarnessError
from harness.stack.embedded import EmbeddedStack
from harness.stack.objects import CLUSTER
from harness.stack.services import RunningService

_MOST_EVENTS = 1000


class ClusterControl:
    """Routes of the control API. `events` is what happened to workloads, the newest last."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self._stack = stack
        self._events: deque[dict[str, Any]] = deque(maxlen=_MOST_EVENTS)
        for name, service in stack.services.items():
            if service.present and stack.model.services[name].inside:
                self.tell(name, "Scheduled", "Successfully assigned to gameday")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/services/{name}/configure", self._configure),
            web.post("/services/{name}/undo", self._undo),
            web.post("/services/{name}/create", self._create),
            web.post("/services/{name}/delete", self._delete),
            web.post("/services/{name}/scale", self._scale),
            web.get("/objects", self._objects),
            web.put("/objects", self._put),
            web.delete("/objects/{kind}/{namespace}/{name}", self._remove),
            web.get("/events", self._tell_events),
        ]

    def tell(self, name: str, reason: str, message: str, *, kind: str = "Normal") -> None:
        """Note something that happened to a service or a datastore."""
        stack = self._stack
        service, store = stack.model.services.get(name), stack.model.datastores.get(name)
        shown = (service.deployment if service else store.statefulset if store else None) or name
        namespace = (service.namespace if service else None) or stack.model.namespace
        self._events.append({
            "at_s": round(stack.clock.now(), 6), "type": kind, "reason": reason, "object": shown, "message": message, "namespace": namespace,
        })  # fmt: skip

    def facts(self, name: str) -> dict[str, Any]:
        """What the state of a service says of it beside its process."""
        model, running = self._stack.model.services[name], self._stack.services[name]
        return {
            "aliases": list(model.aliases),
            "labels": {**model.labels, **({"site": site} if (site := self._stack.model.site_of(name)) else {})},
            "standby_for": model.standby_for,
            "twin_of": model.twin_of,
            "present": running.present,
            "pm2": model.pm2,
            "namespace": model.namespace or self._stack.model.namespace,
            "image": model.image,
            "environment": dict(running.releases.current.environment),
            "defect": running.releases.current.defect,
            "revision": running.releases.current.revision,
            "revisions": running.releases.rows(),
            "selector": self._stack.service_selectors.get(name),
            "leads_to": self._stack.service_pointing.get(name),
        }

    def platform(self) -> dict[str, Any]:
        """What the state says of the platform as a whole."""
        model = self._stack.model
        ingress = model.ingress
        return {
            "prefix": model.prefix,
            "namespace": model.namespace,
            "helm": model.helm,
            "ingress": {"name": ingress.name, "namespace": ingress.namespace or model.namespace, "hosts": dict(ingress.hosts)}
            if ingress
            else None,
        }

    # --- releases ---------------------------------------------------------------------------------------------

    async def _configure(self, request: web.Request) -> web.Response:
        service, change = self._named(request), await request.json()
        await service.configure(change)
        now = service.releases.current
        self.tell(service.name, "ScalingReplicaSet", f"Scaled up replica set of revision {now.revision}, version {now.version}")
        return web.json_response(self.facts(service.name))

    async def _undo(self, request: web.Request) -> web.Response:
        service = self._named(request)
        body = await request.json() if request.can_read_body else {}
        revision = body.get("revision")
        try:
            await service.undo(None if revision is None else int(revision))
        except HarnessError as error:
            raise web.HTTPConflict(text=json.dumps({"error": str(error)})) from error
        self.tell(service.name, "DeploymentRollback", f"Rolled back to version {service.releases.current.version}")
        return web.json_response(self.facts(service.name))

    async def _create(self, request: web.Request) -> web.Response:
        service = self._named(request)
        service.present = True
        await service.start()
        await self._lead_anew()
        self.tell(service.name, "Scheduled", "Successfully assigned to gameday")
        return web.json_response(self.facts(service.name))

    async def _delete(self, request: web.Request) -> web.Response:
        service = self._named(request)
        if not self._stack.model.services[service.name].standby:
            raise web.HTTPConflict(text=json.dumps({"error": f"{service.name} is part of the platform; scale it to 0 instead"}))
        await service.stop()
        service.present = False
        await self._lead_anew()
        self.tell(service.name, "Killing", "Stopping container")
        return web.json_response(self.facts(service.name))

    async def _scale(self, request: web.Request) -> web.Response:
        service, replicas = self._named(request), int((await request.json())["replicas"])
        if not 0 <= replicas <= 1000:
            raise ValueError(f"replicas: {replicas}")
        await service.scale(replicas)
        self.tell(service.name, "ScalingReplicaSet", f"Scaled replica set to {replicas}")
        return web.json_response(self.facts(service.name))

    async def _lead_anew(self) -> None:
        for name in self._stack.service_selectors:
            await self._stack.point_service(name)

    def _named(self, request: web.Request) -> RunningService:
        name = request.match_info["name"]
        if name not in self._stack.services:
            raise web.HTTPNotFound(text=json.dumps({"error": f"no service {name}"}))
        return self._stack.services[name]

    # --- objects and events -----------------------------------------------------------------------------------

    async def _objects(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"objects": self._stack.objects.found(request.query.get("kind"), request.query.get("namespace"))}
        )

    async def _put(self, request: web.Request) -> web.Response:
        stored, created, changed = self._stack.objects.put(await request.json(), self._stack.clock.now())
        return web.json_response({"created": created, "changed": changed, "object": stored})

    async def _remove(self, request: web.Request) -> web.Response:
        kind, namespace, name = (request.match_info[each] for each in ("kind", "namespace", "name"))
        if not self._stack.objects.delete(kind, namespace or CLUSTER, name):
            raise web.HTTPNotFound(text=json.dumps({"error": f"no {kind} {name} in {namespace}"}))
        return web.json_response({})

    async def _tell_events(self, _request: web.Request) -> web.Response:
        return web.json_response({"events": list(self._events)})
