"""Programs run without subprocess, and what /proc says of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes.commands.processes import Finished, attach, capture, usage

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "WORD": "hello"}


def test_output_errors_and_exit_code_are_captured() -> None:
    """Each stream by itself, with the given environment."""
    assert capture(["sh", "-c", "echo $WORD; echo no >&2; exit 3"], ENVIRONMENT, within_s=20) == Finished(3, "hello\n", "no\n")


def test_large_output_does_not_block() -> None:
    """More than a pipe holds comes through."""
    assert len(capture(["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"], ENVIRONMENT, within_s=20).out) == 300_000


def test_a_program_past_its_limit_is_killed() -> None:
    """Exit code 124, with what it said until then."""
    assert capture(["sh", "-c", "echo begun; exec sleep 600"], ENVIRONMENT, within_s=0.3) == Finished(124, "begun\n", "")


def test_a_missing_program_ends_with_127() -> None:
    """As in the shell, with the reason."""
    assert capture(["no-such-program"], ENVIRONMENT, within_s=5) == Finished(
        127, "", "no-such-program: No such file or directory"
    )


def test_a_program_killed_by_a_signal_has_the_shells_exit_code() -> None:
    """128 and the signal's number."""
    assert capture(["sh", "-c", "kill -9 $$"], ENVIRONMENT, within_s=20).code == 137


def test_an_attached_program_writes_where_this_one_does(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing stands between it and the operator, and its exit code comes back."""
    assert attach(["sh", "-c", "echo seen; exit 5"], ENVIRONMENT, stdin=False) == 5
    assert capfd.readouterr().out == "seen\n"


def test_usage_is_that_of_the_process_and_its_descendants() -> None:
    """This process is there, with memory and time; one that is gone has none."""
    own = usage(os.getpid())
    assert own is not None
    assert own.memory > 1_000_000
    assert own.processes >= 1
    free = max(int(Path("/proc/sys/kernel/pid_max").read_text()), 1) + 1
    assert usage(free) is None
