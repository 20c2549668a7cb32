"""The rule for parts that are missing, tried on made-up parts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests import conftest


@pytest.fixture
def a_machine_without_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "missing", lambda part: "no docker here" if part == "docker" else None)
    monkeypatch.delenv("GAMEDAY_REQUIRE", raising=False)


def marked(*markers: str) -> pytest.Item:
    """A test that carries these markers."""
    return cast("pytest.Item", SimpleNamespace(get_closest_marker=lambda name: name if name in markers else None))


@pytest.mark.usefixtures("a_machine_without_docker")
def test_skips_where_a_part_is_missing() -> None:
    """A missing part skips the test and says why."""
    with pytest.raises(pytest.skip.Exception, match="no docker here"):
        conftest.pytest_runtest_setup(marked("docker"))


@pytest.mark.usefixtures("a_machine_without_docker")
@pytest.mark.parametrize("named", ["docker", "toxiproxy, docker", "all"])
def test_fails_where_the_missing_part_is_required(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    """A required part that is missing fails the test, however it was named."""
    monkeypatch.setenv("GAMEDAY_REQUIRE", named)
    # A skip that got out of here would skip this test instead of failing it.
    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception)) as caught:
        conftest.pytest_runtest_setup(marked("docker"))
    assert caught.type is pytest.fail.Exception
    assert "GAMEDAY_REQUIRE names docker, but: no docker here" in str(caught.value)


@pytest.mark.usefixtures("a_machine_without_docker")
def test_runs_where_the_part_is_there_or_not_needed() -> None:
    """Nothing stops a test whose parts are there, nor one without markers."""
    conftest.pytest_runtest_setup(marked("toxiproxy"))
    conftest.pytest_runtest_setup(marked())


def test_refuses_a_part_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo in GAMEDAY_REQUIRE is an error: it would require nothing."""
    monkeypatch.setenv("GAMEDAY_REQUIRE", "toxiproxi")
    with pytest.raises(pytest.UsageError, match="toxiproxi"):
        conftest.required()


def program(folder: Path, name: str, script: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o700)


@pytest.mark.parametrize("name", ["alertmanager", "prometheus-alertmanager"])
def test_knows_alertmanager_by_either_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Debian calls the program otherwise than its authors do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no alertmanager on PATH" in str(conftest.PARTS["alertmanager"]())
    program(tmp_path, name)
    assert conftest.PARTS["alertmanager"]() is None


def test_docker_is_missing_without_its_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine that lacks an image is none; what is said names the image, and the variable for another one."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("GAMEDAY_IMAGE_REDIS", "registry.example/redis:7")
    program(tmp_path, "docker", 'case "$*" in *redis*) ;; *) echo 0123456789ab ;; esac')
    why = str(conftest.PARTS["docker"]())
    assert "the image registry.example/redis:7 is not here" in why
    assert "GAMEDAY_IMAGE_REDIS" in why
    program(tmp_path, "docker", "echo 0123456789ab")
    assert conftest.PARTS["docker"]() is None


@pytest.mark.parametrize(("script", "why"), [("echo asleep >&2; exit 1", "asleep"), ("exec sleep 60", "timed out")])
def test_docker_is_missing_without_an_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, why: str) -> None:
    """An engine that refuses or does not answer soon is none."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(conftest, "_ENGINE_ANSWERS_WITHIN_S", 0.3)
    program(tmp_path, "docker", script)
    said = str(conftest.PARTS["docker"]())
    assert said.startswith("no Docker engine answers: ")
    assert why in said
