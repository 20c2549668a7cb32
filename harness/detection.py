"""Detection of one drill: the monitor it was given, what it says written into the history, and the pager."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from fakes.clock import ClockPage
from harness.around import open_pager, start_monitor, targets_of
from harness.history import Recorder
from harness.monitor.monitor import Problem, TargetHealth
from harness.monitor.pagerduty import PagerDutyNotifier
from harness.monitor.prometheus.bent import BentTime
from harness.monitor.prometheus.config import Sight
from harness.monitor.prometheus.monitor import PrometheusMonitor
from harness.monitor.prometheus.programs import ContainerPrograms, MonitorPrograms, ProcessPrograms
from harness.monitor.rules import Alert
from harness.pace import Pace
from harness.spec import DrillSpec
from harness.stack.containers import ContainersStack
from harness.stack.embedded import EmbeddedStack
from harness.stack.topology import ALERTMANAGER_PORT, PROMETHEUS_PORT, WEBHOOK_PORT


class Detection:
    """`start` starts the monitor, `ready` returns when it sees everything; both are ended by the exit stack given to `start`."""

    def __init__(
        self,
        spec: DrillSpec,
        stack: EmbeddedStack,
        clock: ClockPage,
        pace: Pace,
        recorder: Recorder,
        *,
        expected: Collection[str],
    ) -> None:
        """`expected` are the scenario's alerts."""
        self._spec, self._stack, self._clock, self._pace, self._recorder = spec, stack, clock, pace, recorder
        self._expected = expected
        self._prometheus: PrometheusMonitor | None = None
        self.paged = False  # for an expected alert
        self.pager: PagerDutyNotifier | None = None  # once started

    async def start(self, undo: AsyncExitStack) -> None:
        """Raises HarnessError."""
        notifier = self.pager = open_pager(undo, self._stack, self._record_page)
        if self._spec.monitor.kind == "prometheus":
            await self._start_prometheus(undo, notifier)
        else:
            await start_monitor(
                undo, self._stack, self._spec.loaded.rules, notifier,
                on_alert=self._record_alert, on_health=self._record_health, on_problem=self._record_problem,
            )  # fmt: skip

    async def ready(self) -> None:
        """Raises NotReady."""
        if self._prometheus is not None:
            await self._prometheus.ready()

    async def _start_prometheus(self, undo: AsyncExitStack, notifier: PagerDutyNotifier) -> None:
        spec, ports, monitoring = self._spec, self._stack.ports, self._stack.model.monitoring
        bent = BentTime(self._clock, self._clock.rate)
        self._pace.listen(bent.bend)
        sight = Sight(
            spec.loaded.rules, targets_of(self._stack), scrape_every_s=monitoring.scrape_every_s, evaluate_every_s=monitoring.evaluate_every_s,
            speed=spec.speed, alertmanager_port=ports[ALERTMANAGER_PORT], webhook_port=ports[WEBHOOK_PORT],
        )  # fmt: skip
        config = self._stack.shared / "monitor"
        config.mkdir(exist_ok=True)
        self._prometheus = PrometheusMonitor(
            sight, self._programs(config), self._clock, bent, config=config, prometheus_port=ports[PROMETHEUS_PORT],
            on_alert=self._record_alert, notify=notifier, on_health=self._record_health, on_problem=self._record_problem,
        )  # fmt: skip
        undo.push_async_callback(self._prometheus.stop)
        await self._prometheus.start()

    def _programs(self, config: Path) -> MonitorPrograms:
        """Who runs them."""
        spec, ports = self._spec, self._stack.ports
        listen = (ports.listen(PROMETHEUS_PORT), ports.listen(ALERTMANAGER_PORT))
        if isinstance(self._stack, ContainersStack):
            return ContainerPrograms(
                self._stack.remote, spec.drill, seen=self._stack.shared, config=config, listen=listen, speed=spec.speed
            )
        prometheus, alertmanager = spec.monitor.prometheus, spec.monitor.alertmanager
        assert prometheus is not None
        assert alertmanager is not None
        return ProcessPrograms(
            prometheus, alertmanager, config=config, data=spec.run / "monitor-data", logs=spec.folder / "logs", listen=listen,
            speed=spec.speed,
        )  # fmt: skip

    # --- into the history ---------------------------------------------------------------------------------------

    def _record_alert(self, alert: Alert) -> None:
        self._recorder.record(
            f"alert.{alert.state}", alert.rule, at_s=alert.at_s, labels=dict(alert.labels), value=alert.value, severity=alert.severity,
            since_s=alert.since_s, expected=alert.rule in self._expected,
        )  # fmt: skip

    def _record_page(self, alert: Alert, key: str) -> None:
        if alert.state == "firing":
            self.paged = self.paged or alert.rule in self._expected
            self._recorder.record("page.sent", alert.rule, incident=key)

    def _record_health(self, health: TargetHealth) -> None:
        why: dict[str, Any] = {"error": health.error} if health.error else {}
        self._recorder.record("service.state", health.name, at_s=health.at_s, state=health.health, **why)

    def _record_problem(self, problem: Problem) -> None:
        self._recorder.record("monitor.problem", problem.what, message=problem.message)
