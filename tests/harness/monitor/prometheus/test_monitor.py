"""The monitor between stand-ins for Prometheus and Alertmanager."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from harness.errors import NotReady
from tests.harness.monitor.prometheus.standins import LABELS, Play, playing, stamp


def played(folder: Path, act: Callable[[Play], Awaitable[None]]) -> Play:
    """What is left after `act`."""

    async def run() -> Play:
        async with playing(folder) as play:
            await act(play)
            return play

    return asyncio.run(run())


async def post(play: Play, status: str, *, ago_s: float = 0.0) -> None:
    """As Alertmanager would, of something that came true so many seconds of the wall ago."""
    now = stamp(time.time() - ago_s)
    notice = {"alerts": [{"status": status, "labels": LABELS, "startsAt": now, "endsAt": now}]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{play.monitor.webhook_port}/alerts", json=notice) as answer,
    ):
        assert answer.status == 200


def test_an_alert_goes_from_prometheus_by_alertmanager_to_history_and_pager(tmp_path: Path) -> None:
    """Pending is for the history alone; times are those of documented evaluations."""

    async def act(play: Play) -> None:
        play.show("pending", since_wall_s=10.0)
        await play.look()
        await play.look(after_wall_s=1.3)
        play.show("firing", since_wall_s=10.0)
        await post(play, "firing")
        await play.look()
        assert len(play.ears.alerts) == 1  # it is not due
        await play.look(after_wall_s=0.25)
        play.said.alerts = []
        await post(play, "resolved")
        await play.look(after_wall_s=0.5)
        await play.look(after_wall_s=0.5)

    ears = played(tmp_path, act).ears
    assert ears.told == [(200.0, "Down", "pending"), (230.0, "Down", "firing"), (235.0, "Down", "resolved")]
    assert [alert.state for alert in ears.pages] == ["firing", "resolved"]
    assert ears.problems == []


def test_the_health_of_targets_is_told_when_it_changes(tmp_path: Path) -> None:
    """With the documented time of the scrape."""

    async def act(play: Play) -> None:
        await play.look()
        await play.look(after_wall_s=1.0)
        play.said.target = "down"
        play.said.scraped = stamp(time.time() - 0.5)
        await play.look(after_wall_s=1.0)

    up, down = played(tmp_path, act).ears.health
    assert (up.name, up.health, down.health, down.error) == ("a", "up", "down", "refused")
    assert up.at_s == pytest.approx(200, abs=1)
    assert down.at_s == pytest.approx(230, abs=1)


def test_a_rule_that_cannot_be_evaluated_is_a_problem(tmp_path: Path) -> None:
    """Told once, in Prometheus' words, and again when it happens anew; what it showed before stays as it is."""

    async def act(play: Play) -> None:
        play.clock.advance(0.5)
        play.show("pending", since_wall_s=10.0)
        await play.look()
        play.said.health, play.said.last_error, play.said.alerts = "err", "many-to-many matching", []
        await play.look(after_wall_s=0.5)
        await play.look(after_wall_s=0.5)
        play.said.health, play.said.last_error = "ok", ""
        play.show("pending", since_wall_s=10.0)
        await play.look()
        play.said.health, play.said.last_error = "err", "many-to-many matching"
        await play.look()

    ears = played(tmp_path, act).ears
    assert [(problem.what, problem.message) for problem in ears.problems] == [("rule Down", "many-to-many matching")] * 2
    assert [state for _, _, state in ears.told] == ["pending"]


@pytest.mark.parametrize(
    ("path", "answer", "message"),
    [
        ("/api/v1/rules", web.Response(status=503, text="starting"), "Prometheus answers 503: starting"),
        (
            "/api/v1/rules",
            web.Response(text='{"data": 5}'),
            "Prometheus answers /api/v1/rules?type=alert in a way that is not known",
        ),
        ("/api/v1/targets", web.Response(status=500), "Prometheus answers 500"),
        ("/-/ready", web.Response(status=503, text="no"), "Alertmanager answers 503: no"),
    ],
)
def test_a_blind_monitor_says_so(tmp_path: Path, path: str, answer: web.Response, message: str) -> None:
    """After 3 s of the wall, once; and again after it had seen. A short silence is none."""

    async def act(play: Play) -> None:
        for _ in range(2):
            play.said.broken[path] = answer
            await play.look(after_wall_s=1.0)
            await play.look(after_wall_s=1.0)
            assert len(play.ears.problems) == _
            await play.look(after_wall_s=2.5)
            await play.look(after_wall_s=1.0)
            play.said.broken.clear()
            await play.look(after_wall_s=1.0)

    problems = played(tmp_path, act).ears.problems
    assert [problem.what for problem in problems] == ["cycle", "cycle"]
    assert all(problem.message.startswith(message) for problem in problems)


def test_rules_that_are_not_evaluated_any_more_are_blindness_too(tmp_path: Path) -> None:
    """Prometheus answers, and its newest evaluation is old."""

    async def act(play: Play) -> None:
        play.said.evaluated = time.time() - 60.0
        await play.look()
        await play.look(after_wall_s=4.0)

    (problem,) = played(tmp_path, act).ears.problems
    assert (problem.what, problem.message) == ("cycle", "Prometheus does not evaluate the rules any more")


def test_ready_is_when_everything_has_been_seen(tmp_path: Path) -> None:
    """A target that was never scraped, or an Alertmanager that was not found, is told when time is up."""

    async def act(play: Play) -> None:
        play.said.scraped = "0001-01-01T00:00:00Z"
        with pytest.raises(NotReady, match="the target a has not been scraped"):
            await play.monitor.ready()
        play.said.scraped, play.said.found_alertmanager = None, False
        with pytest.raises(NotReady, match="has not found Alertmanager"):
            await play.monitor.ready()
        play.said.found_alertmanager = True
        await play.monitor.ready()

    assert played(tmp_path, act).programs.asked == ["start alertmanager", "start prometheus", "stop"]


def test_it_looks_by_itself_and_at_once_when_alertmanager_calls(tmp_path: Path) -> None:
    """The loop tells what is due without anybody asking it to."""

    async def act(play: Play) -> None:
        play.clock.advance(2.0)
        play.show("firing", since_wall_s=10.0)
        await play.monitor.ready()
        await post(play, "firing", ago_s=0.75)
        async with asyncio.timeout(20):
            while len(play.ears.pages) < 1:  # noqa: ASYNC110 - the ears have no event
                await asyncio.sleep(0.01)

    assert played(tmp_path, act).ears.told == [(200.0, "Down", "pending"), (230.0, "Down", "firing")]


def test_an_alert_of_no_rule_is_a_problem(tmp_path: Path) -> None:
    """Somebody else posts to our webhook."""

    async def act(play: Play) -> None:
        LABELS["alertname"] = "Other"
        try:
            await post(play, "firing")
        finally:
            LABELS["alertname"] = "Down"

    (problem,) = played(tmp_path, act).ears.problems
    assert (problem.what, "no rule's" in problem.message) == ("webhook", True)
