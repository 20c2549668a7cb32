"""The automatic responder: hears the page, acknowledges it as late as people do, and carries the procedure out."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from fakes.clock import Clock
from harness.errors import HarnessError, NotReady
from harness.history import Recorder
from harness.monitor.errors import PagingFailed
from harness.respond.confinement import Confinement
from harness.respond.delays import draw_delay_s
from harness.respond.redact import without_secrets
from harness.respond.shell import run_block
from harness.respond.workstation import Workstation
from harness.waiting import wait_until
from scenarios.model import Response
from scenarios.runbook import Procedure, Step

RESPONDER = "auto responder"
_LEAST_S = 0.1  # that an attempt gets, however little of the budget is left
_LOOK_EVERY_S = 0.5  # documented: how often the pager is looked at
_LASTS = re.compile(r"--duration[= ]\d")  # a command that watches for a documented time: everybody waits for it
SOON_S = 15.0  # what a step's command has set going shows within this; a longer wait is a wait, and may be accelerated
Outcome = Literal["done", "stopped", "unpaged"]
Measured = Callable[[str], AbstractContextManager[None]]


class Incident(Protocol):
    """An incident of the pager; its title begins with the rule's name and a colon."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...


class Incidents(Protocol):
    """What a responder does with the pager."""

    async def triggered(self) -> Sequence[Incident]:
        """Those that nobody has acknowledged, oldest first."""
        ...

    async def acknowledge(self, incident_id: str, /) -> object: ...


@dataclass(frozen=True, slots=True)
class AutoResponder:
    """One response to one page. `measured` holds the clock at rate 1 while the context it makes is open."""

    procedure: Procedure  # its placeholders filled
    response: Response
    alerts: Collection[str]  # whose pages are answered
    incidents: Incidents
    workstation: Workstation
    clock: Clock
    recorder: Recorder
    rng: random.Random
    measured: Measured
    confinement: Confinement | None = None  # of the procedure's commands
    kind: Literal["procedure", "change"] = "procedure"  # what its events are called: a response, or planned work

    async def run(self, *, give_up_after_s: float) -> Outcome:
        """Wait for a page (documented seconds, at most so many), acknowledge it and carry the procedure out."""
        deadline = self.clock.now() + give_up_after_s
        while not (page := await self._wait_for_page(deadline)):
            if self.clock.now() >= deadline:
                return "unpaged"
        alert, incident = page
        self.recorder.record("page.acknowledged", alert, incident=incident.id, by=RESPONDER)
        return await self.carry_out()

    async def _wait_for_page(self, deadline: float) -> tuple[str, Incident] | None:
        """A page that was acknowledged; None when none came, or when it was resolved before anybody could acknowledge it."""
        left_s = max(deadline - self.clock.now(), 0.0)
        try:
            page = await wait_until(
                self._page, what="a page of an expected alert", within_s=left_s, every_s=_LOOK_EVERY_S, clock=self.clock
            )
        except NotReady:
            await self.incidents.triggered()  # a pager that does not answer at all is an error, not a quiet night
            return None
        await self.clock.sleep(draw_delay_s(self.response.acknowledge, self.rng))
        try:
            await self.incidents.acknowledge(page[1].id)
        except HarnessError:
            if any(page[1].id == incident.id for incident in await self._triggered()):
                raise
            return None
        return page

    async def _page(self) -> tuple[str, Incident] | None:
        """The oldest page that is to be answered."""
        for incident in await self._triggered():
            alert = incident.title.partition(":")[0]
            if alert in self.alerts:
                return alert, incident
        return None

    async def _triggered(self) -> Sequence[Incident]:
        """Those that nobody has acknowledged; none while the pager can't be reached, which a drill may be about."""
        try:
            return await self.incidents.triggered()
        except PagingFailed:
            return ()

    async def carry_out(self) -> Outcome:
        """The procedure from its first step on, whoever asked for it: done, or stopped at a step that had to succeed."""
        name = self.response.procedure
        self.recorder.record(f"{self.kind}.started", name)
        outcome: Outcome = "stopped"
        try:
            outcome = "done" if await self._all_steps() else "stopped"
        finally:
            self.recorder.record(f"{self.kind}.finished", name, outcome=outcome)
        return outcome

    async def _all_steps(self) -> bool:
        """Step by step; False when one that must succeed did not."""
        for index, step in enumerate(self.procedure.steps, start=1):
            await self.clock.sleep(draw_delay_s(self.response.step, self.rng))
            self.recorder.record("step.started", step.name, index=index)
            why = await self._attempts(step)
            self.recorder.record("step.finished", step.name, index=index, ok=why is None, why=why or "")
            if why is not None and step.on_failure != "continue":
                return False
        return True

    async def _attempts(self, step: Step) -> str | None:
        """Run the step's command until its expectation is met, or once more would exceed its budget; why it was missed."""
        began_s = self.clock.now()
        deadline = began_s + step.budget_s
        while True:
            with nullcontext() if _LASTS.search(step.command) else self.measured(f"command: {step.name}"):
                why = await self._attempt(step, max(deadline - self.clock.now(), _LEAST_S))
                if why is None or step.retry_s is None or self.clock.now() + step.retry_s >= deadline:
                    return why
                soon_s = min(max(began_s + SOON_S - self.clock.now(), 0.0), step.retry_s)
                await self.clock.sleep(soon_s)
            await self.clock.sleep(step.retry_s - soon_s)

    async def _attempt(self, step: Step, limit_s: float) -> str | None:
        """Run its command once and record what came of it; why the expectation was missed.

        The clock runs at rate 1, so the limit is in wall seconds too.
        """
        ran_as = self.workstation.translated(step.command)
        try:
            ran = await run_block(
                ran_as, environment=self.workstation.environment, folder=self.workstation.checkout, limit_s=limit_s,
                confinement=self.confinement,
            )  # fmt: skip
        except OSError as error:
            raise HarnessError(
                f"bash could not be started for the step {step.name!r}: {error.strerror}. Is it installed?"
            ) from error
        extra: dict[str, Any] = {} if ran_as == step.command else {"ran": without_secrets(ran_as)}
        self.recorder.record(
            "command.finished", step.name, command=without_secrets(step.command), exit_code=ran.exit_code,
            duration_s=round(ran.duration_s, 6), output=without_secrets(ran.output), timed_out=ran.timed_out, **extra,
        )  # fmt: skip
        why = step.expect.judge(ran.exit_code, ran.output)
        return f"its command was stopped after {limit_s:g} s; {why}" if ran.timed_out and why is not None else why
