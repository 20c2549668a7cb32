"""Who keeps the others informed: writes into the chat after the acknowledgement, while it lasts, and when it is over.

The times are those of a person, drawn from a scenario's `response: updates:`. Nothing is recorded here: what counts is what the chat
received (`harness/respond/chat.py`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from fakes.clock import Clock
from harness.history import Event
from harness.respond.delays import draw_delay_s
from scenarios.model import HumanDelay, Updates

BY = "incident communication"
_LOOK_EVERY_S = 0.5  # documented: how often it is looked whether all is over
Post = Callable[[str], Awaitable[None]]


class Announcer:
    """One incident told from its acknowledgement to its end. `hear` is given every event of the history."""

    def __init__(self, updates: Updates, post: Post, clock: Clock, rng: random.Random) -> None:
        self._updates, self._post, self._clock, self._rng = updates, post, clock, rng
        self._acknowledged: asyncio.Event = asyncio.Event()
        self._over = False
        self._told = False
        self._alert, self._incident = "", ""
        self._now = "Investigating", "finding out what is wrong"  # one of the statuses of 001:236, and what is being done

    @property
    def at_it(self) -> bool:
        """Whether the others have still to be told how it ended. What nobody has acknowledged nobody tells of."""
        return self._acknowledged.is_set() and not self._told

    def hear(self, event: Event) -> None:
        """What is known of the incident is what stands in the history."""
        if event.kind == "page.acknowledged" and not self._acknowledged.is_set():
            self._alert, self._incident = event.subject, str(event.data.get("incident", ""))
            self._acknowledged.set()
        elif event.kind == "recovery.proven":
            self._over = True
        elif event.kind == "procedure.started":
            self._now = "Identified", f"carrying out {event.subject}"
        elif event.kind == "procedure.finished" and event.data.get("outcome") == "done":
            self._now = "Monitoring", f"{event.subject} is done; watching whether it holds"
        elif event.kind == "procedure.finished":
            self._now = "Investigating", f"{event.subject} did not mend it; looking for another way"

    async def run(self) -> None:
        """Returns when the resolution has been told. Raises HarnessError when the chat does not take a message."""
        await self._acknowledged.wait()
        delay = self._updates.first
        while not await self._over_within(delay):
            await self._post(self._text(*self._now, "within 30 minutes"))
            delay = self._updates.every
        await self._clock.sleep(draw_delay_s(self._updates.resolution, self._rng))
        await self._post(self._text("Resolved", "watching more closely for 24 hours", "none: it is over"))
        self._told = True

    async def _over_within(self, delay: HumanDelay) -> bool:
        """Wait so long, unless it is over before."""
        until_s = self._clock.now() + draw_delay_s(delay, self._rng)
        while not self._over and (left_s := until_s - self._clock.now()) > 0:
            await self._clock.sleep(min(left_s, _LOOK_EVERY_S))
        return self._over

    def _text(self, status: str, actions: str, following: str) -> str:
        """The template of 001:233-241."""
        over = status == "Resolved"
        impact = f"{self._alert}: clients are served again" if over else f"{self._alert} is alerting"
        return (
            f"\N{POLICE CARS REVOLVING LIGHT} INCIDENT UPDATE - {self._incident}\nStatus: {status}\nImpact: {impact}\nActions: {actions}\n"
            f"ETA: {'over' if over else 'not known yet'}\nNext Update: {following}"
        )
