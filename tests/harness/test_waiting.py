"""Waiting with a deadline."""

from __future__ import annotations

import asyncio

import pytest

from fakes.clock import ManualClock
from harness.errors import NotReady
from harness.waiting import wait_until


def test_returns_what_the_check_returns_once_it_is_something() -> None:
    """Polling ends with the first answer that is not None; False is an answer."""
    answers = iter([None, None, False])
    clock = ManualClock()

    async def check() -> bool | None:
        return next(answers)

    assert asyncio.run(wait_until(check, what="it", within_s=10, every_s=1, clock=clock)) is False
    assert clock.now() == 2


def test_the_deadline_quotes_the_last_error() -> None:
    """Whoever waits in vain learns what was seen."""

    async def check() -> bool | None:
        raise ConnectionRefusedError("port 5432")

    with pytest.raises(NotReady, match="postgres not ready after 3 s; last seen: ConnectionRefusedError: port 5432"):
        asyncio.run(wait_until(check, what="postgres", within_s=3, every_s=1, clock=ManualClock()))
