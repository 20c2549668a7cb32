"""The log of a service: one line a record, `2026-11-21T10:00:00.123Z LEVEL name message`, on standard error."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime

from fakes.clock import PageClock


class _Lines(logging.Formatter):
    """Stamps are documented time: the calendar time at which the drill began, and the documented seconds since.

    So `--since=15m` means documented minutes, and a line stands where the history has what it tells of.
    """

    def __init__(self, name: str, clock: PageClock) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {name} %(message)s")
        self._clock = clock
        self._began_s = time.time() - clock.wall()

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - logging's own
        stamp = datetime.fromtimestamp(self._began_s + self._clock.now(), UTC)
        return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", " | ")


def log_to_stderr(name: str, clock: PageClock) -> None:
    """Send everything from INFO up to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(name, clock))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
