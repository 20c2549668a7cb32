"""The control API's part about sites: which there are, fencing, taking over, handing over."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from harness.stack.control_cluster import ClusterControl
from harness.stack.embedded import EmbeddedStack
from harness.stack.sites import SiteControl

_VERBS = "fence|unfence|activate|restore|start|stop|follow|switch"
_NONE = "no second site: this platform is at one place"


class SitesControl:
    """Routes of the control API. Without a second site each answers 409; a site that is none 404, what could not be done 503."""

    def __init__(self, stack: EmbeddedStack, cluster: ClusterControl) -> None:
        self._stack, self._cluster, self._sites = stack, cluster, SiteControl(stack)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/sites", self._list), web.post(f"/sites/{{site}}/{{verb:{_VERBS}}}", self._act)]

    async def _list(self, _request: web.Request) -> web.Response:
        self._need()
        return web.json_response(self._sites.facts())

    async def _act(self, request: web.Request) -> web.Response:
        self._need()
        site, verb = request.match_info["site"], request.match_info["verb"]
        if site not in self._sites.names():
            there = " and ".join(self._sites.names())
            raise web.HTTPNotFound(text=json.dumps({"error": f"no site {site}; there are {there}"}))
        done: Any = await getattr(self._sites, verb)(site)
        self._cluster.tell(self._sites.database(site).name, "Site", f"{verb} of the site {site}")
        return web.json_response({"done": done, **self._sites.facts()[site]})

    def _need(self) -> None:
        if not self._sites.names():
            raise web.HTTPConflict(text=json.dumps({"error": _NONE}))


def out_of_reach(stack: EmbeddedStack, path: str) -> str | None:
    """Why a request about one part of the stack gets no answer: its site is gone, with the control API that stands there."""
    words = path.split("/")
    if len(words) > 3 and words[1] in ("services", "datastores") and words[2] in stack.out_of_reach:
        return f"no answer from the site {stack.model.site_of(words[2])}, at which {words[2]} is"
    return None
