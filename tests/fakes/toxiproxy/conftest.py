"""Servers to hold the contract against, and both ends of a proxied connection in the hand of the test."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harness.toxiproxy_server import find_toxiproxy

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 15.0  # how long a test waits for what must come; only a failing test waits that long
_names = (f"proxy-{number}" for number in itertools.count(1))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API."""

    status: int
    body: bytes
    content_type: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of an error body, which must have its two fields and repeat the status."""
        assert self.json.keys() >= {"error", "status"}
        assert self.json["status"] == self.status
        return str(self.json["error"])


@dataclass(slots=True)
class Server:
    """A running server. `kind` is embedded or real."""

    kind: str
    port: int
    process: subprocess.Popen[bytes]
    proxies: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """One request; `body` is sent as JSON unless it is bytes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, data, {"User-Agent": "tests", **headers})
            response = connection.getresponse()
            return Reply(response.status, response.read(), response.getheader("Content-Type", ""))

    def done(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of a call that must succeed."""
        reply = self.call(method, path, body)
        assert reply.status in (200, 201, 204), reply.body
        return reply.json if reply.body else None

    def create(
        self, upstream: str, *, listen: str = "127.0.0.1:0", enabled: bool = True, name: str | None = None
    ) -> dict[str, Any]:
        """A proxy of this test's own, gone after it."""
        fields = {"name": name or next(_names), "listen": listen, "upstream": upstream, "enabled": enabled}
        shown: dict[str, Any] = self.done("POST", "/proxies", fields)
        self.proxies.append(shown["name"])
        return shown

    def update(self, proxy: str, **fields: object) -> dict[str, Any]:
        shown: dict[str, Any] = self.done("POST", path(proxy), fields)
        return shown

    def poison(
        self, proxy: str, kind: str, stream: str = "downstream", toxicity: float = 1.0, name: str = "", **attributes: int
    ) -> str:
        """Put a toxic on a proxy; its name."""
        toxic = {"name": name, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        return str(self.done("POST", path(proxy, "toxics"), toxic)["name"])

    def change(self, proxy: str, toxic: str, **attributes: int) -> None:
        self.done("POST", path(proxy, "toxics", toxic), {"attributes": attributes})

    def cure(self, proxy: str, toxic: str) -> None:
        self.done("DELETE", path(proxy, "toxics", toxic))


def path(proxy: str, *rest: str) -> str:
    return "/proxies/" + "/".join(quote(part, safe="") for part in (proxy, *rest))


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


# --- servers ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(command: list[str], kind: str, port: int) -> Iterator[Server]:
    """A server of this command until the end of the block; only the process started here is ended."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "LOG_LEVEL": "error"})
    try:
        if port == 0:
            assert process.stdout is not None
            said = next(line for line in process.stdout if b"API listens on" in line)
            port = int(said.rsplit(b":", 1)[1])
        _await_listener(port, process)
        yield Server(kind, port, process)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def _await_listener(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None, f"the server ended with exit code {process.returncode}"
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
            return
        assert time.monotonic() < deadline, "the server does not listen"
        time.sleep(0.005)


def embedded_command(*options: str) -> list[str]:
    return [sys.executable, "-m", "fakes.toxiproxy", "--host", "127.0.0.1", "--port", "0", *options]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """Each kind of server, started when the first test asks for it."""
    started: dict[str, Server] = {}
    with contextlib.ExitStack() as stack:

        def get(kind: str) -> Server:
            if kind not in started:
                port = free_port() if kind == "real" else 0
                commands = {"embedded": embedded_command, "embedded-asyncio": lambda: embedded_command("--loop", "asyncio")}
                command = (
                    commands[kind]()
                    if kind in commands
                    else find_toxiproxy({**os.environ, "GAMEDAY_TOXIPROXY": "real"}).command("127.0.0.1", port)
                )
                started[kind] = stack.enter_context(running(command, kind.partition("-")[0], port))
            return started[kind]

        yield get


def _cleaned(server: Server) -> Iterator[Server]:
    assert server.process.poll() is None, "an earlier test has killed the server"
    yield server
    for name in {*server.proxies} & {*server.done("GET", "/proxies")}:
        server.done("DELETE", path(name))
    server.proxies.clear()


@pytest.fixture(params=["embedded", "embedded-asyncio", pytest.param("real", marks=pytest.mark.toxiproxy)])
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Iterator[Server]:
    """Every kind of server, one after the other: what holds of one must hold of all."""
    yield from _cleaned(servers(request.param))


@pytest.fixture(params=["embedded", "embedded-asyncio"])
def embedded(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Iterator[Server]:
    """The embedded server on each event loop: for what the real one does not do."""
    yield from _cleaned(servers(request.param))


# --- connections ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Ends:
    """Both ends of a proxied connection."""

    client: socket.socket
    upstream: socket.socket

    def towards(self, stream: str) -> tuple[socket.socket, socket.socket]:
        """Sender and receiver of a stream."""
        return (self.client, self.upstream) if stream == "upstream" else (self.upstream, self.client)


class Wires:
    """An upstream that the test answers for itself, and connections to it through proxies."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self._listener.settimeout(PATIENCE_S)

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def dial(self, listen: str) -> socket.socket:
        client = self._stack.enter_context(socket.create_connection(address(listen), timeout=PATIENCE_S))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def accept(self) -> socket.socket:
        accepted, _ = self._listener.accept()
        accepted.settimeout(PATIENCE_S)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._stack.enter_context(accepted)

    def connect(self, proxy: dict[str, Any]) -> Ends:
        """A connection whose both ends are there."""
        return Ends(self.dial(proxy["listen"]), self.accept())


@pytest.fixture
def wires() -> Iterator[Wires]:
    with contextlib.ExitStack() as stack:
        yield Wires(stack)


def receive(end: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes, or fewer where the connection ends before."""
    parts = []
    while size and (part := end.recv(min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive_all(end: socket.socket) -> bytes:
    """What comes until the connection ends, in whatever way."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := end.recv(1 << 20):
            parts.append(part)
    return b"".join(parts)


def is_cut(end: socket.socket) -> bool:
    """Waits for the connection's end. False when data comes instead."""
    try:
        return end.recv(1) == b""
    except ConnectionResetError:
        return True


def is_silent(end: socket.socket, for_s: float = 0.06) -> bool:
    """Whether nothing at all arrives for a while. Can only err towards True."""
    end.settimeout(for_s)
    try:
        end.recv(1)
    except TimeoutError:
        return True
    except ConnectionError:
        return False
    finally:
        end.settimeout(PATIENCE_S)
    return False
