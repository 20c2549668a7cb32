"""Prometheus and Alertmanager themselves, over a target of the test's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from fakes.clock import ClockPage
from harness.monitor.monitor import Problem
from harness.monitor.prometheus.bent import BentTime
from harness.monitor.prometheus.config import Sight
from harness.monitor.prometheus.monitor import PrometheusMonitor
from harness.monitor.prometheus.programs import ProcessPrograms
from harness.monitor.rules import Alert
from harness.monitor.target import ScrapeTarget
from harness.ports import free_port
from harness.tools import find_alertmanager, find_prometheus
from tests.harness.monitor.stages import Ears, rule

pytestmark = [pytest.mark.prometheus, pytest.mark.alertmanager, pytest.mark.slow]
SPEED = 20.0
WITHIN_WALL_S = 60.0


class Target:
    """Answers scrapes until it is made to fail."""

    def __init__(self) -> None:
        self.well = True

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(text="x 1\n", status=200 if self.well else 503)


async def until(ears: Ears, state: str) -> Alert:
    async with asyncio.timeout(WITHIN_WALL_S):
        while True:
            for alert in ears.alerts:
                if alert.state == state:
                    return alert
            await asyncio.sleep(0.02)


def test_it_detects_in_documented_time_however_that_bends(tmp_path: Path) -> None:
    """Down for 30 s of which the first 3 are at rate 1: pending, firing and resolved stand where the documented monitor has them.

    At rate 1 it is noticed at the target's next scrape and the evaluation after it; it fires 30 s later; and the pager hears
    of what Alertmanager has passed on.
    """
    ears, problems = Ears(), list[Problem]()

    async def run() -> float:
        target = Target()
        app = web.Application()
        app.router.add_get("/metrics", target.metrics)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
        clock = ClockPage(tmp_path / "page", speed=SPEED)
        bent = BentTime(clock, clock.rate)
        prometheus, alertmanager, webhook = (free_port() for _ in range(3))
        sight = Sight(
            [rule("up == 0", name="Down", for_="30s")], [ScrapeTarget("a", url)], scrape_every_s=5.0, evaluate_every_s=5.0,
            speed=SPEED, alertmanager_port=alertmanager, webhook_port=webhook,
        )  # fmt: skip
        programs = ProcessPrograms(
            find_prometheus(), find_alertmanager(), config=tmp_path / "config", data=tmp_path / "data", logs=tmp_path,
            listen=(f"127.0.0.1:{prometheus}", f"127.0.0.1:{alertmanager}"), speed=SPEED,
        )  # fmt: skip
        monitor = PrometheusMonitor(
            sight, programs, clock, bent, config=tmp_path / "config", prometheus_port=prometheus, on_alert=ears.hear, notify=ears,
            on_health=ears.health.append, on_problem=problems.append,
        )  # fmt: skip
        await monitor.start()
        try:
            await monitor.ready()
            target.well, down_s = False, clock.now()
            await clock.sleep(3.0)
            clock.set_rate(SPEED)
            bent.bend(SPEED)
            await until(ears, "firing")
            target.well = True
            await until(ears, "resolved")
        finally:
            await monitor.stop()
            await runner.cleanup()
        return down_s

    down_s = asyncio.run(run())
    pending, firing, resolved = ears.alerts
    assert (pending.state, firing.state, resolved.state) == ("pending", "firing", "resolved")
    assert down_s <= pending.at_s <= down_s + 15
    assert 30 <= firing.at_s - pending.at_s <= 40  # 30 unless the machine was too busy for Prometheus
    assert resolved.at_s > firing.at_s
    assert all(alert.at_s % 5 == 0 for alert in ears.alerts)
    assert dict(firing.labels)["job"] == "a"
    assert [alert.state for alert in ears.pages] == ["firing", "resolved"]
    assert {health.health for health in ears.health} == {"up", "down"}
    assert problems == []


def test_nothing_is_left_running_when_one_cannot_be_started(tmp_path: Path) -> None:
    """Stopping is safe after half a start, and to repeat."""

    async def run() -> None:
        programs = ProcessPrograms(
            find_prometheus(),
            find_alertmanager(),
            config=tmp_path,
            data=tmp_path / "data",
            logs=tmp_path,
            listen=("127.0.0.1:1", "127.0.0.1:2"),
            speed=SPEED,
        )
        await programs.start("alertmanager")
        await programs.stop()
        await programs.stop()

    asyncio.run(run())
