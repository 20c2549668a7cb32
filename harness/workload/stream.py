"""The conductor's side of the observer: starts it, hears each line of its ledger, stops it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from harness.errors import HarnessError
from harness.history import Event
from harness.sandbox.warm import Started, Warm
from harness.workload.config import ObserverConfig
from harness.workload.ledger import INVOKE, Ledger, Operation

_BEYOND_TIMEOUTS_S = 3.0  # wall, to end after the last operation has


class Observer:
    """The observer's process. `start` once; `stop` is safe to repeat."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._listeners: list[Callable[[Event], None]] = []
        self._process: asyncio.subprocess.Process | Started | None = None
        self._reading: asyncio.Task[None] | None = None
        self._last_due_s = float("-inf")
        self._stops_within_s = _BEYOND_TIMEOUTS_S

    def listen(self, listener: Callable[[Event], None]) -> None:
        """`listener` hears of each event of the ledger, in order, on the event loop."""
        self._listeners.append(listener)

    async def start(self, config: ObserverConfig, log: Path, warm: Warm | None = None) -> None:
        """Start sending. Its messages go to `log`, its configuration beside it. Raises HarnessError."""
        config = config.model_copy(update={"parent": warm.pid if warm else os.getpid()})
        self._stops_within_s = max(config.order_timeout_s, config.canary_timeout_s) + _BEYOND_TIMEOUTS_S
        path = log.with_suffix(".json")
        try:
            path.write_text(config.model_dump_json(indent=2), encoding="utf-8")
            with log.open("ab") as messages:
                if warm is not None:
                    self._process = await warm.spawn("harness.workload.__main__", str(path), messages=messages)
                else:
                    self._process = await asyncio.create_subprocess_exec(
                        sys.executable, "-m", "harness.workload", str(path),
                        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=messages, start_new_session=True,
                    )  # fmt: skip
        except OSError as error:
            raise HarnessError(f"the observer could not be started: {error}") from error
        self._reading = asyncio.create_task(self._read(self._process.stdout))

    async def _read(self, lines: asyncio.StreamReader | None) -> None:
        while lines and (line := await lines.readline()).endswith(b"\n"):  # a last line without its end was cut off by a kill
            event = Event.from_line(line.decode())
            if event.kind == INVOKE:
                self._last_due_s = max(self._last_due_s, float(event.data["intended_s"]))
            self._ledger.add(event)
            for listener in self._listeners:
                listener(event)

    @property
    def ops(self) -> list[Operation]:
        """Every operation that has ended, in the order of their ends. Grows while the observer runs."""
        return self._ledger.done

    @property
    def horizon_s(self) -> float:
        """The documented time before which every operation that was due has ended. Minus infinity before the first."""
        return min((operation.intended_s for operation in self._ledger.open.values()), default=self._last_due_s)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """None before it has ended."""
        return self._process.returncode if self._process else None

    async def stop(self) -> None:
        """Stop sending, wait for what is in flight and for the last line. Kills it when it does not end in time.

        Raises the first error of a listener.
        """
        if self._process is None or self._reading is None:
            return
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), self._stops_within_s)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await self._reading
