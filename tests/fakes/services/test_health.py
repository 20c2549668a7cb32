"""Claims about what a service knows of its dependencies."""

from __future__ import annotations

import asyncio
import time

import pytest

from fakes.services.errors import DependencyDown
from fakes.services.health import ASK_EVERY_S, Dependency
from tests.fakes.services.live import run


class Asked:
    """Something to ask that is up or down, and counts."""

    def __init__(self) -> None:
        self.up = True
        self.times = 0
        self._news = asyncio.Event()

    async def __call__(self) -> None:
        self.times += 1
        self._news.set()
        if not self.up:
            raise DependencyDown("postgres", "gone")

    async def again(self, times: int = 1) -> None:
        """Wait until it was asked that often more."""
        async with asyncio.timeout(10):
            until = self.times + times
            while self.times < until:
                self._news.clear()
                await self._news.wait()


def test_nothing_is_up_before_it_was_seen() -> None:
    """A dependency that nobody has reached yet is down and says so."""
    assert Dependency("postgres").state == "down: not asked yet"


def test_users_tell_how_it_was() -> None:
    """A failure shows at once, with its cause; so does a success."""
    dependency = Dependency("postgres")
    dependency.failed("connection refused")
    assert dependency.state == "down: connection refused"
    dependency.worked()
    assert dependency.up


def test_watching_sees_it_go_and_come_back() -> None:
    """Asked again and again, also while it is down."""

    async def work() -> None:
        dependency, asked = Dependency("postgres"), Asked()
        watching = asyncio.create_task(dependency.watch(asked))
        await asked.again(2)
        assert dependency.up
        asked.up = False
        await asked.again(2)
        assert dependency.state == "down: gone"
        asked.up = True
        await asked.again(2)
        assert dependency.up
        watching.cancel()

    run(work())


def test_what_is_in_use_is_not_asked() -> None:
    """As long as its users say that it works, nobody else asks."""

    async def work() -> None:
        dependency, asked = Dependency("postgres"), Asked()
        watching = asyncio.create_task(dependency.watch(asked))
        await asked.again()
        until_s = time.monotonic() + 3 * ASK_EVERY_S
        while time.monotonic() < until_s:
            dependency.worked()
            await asyncio.sleep(0)  # asyncio's own loop runs this before a timer that is due: no stall gets in between
        assert asked.times == 1
        watching.cancel()

    asyncio.run(work())


def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A loss is an error in the log, a return is told with its duration, and repetition is not told."""
    caplog.set_level("INFO")
    dependency = Dependency("postgres")
    for _ in range(3):
        dependency.worked()
    for _ in range(3):
        dependency.failed("connection refused")
    dependency.worked()
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR", "INFO"]
    assert "postgres is down: connection refused" in caplog.text
