"""Holds the sum of what commands use of a machine: how many processes, how much memory. A thread, so that nothing keeps it waiting.

The kernel's own limits are for one process, and count no processes at all where the caller is root.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from harness.sandbox.limits import Limits

_LOOK_EVERY_S = 0.02
_MEMORY_EVERY = 5  # looks


class Watchdog:
    """Calls `end` with the reason when what was not there at `start` exceeds the limits."""

    def __init__(self, limits: Limits, end: Callable[[str], None]) -> None:
        self._limits, self._end = limits, end
        self._before: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def expect(self) -> None:
        """What runs now is not the commands'."""
        self._before = frozenset(_processes())

    def _watch(self) -> None:
        looks = 0
        while not self._stop.wait(_LOOK_EVERY_S):
            looks += 1
            now = _processes()
            if len(now) - len(self._before) > self._limits.processes:
                self._end(f"more than {self._limits.processes} processes")
            elif looks % _MEMORY_EVERY == 0 and (used := _memory_mb(now - self._before)) > self._limits.memory_mb:
                self._end(f"{used:.0f} MB of memory, more than {self._limits.memory_mb} MB")


def _processes() -> set[str]:
    return {name for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - it is asked fifty times a second


def _memory_mb(pids: set[str]) -> float:
    """Memory that only they have, of those that run in a pid namespace within this one: the commands, and not the stack."""
    kilobytes = 0
    for pid in pids:
        try:
            rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if len(rows.get("NSpid", "").split()) > 1:
            kilobytes += int(rows.get("RssAnon", "0 kB").split()[0])
    return kilobytes / 1024
