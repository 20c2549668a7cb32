"""HTTP and Redis over a bare socket. `http.client` alone would take longer to import than a stand-in may to start."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Self


class Unreachable(Exception):
    """Nobody answered at an address, or the answer broke off. `reason` is in plain words."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address}: {reason}")
        self.address = address
        self.reason = reason


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    text: str

    def json(self) -> Any:
        """The body's JSON value, None when it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


def request(
    address: str,
    method: str,
    path: str,
    body: object = None,
    *,
    timeout_s: float = 5.0,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Reply:
    """One HTTP/1.0 request to `host:port`. The time-out bounds the whole exchange. Raises Unreachable."""
    payload = b"" if body is None else json.dumps(body).encode()
    kind = "Content-Type: application/json\r\n" if payload else ""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"{method} {path} HTTP/1.0\r\nHost: {address}\r\n{more}{kind}Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
    )
    deadline = time.monotonic() + timeout_s
    try:
        with _connect(address, timeout_s) as connection:
            connection.sendall(head.encode() + payload)
            return _parse(_read_reply(connection, deadline))
    except TimeoutError:
        raise Unreachable(address, f"no answer within {timeout_s:g} s") from None
    except (OSError, ValueError, IndexError) as error:
        raise Unreachable(address, _words(error)) from error


def _connect(address: str, timeout_s: float) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=timeout_s)


def _read_reply(connection: socket.socket, deadline: float) -> bytes:
    received = b""
    while not _complete(received):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        chunk = connection.recv(65536)
        if not chunk:
            break
        received += chunk
    return received


def _complete(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return False


def _parse(received: bytes) -> Reply:
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("the answer broke off")
    return Reply(int(head.split(None, 2)[1]), body.decode("utf-8", "replace"))


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


class Redis:
    """A few Redis commands, one after the other, over one connection."""

    def __init__(self, address: str, *, timeout_s: float = 5.0) -> None:
        self.address = address
        try:
            self._socket = _connect(address, timeout_s)
        except OSError as error:
            raise Unreachable(address, _words(error)) from error
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def call(self, *words: str) -> Any:
        """Send one command: its answer as int, str, list or None. An error answer or a lost connection raises Unreachable."""
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = word.encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        try:
            self._socket.sendall(b"".join(parts))
            return self._read()
        except TimeoutError:
            raise Unreachable(self.address, "no answer in time") from None
        except OSError as error:
            raise Unreachable(self.address, _words(error)) from error

    def _read(self) -> Any:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError(None, "the connection was closed")
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise Unreachable(self.address, text)
        if kind == b":":
            return int(text)
        if kind == b"$":
            return None if text == "-1" else self._file.read(int(text) + 2)[:-2].decode("utf-8", "replace")
        if kind == b"*":
            return None if text == "-1" else [self._read() for _ in range(int(text))]
        return text
