"""A conductor acts on containers through the broker: both ends, over a real socket."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.engine.broker import Broker
from harness.errors import EngineError
from harness.stack.remote import Remote


class FakeParts:
    """Containers that only note what was asked of them."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.ended = threading.Event()
        self.is_paused = False

    def start(self, name: str) -> Mapping[str, Any]:
        if name == "nobody":
            raise EngineError("nobody is no container of this drill")
        self.ended.clear()
        return {"pid": None, "incarnation": f"container {name}"}

    def wait(self, name: str) -> int:
        self.ended.wait()
        return 137

    def signal(self, name: str, sent: str) -> None:
        self.asked.append((name, sent))
        self.is_paused = {"SIGSTOP": True, "SIGCONT": False}.get(sent, self.is_paused)
        if sent == "SIGKILL":
            self.ended.set()

    def stop(self, name: str, sent: str, within_s: float) -> None:
        self.asked.append((name, sent, within_s))
        self.ended.set()

    def paused(self, name: str) -> bool:
        return self.is_paused

    def memory_mb(self) -> float:
        raise ZeroDivisionError("no figures")


@asynccontextmanager
async def connected(parts: FakeParts, folder: Path) -> AsyncIterator[tuple[Remote, Broker]]:
    broker = Broker(parts, folder / "engine.sock")
    remote = Remote(folder / "engine.sock")
    try:
        await remote.connect()
        yield remote, broker
    finally:
        parts.ended.set()
        await remote.close()
        broker.close()


def test_a_container_is_started_paused_and_killed(tmp_path: Path) -> None:
    """Its end is told by the broker, not assumed by whoever sent the signal."""

    async def story() -> None:
        parts = FakeParts()
        async with connected(parts, tmp_path) as (remote, _):
            container = await remote.start("redis")
            assert (container.running, container.incarnation, container.pid) == (True, "container redis", None)
            await container.signal(signal.SIGSTOP)
            assert await container.paused()
            await container.signal(signal.SIGCONT)
            assert not await container.paused()
            await container.signal(signal.SIGKILL)
            await asyncio.wait_for(container.stop(), 5)
            assert (container.running, container.exit_code) == (False, 137)
        assert parts.asked[:3] == [("redis", "SIGSTOP"), ("redis", "SIGCONT"), ("redis", "SIGKILL")]

    asyncio.run(story())


def test_a_container_that_was_stopped_has_ended(tmp_path: Path) -> None:
    """`stop` says how, and returns when it is over; a second one asks for nothing."""

    async def story() -> None:
        parts = FakeParts()
        async with connected(parts, tmp_path) as (remote, _):
            container = await remote.start("redis")
            await container.stop(sent=signal.SIGINT, within_s=3)
            assert not container.running
            await container.stop()
            await container.signal(signal.SIGKILL)
        assert parts.asked == [("redis", "SIGINT", 3.0)]

    asyncio.run(story())


def test_what_fails_outside_is_an_error_inside(tmp_path: Path) -> None:
    """In the words of the engine, or of whatever broke."""

    async def story() -> None:
        async with connected(FakeParts(), tmp_path) as (remote, _):
            with pytest.raises(EngineError, match="nobody is no container of this drill"):
                await remote.start("nobody")
            with pytest.raises(EngineError, match="ZeroDivisionError: no figures"):
                await remote.ask("memory")
            with pytest.raises(EngineError, match="KeyError"):
                await remote.ask("format the disk")

    asyncio.run(story())


def test_a_drill_ends_when_the_harness_outside_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It aborts itself as by SIGTERM, so that its history is closed; what it asks meanwhile is refused."""

    async def story() -> None:
        sent: list[tuple[int, int]] = []
        told = asyncio.Event()

        def kill(pid: int, number: int) -> None:
            sent.append((pid, number))
            told.set()

        async with connected(FakeParts(), tmp_path) as (_, broker):
            monkeypatch.setattr(os, "kill", kill)
            await asyncio.to_thread(broker.close)
            await asyncio.wait_for(told.wait(), 5)
            assert sent == [(os.getpid(), signal.SIGTERM)]

    asyncio.run(story())


def test_nobody_outside_is_told_at_once(tmp_path: Path) -> None:
    """No drill begins that could not act."""

    async def story() -> None:
        with pytest.raises(EngineError, match="nobody answers for the drill's containers"):
            await Remote(tmp_path / "nothing.sock").connect()

    asyncio.run(story())
