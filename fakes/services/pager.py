"""A fake PagerDuty: takes events as its Events API v2 does, keeps incidents, and answers its REST API.

    POST /v2/enqueue                  202, or 400 with what is wrong with the event
    GET  /incidents?statuses[]=...    incidents in the order in which they were opened; also ?incident_key=...
    GET  /incidents/{id}  PUT /incidents/{id}
    POST /maintenance_windows         201; until its end_time events are taken, open nothing and call nobody
    GET  /maintenance_windows  DELETE /maintenance_windows/{id}     204: it ends at once
    GET  /healthz  GET /metrics

One incident is open for a dedup key at a time. Times are documented: `created_at` is the calendar time at which the drill
began plus documented seconds, and `created_s` those seconds alone. Incidents are kept in `incidents.json` of the state
folder, as PagerDuty too survives what happens to its customers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import uvloop
from aiohttp import web

from fakes.clock import PageClock
from fakes.services.config import Config
from fakes.services.incidents import STATUSES, Incidents, event_errors
from fakes.services.logs import log_to_stderr
from fakes.services.metrics import CONTENT_TYPE, Registry
from fakes.services.outside import serve_until_ended

_log = logging.getLogger(__name__)


class Pager:
    """The HTTP face of the incidents."""

    def __init__(self, incidents: Incidents, *, version: str, routing_key: str | None) -> None:
        self._incidents = incidents
        self._version = version
        self._routing_key = routing_key
        self._metrics = Registry()
        self._events = self._metrics.counter("pager_events_total", "outcome")
        self._metrics.gauges("pager_incidents", ("status",), incidents.counts)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v2/enqueue", self._enqueue)
        app.router.add_get("/incidents", self._list)
        app.router.add_get("/incidents/{id}", self._show)
        app.router.add_put("/incidents/{id}", self._update)
        app.router.add_post("/maintenance_windows", self._open_window)
        app.router.add_get("/maintenance_windows", self._windows)
        app.router.add_delete("/maintenance_windows/{id}", self._end_window)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/metrics", self._scrape)
        return app

    async def _enqueue(self, request: web.Request) -> web.Response:
        event = await _json_of(request)
        errors = event_errors(event, self._routing_key)
        if errors or not isinstance(event, dict):
            self._events.add("invalid")
            _log.error("event refused: %s", "; ".join(errors))
            body = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return web.json_response(body, status=400)
        self._events.add("accepted")
        key = self._incidents.take(event)
        return web.json_response({"status": "success", "message": "Event processed", "dedup_key": key}, status=202)

    async def _list(self, request: web.Request) -> web.Response:
        pairs = parse_qsl(request.query_string)
        wanted = [value for name, value in pairs if name == "statuses[]"]
        if unknown := [status for status in wanted if status not in STATUSES]:
            return _invalid(f"Statuses is invalid: {unknown[0]}")
        given = dict(pairs)
        limit, offset = given.get("limit", "25"), given.get("offset", "0")
        if not (limit.isdecimal() and 1 <= int(limit) <= 100 and offset.isdecimal()):
            return _invalid("Limit must be between 1 and 100, Offset at least 0")
        rows = [row for row in self._incidents.rows.values() if not wanted or row["status"] in wanted]
        if "incident_key" in given:
            rows = [row for row in rows if row["incident_key"] == given["incident_key"]]
        first, last = int(offset), int(offset) + int(limit)
        page = {"limit": int(limit), "offset": first, "total": None, "more": last < len(rows)}
        return web.json_response({"incidents": rows[first:last], **page})

    async def _show(self, request: web.Request) -> web.Response:
        row = self._incidents.rows.get(request.match_info["id"])
        return _not_found() if row is None else web.json_response({"incident": row})

    async def _update(self, request: web.Request) -> web.Response:
        row = self._incidents.rows.get(request.match_info["id"])
        sender = request.headers.get("From", "")
        change = await _json_of(request)
        incident = change.get("incident") if isinstance(change, dict) else None
        if "@" not in sender:
            return _invalid("From header is required and must be the email address of a user")
        if row is None:
            return _not_found()
        if not isinstance(incident, dict) or incident.get("type") not in ("incident", "incident_reference"):
            return _invalid("Incident type is required: incident or incident_reference")
        status = incident.get("status")
        if status not in ("acknowledged", "resolved"):
            return _invalid("Status must be acknowledged or resolved")
        if row["status"] == "resolved":
            return _invalid("Incident Already Resolved")
        self._incidents.set_status(row, status, sender)
        return web.json_response({"incident": row})

    async def _open_window(self, request: web.Request) -> web.Response:
        change = await _json_of(request)
        window = change.get("maintenance_window") if isinstance(change, dict) else None
        if "@" not in request.headers.get("From", ""):
            return _invalid("From header is required and must be the email address of a user")
        if not isinstance(window, dict) or window.get("type") != "maintenance_window":
            return _invalid("Maintenance window type is required: maintenance_window")
        try:
            row = self._incidents.open_window(window)
        except (KeyError, TypeError, ValueError):
            return _invalid(
                "Start time and end time are required, as ISO 8601 with a zone, the end after the start and after now"
            )
        return web.json_response({"maintenance_window": row}, status=201)

    async def _windows(self, _: web.Request) -> web.Response:
        rows = list(self._incidents.windows.values())
        return web.json_response({"maintenance_windows": rows, "limit": 100, "offset": 0, "total": None, "more": False})

    async def _end_window(self, request: web.Request) -> web.Response:
        return web.Response(status=204) if self._incidents.end_window(request.match_info["id"]) else _not_found()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "service": "pager", "version": self._version, "dependencies": {}})

    async def _scrape(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render().encode(), headers={"Content-Type": CONTENT_TYPE})


async def _json_of(request: web.Request) -> object:
    try:
        found: object = json.loads(await request.read())
    except ValueError:
        return None
    return found


def _invalid(error: str) -> web.Response:
    return web.json_response({"error": {"message": "Invalid Input Provided", "code": 2001, "errors": [error]}}, status=400)


def _not_found() -> web.Response:
    return web.json_response({"error": {"message": "Not Found", "code": 2100}}, status=404)


async def serve(config: Mapping[str, Any]) -> None:
    """Be the pager until SIGTERM."""
    given = Config.of(config)
    clock = PageClock(given.clock)
    log_to_stderr(given.name, clock)
    incidents = Incidents(given.state_dir / "incidents.json", clock, time.time() - clock.wall())
    pager = Pager(incidents, version=given.version, routing_key=given.settings.get("pager.routing_key"))
    await serve_until_ended(pager.app(), given)


def main(config: Mapping[str, Any]) -> None:
    """What the fork server calls."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(config))
