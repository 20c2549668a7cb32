"""Who keeps the others informed: when what is posted, and what it says."""

from __future__ import annotations

import asyncio
import random

from fakes.clock import ManualClock
from harness.history import Event
from harness.respond.announcer import Announcer
from scenarios.model import Updates

FIXED = {
    "first": {"median": "60s", "p95": "60s"},
    "every": {"median": "25m", "p95": "25m"},
    "resolution": {"median": "90s", "p95": "90s"},
}


class Channel:
    """What was posted when; at some of the posts something happens."""

    def __init__(self, *happens: tuple[int, Event]) -> None:
        self.clock = ManualClock()
        self.posts: list[tuple[float, str]] = []
        self.announcer = Announcer(Updates.model_validate(FIXED), self.post, self.clock, random.Random(1))
        self._happens = happens

    async def post(self, text: str) -> None:
        self.posts.append((self.clock.now(), text))
        for number, event in self._happens:
            if number == len(self.posts):
                self.announcer.hear(event)

    def run(self, *heard: Event) -> list[tuple[float, str]]:
        """When which status was posted."""
        for event in heard:
            self.announcer.hear(event)
        asyncio.run(self.announcer.run())
        return [(at_s, text.split("Status: ")[1].split("\n")[0]) for at_s, text in self.posts]


def event(kind: str, subject: str = "it", **data: object) -> Event:
    return Event(0.0, 0.0, kind, subject, data)


PAGED = event("page.acknowledged", "service_down", incident="Q001")
OVER = event("recovery.proven")


def test_a_short_incident_has_a_first_update_and_an_end() -> None:
    """The first so long after the acknowledgement; the news so long after recovery was seen to hold."""
    assert Channel((1, OVER)).run(PAGED) == [(60.0, "Investigating"), (150.0, "Resolved")]


def test_a_long_one_is_told_of_again_and_again() -> None:
    """At the interval of the person, with what the history says of where they are."""
    channel = Channel(
        (1, event("procedure.started", "book.md#mend")),
        (2, event("procedure.finished", "book.md#mend", outcome="done")),
        (3, OVER),
    )
    assert channel.run(PAGED) == [(60.0, "Investigating"), (1560.0, "Identified"), (3060.0, "Monitoring"), (3150.0, "Resolved")]


def test_a_procedure_that_was_stopped_has_mended_nothing() -> None:
    """Nobody says that they only watch, nor that they are still at it."""
    channel = Channel(
        (1, event("procedure.started", "book.md#mend")),
        (2, event("procedure.finished", "book.md#mend", outcome="stopped")),
        (3, OVER),
    )
    assert [status for _, status in channel.run(PAGED)] == ["Investigating", "Identified", "Investigating", "Resolved"]
    actions = [text.split("Actions: ")[1].split("\n")[0] for _, text in channel.posts]
    assert actions[1:3] == ["carrying out book.md#mend", "book.md#mend did not mend it; looking for another way"]


def test_what_is_over_before_the_first_update_is_told_once() -> None:
    """The first update is the last."""
    assert Channel().run(PAGED, OVER) == [(90.0, "Resolved")]


def test_a_message_follows_the_documented_template() -> None:
    """The lines of 001:234-241, with the incident's number."""
    channel = Channel((1, OVER))
    channel.run(PAGED)
    assert [text.split("\n") for _, text in channel.posts] == [
        ["\U0001f6a8 INCIDENT UPDATE - Q001", "Status: Investigating", "Impact: service_down is alerting", "Actions: finding out what is wrong",
         "ETA: not known yet", "Next Update: within 30 minutes"],
        ["\U0001f6a8 INCIDENT UPDATE - Q001", "Status: Resolved", "Impact: service_down: clients are served again",
         "Actions: watching more closely for 24 hours", "ETA: over", "Next Update: none: it is over"],
    ]  # fmt: skip


def test_nobody_is_at_it_before_the_acknowledgement_and_after_the_end() -> None:
    """So that a drill without a page does not wait for news, and one with a page waits for the last."""
    channel = Channel((1, OVER))
    assert not channel.announcer.at_it
    channel.announcer.hear(PAGED)
    assert channel.announcer.at_it
    channel.run()
    assert not channel.announcer.at_it
