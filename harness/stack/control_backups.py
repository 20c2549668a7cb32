"""The control API's part about backups: what there is, taking, shipping and reading back at once, restoring."""

from __future__ import annotations

import json

from aiohttp import web

from harness.stack.backups import SOURCES, Backups
from harness.stack.control_cluster import ClusterControl
from harness.stack.embedded import EmbeddedStack


class BackupControl:
    """Routes of the control API. Without backups each answers 409; what could not be done, 503."""

    def __init__(self, stack: EmbeddedStack, cluster: ClusterControl) -> None:
        self._stack, self._cluster = stack, cluster

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/backups", self._list),
            web.post("/backups/ship", self._ship),
            web.post("/backups/take", self._take),
            web.post("/backups/verify", self._verify),
            web.post("/datastores/{name}/restore", self._restore),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(self._backups().listing())

    async def _ship(self, _request: web.Request) -> web.Response:
        backups = self._backups()
        await backups.ship()
        return web.json_response(backups.listing())

    async def _take(self, _request: web.Request) -> web.Response:
        backups = self._backups()
        await backups.take()
        return web.json_response(backups.listing())

    async def _verify(self, _request: web.Request) -> web.Response:
        backups = self._backups()
        await backups.verify()
        return web.json_response(backups.listing())

    async def _restore(self, request: web.Request) -> web.Response:
        self._backups()
        store = self._stack.datastores.get(request.match_info["name"])
        if store is None:
            raise web.HTTPNotFound(text=json.dumps({"error": f"no datastore {request.match_info['name']}"}))
        wanted = await request.json()
        source = next((each for each in SOURCES if each == wanted["source"]), None)
        if source is None:
            raise ValueError(f"source: {wanted['source']}; there are {' and '.join(SOURCES)}")
        found = await self._stack.restore(store, source=source, to=str(wanted.get("to", "latest")))
        self._cluster.tell(store.name, "Restored", f"Restored from the backup {source}")
        return web.json_response(found.to_json())

    def _backups(self) -> Backups:
        if self._stack.backups is None:
            raise web.HTTPConflict(
                text=json.dumps({"error": "this platform takes no backups; the setting backup.enabled makes it"})
            )
        return self._stack.backups
