"""Which scenarios are due, and what the papers of a game day tell whom."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from gameday.planning import plan
from harness.people.surprise import surprise_after
from reports.planning import Last, how_due, pages, ranked, sessions
from reports.store import Store
from reports.store_record import Record
from scenarios.errors import InvalidInput
from scenarios.loader import LoadedScenario, catalogue, find_scenarios, load_scenario
from tests.reports.synthetic import year

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def loaded(name: str) -> LoadedScenario:
    return load_scenario(find_scenarios([name])[0])


@pytest.mark.parametrize(
    ("last", "changed", "points", "reasons"),
    [
        (None, None, 115, ("never drilled", "P0")),
        (Last(NOW, "pass"), None, 15, ("P0",)),
        (Last(NOW, "fail"), None, 75, ("P0", "the last drill ended with fail")),
        (Last(NOW, "pass", 0.9), None, 45, ("P0", "a target was met with 10% to spare")),
        (Last(NOW, "pass", 0.5), NOW + timedelta(days=1), 40, ("P0", "changed on 2026-11-22")),
        (Last(NOW - timedelta(days=61), "pass"), None, 15 + 10 * 61 / 30.4, ("P0", "last drilled 2 months ago")),
        (Last(NOW - timedelta(days=2000), "pass"), None, 75, ("P0", "last drilled 66 months ago")),
    ],
)
def test_points_are_the_sum_of_their_reasons(
    last: Last | None, changed: datetime | None, points: float, reasons: tuple[str, ...]
) -> None:
    """Each reason of the rule, by itself."""
    due = how_due(loaded("service-failure"), last, changed, NOW)
    assert due.points == pytest.approx(points)
    assert due.reasons == reasons


def test_sessions_are_on_workdays_in_the_future_and_spread() -> None:
    """The most due first; as many as the month has room for."""
    dues = ranked([how_due(loaded(name), None, None, NOW) for name in ("redis-outage", "service-failure", "bad-release")])
    planned = sessions(dues, 2026, 11, time(10), 3, NOW, surprise_after)
    assert [each.due.scenario.name for each in planned] == [each.scenario.name for each in dues]
    assert all(each.at > NOW and each.at.weekday() < 5 for each in planned)
    assert len({each.at.date() for each in planned}) == 3
    assert sessions(dues, 2026, 10, time(10), 3, NOW, surprise_after) == []
    assert [each.seed for each in planned] == [each.seed for each in sessions(dues, 2026, 11, time(10), 3, NOW, surprise_after)]


def test_nobody_but_the_facilitators_learns_what_breaks() -> None:
    """Neither names, titles, faults, alerts nor procedures stand in a briefing or the calendar."""
    everything = [loaded(name) for name in catalogue() if not loaded(name).scenario.detection.must_not_page]
    planned = sessions([how_due(each, None, None, NOW) for each in everything], 2026, 12, time(10), 23, NOW, surprise_after)
    found = pages("2026-12", planned, [], NOW)
    for number, each in enumerate(planned, start=1):
        scenario = each.due.scenario.scenario
        secrets = [each.due.scenario.name, scenario.title, each.due.scenario.procedure.title, *scenario.detection.alerts]
        secrets += [fault.name for fault in scenario.faults if fault.name]
        told = (found[f"{number:02}-briefing.md"] + found["game-days.ics"]).decode()
        assert not [secret for secret in secrets if re.search(rf"\b{re.escape(secret)}\b", told)]
        assert each.due.scenario.name in found[f"{number:02}-facilitator.md"].decode()


def test_of_equals_each_runbook_has_its_turn() -> None:
    """Whoever has drilled nothing yet doesn't begin with four of the same."""
    everything = [loaded(name) for name in catalogue()]
    dues = ranked([how_due(each, None, None, NOW) for each in everything])
    first = [each for each in dues if each.points == dues[0].points]
    books = {each.scenario.procedure.document for each in first}
    assert len(books) > 2
    assert {each.scenario.procedure.document for each in first[: len(books)]} == books


def test_the_facilitator_knows_when_it_breaks_and_what_should_follow() -> None:
    """The moment that the seed draws, the fault, the alert that follows it, and hints."""
    (session,) = sessions([how_due(loaded("redis-outage"), None, None, NOW)], 2026, 12, time(10), 1, NOW, surprise_after)
    told = pages("2026-12", [session], [], NOW)["01-facilitator.md"].decode()
    assert session.breaks_after_s == surprise_after(session.seed, 1800)
    assert f"--respond human --surprise 30m --seed {session.seed}" in told
    found = dict(re.findall(r"^\| (\d+:\d\d) \| (the room opens|redis-unreachable|the alert service_down)", told, re.MULTILINE))
    at_s = {what: int(clock.split(":")[0]) * 60 + int(clock.split(":")[1]) for clock, what in found.items()}
    assert at_s["the room opens"] == 0
    assert abs(at_s["redis-unreachable"] - session.breaks_after_s) <= 1
    assert 30 < at_s["the alert service_down"] - at_s["redis-unreachable"] < 60  # for: 30s, and two looks
    assert "5 minutes after the fault: What does the alert service\\_down say" in told or "service_down say" in told
    assert "gameday abort" in told


def test_what_others_have_drilled_is_known_by_the_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their folders are not here; drills that were made up or simulated rehearsed nobody."""
    records = [replaced("service-failure", "bad-release", synthetic=False), replaced("redis-outage", synthetic=True)]
    records.append(replaced("primary-database-failure", synthetic=False, engine="simulated"))
    Store.open(tmp_path).keep([each for some in records for each in some])
    plan("2026-12", "10:00", 1, tmp_path, tmp_path / "plan", NOW)
    told = (tmp_path / "plan" / "facilitators.md").read_text()
    rows = {row.split("`")[1]: row for row in told.partition("## How due")[2].splitlines() if "`" in row}
    assert "| never |" not in rows["service-failure"] + rows["bad-release"]
    assert "last drilled" in rows["service-failure"]
    assert "| never |" in rows["redis-outage"]
    assert "| never |" in rows["primary-database-failure"]
    assert "never drilled" in capsys.readouterr().out


def replaced(*scenarios: str, **row: Any) -> list[Record]:
    """Two drills of each scenario long ago, whose rows say this."""
    made = year(1, months=2, every=timedelta(days=30), scenarios=scenarios)
    return [replace(each, drill={**each.drill, **row}) for each in made]


def test_the_calendar_is_one_that_calendars_read() -> None:
    """With the times of the sessions, in UTC."""
    planned = sessions([how_due(loaded("service-failure"), None, None, NOW)], 2026, 12, time(14, 30), 1, NOW, surprise_after)
    event: Any
    (event,) = Calendar.from_ical(pages("2026-12", planned, [], NOW)["game-days.ics"]).walk("VEVENT")
    assert event.get("DTSTART").dt == planned[0].at
    assert planned[0].at.time() == time(14, 30)


@pytest.mark.parametrize(
    ("month", "at", "told"), [("2026-13", "10:00", "is no month"), ("2026-12", "25:00", "is no time of day")]
)
def test_what_is_no_month_or_time_is_told(month: str, at: str, told: str, tmp_path: Path) -> None:
    """And nothing is written."""
    with pytest.raises(InvalidInput, match=told):
        plan(month, at, 4, tmp_path, tmp_path / "plan", NOW)
    assert not (tmp_path / "plan").exists()


def test_a_plan_without_any_drill_is_one_of_never_drilled(tmp_path: Path) -> None:
    """All files are there."""
    plan("2026-12", "10:00", 2, tmp_path / "none", tmp_path / "plan", NOW)
    assert sorted(each.name for each in (tmp_path / "plan").iterdir()) == [
        "01-briefing.md", "01-facilitator.md", "02-briefing.md", "02-facilitator.md", "facilitators.md", "game-days.ics",
    ]  # fmt: skip
