"""What a fault does from its injection to its healing, not just at both ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from fakes.clock import Clock


class Ongoing:
    """Work in the background. It ends between two things that it does, never in the midst of one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._over = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    @property
    def going(self) -> bool:
        """Whether it was begun and not ended since."""
        return self._work is not None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """`work` asks `lasts` or `rests` again and again, and returns when the answer is no."""
        self._over.clear()
        self._work = asyncio.get_running_loop().create_task(work)

    async def end(self) -> None:
        """Return when the work has ended. Raises what it raised. Safe to repeat."""
        self._over.set()
        work, self._work = self._work, None
        if work is not None:
            await work

    async def lasts(self, documented_s: float) -> bool:
        """Wait so long. False, and at once, when it is over."""
        return await self._wait(self._clock.sleep(documented_s))

    async def rests(self, wall_s: float = 0.02) -> bool:
        """Wait before looking again. False, and at once, when it is over."""
        return await self._wait(asyncio.sleep(wall_s))

    async def _wait(self, sleep: Coroutine[Any, Any, None]) -> bool:
        waits: list[asyncio.Task[object]] = [asyncio.ensure_future(sleep), asyncio.ensure_future(self._over.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        return not self._over.is_set()
