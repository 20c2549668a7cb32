"""Two sites: who took writes, told in a few lines, and what was shipped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.measure import measure
from harness.workload.check import Check
from harness.workload.invariants import check_all
from harness.workload.one_writer import one_writer, shipped_is_there
from tests.harness.histories import Story, drill, ended

Look = tuple[str, int, float, float]  # server, timeline, first and last booking


def told(*looks: Look) -> Check:
    story = Story()
    for server, timeline, first_s, last_s in looks:
        story.at(last_s, "database.wrote", server, timeline=timeline, bookings=3, first_s=first_s, last_s=last_s)
    return one_writer(story.history())


A, B = "postgres-primary", "postgres-dr"


def test_one_after_another_is_one_writer() -> None:
    """A failover: the old one's last booking is before the new one's first."""
    found = told((A, 1, 1, 5), (A, 1, 6, 9), (B, 2, 40, 50))
    assert (found.ok, found.counts["databases"]) == (True, 2)


def test_an_old_primary_that_comes_back_and_takes_writes_is_a_split_brain() -> None:
    """Whatever it books after the first booking of the one that took over."""
    found = told((A, 1, 1, 9), (B, 2, 40, 50), (A, 1, 48, 60), (B, 2, 51, 70))
    assert (found.ok, found.counts["beside"]) == (False, 3)
    assert "split brain: postgres-primary (timeline 1) took writes up to 60.0 s, beside postgres-dr" in found.detail


def test_a_look_that_spans_the_take_over_is_judged_by_its_newest_booking() -> None:
    """What it found was booked on both sides of it."""
    assert told((A, 1, 1, 41), (B, 2, 40, 50)).ok is False


def test_whoever_followed_may_take_writes_again() -> None:
    """A fail-back: the old primary was rewound and promoted, on a timeline that begins where the other's ends."""
    assert told((A, 1, 1, 9), (B, 2, 40, 50), (A, 3, 80, 90)).ok is True


def test_the_one_that_handed_over_must_not_go_on() -> None:
    """The other way round it is a split brain as well."""
    assert told((A, 1, 1, 9), (B, 2, 40, 85), (A, 3, 80, 90)).ok is False


def test_two_that_were_promoted_from_the_same_history_are_two_writers() -> None:
    """Both are on timeline 2, and neither follows the other."""
    assert told((A, 2, 10, 20), (B, 2, 15, 30)).ok is False


@pytest.mark.parametrize("looks", [(), ((A, 1, 1, 9),), ((A, 1, 1, 9), (A, 2, 20, 30))])
def test_where_nothing_could_split_nothing_is_proven(looks: tuple[Look, ...]) -> None:
    """One database alone, restored or not, is no evidence."""
    assert told(*looks).ok is None


def two_sites(**shipped: Any) -> Story:
    story = ended(drill())
    start = next(event for event in story.events if event.kind == "drill.started")
    settings = {**start.data.get("settings", {}), "site.fed_by": "backups"}
    story.events[story.events.index(start)] = replace(start, data={**start.data, "settings": settings})
    for reaches_s in shipped.get("reaches", ()):
        story.at(reaches_s, "backup.shipped", A, log=["x"], reaches_s=reaches_s)
    if shipped.get("restored", True):
        story.at(70.0, "backup.restored", B, source="off-site", to="latest")
    story.events.sort(key=lambda event: event.wall_s)
    return story


def lose(story: Story, count: int, *, after_s: float) -> None:
    """The first orders that were acknowledged after this time are not there any more."""
    acknowledged = [
        event.subject for event in story.events if event.kind == "op.ok" and event.data["op"] == "order" and event.at_s > after_s
    ]
    readback = next(event for event in story.events if event.kind == "readback.orders")
    gone = set(acknowledged[:count])
    present = [name for name in readback.data["present"] if name not in gone]
    story.events[story.events.index(readback)] = replace(readback, data={**readback.data, "present": present})


def test_what_was_shipped_has_to_be_there() -> None:
    """Orders of after the last shipment may be lost, one of before it may not."""
    story = two_sites(reaches=(5.0, 20.0))
    lose(story, 10, after_s=20.0)
    assert shipped_is_there(story.history()).ok is True
    lose(story, 1, after_s=19.0)
    found = shipped_is_there(story.history())
    assert (found.ok, found.counts["missing"]) == (False, 1)


@pytest.mark.parametrize("reaches_s", [8.0, 20.0, 27.5])
def test_the_recovery_point_is_the_age_of_the_last_shipped_log_when_the_site_was_lost(reaches_s: float) -> None:
    """Lost at 30 s, restored from what was shipped: by the ledger just the orders acknowledged since are gone, and clients had one each 0.2 s."""
    story = two_sites(reaches=(5.0, reaches_s))
    since = sum(event.kind == "op.ok" and event.data["op"] == "order" and reaches_s < event.at_s < 30.0 for event in story.events)
    lose(story, since, after_s=reaches_s)
    found = measure(story.history())
    assert found.lost_writes == since > 0
    assert found.recovery_point_s == pytest.approx(30.0 - reaches_s, abs=0.4)  # an interval between orders at either end
    assert shipped_is_there(story.history()).ok is True


def test_a_shipment_of_after_the_restore_does_not_count() -> None:
    """The restored database ships its own log."""
    story = two_sites(reaches=(20.0, 75.0))
    lose(story, 10, after_s=20.0)
    assert shipped_is_there(story.history()).ok is True


def test_only_drills_of_two_sites_are_asked() -> None:
    """Others have no such invariants; and where nothing was restored from off site, nothing is said of shipping."""
    assert {check.name for check in check_all(ended(drill()).history())}.isdisjoint({"one-writer", "shipped-is-there"})
    names = {check.name for check in check_all(two_sites(restored=False).history())}
    assert "one-writer" in names
    assert "shipped-is-there" not in names
    assert "shipped-is-there" in {check.name for check in check_all(two_sites(reaches=(5.0,)).history())}
