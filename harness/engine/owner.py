"""Which process answers for what a drill made, and whether it still lives."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """Boot, pid and start time: a pid alone may be somebody else's by now."""
    return f"{_boot()}:{os.getpid()}:{_started(os.getpid())}"


def lives(owner: str) -> bool:
    """Does the process that `this_process` named still run on this machine? True for what cannot be read: never ours to remove."""
    parts = owner.split(":")
    if len(parts) != 3 or not parts[1].isdigit():
        return True
    boot, pid, started = parts
    return boot == _boot() and _started(int(pid)) == started


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started(pid: int) -> str | None:
    """In clock ticks since the boot; None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None
