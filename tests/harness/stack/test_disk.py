"""A small disk is full when it is filled, and has room again afterwards."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from fakes.clock import ClockPage
from harness.errors import HarnessError
from harness.stack.disk import Disk
from harness.waiting import wait_until

pytestmark = [pytest.mark.real, pytest.mark.namespaces]


def disk_in(folder: Path, size_mb: int = 20) -> Disk:
    clock = ClockPage(folder / "clock.page", speed=1.0)
    return Disk("tester", folder / "disk", size_mb, log=folder / "log", clock=clock, uid=None)


async def until_free(disk: Disk, megabytes: float) -> None:
    """Until so much is free, to a tenth."""

    async def is_free() -> bool | None:
        return abs(disk.free_mb - megabytes) < 0.1 or None

    await wait_until(is_free, what=f"{megabytes} MB", within_s=10, every_s=0.01, clock=disk._clock)


def test_it_is_filled_and_cleared_and_nobody_else_is(tmp_path: Path) -> None:
    """What becomes free is taken too; every verb may be repeated; nothing is left of it in the end."""

    async def scene() -> None:
        disk = disk_in(tmp_path)
        await disk.start()
        await disk.start()
        try:
            (disk.place / "kept").write_bytes(b"x" * (2 << 20))
            await disk.fill(leave_mb=0)
            await disk.fill(leave_mb=0)
            await until_free(disk, 0)
            with pytest.raises(OSError, match="No space left") as refused:
                (disk.place / "more").write_bytes(b"x" * (1 << 20))
            assert refused.value.errno == errno.ENOSPC
            (disk.place / "more").unlink()
            (disk.place / "kept").unlink()
            await until_free(disk, 0)
            assert (disk.place / "core.4711").stat().st_blocks * 512 > 19 << 20
            await disk.clear()
            await disk.clear()
            await until_free(disk, 20)
        finally:
            await disk.stop()
            await disk.stop()
        assert not disk.place.exists()
        assert list((tmp_path / "disk").iterdir()) == []

    asyncio.run(scene())


def test_some_may_be_left_free_and_who_deletes_the_file_gets_the_room_back(tmp_path: Path) -> None:
    """An operator who finds what fills the disk can end it."""

    async def scene() -> None:
        disk = disk_in(tmp_path)
        await disk.start()
        try:
            await disk.fill(leave_mb=3)
            await until_free(disk, 3)
            [file] = [each for each in disk.place.iterdir() if each.name != ".kept"]
            file.unlink()
            await until_free(disk, 20)
        finally:
            await disk.stop()

    asyncio.run(scene())


def test_a_disk_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Where it can't be mounted there is no server without its disk."""

    async def scene() -> None:
        disk = disk_in(tmp_path, size_mb=-1)
        try:
            with pytest.raises(HarnessError, match="tester gets no disk of its own"):
                await disk.start()
        finally:
            await disk.stop()

    asyncio.run(scene())
