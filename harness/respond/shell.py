"""Runs the command block of a runbook's step in real bash, as an operator's shell would, and always comes back.

The block runs in a process group of its own and with its input closed. When its time is up, or the drill is, the whole
group is killed. What it leaves running in the background is killed too when it ends: a step leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.respond.confinement import Confinement

TIMED_OUT = 124  # exit code, as that of timeout(1)
MOST_BYTES = 8000  # of output that are kept: the first half and the last
_LAST_WORDS_S = 0.25  # wall: how long output may still come after the block's own end
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Ran:
    """A command block that was carried out. `duration_s` is wall time."""

    exit_code: int
    output: str  # of stdout and stderr, in the order in which it came; its middle left out when it was long
    duration_s: float
    timed_out: bool = False


class _Output:
    """Collects what comes through a pipe, and keeps its head and its tail."""

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        os.set_blocking(self._read, False)
        self._head, self._tail, self._length = b"", b"", 0
        self.ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._read, self._take)

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._read, _CHUNK)
            if not chunk:
                self._end()
                return
            self._length += len(chunk)
            room = MOST_BYTES // 2 - len(self._head)
            self._head += chunk[:room]
            self._tail = (self._tail + chunk[room:])[-(MOST_BYTES // 2) :]

    def _end(self) -> None:
        if not self.ended.is_set():
            self.ended.set()
            asyncio.get_running_loop().remove_reader(self._read)
            os.close(self._read)

    def close(self) -> str:
        """All that came, decoded."""
        while not self.ended.is_set():
            before = self._length
            self._take()
            if self._length == before:
                self._end()
        left_out = self._length - len(self._head) - len(self._tail)
        gap = f"\n[... {left_out} bytes left out ...]\n".encode() if left_out else b""
        return (self._head + gap + self._tail).decode("utf-8", "replace")


async def run_block(
    block: str, *, environment: Mapping[str, str], folder: Path, limit_s: float, confinement: Confinement | None = None
) -> Ran:
    """Run a fenced command block; its exit code is that of its last command.

    `limit_s` is in wall seconds, and must be more than 0; past it the exit code is 124. Cancelling kills the block.
    Without a confinement it may do whatever this process may.
    """
    if limit_s <= 0:
        raise ValueError(f"a time limit must be more than 0 s, not {limit_s:g}")
    command = confinement.command(block, folder) if confinement else ["bash", "--noprofile", "--norc", "-c", block]
    output = _Output()
    began = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=output.write, stderr=output.write, start_new_session=True,
            env={**environment, **(confinement.environment if confinement else {})}, cwd=None if confinement else folder,
        )  # fmt: skip
    except BaseException:
        output.close()
        raise
    finally:
        os.close(output.write)
    timed_out = False
    try:
        await asyncio.wait_for(process.wait(), limit_s)
        duration_s = time.monotonic() - began
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(output.ended.wait(), _LAST_WORDS_S)
    except TimeoutError:
        timed_out, duration_s = True, time.monotonic() - began
    finally:
        _kill(process.pid)
        text = output.close()
        code = await process.wait()
    if timed_out:
        return Ran(TIMED_OUT, text, duration_s, timed_out=True)
    return Ran(code if code >= 0 else 128 - code, text, duration_s)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
