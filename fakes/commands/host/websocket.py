"""A WebSocket over a plain socket (RFC 6455): the handshake, and frames both ways."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from typing import NamedTuple

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """No WebSocket came about; the message is that of Node's `ws`."""


class Message(NamedTuple):
    """A whole message, or a control frame."""

    kind: int
    data: bytes


class WebSocket:
    """An open one. `receive` gives messages as they are complete."""

    def __init__(self, connection: socket.socket, left: bytes) -> None:
        self._connection, self._buffer = connection, left
        self._parts, self._kind = b"", TEXT

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, kind: int, data: bytes) -> None:
        mask = os.urandom(4)
        length = len(data)
        size = bytes([0x80 | length]) if length < 126 else (
            b"\xfe" + length.to_bytes(2, "big") if length < 65536 else b"\xff" + length.to_bytes(8, "big")
        )  # fmt: skip
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self._connection.sendall(bytes([0x80 | kind]) + size + mask + masked)

    def read(self) -> list[Message] | None:
        """Take what has come in: the messages that are complete with it. None at the end of the connection."""
        chunk = self._connection.recv(65536)
        if not chunk:
            return None
        self._buffer += chunk
        return self.buffered()

    def buffered(self) -> list[Message]:
        found = []
        while frame := self._frame():
            final, kind, data = frame
            if kind >= CLOSE:
                found.append(Message(kind, data))
                continue
            if kind:
                self._parts, self._kind = b"", kind
            self._parts += data
            if final:
                found.append(Message(self._kind, self._parts))
        return found

    def _frame(self) -> tuple[bool, int, bytes] | None:
        head = self._buffer
        if len(head) < 2:
            return None
        length, start = head[1] & 127, 2
        if length >= 126:
            wide = 2 if length == 126 else 8
            length, start = int.from_bytes(head[2 : 2 + wide], "big"), 2 + wide
        if len(head) < start + length:
            return None
        self._buffer = head[start + length :]
        return bool(head[0] & 128), head[0] & 15, head[start : start + length]


def connect(host: str, port: int, path: str, *, headers: dict[str, str], secure: bool, trusting: bool) -> WebSocket:
    """Raises Refused."""
    connection = _connected(host, port)
    if secure:
        connection = _secured(connection, host, trusting=trusting)
    key = base64.b64encode(os.urandom(16)).decode()
    standard = port == (443 if secure else 80)
    sent = {
        "Host": host if standard else f"{host}:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key, **headers,
    }  # fmt: skip
    request = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent.items()) + "\r\n"
    received = b""
    try:
        connection.sendall(request.encode())
        while b"\r\n\r\n" not in received:
            chunk = connection.recv(65536)
            if not chunk:
                raise Refused("socket hang up")
            received += chunk
    except ConnectionError as error:
        raise Refused("read ECONNRESET") from error
    head, _, left = received.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = first.split()[1].decode() if len(first.split()) > 1 else "0"
    if status != "101":
        raise Refused(f"Unexpected server response: {status}")
    answered = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    wanted = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC, usedforsecurity=False).digest())
    if answered.get(b"sec-websocket-accept") != wanted:
        raise Refused("Invalid Sec-WebSocket-Accept header")
    return WebSocket(connection, left)


def _connected(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Refused(f"getaddrinfo ENOTFOUND {host}") from error
    reasons = {111: "ECONNREFUSED", 101: "ENETUNREACH", 113: "EHOSTUNREACH", 110: "ETIMEDOUT"}
    problem = ""
    for family, kind, protocol, _, address in sorted(found, key=lambda each: each[0] != socket.AF_INET):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            where = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
            problem = problem or f"connect {reasons.get(error.errno or 0, error.strerror)} {':'.join(where)}"
    raise Refused(problem)


def _secured(connection: socket.socket, host: str, *, trusting: bool) -> socket.socket:
    import ssl

    context = ssl.create_default_context()
    if trusting:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise Refused(error.verify_message) from error
    except (ssl.SSLError, OSError) as error:
        raise Refused(str(error.strerror or error)) from error
