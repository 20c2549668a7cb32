"""The logs of a folder, taken in line by line, no faster than a limit, and kept in memory up to a bound."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_KEPT = 5000  # lines of a stream
_LONGEST = 4096  # characters of a line


class Line(NamedTuple):
    """One line, and the documented time at which it was taken in."""

    at_s: float
    text: str


@dataclass(slots=True)
class Stream:
    """One log file. `marks` tells how long the file was when: what is beyond `read` waits since the first mark beyond it."""

    job: str
    path: Path
    read: int = 0
    partial: bytes = b""
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=_KEPT))
    marks: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=1000))

    def look(self, now_s: float) -> int:
        """See how long the file is now; how many bytes wait."""
        try:
            size = self.path.stat().st_size
        except OSError:
            return 0
        if size < self.read:  # it was made anew
            self.read, self.partial = 0, b""
            self.marks.clear()
        if size > (self.marks[-1][0] if self.marks else self.read):
            if len(self.marks) == self.marks.maxlen:
                self.marks.pop()  # the oldest counts: it tells the lag
            self.marks.append((size, now_s))
        return size - self.read

    def take(self, most: int, now_s: float) -> tuple[int, int]:
        """Take in up to so many bytes; how many bytes and lines it were."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError:
            return 0, 0
        try:
            content = os.pread(descriptor, most, self.read)
        finally:
            os.close(descriptor)
        self.read += len(content)
        *lines, self.partial = (self.partial + content).split(b"\n")
        self.lines.extend(Line(now_s, line.decode(errors="replace")[:_LONGEST]) for line in lines)
        while self.marks and self.marks[0][0] <= self.read:
            self.marks.popleft()
        return len(content), len(lines)

    def lag_s(self, now_s: float) -> float:
        """How long the oldest of what waits has waited."""
        return now_s - self.marks[0][1] if self.marks else 0.0


class LogFolder:
    """All `*.log` files of a folder, one stream each, named as the file is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.streams: dict[str, Stream] = {}

    def look(self, now_s: float) -> None:
        """Find files, and see how long each is."""
        with suppress(OSError):  # no descriptor is free: what is known already goes on waiting
            for path in self._folder.glob("*.log"):
                self.streams.setdefault(path.stem, Stream(path.stem, path))
        for stream in self.streams.values():
            stream.look(now_s)

    def take(self, budget: int, now_s: float) -> tuple[int, int]:
        """Take in what waits, shared fairly, up to so many bytes of all; the bytes and lines that it were."""
        waiting = [stream for stream in self.streams.values() if stream.marks]
        total_bytes = total_lines = 0
        for number, stream in enumerate(waiting):
            share = max(1, (budget - total_bytes) // (len(waiting) - number)) if budget > total_bytes else 0
            if share:
                taken, lines = stream.take(share, now_s)
                total_bytes, total_lines = total_bytes + taken, total_lines + lines
        return total_bytes, total_lines

    def lag_s(self, now_s: float) -> float:
        return max((stream.lag_s(now_s) for stream in self.streams.values()), default=0.0)

    def found(self, jobs: list[str] | None, contains: str) -> Iterator[tuple[str, Line]]:
        """Lines of these streams (None: all) with this text in them, the newest of each first."""
        for job, stream in sorted(self.streams.items()):
            if jobs is None or job in jobs:
                yield from ((job, line) for line in reversed(stream.lines) if contains in line.text)
