"""`wscat` against a real WebSocket server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web

from fakes.commands import install
from tests.fakes.commands.conftest import Ended, Run

ROOT = Path(install.__file__).parents[2]


async def _talk(request: web.Request) -> web.WebSocketResponse:
    """Greets with a short and a long message, echoes, and leaves when it hears `bye`."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("hello")
    await socket.send_str("x" * 70_000)
    await socket.ping(b"there?")
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            if message.data == "bye":
                break
            await socket.send_str(f"echo {message.data}")
    await socket.close(code=1001, message=b"left")
    return socket


@pytest.fixture
def port() -> Iterator[int]:
    """A server in a thread of its own."""
    loop = asyncio.new_event_loop()
    started: list[int] = []
    ready = threading.Event()

    async def serve() -> web.AppRunner:
        app = web.Application()
        app.add_routes([web.get("/ws/market", _talk)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        started.append(runner.addresses[0][1])
        return runner

    def work() -> None:
        runner = loop.run_until_complete(serve())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    yield started[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def wscat(*arguments: str, stdin: int) -> Ended:
    """wscat as a process of its own, with this input."""
    code = "import sys; from fakes.commands.wscat import main; sys.exit(main(sys.argv[1:]))"
    ended = subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        stdin=stdin,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=20,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def quiet() -> Iterator[int]:
    """An input on which nothing ever comes, and which does not end."""
    read, write = os.pipe()
    yield read
    os.close(read)
    os.close(write)


def test_messages_are_printed_as_they_come(port: int, quiet: int) -> None:
    """004:286, where no terminal is: the messages alone, until the server leaves."""
    ended = wscat("-c", f"ws://localhost:{port}/ws/market", "-x", "one", "-x", "bye", "-P", stdin=quiet)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == ["hello", "x" * 70_000, 'Received ping (data: "there?")', "echo one"]


def test_it_leaves_by_itself_after_the_wait(port: int, quiet: int) -> None:
    """-w counts from the last -x."""
    ended = wscat("-c", f"localhost:{port}/ws/market", "--execute", "one", "--wait", "0.3", stdin=quiet)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "echo one")


def test_without_input_it_ends_at_once_and_has_seen_nothing(port: int) -> None:
    """As wscat does with its input closed: exit code 0, also where nobody listens."""
    assert wscat("-c", f"ws://localhost:{port}/ws/market", stdin=subprocess.DEVNULL) == Ended(0, "", "")
    assert wscat("-c", "ws://127.0.0.1:1/", stdin=subprocess.DEVNULL) == Ended(0, "", "")


def test_what_is_no_websocket_is_an_error(port: int, quiet: int) -> None:
    """In the words of Node, with exit code 255."""
    assert wscat("-c", "ws://127.0.0.1:1/", stdin=quiet) == Ended(255, "", "error: connect ECONNREFUSED 127.0.0.1:1\n")
    assert wscat("-c", f"ws://localhost:{port}/nope", stdin=quiet) == Ended(255, "", "error: Unexpected server response: 404\n")
    assert wscat("-c", "ws://no-such-host.invalid/", stdin=quiet).err == "error: getaddrinfo ENOTFOUND no-such-host.invalid\n"


def test_wrong_lines_are_refused_in_the_real_words(run: Run) -> None:
    """Commander's messages; 3 where only the stand-in lacks it."""
    assert run("wscat --nope") == Ended(1, "", "error: unknown option '--nope'\n")
    assert run("wscat -c") == Ended(1, "", "error: option '-c, --connect <url>' argument missing\n")
    assert run("wscat -l 9").code == 3
    assert run("wscat").out.startswith("Usage: wscat [options] (--listen <port> | --connect <url>)\n")
