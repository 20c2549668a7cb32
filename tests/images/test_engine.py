"""`engine.py` ends the process that it started, and no other."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import engine


@pytest.fixture
def pidfile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(engine, "PROJECT", tmp_path)
    monkeypatch.setattr(engine, "PIDFILE", tmp_path / "build" / "pid")
    monkeypatch.setattr(engine, "LOG", tmp_path / "build" / "log")
    return engine.PIDFILE


@pytest.fixture
def running() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def a_dockerd(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str, *answers: bool) -> None:
    """A program called dockerd, and whether the engine answers when it is asked, one time after another."""
    (folder / "dockerd").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "dockerd").chmod(0o700)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    said = iter(answers)
    monkeypatch.setattr(engine, "answers", lambda: next(said))


# It is meant to outlive whoever started it, so nobody waits for it.
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_ends_what_it_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pidfile: Path) -> None:
    """`down` ends the engine that `up` started, and a second `down` finds none."""
    a_dockerd(monkeypatch, tmp_path, "exec sleep 60", False, True)
    assert "answers after" in engine.up()
    pid = pidfile.read_text().split()[0]
    assert engine.down() == f"dockerd {pid} ended by SIGTERM"
    assert engine.down() == "no engine of ours runs"


def test_starts_none_where_one_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pidfile: Path) -> None:
    """An engine that is there already is not ours: `down` leaves it alone."""
    a_dockerd(monkeypatch, tmp_path, f"touch {tmp_path}/started", True)
    assert engine.up() == "an engine answers already"
    assert not pidfile.exists()
    assert not (tmp_path / "started").exists()


def test_tells_why_it_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pidfile: Path) -> None:
    """The end of its log is in the message, and nothing is left to be ended."""
    a_dockerd(monkeypatch, tmp_path, "echo no cgroups here >&2; exit 1", *[False] * 1000)
    monkeypatch.setattr(engine, "_ANOTHER_STARTS_WITHIN_S", 0.2)
    with pytest.raises(SystemExit, match="no cgroups here"):
        engine.up()
    assert not pidfile.exists()


def test_leaves_a_process_alone_that_only_has_the_same_pid(pidfile: Path, running: subprocess.Popen[bytes]) -> None:
    """A pid that was given to another process since is told by its start time."""
    pidfile.parent.mkdir()
    pidfile.write_text(f"{running.pid} 1")
    assert engine.down() == f"dockerd {running.pid} has ended already"
    assert running.poll() is None
