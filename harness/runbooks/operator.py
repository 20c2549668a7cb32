"""The operator of a check: carries the units of a procedure out, one after another, and records what came of each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace

from fakes.clock import Clock
from harness.history import Recorder
from harness.pace import Pace
from harness.respond.redact import without_secrets
from harness.respond.responder import SOON_S
from harness.respond.workstation import Workstation
from harness.runbooks.plan import TERMINAL, Unit
from harness.runbooks.spec import CheckSpec
from harness.runbooks.surroundings import Surroundings, take_answers
from harness.runbooks.terminal import Place, Terminal, Typed
from harness.runbooks.watchdog import Watchdog

_PREPARES_WITHIN_S = 60.0  # wall, each command
_BASICS = ("home", "bin", "checkout")  # of the workstation


class Operator:
    """`start` once; `close` is safe to repeat."""

    def __init__(self, spec: CheckSpec, recorder: Recorder, around: Surroundings, pace: Pace, clock: Clock) -> None:
        self._spec, self._recorder, self._around, self._pace, self._clock = spec, recorder, around, pace, clock
        self._terminals: dict[int, Terminal] = {}
        self._watchdog = Watchdog(spec.limits, self._end)
        self._station: Workstation | None = None
        self._whole = True  # the workstation

    async def start(self, undo: AsyncExitStack) -> None:
        """Build the workstation and open the terminal; `undo` ends what it needs around it. Raises HarnessError."""
        self._station = await asyncio.to_thread(self._around.workstation)
        await self._around.stand(self._station, undo)
        self._watchdog.expect()
        self._watchdog.start()
        await self._terminal(TERMINAL)

    async def close(self) -> None:
        self._watchdog.stop()
        for each in self._terminals.values():
            await each.close()
        self._terminals.clear()

    async def prepare(self) -> None:
        """What the bindings ask for, before anything of the procedure."""
        for text in self._spec.plan.prepare:
            ran = await (await self._terminal(TERMINAL)).run(text, limit_s=_PREPARES_WITHIN_S)
            self._recorder.record(
                "prepared", text, exit_code=ran.exit_code, output=without_secrets(ran.output), ended_by=ran.ended_by
            )
        take_answers(self._spec.workstation)

    async def carry_out(self, units: Sequence[Unit], phase: str) -> bool:
        """All units that can be carried out; False when one that must succeed did not."""
        over: set[int] = set()  # scripts that have ended
        for unit in units:
            if unit.skip:
                continue
            if unit.session in over:
                self._recorder.record("command.unreached", str(unit.number), phase=phase)
                continue
            missed, ended = await self._attempts(unit, phase)
            if ended and unit.session > TERMINAL:
                over.add(unit.session)
            if missed and not unit.goes_on:
                for left in units[units.index(unit) + 1 :]:
                    if not left.skip:
                        self._recorder.record("command.unreached", str(left.number), phase=phase)
                return False
        for session in [each for each in self._terminals if each != TERMINAL]:
            await self._terminals.pop(session).close()
        return True

    async def _attempts(self, unit: Unit, phase: str) -> tuple[bool, bool]:
        """Whether the expectation of a unit was missed, and whether its shell ended with it."""
        step = unit.step
        # The budget of a step is documented time, the limit of a command is not.
        now = self._clock.now if step else time.monotonic
        waits_s = unit.pause_s + unit.lasts_s / self._spec.speed
        began_s = now()
        deadline_s = began_s + (step.budget_s if step else self._spec.plan.limit_s + waits_s)
        self._recorder.record("command.started", str(unit.number), line=unit.line, phase=phase)
        while True:
            ran = await self._run(unit, deadline_s - now())
            missed = step.expect.judge(ran.exit_code, ran.output) if step else None
            retry_s = step.retry_s if step else None
            if missed is None or retry_s is None or now() + retry_s >= deadline_s:
                break
            soon_s = min(max(began_s + SOON_S - now(), 0.0), retry_s)
            await self._clock.sleep(soon_s)
            with self._pace.waiting(f"command {unit.number} again"):
                await self._clock.sleep(retry_s - soon_s)
        self._record(unit, phase, ran, missed, now() - began_s)
        return missed is not None, not self._open(unit.session)

    async def _run(self, unit: Unit, limit_s: float) -> Typed:
        terminal = await self._terminal(unit.session)
        exports = "".join(f"export {name}={_quoted(value)}\n" for name, value in unit.environment.items())
        text = unit.text if unit.step is None else f"(\n{unit.text}\n)"  # a step of our own is a script of its own
        with self._pace.waiting(f"command {unit.number}") if unit.lasts_s else nullcontext():
            ran = await terminal.run(
                exports + text, limit_s=max(limit_s, 0.5), typed=unit.input, terminal=unit.endless,
                stop_after_s=unit.stop_after_s,
            )  # fmt: skip
        was_open = terminal.running
        if not await terminal.calm() and was_open:
            ran = replace(ran, ended_by="watchdog", exit_code=137)
        return ran

    def _record(self, unit: Unit, phase: str, ran: Typed, missed: str | None, duration_s: float) -> None:
        terminal = self._terminals[unit.session]
        gone = [each for each in _BASICS if not (self._spec.workstation / each).is_dir()] if self._whole else []
        self._whole = self._whole and not gone
        self._recorder.record(
            "command.finished", str(unit.number), line=unit.line, phase=phase, exit_code=ran.exit_code, codes=list(ran.codes),
            duration_s=round(duration_s, 3), output=without_secrets(ran.output), ended_by=ran.ended_by, watchdog=terminal.killed_for,
            answers=[{**each, "said": without_secrets(each["said"])} for each in take_answers(self._spec.workstation)],
            missed=without_secrets(missed) if missed is not None else None, gone=gone,
        )  # fmt: skip

    # --- shells -----------------------------------------------------------------------------------------------

    def _open(self, session: int) -> bool:
        return session in self._terminals and self._terminals[session].running

    async def _terminal(self, session: int) -> Terminal:
        """The shell of a session. One that has ended is opened anew: what it knew is forgotten."""
        assert self._station is not None
        old = self._terminals.get(session)
        if old is not None and old.running:
            return old
        if old is not None:
            await old.close()
            self._recorder.record("shell.opened", str(session), again=True)
        spec, station, ingress = self._spec, self._station, self._spec.stack.ingress
        certificates = self._around.certificates
        place = Place(
            spec.workstation, [*spec.shown, spec.run / "clock.page", *([certificates] if certificates else [])],
            {"TERM": "dumb", "PAGER": "cat", "GIT_PAGER": "cat", **station.environment},
            station.checkout if station.checkout.is_dir() else spec.workstation, spec.limits,
            writable=tuple(self._around.folders.values()), root=station.root,
            hosts=tuple(ingress.hosts) if ingress else (),
        )  # fmt: skip
        self._terminals[session] = Terminal(place)
        await self._terminals[session].start()
        return self._terminals[session]

    def _end(self, why: str) -> None:
        """Called by the watchdog, in its own thread."""
        for each in list(self._terminals.values()):
            each.kill(why)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
