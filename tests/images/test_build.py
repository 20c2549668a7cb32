"""What is built, what is not, and what is refused. That the images are right is for `test_images.py`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.images import build, debian


def test_builds_what_is_missing_and_pulls_what_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that stands is not built again; one that the caller named is never built."""
    done: list[str] = []
    monkeypatch.setattr(build, "standing", lambda digest: {build.IMAGES["redis"], build.IMAGES["drill"]})
    monkeypatch.setattr(build, "pull", lambda name: done.append(f"pull {name}"))
    monkeypatch.setattr(build, "build", lambda parts, digest: done.append(f"build {' '.join(parts)}"))
    environment = {"GAMEDAY_IMAGE_POSTGRES": "registry.example/postgres:18", "GAMEDAY_IMAGE_PROMETHEUS": ""}
    build.provide({**environment, "GAMEDAY_IMAGE_REDIS": build.IMAGES["redis"]})
    assert done == ["pull registry.example/postgres:18", "build prometheus alertmanager toxiproxy"]


def test_every_change_of_an_image_is_another_recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file's text, its mode and the script itself count; a test does not."""
    here = shutil.copytree(build.HERE, tmp_path / "images")
    monkeypatch.setattr(build, "HERE", here)
    seen = [build.recipe()]
    (here / "test_images.py").write_text("another")
    assert build.recipe() == seen[0]
    (here / "redis" / "Dockerfile").write_text("FROM scratch")
    seen.append(build.recipe())
    (here / "redis" / "redis-server").chmod(0o600)
    seen.append(build.recipe())
    (here / "debian.py").write_text("another")
    seen.append(build.recipe())
    assert len(set(seen)) == 4


def test_refuses_a_debian_whose_versions_the_tags_do_not_name() -> None:
    """The message names the package, what it is, and the way out."""
    as_promised = {name: f"{start}7" for name, start in debian.VERSIONS.items()}
    debian.check_versions(as_promised)
    with pytest.raises(debian.NotBuilt, match=r"redis-server is 5:8\.0 here .* of 5:7\.\*.*GAMEDAY_IMAGE_POSTGRES"):
        debian.check_versions({**as_promised, "redis-server": "5:8.0"})


def test_tells_why_a_command_failed() -> None:
    """The command, its exit code and the last it said stand in the message."""
    with pytest.raises(debian.NotBuilt, match=r"`sh echo .*` ended with 3:\n  before\n  broken"):
        debian.run("sh", "-c", "echo before; echo broken >&2; exit 3")
    with pytest.raises(debian.NotBuilt, match="no-such-program does not start"):
        debian.run("no-such-program")


def test_ci_asks_for_these_images() -> None:
    """The names in `make ci` are the names that are built."""
    makefile = (build.PROJECT / "Makefile").read_text(encoding="utf-8")
    asked = dict(re.findall(r"^ci: export (GAMEDAY_IMAGE_\w+) \?= (\S+)$", makefile, re.MULTILINE))
    assert asked == {build.variable(part): name for part, name in build.IMAGES.items()}


def test_needs_nothing_but_the_standard_library() -> None:
    """CI starts it before the project's environment is there."""
    work = "import sys; sys.path.insert(0, sys.argv[1]); import tests.images.build, tests.images.engine, harness.toxiproxy_server"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", work, str(build.PROJECT)], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
