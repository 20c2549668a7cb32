"""Everybody around the stack: the observer with its load, the monitor, the on-call responder at the operator's workstation."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Literal

from fakes.clock import ClockPage
from harness.around import address_of, load_of
from harness.detection import Detection
from harness.history import LEDGER_FILE, History, Recorder
from harness.monitor.pagerduty import PagerDutyClient
from harness.pace import Pace
from harness.people.room import Room
from harness.respond.announcer import BY, Announcer
from harness.respond.chat import ChatClient, ChatRecorder
from harness.respond.confinement import Confinement
from harness.respond.desk import confine, lay_out, stand
from harness.respond.reporting import Reporter
from harness.respond.responder import AutoResponder
from harness.respond.standing import Standing
from harness.respond.workstation import Workstation
from harness.response import REPORTED
from harness.sandbox.warm import Warm
from harness.spec import DrillSpec
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer
from harness.workload.invariants import record_checks
from harness.workload.readback import read_back
from harness.workload.stream import Observer
from harness.writers import Writers
from scenarios.model import Change, Response
from scenarios.runbook import Procedure

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
        self._chat: tuple[ChatClient, ChatRecorder, str] | None = None
        self._announcer: Announcer | None = None
        self._reporter: Reporter | None = None
        self._room: Room | None = None
        self._writers = Writers(stack, clock, recorder)
        self._detection = Detection(spec, stack, clock, pace, recorder, expected=self._expected)

    @property
    def paged(self) -> bool:
        """Whether somebody was paged for an expected alert, or by people."""
        return self._detection.paged or (self._reporter is not None and self._reporter.paged)

    @property
    def telling(self) -> bool:
        """Whether somebody has still to tell the others how it ended."""
        return self._announcer is not None and self._announcer.at_it

    async def start(self, undo: AsyncExitStack, warm: Warm | None = None) -> None:
        """`warm` starts the observer."""
        await self._detection.start(undo)
        await self._open_chat(undo)
        assert self._detection.pager is not None
        detection = self._spec.loaded.scenario.detection
        self._reporter = Reporter(
            self._detection.pager, self._clock, self._recorder, after_s=detection.reported_after_s, alerts=self._expected
        )
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
        await self.observer.start(load, spec.folder / "logs" / "observer.log", warm)
        undo.push_async_callback(self._writers.stop)
        await self._writers.start()
        await self._detection.ready()

    async def ready(self) -> None:
        """Wait until the operator's desk is as it is on any morning. Raises HarnessError."""
        assert self._standing is not None
        await self._standing.ready()

    async def gather(self, undo: AsyncExitStack, abort: Callable[[str], None]) -> None:
        """Where people respond, open the room to them; `abort` ends the drill. Raises HarnessError."""
        if self._spec.respond != "human":
            return
        assert self._station is not None
        loaded = self._spec.loaded
        incidents = await undo.enter_async_context(PagerDutyClient(address_of(self._stack, "pager"), sender=ON_CALL))
        self._room = Room(
            self._spec.folder, loaded.procedure, loaded.scenario.response.procedure, incidents=incidents, clock=self._clock,
            pace=self._pace, recorder=self._recorder, station=self._station, confinement=self._confinement,
            shells=self._spec.own_network, abort=abort, post=self._post if self._chat is not None else None,
        )  # fmt: skip
        undo.push_async_callback(self._room.close)
        await self._room.open()
        self._recorder.record("exercise.opened", loaded.name)

    # --- response ---------------------------------------------------------------------------------------------

    async def respond(self, rng: random.Random, start_s: float) -> None:
        """Carry planned work out, and answer the page. `start_s`: what the scenario's times count from, documented."""
        scenario = self._spec.loaded.scenario
        assert self._reporter is not None
        async with (
            PagerDutyClient(address_of(self._stack, "pager"), sender=ON_CALL) as incidents,
            asyncio.TaskGroup() as tasks,
        ):
            if scenario.change is not None:
                tasks.create_task(self._change(scenario.change, start_s, incidents))
            if scenario.detection.must_not_page:
                return
            reporting = tasks.create_task(self._reporter.run())
            if self._room is not None:
                with self._pace.measured("people respond"):
                    await self._room.resolved.wait()
            else:
                responder = self._responder(incidents, self._spec.loaded.procedure, scenario.response, rng)
                await responder.run(give_up_after_s=scenario.give_up_after_s)
            reporting.cancel()

    async def _change(self, change: Change, start_s: float, incidents: PagerDutyClient) -> None:
        """Planned work, begun when it is due."""
        procedure = self._spec.loaded.change
        assert procedure is not None
        response, rng = Response(procedure=change.procedure, step=change.step), random.Random(f"{self._spec.seed} change")
        await self._clock.sleep(start_s + change.begins_s - self._clock.now())
        await self._responder(incidents, procedure, response, rng, kind="change").carry_out()

    def _responder(
        self, incidents: PagerDutyClient, procedure: Procedure, response: Response, rng: random.Random, *,
        kind: Literal["procedure", "change"] = "procedure",
    ) -> AutoResponder:  # fmt: skip
        assert self._station is not None
        return AutoResponder(
            procedure=procedure, response=response, alerts={*self._expected, REPORTED}, incidents=incidents,
            workstation=self._station, clock=self._clock, recorder=self._recorder, rng=rng, measured=self._pace.measured,
            confinement=self._confinement, kind=kind,
        )  # fmt: skip

    async def _post(self, text: str, by: str) -> None:
        """Say it in the first of the stack's channels. Raises HarnessError."""
        assert self._chat is not None
        client, _, channel = self._chat
        await client.post(channel, text, by=by)

    async def _open_chat(self, undo: AsyncExitStack) -> None:
        """From now on what the stack's chat receives stands in the history; a stack of somebody's own may have none."""
        service = next((each for each in self._stack.model.services.values() if each.program == "chat"), None)
        if service is None:
            return
        client = await undo.enter_async_context(ChatClient(address_of(self._stack, "chat")))
        channels = [str(name).removeprefix("#") for name in service.settings.get("chat.channels") or ["incidents"]]
        recorder = ChatRecorder(client, channels, self._recorder)
        undo.push_async_callback(recorder.stop)
        recorder.start()
        self._chat = client, recorder, channels[0]

    async def tell(self, rng: random.Random) -> None:
        """Post status updates, where the scenario asks somebody to; returns when the resolution has been told."""
        response = self._spec.loaded.scenario.response
        if response.updates is None or self._chat is None or self._room is not None:
            return  # in an exercise people tell the others themselves
        self._announcer = Announcer(response.updates, partial(self._post, by=BY), self._clock, rng)
        self._recorder.listen(self._announcer.hear)
        await self._announcer.run()

    # --- what is left -----------------------------------------------------------------------------------------

    async def read_back(self) -> None:
        """Read everything back: what the chat received, then from the database that clients are led to now, and from the broker."""
        if self._chat is not None:
            await self._chat[1].collect()
        await self._writers.stop()
        database = self._stack.serving("postgres")
        assert isinstance(database, PostgresServer)
        broker = f"http://127.0.0.1:{self._stack.services['broker'].port}"
        await read_back(self._recorder, self._clock, dsn=database.dsn(), broker=broker)
        record_checks(History.read(self._spec.folder), self._recorder)
