"""What `gameday clean` removes, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from harness.engine.clean import clean
from harness.engine.client import FOLDER, LABEL, OWNER, Engine
from harness.engine.owner import this_process

OVER = "another-boot:1:1"


class Made:
    """A network or a volume."""

    def __init__(self, name: str, drill: str = "", owner: str = OVER, folder: str = "") -> None:
        self.name, self.removed = name, False
        self.labels = {LABEL: drill, OWNER: owner, FOLDER: folder} if drill else {}
        self.attrs = {"Labels": self.labels}

    def remove(self, **_: Any) -> None:
        self.removed = True


class MadeContainer(Made):
    def kill(self) -> None:
        raise AssertionError("it is removed, not killed")

    def remove(self, **how: Any) -> None:
        assert how == {"force": True, "v": True}, "a container goes with its anonymous volumes, running or not"
        self.removed = True


class FakeEngine:
    def __init__(self, containers: list[Made], networks: list[Made], volumes: list[Made]) -> None:
        self._made = {"containers": containers, "networks": networks, "volumes": volumes}

    def _with(self, kind: str, label: str) -> list[Made]:
        return [made for made in self._made[kind] if label in made.labels]

    def containers(self, label: str) -> list[Made]:
        return self._with("containers", label)

    def networks(self, label: str) -> list[Made]:
        return self._with("networks", label)

    def volumes(self, label: str) -> list[Made]:
        return self._with("volumes", label)


def test_only_what_a_drill_that_is_over_has_made_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running drill keeps everything, and what carries no label of ours is not even looked at."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = tmp_path / "gameday-x"
    folder.mkdir()
    over = [MadeContainer("a", "over", folder=str(folder)), Made("b", "over"), Made("c", "over")]
    running = [MadeContainer("d", "running", owner=this_process()), Made("e", "running", owner=this_process())]
    foreign = [MadeContainer("f"), Made("g"), Made("h")]
    engine = FakeEngine([over[0], running[0], foreign[0]], [over[1], running[1], foreign[1]], [over[2], foreign[2]])
    cleaned = clean(cast("Engine", engine))
    assert [made.removed for made in over] == [True, True, True]
    assert not any(made.removed for made in (*running, *foreign))
    assert (cleaned.containers, cleaned.networks, cleaned.volumes) == (1, 1, 1)
    assert (cleaned.drills, cleaned.running) == (("over",), ("running",))
    assert not folder.exists()


def test_only_a_folder_that_a_drill_made_for_itself_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compose stack's folder is somebody's, and a label may hold anything."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    theirs = tmp_path / "elsewhere" / "gameday-x"
    theirs.mkdir(parents=True)
    for folder in (theirs, tmp_path / "elsewhere"):
        clean(cast("Engine", FakeEngine([MadeContainer("a", "over", folder=str(folder))], [], [])))
        assert folder.is_dir()
