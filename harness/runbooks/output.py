"""What a shell prints, command by command: its head and its tail are kept, however much it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re

MOST_BYTES = 8000  # of one command's output that are kept: the first half and the last
_FLOOD = 20_000_000  # bytes: nobody reads so much, and whatever prints them does not end by itself
_CHUNK = 65536
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[()][A-Za-z0-9]|[=>A-Za-z0-9])|\r(?=\n)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
)


class Output:
    """Reads one end of a pipe, or of a pseudo-terminal, as it comes. `begin` forgets what came before."""

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor` to read from; without one a pipe is made, whose other end is `write`."""
        self.write = -1
        if descriptor is None:
            descriptor, self.write = os.pipe()
        self._read = descriptor
        os.set_blocking(descriptor, False)
        self._open = True
        self.begin()
        asyncio.get_running_loop().add_reader(descriptor, self._take)

    def begin(self) -> None:
        if getattr(self, "_open", False):
            self._drain()
        self._head, self._tail, self._length = b"", b"", 0

    @property
    def quiet(self) -> bool:
        """Nothing has come so far."""
        return self._length == 0

    @property
    def flooded(self) -> bool:
        return self._length > _FLOOD

    def _take(self) -> bool:
        """Whether something came."""
        try:
            chunk = os.read(self._read, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # a pseudo-terminal that nobody has open
            chunk = b""
        if not chunk:
            self._forget()
            return False
        self._length += len(chunk)
        room = max(MOST_BYTES // 2 - len(self._head), 0)
        self._head += chunk[:room]
        self._tail = (self._tail + chunk[room:])[-(MOST_BYTES // 2) :]
        return True

    def _drain(self) -> None:
        most = 1000  # chunks: whoever floods never comes to an end
        while self._open and most and self._take():
            most -= 1

    def _forget(self) -> None:
        if self._open:
            self._open = False
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                asyncio.get_running_loop().remove_reader(self._read)
            os.close(self._read)

    def text(self) -> str:
        """All that has come since `begin`, without what only moves a cursor."""
        self._drain()
        left_out = self._length - len(self._head) - len(self._tail)
        gap = f"\n[... {left_out} bytes left out ...]\n".encode() if left_out else b""
        return _ESCAPES.sub("", (self._head + gap + self._tail).decode("utf-8", "replace"))

    def close(self) -> None:
        self._forget()
