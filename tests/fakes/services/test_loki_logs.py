"""Logs on their way into Loki: all of them, each once, no faster than allowed."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Never

import pytest

from fakes.services.loki_logs import LogFolder


def texts(logs: LogFolder, job: str | None = None, contains: str = "") -> list[str]:
    return [line.text for _, line in logs.found(None if job is None else [job], contains)]


def take_all(logs: LogFolder, now_s: float = 0.0) -> None:
    logs.look(now_s)
    logs.take(1_000_000, now_s)


def test_lines_are_taken_in_once_and_whole(tmp_path: Path) -> None:
    """The half of a line that is there already waits for the other."""
    log = tmp_path / "risk-manager.log"
    log.write_text("one\ntw")
    logs = LogFolder(tmp_path)
    take_all(logs)
    assert texts(logs) == ["one"]
    with log.open("a") as file:
        file.write("o\nthree\n")
    take_all(logs)
    take_all(logs)
    assert texts(logs) == ["three", "two", "one"]


def test_streams_are_told_apart_by_their_files(tmp_path: Path) -> None:
    """And lines by what stands in them."""
    (tmp_path / "loki.log").write_text("ready\n")
    (tmp_path / "redis.log").write_text("ready\nERROR gone\n")
    (tmp_path / "other.txt").write_text("no log\n")
    logs = LogFolder(tmp_path)
    take_all(logs)
    assert texts(logs, "redis") == ["ERROR gone", "ready"]
    assert texts(logs, None, "ERROR") == ["ERROR gone"]
    assert sorted(logs.streams) == ["loki", "redis"]


def test_without_a_free_descriptor_lines_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are taken in as soon as one is free, and meanwhile their lag grows."""
    log = tmp_path / "busy.log"
    log.write_text("one\n")
    logs = LogFolder(tmp_path)
    take_all(logs)
    with log.open("a") as file:
        file.write("two\n")
    with monkeypatch.context() as used_up:
        used_up.setattr(os, "open", _refused)
        used_up.setattr(Path, "glob", _refused)
        take_all(logs, 10.0)
        assert (texts(logs), logs.lag_s(50.0)) == (["one"], 40.0)
    take_all(logs, 60.0)
    assert (texts(logs), logs.lag_s(60.0)) == (["two", "one"], 0.0)


def _refused(*_: object, **__: object) -> Never:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_the_lag_is_the_age_of_the_oldest_line_that_waits(tmp_path: Path) -> None:
    """It ends when that line is taken in, not when something is."""
    log = tmp_path / "busy.log"
    log.write_text("x" * 9 + "\n")
    logs = LogFolder(tmp_path)
    logs.look(10.0)
    with log.open("a") as file:
        file.write("y" * 9 + "\n")
    logs.look(20.0)
    assert logs.lag_s(25.0) == 15.0
    assert logs.take(10, 25.0) == (10, 1)
    assert logs.lag_s(25.0) == 5.0
    logs.take(1000, 26.0)
    assert logs.lag_s(30.0) == 0.0


def test_a_budget_is_shared_and_never_exceeded(tmp_path: Path) -> None:
    """A log that is written without end keeps no other out."""
    for name in ("loud", "quiet"):
        (tmp_path / f"{name}.log").write_text(("z" * 9 + "\n") * 100)
    logs = LogFolder(tmp_path)
    logs.look(0.0)
    taken, _ = logs.take(100, 0.0)
    assert taken == 100
    assert {name: stream.read for name, stream in logs.streams.items()} == {"loud": 50, "quiet": 50}
    assert logs.take(0, 0.0) == (0, 0)


def test_a_log_that_was_made_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    """As after a rotation."""
    log = tmp_path / "a.log"
    log.write_text("a long first line\n")
    logs = LogFolder(tmp_path)
    take_all(logs)
    log.write_text("new\n")
    take_all(logs)
    assert texts(logs)[0] == "new"
