"""Hands alerts to somebody, one after another and in order, without holding up the monitor."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable

from harness.monitor.rules import Alert

Receiver = Callable[[Alert], Awaitable[None] | None]


class Delivery:
    """A queue to one receiver. What the receiver raises is reported, and the next alert follows."""

    def __init__(self, receiver: Receiver, on_error: Callable[[Alert, Exception], None]) -> None:
        self._receiver = receiver
        self._on_error = on_error
        self._queue: asyncio.Queue[Alert] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="alert delivery")

    def put(self, alert: Alert) -> None:
        self._queue.put_nowait(alert)

    async def settle(self) -> None:
        """Return when everything that was put has been handed over."""
        await self._queue.join()

    async def stop(self, *, within_wall_s: float) -> None:
        """Hand over what is left, as far as time allows."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), within_wall_s)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            alert = await self._queue.get()
            try:
                outcome = self._receiver(alert)
                if inspect.isawaitable(outcome):
                    await outcome
            except Exception as error:  # noqa: BLE001 - whatever a receiver raises is its own failure
                self._on_error(alert, error)
            finally:
                self._queue.task_done()
