"""Documented time: read by many, set by one, never jumps."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from fakes.clock import ClockPage, ManualClock, OwnClock, PageClock, set_offset


def test_documented_time_starts_at_zero_and_runs_like_the_wall(tmp_path: Path) -> None:
    """At rate 1 both clocks agree."""
    clock = ClockPage(tmp_path / "page", speed=20)
    assert 0 <= clock.now() <= clock.wall() < 5


def test_time_does_not_jump_when_the_rate_changes(tmp_path: Path) -> None:
    """A change of rate alters the future only."""
    clock = ClockPage(tmp_path / "page", speed=1000)
    for rate in (1000, 1, 500, 1):
        before = clock.now()
        wall = time.monotonic()
        clock.set_rate(rate)
        assert before <= clock.now() <= before + (time.monotonic() - wall) * 1000 + 1e-6


def test_another_process_reads_the_same_time(tmp_path: Path) -> None:
    """A reader of the page sees what its writer sees, at any rate."""
    writer = ClockPage(tmp_path / "page", speed=50)
    reader = PageClock(tmp_path / "page")
    writer.set_rate(50)
    before = writer.now()
    seen = reader.now()
    assert before <= seen <= writer.now()
    assert (reader.rate, reader.speed) == (50, 50)


def test_a_sleep_lasts_its_documented_time_when_the_rate_changes_meanwhile(tmp_path: Path) -> None:
    """A sleeper wakes after the documented duration, not after the wall time that it looked like at first."""
    clock = ClockPage(tmp_path / "page", speed=1000)

    async def scene() -> float:
        sleeper = asyncio.create_task(clock.sleep(100))
        await asyncio.sleep(0.01)
        clock.set_rate(1000)
        started = time.monotonic()
        await sleeper
        return time.monotonic() - started

    assert asyncio.run(scene()) < 50
    assert clock.now() >= 100


def test_modelled_timeouts_shrink_with_the_rate_down_to_a_floor(tmp_path: Path) -> None:
    """5 documented seconds are 0.25 s of wall time at rate 20, and never less than the floor."""
    clock = ClockPage(tmp_path / "page", speed=20)
    clock.set_rate(20)
    assert clock.wall_for(5) == pytest.approx(0.25)
    assert clock.wall_for(0.1, least_s=0.2) == 0.2


def test_a_speed_below_one_is_refused(tmp_path: Path) -> None:
    """Documented time is never slower than the wall."""
    with pytest.raises(ValueError, match=r"speed must be 1 or more, not 0\.5"):
        ClockPage(tmp_path / "page", speed=0.5)


def test_the_manual_clock_moves_only_when_told() -> None:
    """Tests wait for nothing."""
    clock = ManualClock()
    asyncio.run(clock.sleep(30))
    clock.advance(5)
    assert clock.now() == clock.wall() == 35


def test_a_clock_of_its_own_is_off_and_durations_are_right(tmp_path: Path) -> None:
    """Whoever has it sees each change at once; a sleep is as long as it was meant, and the wall is the wall."""
    page = ClockPage(tmp_path / "page", speed=1)
    own = OwnClock(tmp_path / "page", tmp_path / "offset")
    assert own.now() - page.now() == pytest.approx(0, abs=0.1)

    async def scene() -> float:
        sleeper = asyncio.create_task(own.sleep(0.2))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        set_offset(tmp_path / "offset", -3600)
        await asyncio.wait_for(sleeper, 10)
        return time.monotonic() - began

    assert asyncio.run(scene()) < 5
    assert own.now() - page.now() == pytest.approx(-3600, abs=0.1)
    assert own.wall() == pytest.approx(page.wall(), abs=0.1)
    assert OwnClock(tmp_path / "page", tmp_path / "offset").now() < -3000
    before = time.monotonic()
    asyncio.run(own.sleep(0.05))
    assert 0.05 <= time.monotonic() - before < 5
    set_offset(tmp_path / "offset", 90.5)
    assert own.now() - page.now() == pytest.approx(90.5, abs=0.1)
