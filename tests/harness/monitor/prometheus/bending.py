"""A clock that bends when the test says so, and a rule whose alerts are held back by it."""

from __future__ import annotations

import asyncio

from harness.monitor.labels import Labels, make_labels
from harness.monitor.prometheus.bent import BentTime
from harness.monitor.prometheus.cadence import Cadence
from harness.monitor.prometheus.holdback import Active, HeldRule
from harness.monitor.rules import Alert
from tests.harness.monitor.stages import rule

SPEED = 20.0
LABELS: Labels = make_labels({"alertname": "Down", "job": "a", "severity": "critical"})


class BendingClock:
    """Wall time moves by `advance`, documented time `rate` times as fast."""

    def __init__(self, rate: float = SPEED) -> None:
        self._wall = self._now = 0.0
        self.rate = rate

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall

    def advance(self, wall_s: float) -> None:
        self._wall += wall_s
        self._now += wall_s * self.rate

    async def sleep(self, documented_s: float) -> None:
        self.advance(max(documented_s, 0.0) / self.rate)
        await asyncio.sleep(0)


class Stretches:
    """One rule of a drill at speed 20, evaluated by Prometheus every 0.1 s of the wall and looked at after each evaluation.

    Target `a` is scraped at 2.25, 7.25 ... documented seconds, and evaluations count at 0, 5, 10 ...
    """

    def __init__(self, *, for_: str = "30s", rate: float = SPEED, speed: float = SPEED) -> None:
        self.clock = BendingClock(rate)
        self.bent = BentTime(self.clock, rate)
        self.problems: list[str] = []
        cadence = Cadence(scrape_every_s=5.0, evaluate_every_s=5.0, jobs=["a"])
        self.held = HeldRule(
            rule("up == 0", name="Down", for_=for_), self.bent, cadence, speed=speed,
            on_problem=lambda what, message: self.problems.append(f"{what}: {message}"),
        )  # fmt: skip
        self.told: list[tuple[float, str]] = []  # when (documented) and what, as told
        self.told_at: list[float] = []  # documented: when it was told
        self.since: float | None = None  # wall: since when it has been active in Prometheus, None: it isn't
        self.state: str = "pending"

    def bend(self, rate: float) -> None:
        self.clock.rate = rate
        self.bent.bend(rate)

    def begin(self) -> None:
        """From the evaluation that is now on, Prometheus shows the alert."""
        self.since, self.state = self.clock.wall(), "pending"

    def fire(self, *, passed_on: bool = True) -> None:
        self.state = "firing"
        if passed_on:
            self.held.hear(LABELS, firing=True, at_wall_s=self.clock.wall())

    def end(self, *, passed_on: bool = True) -> None:
        if passed_on and self.state == "firing":
            self.held.hear(LABELS, firing=False, at_wall_s=self.clock.wall())
        self.since = None

    def look(self) -> list[Alert]:
        now = self.clock.wall()
        shown = []
        if self.since is not None:
            shown = [Active(LABELS, "firing" if self.state == "firing" else "pending", 0.0, 1e9 + self.since, self.since)]
        alerts = self.held.look(shown, now, now)
        self.told += [(alert.at_s, alert.state) for alert in alerts]
        self.told_at += [self.clock.now() for _ in alerts]
        return alerts

    def play(self, wall_s: float) -> None:
        """Let so much time of the wall go by, looking after each evaluation."""
        for _ in range(round(wall_s / 0.1)):
            self.look()
            self.clock.advance(0.1)
