"""The conductor: carries one scenario out inside the sandbox. `python -m harness.drill [FILE]` reads its DrillSpec from stdin.

Boot, conditions, monitor, load, steady state proven, faults, response, recovery proven, everything read back, heal, stop.
It only records; nothing is judged here. Whatever happens on the way, faults are healed, the stack is stopped and the
history is closed with how the drill ended.
"""

from __future__ import annotations

import asyncio
import pickle
import random
import signal
import sys
import traceback
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fakes.clock import ClockPage
from harness.errors import HarnessError, NotReady
from harness.faults.build import build_fault
from harness.faults.inject import LEAD_S, Injector
from harness.history import HISTORY_FILE, Event, Recorder
from harness.pace import Pace
from harness.parties import Parties
from harness.people.surprise import surprise_after
from harness.ports import Ports
from harness.recovery import Recovery
from harness.sandbox.warm import Warm
from harness.spec import DrillSpec
from harness.stack.containers import ContainersStack
from harness.stack.control import Control
from harness.stack.embedded import EmbeddedStack, Folders
from harness.stack.topology import CONTROL_PORT
from harness.tools import find_tools
from harness.waiting import wait_until

STEADY_WITHIN_S = (
    60.0  # wall, beside the hold time: a busy machine warms up no faster for the clock; then the drill ends without a fault
)
_LOOK_EVERY_S = 0.05  # wall: how often the conductor looks whether it is over


class Drill:
    """One scenario, once."""

    def __init__(self, spec: DrillSpec, warm: Warm | None = None) -> None:
        """`warm` starts what is Python."""
        self._warm = warm
        self._spec, self._scenario = spec, spec.loaded.scenario
        self._clock = ClockPage(spec.run / "clock.page", speed=spec.speed, pauses=spec.respond == "human")
        self._recorder = Recorder(spec.folder / HISTORY_FILE, self._clock)
        self._pace = Pace(self._clock, self._recorder)
        self._ports = Ports(own_network=spec.own_network, published=spec.stack != "embedded")
        assert spec.tools is not None
        make_stack = EmbeddedStack if spec.stack == "embedded" else ContainersStack
        self._stack = make_stack(
            spec.loaded.stack, spec.loaded.settings, tools=spec.tools, toxiproxy=spec.toxiproxy, ports=self._ports,
            folders=Folders(spec.run, spec.folder / "logs", spec.run / "clock.page"), clock=self._clock, seed=spec.seed, warm=warm,
        )  # fmt: skip
        self._stack.on_backup = self._recorder.record
        self._parties = Parties(spec, self._stack, self._clock, self._pace, self._recorder)
        self._recovery = Recovery(self._parties.observer, self._scenario.steady_state, self._clock, self._pace, self._recorder)
        self._signal: signal.Signals | None = None
        self._main: asyncio.Task[Any] | None = None
        self._aborted = ""

    async def run(self) -> str:
        """Carry it out to its end, whatever that is: completed, aborted or errored."""
        self._recorder.listen(_to_stdout)
        self._record_start()
        main = self._main = asyncio.current_task()
        assert main is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop_by, number, main)
        ending: dict[str, Any] = {"status": "completed"}
        try:
            await self._carry_out()
        except asyncio.CancelledError:
            name = self._signal.name if self._signal else "cancellation"
            ending = {"status": "aborted", "signal": self._signal, "error": self._aborted or f"stopped by {name}"}
        except BaseException as error:  # noqa: BLE001 - whatever broke, the history must say so
            traceback.print_exception(error)
            ending = {"status": "errored", "error": _innermost(error)}
        self._recorder.record("drill.finished", self._spec.loaded.name, **ending)
        self._recorder.close()
        return str(ending["status"])

    def _stop_by(self, number: signal.Signals, main: asyncio.Task[Any]) -> None:
        if self._signal is None:
            self._signal = number
            self._pace.go_on()  # healing waits for things, and in a pause it would wait for ever
            main.cancel()

    def _abort(self, why: str) -> None:
        """Somebody in the room ends the exercise."""
        if self._main is not None and not self._aborted:
            self._aborted = why
            self._main.cancel()

    def _record_start(self) -> None:
        spec, loaded = self._spec, self._spec.loaded
        self._recorder.record(
            "drill.started", loaded.name, drill=spec.drill, seed=spec.seed, speed=spec.speed, stack=spec.stack,
            versions={**spec.versions, **self._stack.versions()}, commit=spec.commit, command=spec.command,
            scenario=self._scenario.model_dump(mode="json", by_alias=True), settings=dict(loaded.settings),
            targets=[{"name": name, **target.model_dump(mode="json")} for name, target in loaded.targets.items()],
            sandbox=spec.sandbox, toxiproxy=spec.toxiproxy.kind, monitor=spec.monitor.kind, respond=spec.respond,
            warnings=list(spec.warnings), started=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )  # fmt: skip

    async def _carry_out(self) -> None:
        async with AsyncExitStack() as undo:  # last in, first out; every step runs, also after one that failed
            await self._boot(undo)
            await self._parties.start(undo, self._warm)
            self._pace.start()
            if await self._prove_steady():
                await self._parties.ready()
                await self._parties.gather(undo, self._abort)
                await self._rehearse(undo)

    async def _boot(self, undo: AsyncExitStack) -> None:
        undo.push_async_callback(self._stack.stop)
        boot_s = await self._stack.start()
        self._stack.on_cutover = self._record_cutover
        control = Control(self._stack, self._ports[CONTROL_PORT])
        undo.push_async_callback(control.stop)
        await control.start()
        for number, model in enumerate(self._scenario.conditions, start=len(self._scenario.faults) + 1):
            condition = build_fault(model, number, self._stack)
            await condition.inject()
            self._recorder.record(
                "condition.injected", condition.name, **model.model_dump(mode="json", exclude={"name", "at_s", "heal_after_s"})
            )
            undo.push_async_callback(condition.heal)
        memory_mb = await self._stack.memory_mb()
        servers = await self._stack.servers()
        told: dict[str, Any] = {"servers": servers} if servers else {}
        self._recorder.record(
            "stack.booted", self._scenario.stack, boot_s=round(boot_s, 3), memory_mb=round(memory_mb, 1), **told
        )

    def _record_cutover(self, address: str, old: str, new: str) -> None:
        facts: dict[str, Any] = {"from": old, "to": new}
        self._recorder.record("cutover", address, **facts)

    async def _prove_steady(self) -> bool:
        """Wait until clients are served for the scenario's hold time. False, and no fault, when that never came."""
        hold_s = self._scenario.steady_state.hold_s
        within_s = STEADY_WITHIN_S * self._clock.speed + hold_s
        try:
            since_s = await wait_until(
                lambda: self._recovery.steady_for(hold_s), what="steady state", within_s=within_s, every_s=0.5, clock=self._clock
            )
        except NotReady as error:
            self._recorder.record("steady.missed", "observer", why=str(error))
            return False
        self._recorder.record("steady.proven", "observer", since_s=round(since_s, 6))
        return True

    async def _rehearse(self, undo: AsyncExitStack) -> None:
        rng = random.Random(self._spec.seed)
        faults = [(model, build_fault(model, number, self._stack)) for number, model in enumerate(self._scenario.faults, start=1)]
        injector = Injector(
            faults, clock=self._clock, pace=self._pace, recorder=self._recorder, felt=self._recovery.felt, seed=self._spec.seed
        )
        await injector.heal_all()
        undo.push_async_callback(injector.heal_all)
        start_s = self._start_on_phase(rng)
        injecting = asyncio.create_task(injector.run(start_s))
        responding = asyncio.create_task(self._respond(rng, start_s))
        telling = asyncio.create_task(self._parties.tell(random.Random(f"{self._spec.seed} updates")))
        try:
            await self._until_over(injector, injecting, responding, telling)
        finally:
            for task in (injecting, responding, telling):
                task.cancel()
            await asyncio.gather(injecting, responding, telling, return_exceptions=True)
        with self._pace.measured("read back"):
            await self._parties.observer.stop()
            await self._parties.read_back()

    def _start_on_phase(self, rng: random.Random) -> float:
        """When the scenario's faults count from, such that the first one falls at a drawn phase of the scrape interval.

        Scrapes lie on a grid of documented time, so the same seed meets them at the same phase, at any speed.
        """
        every_s = self._spec.loaded.stack.monitoring.scrape_every_s
        first_at_s = min((model.at_s for model in self._scenario.faults if model.after is None), default=0.0)
        earliest = self._clock.now() + first_at_s + LEAD_S + 0.5
        phase = rng.random() * every_s
        start_s = (earliest // every_s + 1) * every_s + phase - first_at_s
        return start_s + surprise_after(self._spec.seed, self._spec.surprise_s)

    async def _respond(self, rng: random.Random, start_s: float) -> None:
        await self._parties.respond(rng, start_s)
        await self._recovery.expect_soon()

    async def _until_over(
        self, injector: Injector, injecting: asyncio.Task[None], responding: asyncio.Task[None], telling: asyncio.Task[None]
    ) -> None:
        """Return when all faults are in, the response is done, and recovery is proven and told of, or given up."""
        proven = False
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for task in (injecting, responding, telling):
                if task.done():
                    task.result()
            if not self._parties.observer.running:
                raise HarnessError(f"the observer ended with exit code {self._parties.observer.exit_code}; see its log")
            injected_s = injector.first_injected_s
            if injected_s is None:
                continue
            passed_s = self._clock.now() - injected_s
            detection = self._scenario.detection
            quiet = not self._parties.paged and passed_s > max(
                detection.give_up_after_s, (detection.reported_after_s or 0.0) + 10.0
            )
            if not proven and injecting.done() and (responding.done() or quiet):
                proven = self._recovery.proven(injected_s)
            if proven and not self._parties.telling:
                return
            if passed_s > self._scenario.give_up_after_s:
                if not proven:
                    self._recorder.record("recovery.given_up", "observer", after_s=round(passed_s, 6))
                return


def _to_stdout(event: Event) -> None:
    try:
        sys.stdout.write(event.to_line() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # nobody listens any more; the history on disk goes on


def _innermost(error: BaseException) -> str:
    """The first error of a group, in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{error}" if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"


def main() -> None:
    """Exit code 0 when the drill came to its end, else 4."""
    given = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else sys.stdin.buffer.read()
    spec: DrillSpec = pickle.loads(given)  # noqa: S301 -- written by `harness.run`, the process that started this one
    warm = None
    if spec.tools is None:  # those of the container that this runs in, where nothing was imported beforehand
        spec = replace(spec, tools=find_tools())
    else:
        warm = Warm.fork()
    status = asyncio.run(Drill(spec, warm).run())
    if warm is not None:
        warm.close()
    sys.exit(0 if status == "completed" else 4)


if __name__ == "__main__":
    main()
