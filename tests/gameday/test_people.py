"""A person's terminal, while it is one of a shell in the sandbox."""

from __future__ import annotations

import os
import pty
import select

import pytest

from gameday.people import _raw_terminal


def test_what_was_typed_ahead_is_for_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever types the next command while the shell is still being opened loses none of it."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "rb", buffering=0) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        os.write(master, b"docker compose ps\n")
        assert select.select([slave], [], [], 30)[0] == [slave]
        with _raw_terminal():
            assert select.select([slave], [], [], 0)[0] == [slave]
            assert os.read(slave, 100) == b"docker compose ps\n"
    os.close(master)
