"""A command block comes back with its exit code and its output, whatever it does, and leaves no process behind."""

from __future__ import annotations

import asyncio
import os
import select
from pathlib import Path

import pytest

from harness.respond.shell import MOST_BYTES, Ran, run_block

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere"}


def run(block: str, folder: Path, *, limit_s: float = 30.0) -> Ran:
    return asyncio.run(run_block(block, environment=ENVIRONMENT, folder=folder, limit_s=limit_s))


def gone(pid: int) -> bool:
    """Whether a process that was killed has ended; the kernel tells, in 10 s at most."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)


def test_the_exit_code_is_that_of_the_last_command(tmp_path: Path) -> None:
    """As in an operator's shell: a failure before the last command does not count, one in it does."""
    assert run("false\necho fine", tmp_path).exit_code == 0
    assert run("echo fine\nexit 7", tmp_path).exit_code == 7


def test_both_streams_are_kept_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """The output is what an operator would have seen."""
    assert run("echo one; echo two >&2; echo three", tmp_path).output == "one\ntwo\nthree\n"


def test_the_block_sees_the_given_environment_and_nothing_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the caller reaches a runbook's command."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    names = {line.partition("=")[0] for line in run("env", tmp_path).output.splitlines()}
    assert names <= {"PATH", "HOME", "PWD", "SHLVL", "_"}


def test_input_is_closed(tmp_path: Path) -> None:
    """A command that waits for an answer gets none, not even one that the harness itself could read."""
    reading, writing = os.pipe()
    os.write(writing, b"yes\n")
    own = os.dup(0)
    os.dup2(reading, 0)
    try:
        assert run("read -r answer || echo 'nobody there'", tmp_path).output == "nobody there\n"
    finally:
        os.dup2(own, 0)
        for descriptor in (reading, writing, own):
            os.close(descriptor)


def test_a_block_past_its_limit_is_killed_with_all_its_children(tmp_path: Path) -> None:
    """The exit code is 124, what was printed is kept, and nothing of the group is left."""
    ran = run("sleep 600 & echo $!; echo waiting; wait", tmp_path, limit_s=0.5)
    child = int(ran.output.split()[0])
    assert (ran.exit_code, ran.timed_out, ran.output.endswith("waiting\n")) == (124, True, True)
    assert gone(child)


def test_what_runs_in_the_background_ends_with_the_block(tmp_path: Path) -> None:
    """A block that ends does not wait for a child that holds its output, and does not leave it behind."""
    ran = run("sleep 600 & echo $!", tmp_path)
    assert (ran.exit_code, ran.timed_out) == (0, False)
    assert gone(int(ran.output))


def test_a_block_ended_by_a_signal_has_the_shells_exit_code(tmp_path: Path) -> None:
    """128 and the signal's number, as the shell shows it."""
    assert run("kill -9 $$", tmp_path).exit_code == 137


def test_long_output_keeps_its_head_its_tail_and_the_exit_code(tmp_path: Path) -> None:
    """However much a command prints, at most 8 kB are kept, and what is left out is counted."""
    ran = run("echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last; exit 3", tmp_path)
    assert ran.exit_code == 3
    assert ran.output.startswith("first\nxxx")
    assert ran.output.endswith("xxx\nlast\n")
    assert f"[... {3_000_012 - MOST_BYTES} bytes left out ...]" in ran.output


def test_cancelling_kills_the_block(tmp_path: Path) -> None:
    """A drill that is stopped does not leave a command running."""

    async def cancelled() -> int:
        note = tmp_path / "pid"
        os.mkfifo(note)
        block = f"echo $$ > {note}; sleep 600"
        task = asyncio.create_task(run_block(block, environment=ENVIRONMENT, folder=tmp_path, limit_s=600))
        pid = int(await asyncio.to_thread(note.read_text))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pid

    pid = asyncio.run(cancelled())
    assert gone(pid)


def test_a_time_limit_must_be_one(tmp_path: Path) -> None:
    """No limit at all is refused: it would mean for ever."""
    with pytest.raises(ValueError, match="more than 0 s"):
        run("true", tmp_path, limit_s=0)
