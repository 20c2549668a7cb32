"""Everybody around the stack: the observer with its load, the monitor, the on-call responder at the operator's workstation."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack

from fakes.clock import ClockPage
from harness.detection import Detection
from harness.history import LEDGER_FILE, History, Recorder
from harness.monitor.pagerduty import PagerDutyClient
from harness.pace import Pace
from harness.respond.desk import Desk
from harness.respond.responder import AutoResponder
from harness.spec import DrillSpec
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer
from harness.workload.config import ObserverConfig
from harness.workload.invariants import record_checks
from harness.workload.readback import read_back
from harness.workload.stream import Observer

ON_CALL = "on-call@eafix.example"


class Parties:
    """Starts them in order; each is ended by the exit stack that `start` is given."""

    def __init__(self, spec: DrillSpec, stack: EmbeddedStack, clock: ClockPage, pace: Pace, recorder: Recorder) -> None:
        self._spec, self._stack, self._clock, self._pace, self._recorder = spec, stack, clock, pace, recorder
        self._expected = set(spec.loaded.scenario.detection.alerts)
        self.observer = Observer()
        self._desk: Desk | None = None
        self._detection = Detection(spec, stack, clock, pace, recorder, expected=self._expected)

    @property
    def paged(self) -> bool:
        """Whether somebody was paged for an expected alert."""
        return self._detection.paged

    async def start(self, undo: AsyncExitStack) -> None:
        await self._detection.start(undo, pager=self._url("pager"))
        assert self._spec.tools is not None
        self._desk = await Desk.open(
            undo, self._stack, self._spec.run / "workstation", programs=self._spec.tools.commands,
            own_root=self._spec.sandbox == "namespaces",
        )  # fmt: skip
        undo.push_async_callback(self.observer.stop)
        await self.observer.start(self._load(), self._spec.folder / "logs" / "observer.log")
        await self._detection.ready()

    async def ready(self) -> None:
        """Wait until the operator's desk is as it is on any morning. Raises HarnessError."""
        assert self._desk is not None
        await self._desk.ready()

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

    # --- response ---------------------------------------------------------------------------------------------

    async def respond(self, rng: random.Random) -> None:
        """Wait for a page of an expected alert and carry the scenario's procedure out."""
        loaded = self._spec.loaded
        assert self._desk is not None
        async with PagerDutyClient(self._url("pager"), sender=ON_CALL) as incidents:
            responder = AutoResponder(
                procedure=loaded.procedure, response=loaded.scenario.response, alerts=self._expected, incidents=incidents,
                workstation=self._desk.workstation, clock=self._clock, recorder=self._recorder, rng=rng, measured=self._pace.measured,
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
