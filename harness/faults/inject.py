"""Injects a scenario's faults at their times, sees whether they bit, and heals them: before, after, and never silently."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from fakes.clock import Clock
from harness.errors import HarnessError, NotReady
from harness.faults.base import Fault
from harness.history import Event, Recorder
from harness.pace import Pace
from harness.waiting import wait_until
from scenarios.faults import Fault as FaultModel
from scenarios.faults.base import MOMENTS, Moment

LEAD_S = 2.0  # documented time runs at rate 1 from this long before an injection (DESIGN, choice 6)
BITES_WITHIN_S = 5.0  # a fault of which nothing is seen for this long after its injection hasn't bitten
_FELT_WITHIN_S = 3.0  # how long to stay at rate 1 for clients to feel it


class Injector:
    """All faults of one drill, in the order of the scenario."""

    def __init__(
        self, faults: Sequence[tuple[FaultModel, Fault]], *, clock: Clock, pace: Pace, recorder: Recorder,
        felt: Callable[[float], Awaitable[bool]],
        seed: int = 0,
    ) -> None:  # fmt: skip
        """`seed` draws the times that a file leaves open."""
        self._faults, self._clock, self._pace, self._recorder, self._felt = list(faults), clock, pace, recorder, felt
        self._seed = seed
        self._came: dict[Moment, asyncio.Event] = {}
        self._came_s: dict[Moment, float] = {}
        recorder.listen(self._hear)
        self._injected: list[tuple[FaultModel, Fault]] = []
        self.first_injected_s: float | None = None

    async def heal_all(self) -> None:
        """Heal every fault, injected or not. Raises the first error after all were tried."""
        errors: list[HarnessError] = []
        for model, fault in self._faults:
            try:
                await self._heal(model, fault)
            except HarnessError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    async def run(self, start_s: float) -> None:
        """Inject each fault at `start_s` plus its time, and heal those that heal by themselves. Returns when all is done."""
        groups: dict[tuple[Moment | None, float], list[tuple[FaultModel, Fault]]] = {}
        for number, (model, fault) in enumerate(self._faults):
            groups.setdefault((model.after, self.time_of(number)), []).append((model, fault))
        async with asyncio.TaskGroup() as tasks:
            for (after, at_s), group in groups.items():
                tasks.create_task(self._inject_group(start_s, after, at_s, group))

    def time_of(self, number: int) -> float:
        """Documented seconds of a fault, after the start or after what it waits for: what its file says, or drawn between two times."""
        model = self._faults[number][0]
        if model.until_s is None:
            return model.at_s
        return random.Random(f"{self._seed} {number}").uniform(model.at_s, model.until_s)

    def _hear(self, event: Event) -> None:
        """Remember when each moment that a fault can wait for came first."""
        for moment, kind in MOMENTS.items():
            if event.kind == kind and (moment != "alert" or event.data.get("expected", True)) and moment not in self._came_s:
                self._came_s[moment] = event.at_s
                self._came.setdefault(moment, asyncio.Event()).set()

    async def _inject_group(
        self, start_s: float, after: Moment | None, wait_s: float, group: list[tuple[FaultModel, Fault]]
    ) -> None:
        if after is not None:
            await self._came.setdefault(after, asyncio.Event()).wait()
            start_s = self._came_s[after]
        at_s = start_s + wait_s
        await self._clock.sleep(at_s - LEAD_S - self._clock.now())
        with self._pace.measured("injection"):
            await self._clock.sleep(at_s - self._clock.now())
            injected_s = self._clock.now()
            for model, fault in group:
                await self._inject(model, fault)
            for _, fault in group:
                await self._see_bite(fault)
            await self._felt(injected_s)
        await asyncio.gather(*(self._heal_later(model, fault, injected_s) for model, fault in group))

    async def _inject(self, model: FaultModel, fault: Fault) -> None:
        before, wall_before = self._clock.now(), self._clock.wall()
        try:
            await fault.inject()
        except HarnessError as error:
            self._recorder.record("fault.failed", fault.name, verb="inject", error=str(error))
            raise
        # The instant before the verb: measured times are never shorter than the truth.
        took_s = self._clock.now() - before
        parameters = model.model_dump(mode="json", exclude={"name", "at_s", "until_s", "after", "heal_after_s"})
        self._recorder.record(
            "fault.injected", fault.name, at_s=before, wall_s=wall_before, took_s=round(took_s, 6), **parameters
        )
        self._injected.append((model, fault))
        self.first_injected_s = before if self.first_injected_s is None else min(before, self.first_injected_s)

    async def _see_bite(self, fault: Fault) -> None:
        try:
            evidence = await wait_until(fault.bitten, what=fault.name, within_s=BITES_WITHIN_S, every_s=0.01, clock=self._clock)
        except NotReady:
            return  # no fault.bit in the history: the verdict is UNKNOWN
        self._recorder.record("fault.bit", fault.name, evidence=evidence)

    async def _heal_later(self, model: FaultModel, fault: Fault, injected_s: float) -> None:
        if model.heal_after_s is None:
            return
        at_s = injected_s + model.heal_after_s
        await self._clock.sleep(at_s - LEAD_S - self._clock.now())
        with self._pace.measured(f"healing of {fault.name}"):
            await self._clock.sleep(at_s - self._clock.now())
            await self._heal(model, fault)
            await self._clock.sleep(_FELT_WITHIN_S)

    async def _heal(self, model: FaultModel, fault: Fault) -> None:
        try:
            await fault.heal()
        except HarnessError as error:
            self._recorder.record("fault.failed", fault.name, verb="heal", error=str(error))
            raise
        if (model, fault) in self._injected:
            self._injected.remove((model, fault))
            self._recorder.record("fault.healed", fault.name)
