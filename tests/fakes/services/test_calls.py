"""Claims about calls between services, against small servers that end a connection at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from fakes.clock import ClockPage
from fakes.services.calls import Answer, Peer
from fakes.services.errors import DependencyDown
from fakes.services.health import Dependency
from tests.fakes.services.live import config_of, free_ports, run

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hang_up_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a proxy does in front of a dead process."""


async def hang_up_before_the_body(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def hang_up_after_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    await reader.readuntil(b"0\r\n\r\n")


async def fall_silent_before_the_body(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def fall_silent_after_the_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hang_up_after_the_body(reader, writer)
    await reader.read()


def saying(status: int, body: str) -> Behaviour:
    """A server that takes the request and answers."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hang_up_after_the_body(reader, writer)
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write((head + body).encode())

    return say


@asynccontextmanager
async def peer_that(behaves: Behaviour | None, folder: Path) -> AsyncIterator[Peer]:
    [port] = free_ports(1)
    clock = ClockPage(folder / "clock.page", speed=20)
    clock.set_rate(20)  # time-outs are at their least

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert behaves is not None
        await behaves(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port) if behaves else None
    peer = Peer(config_of(folder, engine=port), clock, Dependency("engine"))
    try:
        yield peer
    finally:
        await peer.close()
        if server is not None:
            server.close()
            await server.wait_closed()


def post(behaves: Behaviour | None, folder: Path) -> Answer:
    async def call() -> Answer:
        async with peer_that(behaves, folder) as peer:
            return await peer.post("/api/orders", {"quantity": 1}, within_s=0.1)

    return run(call())


@pytest.mark.parametrize("behaves", [None, hang_up_at_once, hang_up_before_the_body, fall_silent_before_the_body])
def test_a_call_that_was_never_welcomed_has_certainly_failed(behaves: Behaviour | None, tmp_path: Path) -> None:
    """Refused, cut off or met with silence before the body was sent: nothing was done."""
    with pytest.raises(DependencyDown) as down:
        post(behaves, tmp_path)
    assert down.value.outcome == "failed"


@pytest.mark.parametrize("behaves", [hang_up_after_the_body, fall_silent_after_the_body])
def test_a_call_that_was_sent_and_not_answered_is_unknown(behaves: Behaviour, tmp_path: Path) -> None:
    """Once the body has gone, a lost answer says nothing of what was done."""
    with pytest.raises(DependencyDown) as down:
        post(behaves, tmp_path)
    assert down.value.outcome == "unknown"


def test_an_answer_is_handed_on(tmp_path: Path) -> None:
    """Status and body reach the caller, also of a refusal."""
    assert post(saying(201, '{"n": 1}'), tmp_path) == Answer(201, {"n": 1})
    assert post(saying(409, '{"reason": "halted"}'), tmp_path) == Answer(409, {"reason": "halted"})


def test_a_503_names_what_is_down_behind_it(tmp_path: Path) -> None:
    """The caller learns which dependency of the other side is down, and what became of the request."""
    with pytest.raises(DependencyDown) as down:
        post(saying(503, '{"dependency": "broker", "why": "gone", "outcome": "failed"}'), tmp_path)
    assert (down.value.dependency, down.value.why, down.value.outcome) == ("broker", "gone", "failed")


def test_an_error_that_says_nothing_is_unknown(tmp_path: Path) -> None:
    """A 500 without an outcome may stand for anything."""
    with pytest.raises(DependencyDown) as down:
        post(saying(500, '{"error": "internal error"}'), tmp_path)
    assert down.value.outcome == "unknown"


def test_a_call_on_its_way_outlives_a_reconnect(tmp_path: Path) -> None:
    """The connection that it is on is dropped only after it; what comes meanwhile goes over another one."""
    here, gone = asyncio.Event(), asyncio.Event()
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(number := len(connections))
        with suppress(asyncio.IncompleteReadError):
            while True:
                if (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /slow"):
                    here.set()
                    await gone.wait()
                body = b'{"connection": %d}' % number
                writer.write(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def carry_out() -> None:
        async with peer_that(serve, tmp_path) as peer:
            slow = asyncio.create_task(peer.get("/slow", within_s=1, least_s=5))
            await here.wait()
            reconnecting = asyncio.create_task(peer.reconnect(drained_s=1))
            fast = [(await peer.get("/fast", within_s=1, least_s=5)).body["connection"] for _ in range(5)]
            assert 0 not in fast
            assert not slow.done()
            gone.set()
            assert (await slow).body == {"connection": 0}
            assert await reconnecting < 1

    run(carry_out())
