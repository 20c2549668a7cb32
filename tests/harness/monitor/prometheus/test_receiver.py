"""The webhook, told by something that looks like Alertmanager."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from harness.errors import HarnessError
from harness.monitor.prometheus.answers import NotedAlert
from harness.monitor.prometheus.receiver import Receiver

# What Alertmanager 0.25 posts, shortened.
NOTICE: dict[str, Any] = {
    "receiver": "gameday", "status": "firing", "version": "4", "groupLabels": {}, "truncatedAlerts": 0,
    "alerts": [
        {
            "status": "firing", "labels": {"alertname": "service_down", "job": "redis"}, "annotations": {},
            "startsAt": "2026-11-21T13:38:25.293564296Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "4c6e4b",
        }
    ],
}  # fmt: skip


def post(*bodies: bytes) -> tuple[list[int], list[NotedAlert], list[str]]:
    """Post bodies to a receiver: the statuses, the alerts and the problems."""
    alerts: list[NotedAlert] = []
    problems: list[str] = []
    statuses: list[int] = []

    async def run() -> None:
        receiver = Receiver(0, alerts.append, lambda what, message: problems.append(f"{what}: {message}"))
        await receiver.start()
        try:
            async with aiohttp.ClientSession() as session:
                for body in bodies:
                    async with session.post(f"http://127.0.0.1:{receiver.port}/alerts", data=body) as response:
                        statuses.append(response.status)
        finally:
            await receiver.stop()

    asyncio.run(run())
    return statuses, alerts, problems


def test_a_notice_is_heard() -> None:
    """Labels, state and the time, read as Go wrote it."""
    statuses, (alert,), problems = post(json.dumps(NOTICE).encode())
    assert (statuses, problems) == ([200], [])
    assert (alert.status, alert.labels["job"]) == ("firing", "redis")
    assert alert.starts_at == pytest.approx(1795268305.293564)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b'{"alerts": []}', "alerts: Tuple should have at least 1 item"),
        (
            json.dumps({"alerts": [{**NOTICE["alerts"][0], "status": "odd"}]}).encode(),
            "alerts.0.status: Input should be 'firing'",
        ),
        (json.dumps({"alerts": [{**NOTICE["alerts"][0], "startsAt": 5}]}).encode(), "alerts.0.startsAt: Value error"),
        (
            json.dumps({"alerts": [{**NOTICE["alerts"][0], "labels": {"a": 1}}]}).encode(),
            "alerts.0.labels.a: Input should be a valid",
        ),
    ],
)
def test_anything_else_is_refused_and_told(body: bytes, why: str) -> None:
    """And the next notice is heard."""
    statuses, alerts, problems = post(body, json.dumps(NOTICE).encode())
    assert statuses == [400, 200]
    assert len(alerts) == 1
    assert problems[0].startswith(f"webhook: Alertmanager posted something that is no notice: {why}")


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    """HarnessError, and stopping afterwards is safe."""

    async def run() -> None:
        first = Receiver(0, lambda _: None, lambda *_: None)
        await first.start()
        second = Receiver(first.port, lambda _: None, lambda *_: None)
        try:
            with pytest.raises(HarnessError, match=r"cannot listen on port \d+: .*End what listens there"):
                await second.start()
        finally:
            await first.stop()
            await second.stop()

    asyncio.run(run())
