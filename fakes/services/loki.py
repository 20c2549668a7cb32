"""Loki, as far as operators ask it: it takes in the logs of all services from the folder that its own log lies in.

    GET /ready      "ready", or 503 until it has caught up with what was there when it started
    GET /metrics    loki_ingester_*, loki_distributor_*, loki_ingestion_lag: documented seconds that the oldest waiting line waits
    GET /loki/api/v1/labels    GET /loki/api/v1/label/job/values
    GET /loki/api/v1/query_range?query={job="NAME"} |= "text"&limit=N    newest first; nothing more of LogQL

Setting loki.ingestion_rate_mb (LOKI_INGESTION_RATE_MB in the environment goes before it): megabytes a second of the wall that
it takes in at most. What comes faster waits, and the lag grows. Lines are in memory only: a restart reads the files again.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from fakes.services.answers import answer, limit_of
from fakes.services.base import Service, run
from fakes.services.errors import BadRequest
from fakes.services.loki_logs import LogFolder

RATE_MB = 4.0  # Loki's own default of ingestion_rate_mb
_LOOK_EVERY_S = 0.1  # wall
_BURST_S = 1.5  # of the rate, at once
_MOST, _USUAL = 5000, 100
_QUERY = re.compile(r'\{\s*job\s*=\s*"(?P<job>[^"]*)"\s*\}\s*(?:\|=\s*"(?P<text>[^"]*)"\s*)?|\{\s*\}')

_log = logging.getLogger(__name__)


class Ingester:
    """Takes the logs in, and knows how far it has come."""

    def __init__(self, service: Service, folder: Path) -> None:
        self._clock = service.clock
        self.logs = LogFolder(folder)
        rate_mb = service.config.environment.get("LOKI_INGESTION_RATE_MB") or service.config.number(
            "loki.ingestion_rate_mb", RATE_MB
        )
        self._bytes_per_s = float(rate_mb) * 1_000_000
        self._saved = 0.0  # bytes that may be taken in now
        self.ready = False
        self._epoch_s = time.time() - service.clock.wall()
        metrics = service.metrics
        self._lines = metrics.counter("loki_distributor_lines_received_total")
        self._bytes = metrics.counter("loki_distributor_bytes_received_total")
        metrics.gauge("loki_ingester_memory_streams", lambda: len(self.logs.streams))
        metrics.gauge("loki_ingester_memory_lines", lambda: sum(len(each.lines) for each in self.logs.streams.values()))
        metrics.gauge("loki_ingester_bytes_waiting", self._waiting)
        metrics.gauge("loki_ingestion_lag", lambda: round(self.logs.lag_s(self._clock.now()), 3))

    def _waiting(self) -> float:
        return sum(each.marks[-1][0] - each.read for each in self.logs.streams.values() if each.marks)

    async def run(self) -> None:
        """Take in for ever."""
        looked_s = time.monotonic() - _LOOK_EVERY_S
        while True:
            now_s, passed_s = self._clock.now(), time.monotonic() - looked_s
            looked_s += passed_s
            self._saved = min(self._saved + passed_s * self._bytes_per_s, _BURST_S * self._bytes_per_s)
            self.logs.look(now_s)
            taken, lines = self.logs.take(int(self._saved), now_s)
            self._saved -= taken
            self._bytes.add(amount=taken)
            self._lines.add(amount=lines)
            if not self.ready and not self._waiting():
                self.ready = True
                _log.info("caught up with %d streams", len(self.logs.streams))
            await asyncio.sleep(_LOOK_EVERY_S)

    def nanoseconds(self, at_s: float) -> str:
        """A documented time as Loki writes instants."""
        return str(int((self._epoch_s + at_s) * 1e9))


def own_log_folder() -> Path:
    """The folder that this process's own log lies in: where its standard error leads."""
    return Path("/proc/self/fd/2").readlink().parent


async def start(service: Service) -> None:
    """Take in the logs and answer for them."""
    ingester = Ingester(service, own_log_folder())
    service.background(ingester.run)

    async def ready(_: web.Request) -> web.Response:
        if not ingester.ready:
            return web.Response(status=503, text="Ingester not ready: waiting for the logs that were there at the start\n")
        return web.Response(text="ready\n")

    async def labels(_: web.Request) -> web.Response:
        return answer({"status": "success", "data": ["job"]})

    async def jobs(_: web.Request) -> web.Response:
        return answer({"status": "success", "data": sorted(ingester.logs.streams)})

    async def query(request: web.Request) -> web.Response:
        asked = _QUERY.fullmatch(request.query.get("query", "").strip())
        if asked is None:
            raise BadRequest('query: this stand-in reads {job="NAME"} and {job="NAME"} |= "text"')
        limit = limit_of(request, _MOST) if "limit" in request.query else _USUAL
        found: dict[str, list[list[str]]] = {}
        wanted = None if asked["job"] is None else [asked["job"]]
        lines = sorted(ingester.logs.found(wanted, asked["text"] or ""), key=lambda each: each[1].at_s, reverse=True)
        for job, line in lines[:limit]:
            found.setdefault(job, []).append([ingester.nanoseconds(line.at_s), line.text])
        result = [{"stream": {"job": job}, "values": values} for job, values in found.items()]
        return answer({"status": "success", "data": {"resultType": "streams", "result": result}})

    service.get("/ready", ready)
    service.get("/loki/api/v1/labels", labels)
    service.get("/loki/api/v1/label/job/values", jobs)
    service.get("/loki/api/v1/query_range", query)


def main(config: Mapping[str, Any]) -> None:
    """Be Loki."""
    run(config, start)
