"""Paging, and what a responder does, against the fake pager and against pagers that fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fakes.clock import ManualClock
from fakes.services.incidents import Incidents
from fakes.services.pager import Pager
from harness.monitor.errors import PagingFailed
from harness.monitor.pagerduty import PagerDutyClient, PagerDutyNotifier, dedup_key, page_of
from harness.monitor.rules import Alert
from tests.harness.monitor.servers import answering, serving

KEY = "0123456789abcdef0123456789abcdef"
ALERT = Alert(
    rule="ServiceDown",
    state="firing",
    labels={"alertname": "ServiceDown", "job": "risk-manager", "instance": "127.0.0.1:18084", "severity": "critical"},
    value=0.0,
    at_s=45.0,
    since_s=15.0,
    severity="critical",
    expr="up == 0",
)
RESOLVED = replace(ALERT, state="resolved", at_s=90.0)


def with_pager(folder: Path, play: Callable[[str], Coroutine[Any, Any, None]]) -> Incidents:
    """Play something against a fake pager and return its incidents."""
    incidents = Incidents(folder / "incidents.json", ManualClock(), 0.0)

    async def run() -> None:
        async with serving(Pager(incidents, version="1", routing_key=KEY).app()) as url:
            await play(url)

    asyncio.run(run())
    return incidents


def test_a_firing_alert_opens_an_incident_that_its_resolution_closes(tmp_path: Path) -> None:
    """The listener hears of both, with the incident's key."""
    paged: list[tuple[str, str]] = []

    async def play(url: str) -> None:
        notifier = PagerDutyNotifier(url, KEY, ManualClock(), on_paged=lambda alert, key: paged.append((alert.state, key)))
        await notifier.notify(ALERT)
        await notifier.notify(RESOLVED)
        await notifier.close()

    (row,) = with_pager(tmp_path, play).rows.values()
    assert (row["status"], row["incident_key"], row["urgency"]) == ("resolved", dedup_key(ALERT), "high")
    assert row["title"] == "ServiceDown: risk-manager (up == 0 is 0)"
    assert row["body"]["details"]["labels"] == ALERT.labels
    assert paged == [("firing", dedup_key(ALERT)), ("resolved", dedup_key(ALERT))]


def test_a_responder_finds_acknowledges_and_resolves_incidents(tmp_path: Path) -> None:
    """Acknowledged ones are no longer in the list; the pager knows by whom."""

    async def play(url: str) -> None:
        notifier = PagerDutyNotifier(url, KEY, ManualClock())
        await notifier.notify(ALERT)
        await notifier.close()
        async with PagerDutyClient(url, sender="ann@example.org") as responder:
            (incident,) = await responder.triggered()
            assert (incident.key, incident.status, incident.acknowledged_by) == (dedup_key(ALERT), "triggered", ())
            taken = await responder.acknowledge(incident.id)
            assert (taken.status, taken.acknowledged_by) == ("acknowledged", ("ann@example.org",))
            assert await responder.triggered() == []
            assert (await responder.resolve(incident.id)).status == "resolved"
            assert (await responder.incident(incident.id)).status == "resolved"
            with pytest.raises(PagingFailed, match=r"400.*Incident Already Resolved"):
                await responder.acknowledge(incident.id)

    with_pager(tmp_path, play)


def test_the_key_of_an_incident_depends_on_the_alert_alone() -> None:
    """Not on its value, state or time; another label set is another incident."""
    other = replace(ALERT, labels={**ALERT.labels, "job": "gui-gateway"})
    assert dedup_key(ALERT) == dedup_key(replace(RESOLVED, value=9.0))
    assert dedup_key(ALERT) != dedup_key(other)


@pytest.mark.parametrize(("severity", "sent"), [("critical", "critical"), ("warning", "warning"), ("page", "error")])
def test_severities_that_pagerduty_does_not_know_are_sent_as_errors(severity: str, sent: str) -> None:
    """It would refuse the event otherwise."""
    assert page_of(replace(ALERT, severity=severity), KEY)["payload"]["severity"] == sent


def attempts(*statuses: int) -> tuple[int, float, str]:
    """What a pager that answers so (its last status again and again) sees: requests, documented seconds, the error."""
    answers = list(statuses)
    seen = 0
    clock = ManualClock()
    error = ""

    async def enqueue(_: web.Request) -> web.Response:
        nonlocal seen
        seen += 1
        return web.json_response({}, status=answers.pop(0) if len(answers) > 1 else answers[0])

    async def play() -> None:
        nonlocal error
        async with serving(answering("/v2/enqueue", enqueue, method="POST")) as url:
            notifier = PagerDutyNotifier(url, KEY, clock)
            try:
                await notifier.notify(ALERT)
            except PagingFailed as failed:
                error = str(failed)
            finally:
                await notifier.close()

    asyncio.run(play())
    return seen, clock.now(), error


def test_a_pager_that_stumbles_is_asked_again() -> None:
    """After half a second and after a second more."""
    assert attempts(500, 429, 202) == (3, 1.5, "")


def test_a_pager_that_stays_away_is_given_up() -> None:
    """After seven attempts in 31.5 s; the reason is told."""
    assert attempts(503) == (7, 31.5, "gave up after 7 attempts: the pager answered 503: {}")


def test_a_refused_event_is_not_sent_again() -> None:
    """It would be refused again."""
    assert attempts(400) == (1, 0.0, "the pager refused the event with 400: {}")


def test_a_pager_that_nobody_listens_at_is_given_up_too() -> None:
    """With the address in the message."""

    async def play() -> None:
        async with serving(web.Application()) as url:
            pass
        notifier = PagerDutyNotifier(url, KEY, ManualClock())
        with pytest.raises(PagingFailed, match=rf"gave up after 7 attempts: POST {url}/v2/enqueue: no answer"):
            await notifier.notify(ALERT)
        await notifier.close()

    asyncio.run(play())


def test_an_alert_in_a_maintenance_window_has_paged_nobody(tmp_path: Path) -> None:
    """The pager takes the event and opens nothing; a report of people is an incident like any other."""
    paged: list[str] = []

    async def play(url: str) -> None:
        notifier = PagerDutyNotifier(url, KEY, ManualClock(), on_paged=lambda alert, key: paged.append(key))
        async with aiohttp.ClientSession() as session:
            window = {"type": "maintenance_window", "start_time": "1970-01-01T00:00:00Z", "end_time": "1970-01-01T01:00:00Z"}
            answer = await session.post(
                f"{url}/maintenance_windows", json={"maintenance_window": window}, headers={"From": "a@b.example"}
            )
            await notifier.notify(ALERT)
            await session.delete(f"{url}/maintenance_windows/{(await answer.json())['maintenance_window']['id']}")
        assert paged == []
        assert (await notifier.report("reported: somebody has seen it")).startswith("by-hand-")
        await notifier.close()

    (row,) = with_pager(tmp_path, play).rows.values()
    assert row["title"] == "reported: somebody has seen it"
