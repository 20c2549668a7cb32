"""The chat of a drill: what is posted reaches it, and what it received stands in the history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from fakes.clock import ManualClock
from fakes.services.chat import Chat, Messages
from harness.errors import HarnessError
from harness.history import Event, Recorder
from harness.respond.chat import ChatClient, ChatRecorder

UPDATE = "\N{POLICE CARS REVOLVING LIGHT} INCIDENT UPDATE - Q001\nStatus: Investigating\nImpact: orders"


def played(
    folder: Path, play: Callable[[ManualClock, ChatClient, ChatRecorder], Awaitable[None]], *listeners: Callable[[Event], None]
) -> list[Event]:
    """What was recorded while something was played against a chat of two channels."""
    clock, events = ManualClock(), list[Event]()
    recorder = Recorder(folder / "history.jsonl", clock)
    for listener in (events.append, *listeners):
        recorder.listen(listener)

    async def served() -> None:
        messages = Messages(folder / "messages.json", clock, 1_000_000.0, ["incidents", "dev"])
        runner = web.AppRunner(Chat(messages, version="1").app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with ChatClient(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
                await play(clock, client, ChatRecorder(client, ["incidents", "dev"], recorder))
        finally:
            await runner.cleanup()

    try:
        asyncio.run(served())
    finally:
        recorder.close()
    return events


def test_what_arrived_is_recorded_once_at_its_moment(tmp_path: Path) -> None:
    """However late somebody looks, whoever posted it, in the order of its arrival; status and number are those of the text."""

    async def play(clock: ManualClock, client: ChatClient, recorder: ChatRecorder) -> None:
        clock.advance(10)
        await client.post("incidents", UPDATE, by="ann")
        clock.advance(5)
        await client.post("incidents", "we look into it", by="bob")
        clock.advance(100)
        await recorder.collect()
        await recorder.collect()
        await client.post("dev", "*Status:* resolved", by="ann")
        await recorder.collect()

    events = played(tmp_path, play)
    assert [(event.kind, event.subject, event.at_s, event.wall_s) for event in events] == [
        ("update.posted", "#incidents", 10.0, 10.0),
        ("update.posted", "#incidents", 15.0, 15.0),
        ("update.posted", "#dev", 115.0, 115.0),
    ]
    assert events[0].data == {"status": "investigating", "incident": "Q001", "by": "ann", "text": UPDATE}
    assert events[1].data == {"status": "", "incident": "", "by": "bob", "text": "we look into it"}
    assert events[2].data["status"] == "resolved"


@pytest.mark.parametrize(
    ("text", "status", "incident"),
    [
        ("INCIDENT UPDATE - Q7\nStatus: Monitoring", "monitoring", "Q7"),
        ("INCIDENT UPDATE\nStatus: resolved\nall is well", "resolved", ""),
        ("*Incident update: INC-1*\n*Status:* Identified", "identified", "INC-1*"),
        ("what is the status?", "", ""),
        ("status is not known", "", ""),
        ("Status:\nto follow", "", ""),
    ],
)
def test_status_and_number_are_read_off_the_lines_of_the_template(tmp_path: Path, text: str, status: str, incident: str) -> None:
    """Talk about the status is none."""

    async def play(_: ManualClock, client: ChatClient, recorder: ChatRecorder) -> None:
        await client.post("incidents", text, by="ann")
        await recorder.collect()

    [event] = played(tmp_path, play)
    assert (event.data["status"], event.data["incident"]) == (status, incident)


def test_a_message_that_was_not_taken_is_an_error(tmp_path: Path) -> None:
    """And nothing is recorded: intending to tell is not telling."""

    async def play(_: ManualClock, client: ChatClient, recorder: ChatRecorder) -> None:
        with pytest.raises(HarnessError, match=r"refused a message for elsewhere with 404: channel_not_found"):
            await client.post("elsewhere", "x", by="ann")
        await recorder.collect()

    assert played(tmp_path, play) == []


def test_a_chat_that_is_gone_is_an_error() -> None:
    """For whoever posts, and for whoever reads."""

    async def play() -> None:
        async with ChatClient("http://127.0.0.1:9") as client:
            with pytest.raises(HarnessError, match="no answer"):
                await client.post("incidents", "x", by="ann")
            with pytest.raises(HarnessError, match="no answer"):
                await client.since("incidents", "0")

    asyncio.run(play())


def test_it_looks_by_itself_until_it_is_stopped(tmp_path: Path) -> None:
    """Whoever watches the drill hears of a message while it runs."""
    heard = asyncio.Event()

    async def play(_: ManualClock, client: ChatClient, recorder: ChatRecorder) -> None:
        recorder.start()
        await client.post("incidents", UPDATE, by="ann")
        await asyncio.wait_for(heard.wait(), 20)
        await recorder.stop()

    assert [event.kind for event in played(tmp_path, play, lambda _: heard.set())] == ["update.posted"]
