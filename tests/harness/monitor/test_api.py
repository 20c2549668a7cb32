"""The HTTP API, asked as curl would ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from harness.errors import HarnessError
from harness.monitor.api import Api
from harness.monitor.grid import offset_of
from tests.harness.monitor.stages import Pages, Stage, rule

EPOCH_S = 1_000_000.0  # of the stage: 1970-01-12T13:46:40Z


async def ask(stage: Stage, path: str, given: Mapping[str, str] | None = None, *, method: str = "GET") -> tuple[int, Any]:
    """Status and JSON (or text) of one request to an API over the stage's monitor."""
    api = Api(stage.monitor, 0)
    await api.start()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method,
                f"http://127.0.0.1:{api.port}{path}",
                params=given if method == "GET" else None,
                data=given if method == "POST" else None,
            ) as response,
        ):
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.text())
    finally:
        await api.stop()


def played(path: str, given: Mapping[str, str] | None = None, *, method: str = "GET") -> tuple[int, Any]:
    """One request after 20 s in which target a was up and its rule fired."""

    async def play() -> tuple[int, Any]:
        stage = Stage([rule("up == 1", name="Up", for_="5s"), rule("up == 0", name="Down")], Pages(a="x 0.25\n"))
        await stage.play(20)
        return await ask(stage, path, given, method=method)

    return asyncio.run(play())


def test_a_query_is_answered_in_prometheus_shape_and_unix_time() -> None:
    """Documented second 19 is the epoch of the drill plus 19."""
    status, body = played("/api/v1/query", {"query": "x", "time": str(EPOCH_S + 19)})
    metric = {"__name__": "x", "instance": "a:80", "job": "a"}
    assert (status, body["status"]) == (200, "success")
    assert body["data"] == {"resultType": "vector", "result": [{"metric": metric, "value": [EPOCH_S + 19, "0.25"]}]}


def test_a_time_may_be_written_out() -> None:
    """RFC 3339, as Prometheus takes it; without a time it is now."""
    _, body = played("/api/v1/query", {"query": "time()", "time": "1970-01-12T13:46:59Z"})
    assert body["data"] == {"resultType": "scalar", "result": [EPOCH_S + 19, "1000019"]}
    _, body = played("/api/v1/query", {"query": "time()"}, method="POST")
    assert body["data"]["result"] == [EPOCH_S + 20, "1000020"]


def test_a_range_vector_shows_its_samples() -> None:
    """With the times of the scrapes."""
    _, body = played("/api/v1/query", {"query": "x[10s]", "time": str(EPOCH_S + 19)})
    offset_s = offset_of("a", 5000) / 1000
    times = [time for time, _ in body["data"]["result"][0]["values"]]
    assert body["data"]["resultType"] == "matrix"
    assert times == [EPOCH_S + offset_s + at_s for at_s in (5, 10, 15) if 9 < offset_s + at_s <= 19]


def test_a_range_query_has_a_point_for_each_step_that_has_a_value() -> None:
    """From start to end, both included; a scalar is a series without labels."""
    span = {"start": str(EPOCH_S), "end": str(EPOCH_S + 20), "step": "5s"}
    _, body = played("/api/v1/query_range", {"query": "up", **span})
    (row,) = body["data"]["result"]
    assert row["values"] == [[EPOCH_S + at_s, "1"] for at_s in (0, 5, 10, 15, 20) if at_s * 1000 >= offset_of("a", 5000)]
    _, body = played("/api/v1/query_range", {"query": "1 / 0", **span, "step": "10"})
    assert body["data"]["result"] == [{"metric": {}, "values": [[EPOCH_S + at_s, "+Inf"] for at_s in (0, 10, 20)]}]


@pytest.mark.parametrize(
    ("path", "given", "status", "kind", "words"),
    [
        ("query", {}, 400, "bad_data", 'invalid parameter "query"'),
        ("query", {"query": "sum("}, 400, "bad_data", "sum("),
        ("query", {"query": "up", "time": "noon"}, 400, "bad_data", 'cannot parse "noon" to a valid timestamp'),
        ("query", {"query": "up", "time": "2026-01-01T00:00:00"}, 400, "bad_data", "has no time zone"),
        ("query", {"query": 'count_over_time({job="a"}[1m])'}, 422, "execution", "same labelset"),
        ("query_range", {"query": "up", "start": "9", "end": "8"}, 400, "bad_data", "end timestamp must not be before start"),
        ("query_range", {"query": "up", "step": "0"}, 400, "bad_data", "zero or negative"),
        ("query_range", {"query": "up", "step": "soon"}, 400, "bad_data", 'cannot parse "soon" to a valid duration'),
        ("query_range", {"query": "up", "start": "0", "step": "1"}, 400, "bad_data", "exceeded maximum resolution of 11,000"),
        ("query_range", {"query": "up[5m]"}, 400, "bad_data", 'invalid expression type "range vector"'),
    ],
)
def test_a_bad_request_says_what_is_wrong(path: str, given: dict[str, str], status: int, kind: str, words: str) -> None:
    """With Prometheus' statuses and error types."""
    seen, body = played(f"/api/v1/{path}", given)
    assert (seen, body["status"], body["errorType"]) == (status, "error", kind)
    assert words in body["error"]


def test_alerts_and_rules_are_listed() -> None:
    """Active alerts with their state, value and beginning; every rule with its health."""
    _, body = played("/api/v1/alerts")
    (alert,) = body["data"]["alerts"]
    assert (alert["labels"]["alertname"], alert["state"], alert["value"]) == ("Up", "firing", "1")
    assert alert["activeAt"].startswith("1970-01-12T13:46:4")
    _, body = played("/api/v1/rules")
    (group,) = body["data"]["groups"]
    assert [(each["name"], each["state"], each["health"]) for each in group["rules"]] == [
        ("Up", "firing", "ok"),
        ("Down", "inactive", "ok"),
    ]
    assert (group["rules"][0]["alerts"], group["interval"]) == ([alert], 5.0)
    assert group["lastEvaluation"] == "1970-01-12T13:46:55.000Z"


def test_targets_are_listed_with_their_health() -> None:
    """And with the last failure."""
    _, body = played("/api/v1/targets")
    (target,) = body["data"]["activeTargets"]
    assert (target["labels"], target["health"], target["lastError"]) == ({"job": "a", "instance": "a:80"}, "up", "")
    assert target["scrapeUrl"] == "http://a:80/metrics"


def test_it_says_that_it_is_ready() -> None:
    """As a runbook's curl expects it."""
    assert played("/-/ready") == (200, "Prometheus Server is Ready.\n")
    assert played("/-/healthy") == (200, "Prometheus Server is Healthy.\n")


def test_a_taken_port_is_named_with_a_remedy() -> None:
    """And the second server leaves nothing behind."""

    async def play() -> None:
        stage = Stage([], Pages(a="x 1\n"))
        first = Api(stage.monitor, 0)
        await first.start()
        with pytest.raises(HarnessError, match=rf"cannot listen on port {first.port}: .*End what listens there"):
            await Api(stage.monitor, first.port).start()
        await first.stop()

    asyncio.run(play())
