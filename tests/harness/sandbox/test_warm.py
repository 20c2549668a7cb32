"""What starts warm is a process like any other: its own session, clean, told of when it ends, and ended with its starter."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from harness.errors import HarnessError
from harness.sandbox.launch import ENVIRONMENT, PROJECT, specification
from harness.sandbox.warm import Started, Warm

PROGRAM = "tests.harness.sandbox.warmed"


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    with closing(Warm.start([PROGRAM], ENVIRONMENT)) as found:
        yield found


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def becomes(true: Callable[[], bool]) -> bool:
    """Within 5 s."""
    until = time.monotonic() + 5
    while not true() and time.monotonic() < until:
        time.sleep(0.005)
    return true()


async def said(warm: Warm, log: Path, *arguments: str) -> tuple[str, int]:
    """Everything that the program prints, and its exit code."""
    with log.open("wb") as messages:
        started = await warm.spawn(PROGRAM, *arguments, messages=messages)
    assert started.stdout is not None
    return (await started.stdout.read()).decode(), await started.wait()


def carried_out(warm: Warm, log: Path, *arguments: str) -> tuple[str, int]:
    return asyncio.run(said(warm, log, *arguments))


def test_its_exit_code_and_its_messages_come_back(warm: Warm, tmp_path: Path) -> None:
    """As of any program."""
    log = tmp_path / "log"
    assert carried_out(warm, log, "exit", "7") == ("", 7)
    assert carried_out(warm, log, "raise") == ("", 1)
    assert "ValueError: as it was told" in log.read_text()


def test_it_has_nothing_of_whoever_started_it(warm: Warm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, no open file beside the three of its own (and the one it looks with), and a session of its own."""
    monkeypatch.setenv("A_SECRET", "of the caller")
    with closing(Warm.start([PROGRAM], ENVIRONMENT)) as another:
        printed, code = carried_out(another, tmp_path / "log", "tell")
    assert code == 0
    assert printed.strip() == f"{ENVIRONMENT} True {['0', '1', '2', '3']}"


def test_what_was_not_imported_before_is_refused(warm: Warm, tmp_path: Path) -> None:
    """And the server goes on."""
    with pytest.raises(HarnessError, match="nobody could not be started"), (tmp_path / "log").open("wb") as log:
        warm.run("fakes.nobody", files=(log.fileno(), log.fileno(), log.fileno()))
    assert carried_out(warm, tmp_path / "log", "exit", "0") == ("", 0)


def staying(warm: Warm, log: IO[bytes]) -> Started:
    return warm.run(PROGRAM, ["stay"], files=(log.fileno(), log.fileno(), log.fileno()))


def test_one_that_is_killed_is_told_of(warm: Warm, tmp_path: Path) -> None:
    """By the signal that ended it; more than one may ask, and again."""
    with (tmp_path / "log").open("w+b") as log:
        first, second = staying(warm, log), staying(warm, log)
        assert (first.poll(), second.poll()) == (None, None)
        first.kill()
        second.terminate()
        assert (first.join(), first.join(), second.join(), second.poll()) == (-9, -9, -15, -15)
        second.terminate()  # nobody is signalled any more

    async def both() -> list[int]:
        with (tmp_path / "log").open("w+b") as log:
            started = staying(warm, log)
        waiting = [asyncio.create_task(started.wait()) for _ in range(2)]
        await asyncio.sleep(0)
        started.kill()
        return await asyncio.gather(*waiting)

    assert asyncio.run(both()) == [-9, -9]


def test_when_it_is_closed_all_that_it_started_ends(tmp_path: Path) -> None:
    """And can be asked for nothing."""
    warm = Warm.start([PROGRAM], ENVIRONMENT)
    with (tmp_path / "log").open("w+b") as log:
        started = staying(warm, log)
        warm.close()
        warm.close()
        assert becomes(lambda: gone(started.pid))
        assert started.join() == -signal.SIGKILL
        with pytest.raises(HarnessError, match="could not be started"):
            staying(warm, log)


def test_when_its_caller_is_killed_all_ends(tmp_path: Path) -> None:
    """With kill -9, which nobody can answer."""
    script = (
        "import sys; from harness.sandbox.launch import ENVIRONMENT; from harness.sandbox.warm import Warm\n"
        f"warm = Warm.start([{PROGRAM!r}], ENVIRONMENT)\n"
        f"warm.run({PROGRAM!r}, ['stay'], files=(0, 1, 2))\n"
        "sys.stdin.read()"
    )
    caller = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with caller:
        assert caller.stdout is not None
        pid = int(caller.stdout.readline())
        assert not gone(pid)
        caller.kill()
        assert becomes(lambda: gone(pid))


def test_a_fork_of_this_process_serves_too() -> None:
    """In a process of its own here: pytest may have threads."""
    script = (
        f"import sys, os; import {PROGRAM}; from harness.sandbox.warm import Warm\n"
        "warm = Warm.fork()\n"
        f"started = warm.run({PROGRAM!r}, ['exit', '5'], files=(0, 1, 2))\n"
        "code = started.join()\n"
        "warm.close()\n"
        "sys.exit(code)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], cwd=PROJECT, stdin=subprocess.DEVNULL, timeout=30, check=False).returncode
        == 5
    )


@pytest.mark.namespaces
def test_in_a_sandbox_it_sees_nothing_else(warm: Warm) -> None:
    """What it is told comes in, what it prints comes out."""
    started, talk = warm.talk(PROGRAM, sandbox=specification(own_network=True))
    with talk.tell as tell, talk.output as output, talk.messages as messages:
        tell.write(b"a word")
        tell.close()
        assert (output.read().decode().split(), messages.read(), started.join()) == (["a", "word", "False", "2"], b"", 0)
    assert not gone(os.getpid())
