"""Which programs a drill uses, and what is said when one is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import MissingTool
from harness.tools import find_postgres, find_redis, find_tools


def _program(path: Path, prints: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


def test_pg_bindir_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names a Postgres gets that one, with its version."""
    for name in ("postgres", "initdb", "psql", "pg_basebackup"):
        _program(tmp_path / name, "postgres (PostgreSQL) 17.3")
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    found = find_postgres()
    assert (found.path, found.version, found.origin) == (tmp_path, "17.3", "PG_BINDIR")


def test_a_wrong_pg_bindir_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what is missing there, and the remedy; no other Postgres is taken in silence."""
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    with pytest.raises(MissingTool, match=r"postgres in PG_BINDIR=.* was not found\. Point PG_BINDIR at the folder"):
        find_postgres()


def test_a_program_that_does_not_start_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation is said to be one."""
    for name in ("postgres", "initdb", "psql", "pg_basebackup"):
        (tmp_path / name).write_text("not a program")
    monkeypatch.setenv("PG_BINDIR", str(tmp_path))
    with pytest.raises(MissingTool, match="It does not start"):
        find_postgres()


def test_the_systems_redis_comes_before_the_bundled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator installed is what a drill uses."""
    _program(tmp_path / "redis-server", "Redis server v=7.0.15 sha=00000000:0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (find_redis("redis-server").version, find_redis("redis-server").origin) == ("7.0.15", "system")


def test_a_machine_without_curl_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runbooks call it; a drill without it would only find that out at the first step."""
    bash = shutil.which("bash")
    assert bash is not None
    (tmp_path / "bash").symlink_to(bash)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match=r"curl was not found\. The runbooks call it; install it"):
        find_tools()


def test_a_sandbox_is_shown_the_folder_of_every_program() -> None:
    """What is used inside lies in what is shown inside."""
    tools = find_tools()
    shown = tools.folders()
    for program in (tools.redis_server.path, tools.redis_cli.path, *tools.commands.values()):
        assert any(program.resolve().is_relative_to(folder) for folder in shown)
