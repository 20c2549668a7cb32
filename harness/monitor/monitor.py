"""The monitor of a drill: scrapes, evaluates the alert rules, and tells of every alert that changes its state.

Everything happens at instants of documented time that are known beforehand: an evaluation at each multiple of its
interval, a scrape of each target once an interval, shifted by the target's name. At speed 60 with an interval of 5 s that
is every 83 ms of wall time; an instant that is missed because the machine was busy is counted and left out.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fakes.clock import Clock
from harness.monitor.delivery import Delivery, Receiver
from harness.monitor.grid import Grid
from harness.monitor.promql import Query, Result
from harness.monitor.rules import Alert, RuleState
from harness.monitor.scrape import Fetcher, HttpFetcher, Scraper
from harness.monitor.series import SeriesStore, to_ms
from harness.monitor.target import Health, ScrapeTarget, TargetState
from harness.monitor.values import Dialect
from scenarios.model import AlertRule

_SCRAPE_TIMEOUT_S = 10.0  # Prometheus' default; never longer than the interval
_LEAST_TIMEOUT_WALL_S = 0.1  # at speed 60 a hiccup of the machine would look like a silent target otherwise
_SETTLE_WALL_S = 0.025  # an evaluation waits so long for answers under way: a scrape's wall time is nothing at speed 1
_FORGET_EVERY = 100  # evaluations
_STOP_WITHIN_WALL_S = 1.0


class Notifier(Protocol):
    """Tells people of an alert that fires or is resolved."""

    async def notify(self, alert: Alert) -> None: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the monitor could not do."""

    at_s: float
    what: str  # "rule ServiceDown", "notify ServiceDown", "on_alert ServiceDown", "cycle"
    message: str


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """The health of a target has changed, as seen by the scrape at `at_s`."""

    name: str
    health: Health
    at_s: float
    error: str


class Monitor:
    """Detection of one drill. Times are documented seconds."""

    def __init__(
        self,
        rules: Sequence[AlertRule],
        targets: Sequence[ScrapeTarget],
        clock: Clock,
        *,
        scrape_every_s: float,
        evaluate_every_s: float,
        on_alert: Receiver,
        notify: Notifier,
        on_health: Callable[[TargetHealth], None] | None = None,
        on_problem: Callable[[Problem], None] | None = None,
        fetcher: Fetcher | None = None,
        epoch_s: float | None = None,
        retention_s: float = 7200.0,
        dialect: Dialect = Dialect.PROMETHEUS_3,
    ) -> None:
        """`on_alert` hears of every change: pending, firing, resolved; `notify` of firing and resolved.

        `epoch_s` is the Unix time of documented second 0 (None: the start of the drill by the clock), which `time()` in
        expressions and the times of the HTTP API are based on. Raises BadQuery for a rule that cannot be used.
        """
        self.clock = clock
        self.epoch_s = time.time() - clock.wall() if epoch_s is None else epoch_s
        self.dialect = dialect
        self.store = SeriesStore(retention_s=retention_s)
        self.rules = [RuleState(rule) for rule in rules]
        self.problems: deque[Problem] = deque(maxlen=1000)
        self.evaluate_every_s = evaluate_every_s
        self._on_health, self._on_problem = on_health, on_problem
        self._health: dict[str, Health] = {}
        self._scraper = Scraper(
            targets,
            self.store,
            clock,
            fetcher or HttpFetcher(),
            every_s=scrape_every_s,
            timeout_s=min(_SCRAPE_TIMEOUT_S, scrape_every_s),
            least_wall_s=_LEAST_TIMEOUT_WALL_S,
            on_scraped=self._note_health,
        )
        self._evaluations = Grid(to_ms(evaluate_every_s), after_ms=to_ms(clock.now()))
        self._evaluated = 0
        self._told = Delivery(on_alert, lambda alert, error: self._problem(f"on_alert {alert.rule}", error))
        self._paged = Delivery(notify.notify, lambda alert, error: self._problem(f"notify {alert.rule}", error))
        self._task: asyncio.Task[None] | None = None

    @property
    def targets(self) -> Sequence[TargetState]:
        return self._scraper.targets

    @property
    def missed_cycles(self) -> int:
        """Scrapes and evaluations that were left out because their time had passed."""
        return self._scraper.missed + self._evaluations.missed

    @property
    def alerts(self) -> list[Alert]:
        """All alerts that are pending or firing."""
        return [alert for rule in self.rules for alert in rule.active.values()]

    def query(self, expression: str, at_s: float | None = None) -> Result:
        """The value of a PromQL expression at a documented time, by default now. Raises BadQuery, QueryFailed."""
        moment_s = self.clock.now() if at_s is None else at_s
        return Query(expression).at(self.store, moment_s, epoch_s=self.epoch_s, dialect=self.dialect)

    async def start(self) -> None:
        self._told.start()
        self._paged.start()
        self._task = asyncio.create_task(self._run(), name="monitor")

    async def stop(self) -> None:
        """End everything; alerts that were found before are still handed over. Safe to repeat."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._scraper.stop()
        await self._told.stop(within_wall_s=_STOP_WITHIN_WALL_S)
        await self._paged.stop(within_wall_s=_STOP_WITHIN_WALL_S)

    async def settle(self) -> None:
        """Wait until every alert found so far has been handed over."""
        await self._told.settle()
        await self._paged.settle()

    async def tick(self) -> None:
        """Do what is due now."""
        now_ms = to_ms(self.clock.now())
        self._scraper.start_due(now_ms)
        at_ms = self._evaluations.take(now_ms)
        if at_ms is not None:
            await self._scraper.settle(_SETTLE_WALL_S)
            self._evaluate(at_ms / 1000)

    async def _run(self) -> None:
        while True:
            now_s = self.clock.now()
            next_ms = min(self._scraper.next_ms(to_ms(now_s)), self._evaluations.next_ms)
            await self.clock.sleep(max(next_ms / 1000 - now_s, 0.0))
            try:
                await self.tick()
            except Exception as error:  # noqa: BLE001 - a monitor that dies in silence would make every drill look healthy
                self._problem("cycle", error)

    def _evaluate(self, at_s: float) -> None:
        for rule in self.rules:
            started_s = time.perf_counter()
            try:
                changed = rule.evaluate(self.store, at_s, epoch_s=self.epoch_s, dialect=self.dialect)
            except Exception as error:  # noqa: BLE001 - one broken rule must not silence the others
                rule.error = str(error) or type(error).__name__
                self._problem(f"rule {rule.rule.alert}", error)
                changed = []
            else:
                rule.error = ""
            rule.evaluated_at_s, rule.took_s = at_s, time.perf_counter() - started_s
            for alert in changed:
                self._told.put(alert)
                if alert.state != "pending":
                    self._paged.put(alert)
        self._evaluated += 1
        if self._evaluated % _FORGET_EVERY == 0:
            self.store.forget(to_ms(at_s))

    def _note_health(self, state: TargetState) -> None:
        name, health = state.target.name, state.health
        if self._health.get(name) == health:
            return
        self._health[name] = health
        if self._on_health is not None:
            try:
                self._on_health(TargetHealth(name, health, (state.scraped_at_ms or 0) / 1000, state.error))
            except Exception as error:  # noqa: BLE001 - the listener's failure is no failure of the target
                self._problem(f"on_health {name}", error)

    def _problem(self, what: str, error: Exception) -> None:
        problem = Problem(self.clock.now(), what, str(error) or type(error).__name__)
        self.problems.append(problem)
        if self._on_problem is not None:
            self._on_problem(problem)
