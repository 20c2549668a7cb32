"""Exit codes of every command, and how several become one."""

from __future__ import annotations

from collections.abc import Iterable

PASSED, FAILED, BAD_INPUT, UNKNOWN, BROKEN = 0, 1, 2, 3, 4
INTERRUPTED, TERMINATED = 130, 143
_WORST_FIRST = (INTERRUPTED, TERMINATED, BROKEN, BAD_INPUT, FAILED, UNKNOWN, PASSED)

MEANINGS = {PASSED: "pass", FAILED: "fail", UNKNOWN: "unknown", BROKEN: "broken", INTERRUPTED: "stopped", TERMINATED: "stopped"}


def worst(codes: Iterable[int]) -> int:
    """The one that says most: stopped by a signal, then broken, then failed, then unknown. Nothing at all is unknown."""
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), UNKNOWN)
