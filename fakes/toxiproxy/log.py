"""The log on standard output, written by a thread of its own: a reader that stalls stalls the log and nothing else."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time

_MOST_WAITING = 10_000  # lines; what comes beyond is dropped
_FLUSH_WITHIN_S = 0.5


class LogThread(logging.Handler):
    """Takes log records in no time. `stop` gives the last lines a moment to get out."""

    def __init__(self) -> None:
        super().__init__()
        formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if self._lines.qsize() < _MOST_WAITING:
            self._lines.put(self.format(record) + "\n")

    def stop(self) -> None:
        self._lines.put(None)
        self._thread.join(_FLUSH_WITHIN_S)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                sys.stdout.write(line)
                if self._lines.empty():
                    sys.stdout.flush()
            except (OSError, ValueError):
                return  # nobody is there to read it any more
