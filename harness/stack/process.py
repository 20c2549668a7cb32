"""Operating-system processes of a stack: started with a log of their own, ended by pid and never by name."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Protocol

from harness.errors import HarnessError
from harness.sandbox import linux
from harness.sandbox.warm import Started, Warm


class Program(Protocol):
    """A program of a stack, wherever it runs: a process of this machine, or a container."""

    @property
    def pid(self) -> int | None:
        """Its number in /proc here; None when it has none there."""
        ...

    @property
    def running(self) -> bool: ...

    @property
    def incarnation(self) -> str:
        """Which run of it this is, in words: `process 4711`."""
        ...

    @property
    def exit_code(self) -> int | None: ...

    async def signal(self, sent: Signals) -> None:
        """SIGKILL, SIGSTOP and SIGCONT reach it and all its descendants."""
        ...

    async def paused(self) -> bool: ...

    async def stop(self, *, sent: Signals = SIGTERM, within_s: float = 5.0) -> None:
        """Ask it to end, and after `within_s` wall seconds make it. Safe to repeat."""
        ...


class Process:
    """One program that this stack started. `stop` and `kill` are safe to repeat."""

    def __init__(self, name: str, started: asyncio.subprocess.Process | Started) -> None:
        self.name = name
        self.pid: int | None = started.pid
        self._process = started

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, uid: int | None = None
    ) -> Process:
        """Start a program with its output in `log`. It dies with this process. Raises HarnessError."""
        parent = os.getpid()
        with log.open("ab") as output:
            try:
                started = await asyncio.create_subprocess_exec(
                    *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                    env=None if env is None else dict(env), preexec_fn=lambda: linux.die_with_parent(parent),
                    user=uid, group=uid,
                )  # fmt: skip
            except OSError as error:
                raise HarnessError(f"{name} could not be started: {error}") from error
        return cls(name, started)

    @classmethod
    async def python(cls, name: str, module: str, *arguments: str, log: Path, warm: Warm | None = None) -> Process:
        """Start a program of this project, warm if that can be, with its output in `log`. Raises HarnessError."""
        if warm is None:
            return await cls.start(name, [sys.executable, "-m", module, *arguments], log=log)
        with log.open("ab") as output:
            return cls(name, await warm.spawn(module, *arguments, output=output, messages=output))

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    @property
    def incarnation(self) -> str:
        return f"process {self.pid}"

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    async def signal(self, sent: Signals) -> None:
        """To it and all its descendants at once: for a kill, what a host's loss does to them."""
        if self.running and self.pid is not None:
            signal_tree(self.pid, sent)

    async def paused(self) -> bool:
        return self.running and self.pid is not None and is_stopped(self.pid)

    async def stop(self, *, sent: Signals = SIGTERM, within_s: float = 5.0) -> None:
        """Ask it to end, and after `within_s` wall seconds make it."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(sent)
            try:
                await asyncio.wait_for(self._process.wait(), within_s)
            except TimeoutError:
                await self.kill()

    async def kill(self) -> None:
        """kill -9 of the process and all its descendants, at once."""
        await self.signal(SIGKILL)
        await self._process.wait()


def descendants(pid: int) -> list[int]:
    """The process's children, their children and so on; empty when it is gone."""
    found: list[int] = []
    todo = [pid]
    while todo:
        current = todo.pop()
        try:
            for thread in Path(f"/proc/{current}/task").iterdir():
                children = (thread / "children").read_text().split()
                found += (numbers := [int(child) for child in children])
                todo += numbers
        except OSError:  # it ended meanwhile
            continue
    return found


def signal_tree(pid: int, sent: Signals) -> list[int]:
    """Signal a process and all its descendants; those that were reached. Ended ones are passed over."""
    reached = []
    for each in [pid, *descendants(pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, sent)
            reached.append(each)
    return reached


def is_stopped(pid: int) -> bool:
    """Has SIGSTOP taken effect? False also when the process is gone."""
    return _state(pid) == "T"


def is_waiting(pid: int) -> bool:
    """Does it wait for something that happens, rather than run, start or end? False also when the process is gone."""
    return _state(pid) in ("S", "T")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def memory_mb(pids: Sequence[int]) -> float:
    """Resident memory of processes in MB, shared pages counted once over all of them (PSS)."""
    total_kb = 0
    for pid in pids:
        try:
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total_kb += sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    return total_kb / 1024
