"""The one function that waits for something to become true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fakes.clock import Clock
from harness.errors import NotReady

T = TypeVar("T")


async def wait_until(check: Callable[[], Awaitable[T | None]], *, what: str, within_s: float, every_s: float, clock: Clock) -> T:
    """Poll `check` until it returns something other than None, and return that.

    Deadline and polling interval are in the clock's documented seconds. An exception of `check` counts as not yet and is
    quoted when the deadline passes. Raises NotReady.
    """
    deadline = clock.now() + within_s
    seen = "nothing"
    while True:
        try:
            value = await check()
            if value is not None:
                return value
        except Exception as error:  # noqa: BLE001 - whatever a half-started program throws counts as "not yet"
            seen = f"{type(error).__name__}: {error}".strip()
        if clock.now() >= deadline:
            raise NotReady(what, within_s, seen)
        await clock.sleep(every_s)
