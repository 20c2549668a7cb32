"""The conductor of a check: carries one procedure out inside the sandbox. `python -m harness.runbooks.conduct` reads its CheckSpec from stdin.

Boot, conditions, steady state proven, faults until they bite and are noticed, the procedure, recovery awaited, on demand once more and
its rollback, everything read back. It only records, and what it records goes to standard output alone: nothing of the host is
writable in here.
"""

from __future__ import annotations

import asyncio
import pickle
import signal
import sys
import traceback
from contextlib import AsyncExitStack
from typing import Any

from fakes.clock import ClockPage
from harness.errors import HarnessError, NotReady
from harness.faults.build import build_fault
from harness.faults.inject import Injector
from harness.history import HISTORY_FILE, Event, History, Recorder
from harness.pace import Pace
from harness.ports import Ports
from harness.recovery import Recovery
from harness.runbooks.operator import Operator
from harness.runbooks.plan import Unit
from harness.runbooks.spec import CheckSpec
from harness.runbooks.state import facts
from harness.runbooks.surroundings import Surroundings
from harness.sandbox.warm import Warm
from harness.stack.control import Control
from harness.stack.embedded import EmbeddedStack, Folders
from harness.stack.postgres import PostgresServer
from harness.stack.topology import CONTROL_PORT
from harness.waiting import wait_until
from harness.workload.invariants import record_checks
from harness.workload.readback import read_back

STEADY_WITHIN_S = 40.0  # wall: from a stack that has booted to one that serves
NOTICED_WITHIN_S = 180.0  # documented: from a fault to its alert; the procedure begins then at the latest
SOON_S = 4.0  # wall: after a procedure, how long time stays at rate 1 for clients to be served again
SERVED_WITHIN_S = 90.0  # documented: after a procedure, until clients must be served again
LAST_CHANCE_S = 6.0  # at rate 1: a busy machine is slow, and in accelerated time one slow answer is a long outage
_LAST_LINES = 12  # of a log, when something broke
_HOLD_S = 1.0  # documented, at rate 1: clients served for so long are served


class Check:
    """One procedure, once."""

    def __init__(self, spec: CheckSpec, warm: Warm) -> None:
        """`warm` starts what is Python."""
        self._spec, self._warm = spec, warm
        (spec.run / "logs").mkdir(parents=True, exist_ok=True)
        self._clock = ClockPage(spec.run / "clock.page", speed=spec.speed)
        self._recorder = Recorder(spec.run / HISTORY_FILE, self._clock)
        self._pace = Pace(self._clock, self._recorder)
        self._ports = Ports(own_network=True)
        self._stack = EmbeddedStack(
            spec.stack, spec.settings, tools=spec.tools, toxiproxy=spec.toxiproxy, ports=self._ports,
            folders=Folders(spec.run, spec.run / "logs", spec.run / "clock.page"), clock=self._clock, seed=spec.seed, warm=warm,
        )  # fmt: skip
        self._around = Surroundings(spec, self._stack, self._recorder, tell=_to_stdout)
        self._recovery = Recovery(self._around.observer, spec.steady, self._clock, self._pace, self._recorder)
        self._operator = Operator(spec, self._recorder, self._around, self._pace, self._clock)

    async def run(self) -> str:
        """Carry it out to its end, whatever that is: completed, aborted or errored."""
        self._recorder.listen(_to_stdout)
        self._record_start()
        main = asyncio.current_task()
        assert main is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, main.cancel)
        ending: dict[str, Any] = {"status": "completed"}
        try:
            async with AsyncExitStack() as undo:  # last in, first out; every step runs, also after one that failed
                await self._carry_out(undo)
        except asyncio.CancelledError:
            ending = {"status": "aborted", "error": "stopped by a signal"}
        except BaseException as error:  # noqa: BLE001 - whatever broke, the history must say so
            traceback.print_exception(error)
            self._print_logs(str(error))
            ending = {"status": "errored", "error": f"{type(error).__name__}: {error}"}
        self._recorder.record("drill.finished", self._spec.plan.reference, **ending)
        self._recorder.close()
        return str(ending["status"])

    def _print_logs(self, error: str) -> None:
        """The ends of the logs that an error names: they go with the sandbox."""
        for path in sorted((self._spec.run / "logs").glob("*.log")):
            if path.name in error or path.stem in error.split():
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
                sys.stderr.write("".join(f"{path.name}: {line}\n" for line in lines))

    def _record_start(self) -> None:
        spec = self._spec
        self._recorder.record(
            "drill.started", spec.plan.reference, seed=spec.seed, speed=spec.speed, stack=spec.stack_name, settings=dict(spec.settings),
            incident=spec.incident.name if spec.incident else None, owes=spec.plan.owes, versions=self._stack.versions(),
        )  # fmt: skip

    async def _carry_out(self, undo: AsyncExitStack) -> None:
        await self._boot(undo)
        await self._around.start(undo, self._warm)
        self._pace.start()
        await self._prove_steady()
        undo.push_async_callback(self._operator.close)
        await self._operator.start(undo)
        await self._snapshot("before")
        if self._spec.incident is not None:
            await self._break(undo)
        with self._pace.measured("the procedure"):
            await self._operator.prepare()
            await self._procedure(self._spec.plan.units, "first")
        await self._settle("first")
        if self._spec.twice and self._worked:
            with self._pace.measured("the procedure again"):
                await self._procedure(self._spec.plan.units, "again")
            await self._settle("again")
        if self._spec.plan.rollback:
            with self._pace.measured("the rollback"):
                await self._procedure(self._spec.plan.rollback, "rollback")
            await self._settle("rollback")
        with self._pace.measured("read back"):
            await self._operator.close()
            await self._around.observer.stop()
            await self._read_back()

    # --- before the procedure ---------------------------------------------------------------------------------

    async def _boot(self, undo: AsyncExitStack) -> None:
        undo.push_async_callback(self._stack.stop)
        boot_s = await self._stack.start()
        control = Control(self._stack, self._ports[CONTROL_PORT])
        undo.push_async_callback(control.stop)
        await control.start()
        conditions = self._spec.incident.scenario.conditions if self._spec.incident else ()
        for number, model in enumerate(conditions, start=1):
            condition = build_fault(model, number, self._stack)
            await condition.inject()
            self._recorder.record("condition.injected", condition.name)
            undo.push_async_callback(condition.heal)
        self._recorder.record("stack.booted", self._spec.stack_name, boot_s=round(boot_s, 3))

    async def _prove_steady(self) -> None:
        """Wait until clients are served. Raises NotReady: a procedure is not judged on a stack that never worked."""
        hold_s = self._spec.steady.hold_s
        since_s = await wait_until(
            lambda: self._recovery.steady_for(hold_s), what="the steady state", within_s=STEADY_WITHIN_S * self._clock.speed,
            every_s=self._clock.speed * 0.02, clock=self._clock,
        )  # fmt: skip
        self._recorder.record("steady.proven", "observer", since_s=round(since_s, 6))

    async def _break(self, undo: AsyncExitStack) -> None:
        """Inject the faults of the incident, see them bite, and wait until they are noticed."""
        assert self._spec.incident is not None
        scenario = self._spec.incident.scenario
        faults = [(model, build_fault(model, number, self._stack)) for number, model in enumerate(scenario.faults, start=1)]
        injector = Injector(faults, clock=self._clock, pace=self._pace, recorder=self._recorder, felt=self._recovery.felt)
        undo.push_async_callback(injector.heal_all)
        injecting = asyncio.create_task(injector.run(self._clock.now() + 1.0))
        undo.callback(injecting.cancel)

        async def injected() -> bool | None:
            return True if injector.first_injected_s is not None or injecting.done() else None

        await wait_until(injected, what="the fault", within_s=NOTICED_WITHIN_S, every_s=0.1, clock=self._clock)
        wanted = set(scenario.detection.alerts)

        async def noticed() -> bool | None:
            return True if not wanted or wanted & self._around.firing else None  # without an alert people have seen it

        try:
            await wait_until(noticed, what="the alert", within_s=NOTICED_WITHIN_S, every_s=1.0, clock=self._clock)
            self._recorder.record("incident.noticed", self._spec.incident.name)
        except NotReady:
            self._recorder.record("incident.unnoticed", self._spec.incident.name, after_s=NOTICED_WITHIN_S)
        if injecting.done():
            injecting.result()

    # --- the procedure ----------------------------------------------------------------------------------------

    async def _procedure(self, units: tuple[Unit, ...], phase: str) -> None:
        self._recorder.record("procedure.started", phase)
        done = await self._operator.carry_out(units, phase)
        self._recorder.record("procedure.finished", phase, outcome="done" if done else "stopped")

    async def _settle(self, phase: str) -> None:
        """Wait until clients are served again, or for the documented time in which they should be; then see what there is."""
        ended_s = self._clock.now()
        with self._pace.measured("recovery"):
            served = await self._served(SOON_S, _HOLD_S, ended_s)
        served = served or await self._served(SERVED_WITHIN_S, self._spec.steady.settle_s, ended_s)
        if not served:
            with self._pace.measured("last chance"):
                served = await self._served(LAST_CHANCE_S, _HOLD_S, self._clock.now())
        self._worked = served
        self._recorder.record("recovery.proven" if served else "recovery.given_up", phase, within_s=SERVED_WITHIN_S)
        await self._snapshot(f"after {phase}")

    async def _served(self, within_s: float, hold_s: float, after_s: float) -> bool:
        """Whether the steady state comes to hold for so long, counted from no earlier than `after_s`."""

        async def holds() -> bool | None:
            since_s = await self._recovery.steady_for(hold_s)
            return True if since_s is not None and since_s >= after_s else None

        try:
            await wait_until(holds, what="clients served", within_s=within_s, every_s=self._clock.rate * 0.02, clock=self._clock)
        except NotReady:
            return False
        return True

    async def _snapshot(self, when: str) -> None:
        found = await facts(self._stack, self._ports.address(CONTROL_PORT))
        self._recorder.record("state", when, facts=found)

    async def _read_back(self) -> None:
        """Everything, straight from the database that clients are led to, and from the broker."""
        try:
            database = self._stack.serving("postgres")
        except (HarnessError, KeyError) as error:
            self._recorder.record("readback.failed", "postgres", error=f"no instance: {error}")
            return
        assert isinstance(database, PostgresServer)
        broker = next(each for name, each in self._stack.services.items() if self._stack.model.services[name].program == "broker")
        await read_back(self._recorder, self._clock, dsn=database.dsn(), broker=f"http://127.0.0.1:{broker.port}")
        record_checks(History.read(self._spec.run), self._recorder)


def _to_stdout(event: Event) -> None:
    try:
        sys.stdout.write(event.to_line() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # nobody listens any more


def main() -> None:
    spec: CheckSpec = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 -- written by `harness.runbooks.check`, which started this
    warm = Warm.fork()
    status = asyncio.run(Check(spec, warm).run())
    warm.close()
    sys.exit(0 if status == "completed" else 4)


if __name__ == "__main__":
    main()
