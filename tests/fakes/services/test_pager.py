"""The fake PagerDuty: what it takes, what it refuses, what it keeps."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fakes.clock import ClockPage, ManualClock
from fakes.services.incidents import Incidents, event_errors
from fakes.services.pager import Pager

KEY = "0123456789abcdef0123456789abcdef"
SENDER = {"From": "ann@example.org"}


def event(action: str = "trigger", key: str = "db", **payload: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"routing_key": KEY, "event_action": action, "dedup_key": key}
    if action == "trigger":
        body["payload"] = {"summary": "Database down", "source": "postgres", "severity": "critical", **payload}
    return body


class Desk:
    """A pager to talk to, and the clock it reads."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.incidents = Incidents(folder / "incidents.json", self.clock, 1_000_000.0)
        self._session: aiohttp.ClientSession | None = None
        self._url = ""

    def run(self, play: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def served() -> None:
            runner = web.AppRunner(Pager(self.incidents, version="1.0.0", routing_key=None).app(), access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession() as self._session:
                await play()
            await runner.cleanup()

        asyncio.run(served())

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        assert self._session is not None
        async with self._session.request(method, self._url + path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def send(self, body: object) -> tuple[int, dict[str, Any]]:
        return await self.ask("POST", "/v2/enqueue", body)

    async def set_status(self, identity: str, status: str, **headers: str) -> tuple[int, dict[str, Any]]:
        change = {"incident": {"type": "incident_reference", "status": status}}
        return await self.ask("PUT", f"/incidents/{identity}", change, headers or SENDER)


def test_a_trigger_opens_one_incident_however_often_it_comes(tmp_path: Path) -> None:
    """Events with the same dedup key join the incident that is open; the answer is that of the real API."""
    desk = Desk(tmp_path)

    async def play() -> None:
        desk.clock.advance(12.5)
        taken = (202, {"status": "success", "message": "Event processed", "dedup_key": "db"})
        assert [await desk.send(event()), await desk.send(event())] == [taken, taken]
        await desk.send(event(key="other", severity="warning"))
        _, body = await desk.ask("GET", "/incidents")
        first, second = body["incidents"]
        assert (first["incident_key"], first["status"], first["title"]) == ("db", "triggered", "Database down")
        assert (first["alert_counts"]["all"], first["urgency"], second["urgency"]) == (2, "high", "low")
        assert (first["created_at"], first["created_s"]) == ("1970-01-12T13:46:52.500Z", 12.5)

    desk.run(play)


def test_a_resolved_incident_stays_closed_and_the_next_trigger_opens_another(tmp_path: Path) -> None:
    """The dedup key is free again."""
    desk = Desk(tmp_path)

    async def play() -> None:
        await desk.send(event())
        desk.clock.advance(30)
        assert (await desk.send(event("resolve")))[0] == 202
        await desk.send(event())
        rows = list(desk.incidents.rows.values())
        assert [row["status"] for row in rows] == ["resolved", "triggered"]
        assert (rows[0]["resolved_at"], rows[0]["resolved_s"]) == ("1970-01-12T13:47:10.000Z", 30.0)

    desk.run(play)


def test_an_acknowledgement_is_kept_with_its_time_and_by_whom(tmp_path: Path) -> None:
    """It survives further triggers, which do not bring the incident back to triggered."""
    desk = Desk(tmp_path)

    async def play() -> None:
        await desk.send(event())
        (identity,) = desk.incidents.rows
        desk.clock.advance(47)
        status, body = await desk.set_status(identity, "acknowledged")
        assert (status, body["incident"]["status"]) == (200, "acknowledged")
        await desk.send(event())
        _, body = await desk.ask("GET", f"/incidents/{identity}")
        assert body["incident"]["status"] == "acknowledged"
        (entry,) = body["incident"]["acknowledgements"]
        assert (entry["at_s"], entry["at"]) == (47.0, "1970-01-12T13:47:27.000Z")
        assert entry["acknowledger"] == {"type": "user_reference", "summary": "ann@example.org"}

    desk.run(play)


def test_events_can_acknowledge_too(tmp_path: Path) -> None:
    """And events for which nothing is open are taken and change nothing."""
    desk = Desk(tmp_path)

    async def play() -> None:
        assert (await desk.send(event("acknowledge", "nothing")))[0] == 202
        assert (await desk.send(event("resolve", "nothing")))[0] == 202
        assert desk.incidents.rows == {}
        await desk.send(event())
        await desk.send(event("acknowledge"))
        (row,) = desk.incidents.rows.values()
        assert row["status"] == "acknowledged"

    desk.run(play)


def test_a_trigger_without_a_dedup_key_gets_one(tmp_path: Path) -> None:
    """Each is an incident of its own."""
    desk = Desk(tmp_path)

    async def play() -> None:
        without = {name: value for name, value in event().items() if name != "dedup_key"}
        keys = [(await desk.send(without))[1]["dedup_key"] for _ in range(2)]
        assert len(set(keys)) == 2
        assert [row["incident_key"] for row in desk.incidents.rows.values()] == keys

    desk.run(play)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"routing_key": None}, "'routing_key' is missing or blank"),
        ({"routing_key": "short"}, "Length of 'routing_key' is incorrect (should be 32 characters)"),
        ({"event_action": ""}, "'event_action' is missing or blank"),
        ({"event_action": "explode"}, "'event_action' is invalid"),
        ({"event_action": "resolve", "dedup_key": None}, "'dedup_key' is missing or blank"),
        ({"dedup_key": "x" * 256}, "'dedup_key' is too long (maximum is 255 characters)"),
        ({"dedup_key": 7}, "'dedup_key' is invalid (must be a string)"),
        ({"payload": None}, "'payload' is missing or blank"),
        ({"payload": {"source": "a", "severity": "info"}}, "'payload.summary' is missing or blank"),
        ({"payload": {"summary": "a", "severity": "info"}}, "'payload.source' is missing or blank"),
        ({"payload": {"summary": "a", "source": "b"}}, "'payload.severity' is missing or blank"),
        ({"payload": {"summary": "a", "source": "b", "severity": "page"}}, "'payload.severity' is invalid"),
    ],
)
def test_an_invalid_event_is_refused_with_the_reason(tmp_path: Path, change: dict[str, Any], error: str) -> None:
    """400, in the shape of the real API; no incident comes of it."""
    desk = Desk(tmp_path)

    async def play() -> None:
        status, body = await desk.send({**event(), **change})
        assert (status, body["status"], body["message"]) == (400, "invalid event", "Event object is invalid")
        assert len(body["errors"]) == 1
        assert body["errors"][0].startswith(error)
        assert desk.incidents.rows == {}

    desk.run(play)


@pytest.mark.parametrize("body", ["text", [], None])
def test_what_is_no_object_is_no_event(body: object) -> None:
    """Whatever JSON it is."""
    assert event_errors(body) == ["Event object is not a JSON object"]


def test_a_routing_key_that_is_not_the_configured_one_is_refused() -> None:
    """Only where one is configured."""
    assert event_errors(event(), "f" * 32) == ["Invalid routing key"]
    assert event_errors(event(), KEY) == []


def test_incidents_are_listed_by_status_and_page(tmp_path: Path) -> None:
    """`statuses[]` may stand several times; `limit` and `offset` page through."""
    desk = Desk(tmp_path)

    async def listed(query: str) -> tuple[list[str], bool]:
        status, body = await desk.ask("GET", f"/incidents?{query}")
        assert status == 200
        return [row["incident_key"] for row in body["incidents"]], body["more"]

    async def play() -> None:
        for key in ("a", "b", "c"):
            await desk.send(event(key=key))
        await desk.send(event("acknowledge", "b"))
        await desk.send(event("resolve", "c"))
        assert await listed("statuses[]=triggered") == (["a"], False)
        assert await listed("statuses[]=triggered&statuses[]=acknowledged") == (["a", "b"], False)
        assert await listed("limit=1&offset=1") == (["b"], True)
        assert (await desk.ask("GET", "/incidents?statuses[]=open"))[0] == 400
        assert (await desk.ask("GET", "/incidents?limit=0"))[0] == 400

    desk.run(play)


def test_bad_updates_are_refused_as_by_the_real_api(tmp_path: Path) -> None:
    """No sender, no such incident, no such status, no type, a closed incident."""
    desk = Desk(tmp_path)

    async def play() -> None:
        await desk.send(event())
        (identity,) = desk.incidents.rows
        status, body = await desk.set_status(identity, "acknowledged", From="nobody")
        assert (status, body["error"]["code"]) == (400, 2001)
        assert "From header is required" in body["error"]["errors"][0]
        assert (await desk.set_status("Q404", "acknowledged"))[0] == 404
        assert (await desk.set_status(identity, "triggered"))[0] == 400
        assert (await desk.ask("PUT", f"/incidents/{identity}", {"incident": {"status": "resolved"}}, SENDER))[0] == 400
        assert desk.incidents.rows[identity]["status"] == "triggered"
        assert (await desk.set_status(identity, "resolved"))[0] == 200
        _, body = await desk.set_status(identity, "acknowledged")
        assert body["error"]["errors"] == ["Incident Already Resolved"]

    desk.run(play)


def test_incidents_survive_a_restart(tmp_path: Path) -> None:
    """They stand in the state folder, complete at every moment."""
    desk = Desk(tmp_path)

    async def play() -> None:
        await desk.send(event())

    desk.run(play)
    again = Desk(tmp_path)
    assert again.incidents.rows == desk.incidents.rows
    assert [row["incident_key"] for row in json.loads((tmp_path / "incidents.json").read_text())] == ["db"]


def test_health_and_metrics_are_those_of_a_service(tmp_path: Path) -> None:
    """So that it can be waited for and scraped like the others."""
    desk = Desk(tmp_path)

    async def play() -> None:
        await desk.send(event())
        health = {"status": "ok", "service": "pager", "version": "1.0.0", "dependencies": {}}
        assert await desk.ask("GET", "/healthz") == (200, health)
        assert desk._session is not None
        async with desk._session.get(f"{desk._url}/metrics") as response:
            assert 'pager_incidents{status="triggered"} 1' in await response.text()

    desk.run(play)


def test_the_program_serves_until_sigterm_and_ends_well(tmp_path: Path) -> None:
    """Started as the fork server starts it; its log is one line a record, on documented time."""
    ClockPage(tmp_path / "clock.page")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = {
        "name": "pager",
        "program": "pager",
        "port": port,
        "clock": str(tmp_path / "clock.page"),
        "settings": {"pager.routing_key": KEY},
        "state_dir": str(tmp_path),
    }
    code = "import json, sys; from fakes.services.pager import main; main(json.loads(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(config)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as response:
        assert json.loads(response.read())["status"] == "ok"
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert re.fullmatch(rf"\d{{4}}-\S+Z INFO pager version 1\.0\.0 listens on port {port}\n", first)
    assert rest.endswith("INFO pager has stopped\n")


WINDOW = {
    "type": "maintenance_window",
    "start_time": "1970-01-12T13:46:40Z",
    "end_time": "1970-01-12T13:56:40Z",
}  # 600 s from the clock's 0


def test_in_a_maintenance_window_events_are_taken_and_nobody_is_called(tmp_path: Path) -> None:
    """Before its end; an incident that was open already stays."""
    desk = Desk(tmp_path)

    async def play() -> None:
        assert (await desk.ask("POST", "/v2/enqueue", event(key="before")))[0] == 202
        status, answer = await desk.ask("POST", "/maintenance_windows", {"maintenance_window": WINDOW}, SENDER)
        assert (status, answer["maintenance_window"]["id"]) == (201, "M0000000000001")
        assert (await desk.ask("POST", "/v2/enqueue", event(key="within")))[0] == 202
        assert [row["incident_key"] for row in (await desk.ask("GET", "/incidents"))[1]["incidents"]] == ["before"]
        await desk.clock.sleep(600)
        await desk.ask("POST", "/v2/enqueue", event(key="after"))
        assert [row["incident_key"] for row in (await desk.ask("GET", "/incidents?incident_key=after"))[1]["incidents"]] == [
            "after"
        ]

    desk.run(play)


def test_a_maintenance_window_that_is_ended_silences_nobody(tmp_path: Path) -> None:
    """It is gone at once; one that is not there is not found."""
    desk = Desk(tmp_path)
    desk.incidents.open_window(WINDOW)
    assert desk.incidents.silent
    assert desk.incidents.end_window("M0000000000001")
    assert not desk.incidents.silent
    assert not desk.incidents.end_window("M0000000000001")


@pytest.mark.parametrize(
    "wrong", [{"end_time": "1970-01-12T13:46:40Z"}, {"start_time": "soon"}, {"end_time": None}, {"type": "window"}]
)
def test_a_maintenance_window_without_times_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """400, and nothing is silenced."""
    desk = Desk(tmp_path)

    async def play() -> None:
        assert (await desk.ask("POST", "/maintenance_windows", {"maintenance_window": {**WINDOW, **wrong}}, SENDER))[0] == 400
        assert (await desk.ask("POST", "/maintenance_windows", {"maintenance_window": WINDOW}))[0] == 400  # nobody's

    desk.run(play)
    assert not desk.incidents.silent
