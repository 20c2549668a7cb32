"""Everybody around the stack: the observer with its load, the monitor, the on-call responder at the operator's workstation."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from typing import Any

from fakes.clock import ClockPage
from harness.history import LEDGER_FILE, History, Recorder
from harness.monitor.api import Api
from harness.monitor.monitor import Monitor, Problem, TargetHealth
from harness.monitor.pagerduty import PagerDutyClient, PagerDutyNotifier
from harness.monitor.rules import Alert
from harness.monitor.target import ScrapeTarget
from harness.pace import Pace
from harness.respond.responder import AutoResponder
from harness.respond.workstation import Endpoints, build_workstation
from harness.spec import DrillSpec
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer
from harness.stack.topology import CONTROL_PORT, PROMETHEUS_PORT
from harness.workload.config import ObserverConfig
from harness.workload.invariants import record_checks
from harness.workload.readback import read_back
from harness.workload.stream import Observer

ON_CALL = "on-call@eafix.example"
_ROUTING_KEY = "gameday-drill-routing-key-000000"


class Parties:
    """Starts them in order; each is ended by the exit stack that `start` is given."""

    def __init__(self, spec: DrillSpec, stack: EmbeddedStack, clock: ClockPage, pace: Pace, recorder: Recorder) -> None:
        self._spec, self._stack, self._clock, self._pace, self._recorder = spec, stack, clock, pace, recorder
        self._expected = set(spec.loaded.scenario.detection.alerts)
        self.observer = Observer()
        self.paged = False

    async def start(self, undo: AsyncExitStack) -> None:
        await self._start_monitor(undo)
        undo.push_async_callback(self.observer.stop)
        await self.observer.start(self._load(), self._spec.folder / "logs" / "observer.log")

    # --- load -------------------------------------------------------------------------------------------------

    def _load(self) -> ObserverConfig:
        load = self._spec.loaded.scenario.load
        return ObserverConfig(
            clock=self._spec.run / "clock.page", ledger=self._spec.folder / LEDGER_FILE, gateway=self._url("gui-gateway"),
            ingestor=self._url("data-ingestor"), signals=self._url("signal-generator"), orders_per_s=load.orders_per_s,
            canary_every_s=load.canary_every_s, symbols=load.symbols, seed=self._spec.seed, prefix=f"{self._spec.drill[-6:]}-",
        )  # fmt: skip

    def _url(self, service: str) -> str:
        """The documented address, as clients use it."""
        return f"http://{self._stack.ports.address(self._stack.model.services[service].port)}"

    # --- detection --------------------------------------------------------------------------------------------

    async def _start_monitor(self, undo: AsyncExitStack) -> None:
        monitoring = self._stack.model.monitoring
        pager = PagerDutyNotifier(self._url("pager"), _ROUTING_KEY, self._clock, on_paged=self._record_page)
        undo.push_async_callback(pager.close)
        monitor = Monitor(
            self._spec.loaded.rules, [self._target(name) for name in monitoring.scrape], self._clock,
            scrape_every_s=monitoring.scrape_every_s, evaluate_every_s=monitoring.evaluate_every_s, on_alert=self._record_alert,
            notify=pager, on_health=self._record_health, on_problem=self._record_problem,
        )  # fmt: skip
        api = Api(monitor, self._stack.ports[PROMETHEUS_PORT])
        undo.push_async_callback(api.stop)
        await api.start()
        undo.push_async_callback(monitor.stop)
        await monitor.start()

    def _target(self, name: str) -> ScrapeTarget:
        """A service's own process, or the exporter's page about a datastore."""
        if name in self._stack.services:
            return ScrapeTarget(name, f"http://127.0.0.1:{self._stack.services[name].port}/metrics")
        return ScrapeTarget(name, f"http://127.0.0.1:{self._stack.services['exporter'].port}/metrics/{name}")

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

    # --- response ---------------------------------------------------------------------------------------------

    async def respond(self, rng: random.Random) -> None:
        """Wait for a page of an expected alert and carry the scenario's procedure out."""
        loaded = self._spec.loaded
        ports = self._stack.ports
        endpoints = Endpoints(
            control=ports.address(CONTROL_PORT), prometheus=ports.address(PROMETHEUS_PORT), ports=ports.mapped(),
            database=str(loaded.settings["postgres.database"]), user=str(loaded.settings["postgres.user"]),
        )  # fmt: skip
        assert self._spec.tools is not None
        programs = self._spec.tools.commands
        workstation = build_workstation(self._spec.run / "workstation", self._stack.model, endpoints, programs=programs)
        async with PagerDutyClient(self._url("pager"), sender=ON_CALL) as incidents:
            responder = AutoResponder(
                procedure=loaded.procedure, response=loaded.scenario.response, alerts=self._expected, incidents=incidents,
                workstation=workstation, clock=self._clock, recorder=self._recorder, rng=rng, measured=self._pace.measured,
            )  # fmt: skip
            await responder.run(give_up_after_s=loaded.scenario.give_up_after_s)

    # --- what is left -----------------------------------------------------------------------------------------

    async def read_back(self) -> None:
        """Read everything back, straight from the database that clients are led to now, and from the broker."""
        database = self._stack.current("postgres")
        assert isinstance(database, PostgresServer)
        broker = f"http://127.0.0.1:{self._stack.services['broker'].port}"
        await read_back(self._recorder, self._clock, dsn=database.dsn(), broker=broker)
        record_checks(History.read(self._spec.folder), self._recorder)
