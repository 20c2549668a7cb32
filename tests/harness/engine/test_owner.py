"""Whether the process that made something still lives."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.engine.owner import lives, this_process


def test_this_process_lives() -> None:
    """As long as it can ask."""
    assert lives(this_process())


def test_a_process_that_has_ended_does_not() -> None:
    """Its pid may be somebody else's by now: the start time tells."""
    code = "from harness.engine.owner import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert not lives(ended)
    boot, _, started = this_process().split(":")
    assert not lives(f"{boot}:1:{started}")


def test_a_process_before_the_last_boot_does_not() -> None:
    """Whatever its pid."""
    _, pid, started = this_process().split(":")
    assert not lives(f"another-boot:{pid}:{started}")


@pytest.mark.parametrize("owner", ["", "x", "boot:pid:start", "a:b"])
def test_what_cannot_be_read_is_never_ours_to_remove(owner: str) -> None:
    """It counts as living."""
    assert lives(owner)
