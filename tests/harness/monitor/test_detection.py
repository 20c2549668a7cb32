"""From a dying service to a page, over real HTTP and on the drill's own clock."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from fakes.clock import ClockPage
from fakes.services.incidents import Incidents
from fakes.services.pager import Pager
from harness.monitor.monitor import Monitor
from harness.monitor.pagerduty import PagerDutyClient, PagerDutyNotifier
from harness.monitor.rules import Alert
from harness.monitor.target import ScrapeTarget
from tests.harness.monitor.servers import answering, serving
from tests.harness.monitor.stages import rule

KEY = "0123456789abcdef0123456789abcdef"
WITHIN_WALL_S = 30.0


async def metrics(_: web.Request) -> web.Response:
    return web.Response(text='http_requests_total{status="200"} 7\n')


def test_a_service_that_dies_is_paged_for_after_the_documented_time(tmp_path: Path) -> None:
    """At speed 60: up == 0 for 30 documented seconds, measured on the grid of evaluations; a responder finds the incident."""
    alerts: list[Alert] = []

    async def drill() -> None:
        clock = ClockPage(tmp_path / "clock.page", speed=60.0)
        clock.set_rate(60.0)
        up, paged = asyncio.Event(), asyncio.Event()
        incidents = Incidents(tmp_path / "incidents.json", clock, 0.0)
        async with serving(Pager(incidents, version="1", routing_key=KEY).app()) as pager_url:
            notifier = PagerDutyNotifier(pager_url, KEY, clock, on_paged=lambda *_: paged.set())
            async with serving(answering("/metrics", metrics)) as url:
                monitor = Monitor(
                    [rule("up == 0", name="ServiceDown", for_="30s")],
                    [ScrapeTarget("risk-manager", f"{url}/metrics")],
                    clock,
                    scrape_every_s=5.0,
                    evaluate_every_s=5.0,
                    on_alert=alerts.append,
                    notify=notifier,
                    on_health=lambda _: up.set(),
                )
                await monitor.start()
                await asyncio.wait_for(up.wait(), WITHIN_WALL_S)
                died_at_s = clock.now()
            await asyncio.wait_for(paged.wait(), WITHIN_WALL_S)
            await monitor.stop()
            async with PagerDutyClient(pager_url, sender="ann@example.org") as responder:
                (incident,) = await responder.triggered()
            await notifier.close()
        assert incident.title.startswith("ServiceDown: risk-manager")
        assert list(monitor.problems) == []
        assert alerts[0].at_s > died_at_s - 5.0

    asyncio.run(drill())
    pending, firing = alerts[:2]
    assert (pending.state, firing.state) == ("pending", "firing")
    assert firing.at_s - pending.at_s >= 30.0  # exactly 30 unless the machine was too busy for an evaluation
    assert pending.at_s % 5 == firing.at_s % 5 == 0
