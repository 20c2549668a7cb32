"""People who see what no alert sees: somebody reports the fault, and whoever is on call is paged by hand."""

from __future__ import annotations

from collections.abc import Collection

from fakes.clock import Clock
from harness.history import Event, Recorder
from harness.monitor.pagerduty import PagerDutyNotifier
from harness.response import REPORTED

_LOOK_EVERY_S = 0.5  # documented


class Reporter:
    """Reports once: so long after the first fault, or as soon as planned work was stopped; not where an alert has paged already."""

    def __init__(
        self, pager: PagerDutyNotifier, clock: Clock, recorder: Recorder, *, after_s: float | None, alerts: Collection[str]
    ) -> None:
        """`after_s` None: only planned work that stops is reported. `alerts` are those by which the page would be sent."""
        self._pager, self._clock, self._recorder = pager, clock, recorder
        self._after_s, self._alerts = after_s, alerts
        self._due: tuple[float, str] | None = None
        self.paged = False
        recorder.listen(self._hear)

    def _hear(self, event: Event) -> None:
        if event.kind == "page.sent" and event.subject in self._alerts:
            self.paged = True
        elif event.kind == "fault.injected" and self._after_s is not None:
            self._plan(event.at_s + self._after_s, "somebody has seen it")
        elif event.kind == "change.finished" and event.data.get("outcome") != "done":
            self._plan(event.at_s, "the planned work has stopped half-way")

    def _plan(self, at_s: float, why: str) -> None:
        if self._due is None or at_s < self._due[0]:
            self._due = at_s, why

    async def run(self) -> None:
        """Return when it was reported, or when that is needed no more. Raises PagingFailed."""
        while not self.paged:
            if self._due is not None and self._clock.now() >= self._due[0]:
                await self._report(self._due[1])
                return
            await self._clock.sleep(_LOOK_EVERY_S)

    async def _report(self, why: str) -> None:
        self._recorder.record("incident.reported", REPORTED, why=why)
        key = await self._pager.report(f"{REPORTED}: {why}")
        self.paged = True
        self._recorder.record("page.sent", REPORTED, incident=key)
