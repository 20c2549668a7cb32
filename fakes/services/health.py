"""What a service knows of the things it needs: from using them, and from asking them when it does not.

A loss shows in /healthz within 0.35 s of the wall clock (0.15 s from cut to question, 0.2 s for the answer), a return
within 0.1 s. Nothing on the way of a request waits for this: a request always tries, so the first one after an outage
succeeds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from fakes.services.errors import DependencyDown

ASK_EVERY_S = 0.15  # while it works and nobody uses it
ASK_AGAIN_S = 0.05  # while it is down
ANSWER_WITHIN_S = 0.2

_log = logging.getLogger(__name__)


class Dependency:
    """One thing a service needs. `worked` and `failed` are told by whoever used it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._why: str | None = "not asked yet"
        self._seen_s = self._lost_s = time.monotonic()

    @property
    def up(self) -> bool:
        return self._why is None

    @property
    def state(self) -> str:
        return "ok" if self._why is None else f"down: {self._why}"

    def worked(self) -> None:
        self._seen_s = time.monotonic()
        if self._why is not None:
            _log.info("%s is there (after %.2f s)", self.name, self._seen_s - self._lost_s)
            self._why = None

    def failed(self, why: str) -> None:
        if self._why is None:
            self._lost_s = time.monotonic()
            _log.error("%s is down: %s", self.name, why)
        self._why = why

    async def watch(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Ask forever, unless its users do. `ask` raises DependencyDown when it is down."""
        while True:
            idle_s = time.monotonic() - self._seen_s
            if self.up and idle_s < ASK_EVERY_S:
                await asyncio.sleep(ASK_EVERY_S - idle_s)
                continue
            try:
                await ask()
            except DependencyDown as down:
                self.failed(down.why)
                await asyncio.sleep(ASK_AGAIN_S)
            else:
                self.worked()
