"""Everybody around the stack: the observer with its load, the monitor, the on-call responder at the operator's workstation."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack

from fakes.clock import ClockPage
from harness.around import address_of, load_of
from harness.detection import Detection
from harness.history import LEDGER_FILE, History, Recorder
from harness.monitor.pagerduty import PagerDutyClient
from harness.pace import Pace
from harness.respond.confinement import Confinement
from harness.respond.desk import confine, lay_out, stand
from harness.respond.responder import AutoResponder
from harness.respond.standing import Standing
from harness.respond.workstation import Workstation
from harness.spec import DrillSpec
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer
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
        self._station: Workstation | None = None
        self._standing: Standing | None = None
        self._confinement: Confinement | None = None
        self._detection = Detection(spec, stack, clock, pace, recorder, expected=self._expected)

    @property
    def paged(self) -> bool:
        """Whether somebody was paged for an expected alert."""
        return self._detection.paged

    async def start(self, undo: AsyncExitStack) -> None:
        await self._detection.start(undo)
        spec, own_root = self._spec, self._spec.sandbox == "namespaces"
        assert spec.tools is not None
        self._station = await asyncio.to_thread(
            lay_out, spec.run / "workstation", self._stack, programs=spec.tools.commands, own_root=own_root
        )
        self._standing = await stand(undo, self._stack, self._station, own_root=own_root)
        if own_root:
            self._confinement = await confine(self._stack, self._station, spec.tools)
        undo.push_async_callback(self.observer.stop)
        load = load_of(
            self._stack, spec.loaded.scenario.load, ledger=spec.folder / LEDGER_FILE, seed=spec.seed, prefix=f"{spec.drill[-6:]}-"
        )
        await self.observer.start(load, spec.folder / "logs" / "observer.log")
        await self._detection.ready()

    async def ready(self) -> None:
        """Wait until the operator's desk is as it is on any morning. Raises HarnessError."""
        assert self._standing is not None
        await self._standing.ready()

    # --- response ---------------------------------------------------------------------------------------------

    async def respond(self, rng: random.Random) -> None:
        """Wait for a page of an expected alert and carry the scenario's procedure out."""
        loaded = self._spec.loaded
        assert self._station is not None
        async with PagerDutyClient(address_of(self._stack, "pager"), sender=ON_CALL) as incidents:
            responder = AutoResponder(
                procedure=loaded.procedure, response=loaded.scenario.response, alerts=self._expected, incidents=incidents,
                workstation=self._station, clock=self._clock, recorder=self._recorder, rng=rng, measured=self._pace.measured,
                confinement=self._confinement,
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
