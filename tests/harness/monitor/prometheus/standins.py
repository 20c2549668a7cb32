"""Stand-ins for Prometheus and Alertmanager: their HTTP answers as the test sets them, and nobody who runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from harness.monitor.prometheus.bent import BentTime
from harness.monitor.prometheus.config import Sight
from harness.monitor.prometheus.monitor import PrometheusMonitor
from harness.monitor.target import ScrapeTarget
from tests.harness.monitor.prometheus.bending import SPEED, BendingClock
from tests.harness.monitor.servers import serving
from tests.harness.monitor.stages import Ears, rule

LABELS = {"alertname": "Down", "severity": "critical", "job": "a"}


def stamp(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat().replace("+00:00", "Z")


class StandIn:
    """What both programs answer. `broken` makes every answer of a path this text."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        self.health, self.last_error = "ok", ""
        self.target = "up"
        self.scraped: str | None = None
        self.evaluated: float | None = None  # Unix; None: just now
        self.broken: dict[str, web.Response] = {}
        self.found_alertmanager = True

    def app(self) -> web.Application:
        app = web.Application()
        for path, answer in {
            "/api/v1/rules": self._rules,
            "/api/v1/targets": self._targets,
            "/api/v1/alertmanagers": self._alertmanagers,
            "/-/ready": lambda: None,
        }.items():
            app.router.add_get(path, self._handler(path, answer))
        return app

    def _handler(self, path: str, answer: Any) -> Any:
        async def handle(_: web.Request) -> web.Response:
            if path in self.broken:
                return web.Response(text=self.broken[path].text, status=self.broken[path].status)
            return web.json_response({"status": "success", "data": answer()})

        return handle

    def _rules(self) -> Any:
        row = {
            "type": "alerting", "name": "Down", "query": "up == 0", "duration": 1.25, "health": self.health, "alerts": self.alerts,
            "lastEvaluation": stamp(self.evaluated or time.time()), "state": "inactive",
        }  # fmt: skip
        if self.last_error:
            row["lastError"] = self.last_error
        return {"groups": [{"name": "gameday", "rules": [row], "interval": 0.1}]}

    def _targets(self) -> Any:
        row = {
            "labels": {"job": "a", "instance": "127.0.0.1:1"}, "health": self.target, "lastScrape": self.scraped or stamp(time.time()),
            "lastError": "refused" if self.target == "down" else "",
        }  # fmt: skip
        return {"activeTargets": [row], "droppedTargets": []}

    def _alertmanagers(self) -> Any:
        active = [{"url": "http://127.0.0.1/api/v2/alerts"}] if self.found_alertmanager else []
        return {"activeAlertmanagers": active, "droppedAlertmanagers": []}


class NoPrograms:
    """Starts nothing; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def start(self, name: str) -> None:
        self.asked.append(f"start {name}")
        await asyncio.sleep(0)

    async def stop(self) -> None:
        self.asked.append("stop")
        await asyncio.sleep(0)


class Play:
    """A monitor between stand-ins. `look` is one look of it, with everything handed over."""

    def __init__(self, monitor: PrometheusMonitor, clock: BendingClock, said: StandIn, ears: Ears, programs: NoPrograms) -> None:
        self.monitor, self.clock, self.said, self.ears, self.programs = monitor, clock, said, ears, programs

    def show(self, state: str, *, since_wall_s: float) -> None:
        """Prometheus shows an alert that has been active since a wall time of the drill."""
        active = time.time() - (self.clock.wall() - since_wall_s)
        self.said.alerts = [{"labels": LABELS, "state": state, "activeAt": stamp(active), "value": "0e+00"}]

    async def look(self, *, after_wall_s: float = 0.0) -> None:
        self.clock.advance(after_wall_s)
        await self.monitor.look()
        await self.monitor.settle()


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[Play]:
    """Everything but the loop that looks by itself."""
    clock, said, ears, programs = BendingClock(), StandIn(), Ears(), NoPrograms()
    clock.advance(10.0)
    async with serving(said.app()) as url:
        port = urlsplit(url).port or 0
        sight = Sight(
            [rule("up == 0", name="Down", for_="30s")], [ScrapeTarget("a", "http://127.0.0.1:1/metrics")], scrape_every_s=5.0,
            evaluate_every_s=5.0, speed=SPEED, alertmanager_port=port, webhook_port=0,
        )  # fmt: skip
        monitor = PrometheusMonitor(
            sight, programs, clock, BentTime(clock, SPEED), config=folder, prometheus_port=port, on_alert=ears.hear, notify=ears,
            on_health=ears.health.append, on_problem=ears.problems.append,
        )  # fmt: skip
        await monitor.start()
        try:
            yield Play(monitor, clock, said, ears, programs)
        finally:
            await monitor.stop()
