"""The fake Slack: what it takes, what it refuses, when what arrived, and what it shows."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fakes.clock import ClockPage, ManualClock
from fakes.services.chat import Chat, Messages

HOOK = "/services/T1/B1/key"
Ask = Callable[..., Awaitable[tuple[int, Any]]]


class Room:
    """A chat to talk to, and the clock it reads."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.messages = Messages(folder / "messages.json", self.clock, 1_000_000.0, ["#eafix-incidents", "eafix-dev"])

    def run(self, play: Callable[[Ask], Awaitable[None]]) -> None:
        async def served() -> None:
            runner = web.AppRunner(Chat(self.messages, version="1.0.0").app(), access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession() as session:

                async def ask(method: str, path: str, **given: Any) -> tuple[int, Any]:
                    async with session.request(method, url + path, **given) as response:
                        found = await (response.json() if response.content_type == "application/json" else response.text())
                        return response.status, found

                await play(ask)
            await runner.cleanup()

        asyncio.run(served())


def test_a_message_is_kept_with_the_moment_of_its_arrival(tmp_path: Path) -> None:
    """Documented, and as a stamp of the calendar; its channel is the first one unless it says which."""
    room = Room(tmp_path)

    async def play(ask: Ask) -> None:
        room.clock.advance(12.5)
        assert await ask("POST", HOOK, json={"text": "Status: Investigating", "username": "ann"}) == (200, "ok")
        room.clock.advance(1)
        assert await ask("POST", HOOK, json={"text": "to you", "channel": "#eafix-dev"}) == (200, "ok")
        _, found = await ask("GET", "/api/conversations.history?channel=eafix-incidents")
        assert found == {
            "ok": True, "has_more": False, "messages": [
                {"type": "message", "subtype": "bot_message", "channel": "eafix-incidents", "username": "ann", "text": "Status: Investigating",
                 "ts": "1000012.500000", "received_s": 12.5, "received_wall_s": 12.5}
            ],
        }  # fmt: skip

    room.run(play)


def test_a_form_is_taken_as_by_the_real_webhook(tmp_path: Path) -> None:
    """`curl --data-urlencode 'payload={...}'`."""
    room = Room(tmp_path)

    async def play(ask: Ask) -> None:
        assert await ask("POST", HOOK, data={"payload": '{"text": "from a shell"}'}) == (200, "ok")

    room.run(play)
    assert [row["text"] for row in room.messages.rows] == ["from a shell"]


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ({"data": b"no json"}, (400, "invalid_payload")),
        ({"json": ["text"]}, (400, "invalid_payload")),
        ({"data": {"text": "not in a payload"}}, (400, "invalid_payload")),
        ({"json": {"channel": "eafix-dev"}}, (400, "no_text")),
        ({"json": {"text": " "}}, (400, "no_text")),
        ({"json": {"text": 5}}, (400, "no_text")),
        ({"json": {"text": "x", "channel": "#elsewhere"}}, (404, "channel_not_found")),
    ],
)
def test_what_is_no_message_is_refused_in_the_words_of_the_real_one(
    tmp_path: Path, sent: dict[str, Any], answer: tuple[int, str]
) -> None:
    """And nothing of it is kept."""
    room = Room(tmp_path)

    async def play(ask: Ask) -> None:
        assert await ask("POST", HOOK, **sent) == answer

    room.run(play)
    assert room.messages.rows == []


def test_messages_are_shown_newest_first_after_a_stamp(tmp_path: Path) -> None:
    """Two of the same instant have stamps of their own; what cannot be shown is said as Slack does, with 200."""
    room = Room(tmp_path)

    async def play(ask: Ask) -> None:
        async def texts(query: str) -> tuple[list[str], bool]:
            _, found = await ask("GET", f"/api/conversations.history?channel=eafix-dev{query}")
            return [each["text"] for each in found["messages"]], found["has_more"]

        for text in ("a", "b", "c"):
            await ask("POST", HOOK, json={"text": text, "channel": "eafix-dev"})
        stamps = [row["ts"] for row in room.messages.rows]
        assert len(set(stamps)) == 3
        assert await texts("") == (["c", "b", "a"], False)
        assert await texts(f"&oldest={stamps[0]}") == (["c", "b"], False)
        assert await texts("&limit=1") == (["c"], True)
        history = "/api/conversations.history?channel="
        assert await ask("GET", f"{history}nowhere") == (200, {"ok": False, "error": "channel_not_found"})
        assert await ask("GET", f"{history}eafix-dev&oldest=x") == (200, {"ok": False, "error": "invalid_arguments"})
        assert await ask("GET", f"{history}eafix-dev&limit=0") == (200, {"ok": False, "error": "invalid_limit"})

    room.run(play)


def test_messages_survive_a_restart_and_are_counted(tmp_path: Path) -> None:
    """They stand in the state folder; health and metrics are those of a service."""
    room = Room(tmp_path)

    async def play(ask: Ask) -> None:
        await ask("POST", HOOK, json={"text": "a"})
        assert await ask("GET", "/healthz") == (200, {"status": "ok", "service": "chat", "version": "1.0.0", "dependencies": {}})
        _, metrics = await ask("GET", "/metrics")
        assert 'chat_messages{channel="eafix-incidents"} 1' in metrics

    room.run(play)
    assert Room(tmp_path).messages.rows == room.messages.rows


def test_the_program_serves_until_sigterm_and_ends_well(tmp_path: Path) -> None:
    """Started as the fork server starts it."""
    ClockPage(tmp_path / "clock.page")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = {
        "name": "chat", "program": "chat", "port": port, "clock": str(tmp_path / "clock.page"), "settings": {"chat.channels": ["incidents"]},
        "state_dir": str(tmp_path),
    }  # fmt: skip
    code = "import json, sys; from fakes.services.chat import main; main(json.loads(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(config)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    body = json.dumps({"text": "hello"}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{port}{HOOK}", data=body, headers={"Content-Type": "application/json"})
    ) as answer:
        assert answer.read() == b"ok"
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert re.fullmatch(rf"\d{{4}}-\S+Z INFO chat version 1\.0\.0 listens on port {port}\n", first)
    assert rest.endswith("INFO chat has stopped\n")
