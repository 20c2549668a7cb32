"""Finds the commands in what passes through a person's terminal: each with its exit code and its output.

The shell itself marks where a command begins and ends, by an escape sequence that no terminal shows; it is taken out before anybody
sees it. Whoever leaves the shell for another program (psql, ssh) has one command until he comes back.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

_INTRODUCER, _END = b"\x1b]7773;", b"\x07"
_MOST_BYTES = 8000  # of output that are kept: the first half and the last
_LONGEST_MARK = 65536
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NUMBER = re.compile(r"\s*\d+\*?\s\s?")  # of an entry in bash's history

RC = r"""# What `gameday shell` starts bash with.
HISTFILE= HISTCONTROL= HISTIGNORE= HISTTIMEFORMAT=
shopt -s cmdhist lithist checkwinsize
__gameday_begin() { printf '\033]7773;B;%s\a' "$(HISTTIMEFORMAT= builtin history 1 | base64 -w0)"; }
__gameday_end() { local code=$?; printf '\033]7773;E;%s\a' "$code"; return "$code"; }
PROMPT_COMMAND=__gameday_end
PS0='$(__gameday_begin)'
PS1='oncall:\w\$ '
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A command was entered."""

    command: str


@dataclass(frozen=True, slots=True)
class Ended:
    """It ended. `output` is what stood on the terminal meanwhile, what was typed into the command included; its middle left out when long."""

    command: str
    exit_code: int
    output: str


class Typed:
    """Reads the stream of one terminal."""

    def __init__(self) -> None:
        self._held = b""  # what may become a mark
        self._command: str | None = None
        self._head, self._tail, self._length = b"", b"", 0

    def take(self, chunk: bytes) -> tuple[bytes, list[Begun | Ended]]:
        """What to show of it, and what it tells."""
        data, self._held = self._held + chunk, b""
        shown, told = b"", list[Begun | Ended]()
        while data:
            start = data.find(_INTRODUCER)
            if start < 0:
                start = len(data) - _begins(data)
                shown += self._keep(data[:start])
                self._held = data[start:]
                break
            end = data.find(_END, start)
            shown += self._keep(data[:start])
            if end < 0 and len(data) - start < _LONGEST_MARK:
                self._held = data[start:]
                break
            told += self._marked(data[start + len(_INTRODUCER) : end] if end >= 0 else b"")
            data = data[end + 1 :] if end >= 0 else b""
        return shown, told

    def close(self, code: int) -> Ended | None:
        """The command with which the shell itself ended, if one did, with the shell's exit code."""
        return self._ended(code)

    def _keep(self, data: bytes) -> bytes:
        if self._command is not None:
            self._length += len(data)
            room = _MOST_BYTES // 2 - len(self._head)
            self._head += data[:room]
            self._tail = (self._tail + data[room:])[-(_MOST_BYTES // 2) :]
        return data

    def _marked(self, mark: bytes) -> list[Begun | Ended]:
        kind, _, value = mark.partition(b";")
        if kind == b"B":
            try:
                entry = base64.b64decode(value, validate=True).decode(errors="replace")
            except binascii.Error:
                return []
            self._command, self._head, self._tail, self._length = _NUMBER.sub("", entry, count=1).strip(), b"", b"", 0
            return [Begun(self._command)]
        if kind == b"E" and value.isdigit():
            ended = self._ended(int(value))
            return [ended] if ended else []
        return []

    def _ended(self, code: int) -> Ended | None:
        if self._command is None:
            return None
        left_out = self._length - len(self._head) - len(self._tail)
        middle = f"\n[... {left_out} bytes left out ...]\n".encode() if left_out > 0 else b""
        command, self._command = self._command, None
        return Ended(command, code, _plain((self._head + middle + self._tail).decode(errors="replace")))


def _begins(data: bytes) -> int:
    """How many bytes at the end of `data` may be the beginning of a mark."""
    return next((size for size in range(min(len(_INTRODUCER) - 1, len(data)), 0, -1) if _INTRODUCER.startswith(data[-size:])), 0)


def _plain(text: str) -> str:
    return _ESCAPES.sub("", text.replace("\r\n", "\n")).replace("\r", "")
