"""A monitor on a stage: targets that answer what the test says, a clock that the test moves, and ears for what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fakes.clock import ManualClock
from harness.monitor.monitor import Monitor, Problem, TargetHealth
from harness.monitor.rules import Alert
from harness.monitor.scrape import ScrapeFailed
from harness.monitor.target import ScrapeTarget
from scenarios.model import AlertRule


def rule(expr: str, *, name: str = "Rule", for_: str = "0s", severity: str = "critical") -> AlertRule:
    return AlertRule.model_validate({"alert": name, "expr": expr, "for": for_, "severity": severity, "source": "test"})


class Pages:
    """Answers scrapes by URL: a text, or None for a refused connection; a URL in `silent` never answers."""

    def __init__(self, **texts: str | None) -> None:
        self.texts: dict[str, str | None] = {url_of(name): text for name, text in texts.items()}
        self.silent: set[str] = set()
        self.asked: list[str] = []
        self.closed = False

    async def fetch(self, url: str) -> str:
        self.asked.append(url)
        if url in self.silent:
            await asyncio.Event().wait()
        text = self.texts.get(url)
        if text is None:
            raise ScrapeFailed("connection refused")
        return text

    async def close(self) -> None:
        self.closed = True


def url_of(name: str) -> str:
    return f"http://{name}:80/metrics"


class Ears:
    """Hears alerts and pages."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.pages: list[Alert] = []
        self.health: list[TargetHealth] = []
        self.problems: list[Problem] = []

    async def hear(self, alert: Alert) -> None:
        self.alerts.append(alert)

    async def notify(self, alert: Alert) -> None:
        self.pages.append(alert)

    @property
    def told(self) -> list[tuple[float, str, str]]:
        return [(alert.at_s, alert.rule, alert.state) for alert in self.alerts]


class Stage:
    """A monitor of some targets and rules, with everything around it faked."""

    def __init__(
        self, rules: Sequence[AlertRule], pages: Pages, ears: Ears | None = None, *, clock: ManualClock | None = None
    ) -> None:
        self.clock = clock or ManualClock()
        self.pages = pages
        self.ears = ears or Ears()
        self.monitor = Monitor(
            rules,
            [ScrapeTarget(url.split("/")[2].split(":")[0], url) for url in pages.texts],
            self.clock,
            scrape_every_s=5.0,
            evaluate_every_s=5.0,
            on_alert=self.ears.hear,
            notify=self.ears,
            on_health=self.ears.health.append,
            on_problem=self.ears.problems.append,
            fetcher=pages,
            epoch_s=1_000_000.0,
        )

    async def play(self, until_s: float, *, step_s: float = 0.5) -> None:
        """Move the clock on in small steps and let the monitor do what is due; scrapes that can answer do so at once."""
        while self.clock.now() < until_s:
            await self.monitor.tick()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.clock.advance(step_s)
