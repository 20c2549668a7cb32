"""Claims about what goes on between injection and healing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fakes.clock import ClockPage, ManualClock
from harness.errors import FaultError
from harness.faults.ongoing import Ongoing


def test_work_goes_on_until_it_is_ended() -> None:
    """And it ends where it waits, having finished what it had begun."""

    async def scene() -> list[str]:
        ongoing, did, begun = Ongoing(ManualClock()), [], asyncio.Event()

        async def work() -> None:
            while await ongoing.lasts(1.0):
                did.append("begun")
                begun.set()
                await asyncio.sleep(0.01)
                did.append("done")

        ongoing.begin(work())
        await asyncio.wait_for(begun.wait(), 5)
        assert did[-1] == "begun"
        assert ongoing.going
        await ongoing.end()
        await ongoing.end()
        assert not ongoing.going
        return did

    did = asyncio.run(scene())
    assert did == ["begun", "done"] * (len(did) // 2)


def test_a_wait_ends_with_it(tmp_path: Path) -> None:
    """Nobody waits out a long time for nothing."""

    async def scene() -> bool:
        ongoing, answers = Ongoing(ClockPage(tmp_path / "page")), []

        async def work() -> None:
            answers.append(await ongoing.lasts(3600.0))

        ongoing.begin(work())
        await asyncio.sleep(0)
        await asyncio.wait_for(ongoing.end(), 5)
        return answers[0]

    assert asyncio.run(scene()) is False


def test_what_failed_is_told_at_the_end() -> None:
    """Not passed over: a fault that could not go on was not in force."""

    async def scene() -> None:
        ongoing = Ongoing(ManualClock())

        async def work() -> None:
            await ongoing.rests(0.0)
            raise FaultError("it would not stay down")

        ongoing.begin(work())
        await asyncio.sleep(0.01)
        await ongoing.end()

    with pytest.raises(FaultError, match="it would not stay down"):
        asyncio.run(scene())


def test_it_can_begin_again() -> None:
    """A fault that was healed may be injected once more."""

    async def scene() -> list[int]:
        ongoing, counted = Ongoing(ManualClock()), []

        async def work(number: int, begun: asyncio.Event) -> None:
            while await ongoing.lasts(1.0):
                counted.append(number)
                begun.set()

        for number in (1, 2):
            begun = asyncio.Event()
            ongoing.begin(work(number, begun))
            await asyncio.wait_for(begun.wait(), 5)
            await ongoing.end()
        return counted

    assert set(asyncio.run(scene())) == {1, 2}
