"""The monitor of a drill that detects with Prometheus and Alertmanager themselves.

Prometheus scrapes and evaluates; Alertmanager tells our webhook; `holdback` puts both on the documented axis; from there on
alerts go the same way as the embedded monitor's: into the history and to the pager. Beside that Prometheus is asked all the
time for its alerts, rules and targets, so that the history has pending alerts and silent targets too, and says so when the
monitor itself is blind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from fakes.clock import Clock
from harness.monitor.delivery import Delivery
from harness.monitor.delivery import Receiver as Told
from harness.monitor.labels import make_labels
from harness.monitor.monitor import Notifier, Problem, TargetHealth
from harness.monitor.prometheus.answers import NotedAlert, ShownAlert, ShownRule
from harness.monitor.prometheus.bent import BentTime
from harness.monitor.prometheus.cadence import Cadence
from harness.monitor.prometheus.client import Client, Silent
from harness.monitor.prometheus.config import ALERTMANAGER, PROMETHEUS, Sight, write_configuration
from harness.monitor.prometheus.holdback import Active, HeldRule
from harness.monitor.prometheus.programs import MonitorPrograms
from harness.monitor.prometheus.receiver import Receiver
from harness.monitor.rules import NAME_LABEL, Alert
from harness.monitor.target import Health
from harness.waiting import wait_until

READY_WITHIN_S = 40.0  # Prometheus asks where its targets are every 5 s of the wall, whatever it is told
_LOOK_EVERY_WALL_S = 0.1
_LOOK_SOON_WALL_S = 0.02  # where something is due
_TARGETS_EVERY_WALL_S = 0.2
_BLIND_AFTER_WALL_S = 3.0  # of silence; a busy machine is not blind
_STOP_WITHIN_WALL_S = 1.0


class PrometheusMonitor:
    """Detection of one drill. `start` returns at once, `ready` when every target has been seen."""

    def __init__(
        self, sight: Sight, programs: MonitorPrograms, clock: Clock, bent: BentTime, *, config: Path, prometheus_port: int,
        on_alert: Told, notify: Notifier, on_health: Callable[[TargetHealth], None], on_problem: Callable[[Problem], None],
    ) -> None:  # fmt: skip
        """`config` is the folder that `programs` reads its files from. `bent` must be told of every change of the rate.

        `on_alert` hears of every change: pending, firing, resolved; `notify` of firing and resolved.
        """
        self._sight, self._programs, self._clock, self._bent, self._config = sight, programs, clock, bent, config
        self._on_health, self._on_problem = on_health, on_problem
        cadence = Cadence(
            scrape_every_s=sight.scrape_every_s, evaluate_every_s=sight.evaluate_every_s, jobs=[t.name for t in sight.targets]
        )
        self._rules = {
            rule.alert: HeldRule(rule, bent, cadence, speed=sight.speed, on_problem=self._problem) for rule in sight.rules
        }
        self._client = Client(prometheus_port, sight.alertmanager_port)
        self._receiver = Receiver(sight.webhook_port, self._hear, self._problem)
        self._told = Delivery(on_alert, lambda alert, error: self._problem(f"on_alert {alert.rule}", str(error)))
        self._paged = Delivery(notify.notify, lambda alert, error: self._problem(f"notify {alert.rule}", str(error)))
        self._woken = asyncio.Event()
        self._health: dict[str, Health] = {}
        self._errors: dict[str, str] = {}  # what each rule last complained of
        self._targets_at_wall_s = 0.0
        self._silence: dict[str, float] = {}  # who has not answered, since when
        self._complained: set[str] = set()  # whose silence has been told
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write the configuration and start everything. Raises HarnessError, BadQuery."""
        self._config.mkdir(parents=True, exist_ok=True)
        write_configuration(self._config, self._sight)
        await self._receiver.start()
        await self._programs.start(ALERTMANAGER)
        await self._programs.start(PROMETHEUS)
        self._told.start()
        self._paged.start()

    async def ready(self) -> None:
        """Return when every target has been scraped, every rule evaluated and Alertmanager found. Raises NotReady."""
        await wait_until(
            self._all_seen, what="Prometheus with Alertmanager", within_s=READY_WITHIN_S, every_s=0.1, clock=self._clock
        )
        self._task = asyncio.create_task(self._run(), name="prometheus monitor")

    async def stop(self) -> None:
        """End everything; alerts that were found before are still handed over. Safe to repeat."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._told.stop(within_wall_s=_STOP_WITHIN_WALL_S)
            await self._paged.stop(within_wall_s=_STOP_WITHIN_WALL_S)
            await self._client.close()
        finally:
            try:
                await self._programs.stop()
            finally:
                await self._receiver.stop()

    @property
    def webhook_port(self) -> int:
        """Where Alertmanager is heard."""
        return self._receiver.port

    async def settle(self) -> None:
        """Wait until every alert found so far has been handed over."""
        await self._told.settle()
        await self._paged.settle()

    async def _all_seen(self) -> bool | None:
        await self._client.alertmanager_ready()
        await self._client.prometheus_ready()
        if not (await self._client.alertmanagers()).data.active:
            raise Silent("Prometheus has not found Alertmanager")
        for target in (targets := (await self._client.targets()).data.targets):
            if target.last_scrape < 0:
                raise Silent(f"the target {target.labels.get('job')} has not been scraped")
        if len(targets) < len(self._sight.targets):
            raise Silent(f"{len(targets)} of {len(self._sight.targets)} targets are known")
        rules = (await self._client.rules()).rules
        return (len(rules) == len(self._rules) and all(rule.last_evaluation > 0 for rule in rules)) or None

    # --- looking ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - a monitor that dies in silence would make every drill look healthy
                self._complain("look", str(error) or type(error).__name__)
            else:
                self._complained.discard("look")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._pause_wall_s())

    def _pause_wall_s(self) -> float:
        """Until the next look: a tenth of a second, less where something may be due before."""
        now_s = self._clock.now()
        due = [(due_s - now_s) / self._sight.speed for rule in self._rules.values() if (due_s := rule.next_due_s) is not None]
        return min(max(min(due, default=_LOOK_EVERY_WALL_S), _LOOK_SOON_WALL_S), _LOOK_EVERY_WALL_S)

    async def look(self) -> None:
        """Ask both programs how things are, and tell what is due."""
        try:
            rules = (await self._client.rules()).rules
            self._evaluating(rules)
            for rule in rules:
                self._take(rule)
            if self._clock.wall() - self._targets_at_wall_s >= _TARGETS_EVERY_WALL_S:
                self._targets_at_wall_s = self._clock.wall()
                await self._look_at_targets()
        except Silent as error:
            self._silent(PROMETHEUS, str(error))
        else:
            self._answers(PROMETHEUS)

    def _evaluating(self, rules: Sequence[ShownRule]) -> None:
        """Raises Silent when the rules are not evaluated any more."""
        newest_wall_s = max((self._bent.wall_of(rule.last_evaluation) for rule in rules), default=0.0)
        if self._clock.wall() - newest_wall_s > self._sight.evaluate_wall_s + _BLIND_AFTER_WALL_S:
            raise Silent("Prometheus does not evaluate the rules any more")

    def _take(self, shown: ShownRule) -> None:
        held = self._rules.get(shown.name)
        if held is None:
            return
        error = shown.last_error if shown.health == "err" else ""
        if error and self._errors.get(shown.name, "") != error:
            self._problem(f"rule {shown.name}", error)
        self._errors[shown.name] = error
        if error:
            return  # an evaluation that failed changes nothing
        active = [self._active(alert) for alert in shown.alerts]
        for alert in held.look(active, self._bent.wall_of(shown.last_evaluation), self._clock.wall()):
            self._tell(alert)

    def _active(self, alert: ShownAlert) -> Active:
        return Active(make_labels(alert.labels), alert.state, alert.value, alert.active_at, self._bent.wall_of(alert.active_at))

    def _tell(self, alert: Alert) -> None:
        self._told.put(alert)
        if alert.state != "pending":
            self._paged.put(alert)

    async def _look_at_targets(self) -> None:
        for target in (await self._client.targets()).data.targets:
            name, health = target.labels.get("job", ""), target.health
            if health == "unknown" or self._health.get(name) == health:
                continue
            self._health[name] = health
            at_s = self._bent.documented(self._bent.wall_of(target.last_scrape))
            self._on_health(TargetHealth(name, health, at_s, target.last_error))
        try:
            await self._client.alertmanager_ready()
        except Silent as error:
            self._silent(ALERTMANAGER, str(error))
        else:
            self._answers(ALERTMANAGER)

    # --- hearing ----------------------------------------------------------------------------------------------

    def _hear(self, alert: NotedAlert) -> None:
        rule = self._rules.get(alert.labels.get(NAME_LABEL, ""))
        if rule is None:
            self._problem("webhook", f"Alertmanager tells of an alert that is no rule's: {alert.labels}")
            return
        firing = alert.status == "firing"
        at_wall_s = self._bent.wall_of(alert.starts_at if firing else alert.ends_at)
        rule.hear(make_labels(alert.labels), firing=firing, at_wall_s=at_wall_s)
        self._woken.set()

    # --- what goes wrong --------------------------------------------------------------------------------------

    def _silent(self, who: str, message: str) -> None:
        """Somebody did not answer: a problem when that lasts."""
        since_wall_s = self._silence.setdefault(who, self._clock.wall())
        if self._clock.wall() - since_wall_s >= _BLIND_AFTER_WALL_S:
            self._complain(who, message)

    def _answers(self, who: str) -> None:
        self._silence.pop(who, None)
        self._complained.discard(who)

    def _complain(self, who: str, message: str) -> None:
        """Say that the monitor is blind: once, until it sees again."""
        if who not in self._complained:
            self._complained.add(who)
            self._problem("cycle", message)

    def _problem(self, what: str, message: str) -> None:
        self._on_problem(Problem(self._clock.now(), what, message))
