"""How a terminal outside the sandbox and the conductor inside it talk: a Unix socket in the drill's folder.

A request is a line of JSON, its answer another: `{"do": "note", "by": "alice", "text": "..."}`, `{"ok": true}`. After `shell` has been
granted both sides send frames: a kind of one byte, the length in four, the content.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET = "people.sock"
DATA, SIZE, ENDED = b"d", b"s", b"e"  # bytes of the terminal; its rows and columns; the exit code
_HEAD = struct.Struct("!cI")
_PAIR = struct.Struct("!HH")
_CODE = struct.Struct("!i")
MOST_BYTES = 65536  # of one frame or line


@contextmanager
def address(folder: Path) -> Iterator[str]:
    """The socket's address while the context is open: a Unix address has room for about a hundred bytes, a drill's folder needs more."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def connect(folder: Path) -> socket.socket:
    """A connection to the drill of this folder. Raises OSError where none is running."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with address(folder) as path:
            connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def frame(kind: bytes, content: bytes = b"") -> bytes:
    return _HEAD.pack(kind, len(content)) + content


def size_frame(rows: int, columns: int) -> bytes:
    return frame(SIZE, _PAIR.pack(rows, columns))


def ended_frame(code: int) -> bytes:
    return frame(ENDED, _CODE.pack(code))


def size_of(content: bytes) -> tuple[int, int]:
    """Rows and columns of a `SIZE` frame."""
    rows, columns = _PAIR.unpack(content)
    return rows, columns


def code_of(content: bytes) -> int:
    """The exit code of an `ENDED` frame."""
    (code,) = _CODE.unpack(content)
    return int(code)


async def read_frame(reader: asyncio.StreamReader) -> tuple[bytes, bytes] | None:
    """Kind and content; None at the end, also for what is no frame."""
    try:
        kind, length = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        return (kind, await reader.readexactly(length)) if length <= MOST_BYTES else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


class Frames:
    """Cuts what came through a connection into frames, for whoever reads it without asyncio."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, chunk: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The frames that are whole now."""
        self._rest += chunk
        while len(self._rest) >= _HEAD.size:
            kind, length = _HEAD.unpack_from(self._rest)
            if len(self._rest) < _HEAD.size + length:
                return
            content, self._rest = self._rest[_HEAD.size : _HEAD.size + length], self._rest[_HEAD.size + length :]
            yield kind, content
