"""Which server is used, and how the real one is got. The programs are scripts of a line or two."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError, MissingTool
from harness.toxiproxy_server import VERSION, cached_program, find_toxiproxy, install_toxiproxy, tool_cache

SAYS_VERSION = 'echo "toxiproxy-server version 2.12.0"'


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty home and little on PATH."""
    (tmp_path / "bin").mkdir()
    return {"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin", "HOME": str(tmp_path / "home"), "OUT": str(tmp_path / "out")}


def test_uses_the_embedded_server_where_no_other_is(machine: dict[str, str]) -> None:
    """It runs from this interpreter, at a given address, with a seed where one is given."""
    found = find_toxiproxy(machine)
    assert (found.kind, found.version) == ("embedded", "2.12.0")
    assert (found.folder / "__main__.py").is_file()
    assert found.command("127.0.0.1", 8474) == [sys.executable, "-m", "fakes.toxiproxy", "-host", "127.0.0.1", "-port", "8474"]
    assert found.command("127.0.0.1", 8474, seed=7)[-2:] == ["-seed", "7"]


def test_prefers_the_real_server_on_path_then_in_the_cache(machine: dict[str, str], tmp_path: Path) -> None:
    """Its version is what it says of itself."""
    cached = program(cached_program(machine), SAYS_VERSION)
    found = find_toxiproxy(machine)
    assert (found.kind, found.version, found.program, found.folder) == ("real", "2.12.0", cached, cached.parent)
    on_path = program(tmp_path / "bin" / "toxiproxy-server", 'echo "toxiproxy-server version git"')
    found = find_toxiproxy(machine)
    assert (found.version, found.program) == ("git", on_path)
    assert found.command("127.0.0.1", 1)[:3] == [str(on_path), "-host", "127.0.0.1"]


def test_can_be_told_to_use_the_embedded_server(machine: dict[str, str]) -> None:
    """Although a real one is there."""
    program(cached_program(machine), SAYS_VERSION)
    assert find_toxiproxy({**machine, "GAMEDAY_TOXIPROXY": "embedded"}).kind == "embedded"
    assert find_toxiproxy({**machine, "GAMEDAY_TOXIPROXY": "real"}).kind == "real"


def test_says_how_to_get_a_real_server_that_is_demanded(machine: dict[str, str]) -> None:
    """Instead of quietly using another."""
    with pytest.raises(MissingTool, match=r"toxiproxy-server was not found\. Get it by `gameday tools install toxiproxy`"):
        find_toxiproxy({**machine, "GAMEDAY_TOXIPROXY": "real"})


def test_refuses_a_choice_that_is_none(machine: dict[str, str]) -> None:
    """A typo does not choose."""
    with pytest.raises(HarnessError, match=r"GAMEDAY_TOXIPROXY=reel is no choice\. Set it to real or embedded"):
        find_toxiproxy({**machine, "GAMEDAY_TOXIPROXY": "reel"})


def test_says_when_the_real_server_does_not_start(machine: dict[str, str]) -> None:
    """A broken download, or one for another machine."""
    broken = program(cached_program(machine), "exit 3")
    with pytest.raises(MissingTool, match=f"{broken} does not start"):
        find_toxiproxy(machine)


@pytest.mark.parametrize("chosen", ["", "relative/path"])
def test_the_cache_is_in_the_home_unless_chosen(chosen: str) -> None:
    """XDG: a path that is not absolute is ignored."""
    assert tool_cache({"HOME": "/h", "XDG_CACHE_HOME": chosen}) == Path("/h/.cache/gameday/tools")
    assert tool_cache({"HOME": "/h", "XDG_CACHE_HOME": "/c"}) == Path("/c/gameday/tools")


def test_what_was_found_can_be_sent_to_a_sandbox(machine: dict[str, str]) -> None:
    """By pickle."""
    found = find_toxiproxy(machine)
    assert pickle.loads(pickle.dumps(found)) == found


# --- installing -------------------------------------------------------------------------------------------------

BUILDS = f"""echo "$GOFLAGS" "$@" > "$OUT"
printf '#!/bin/sh\\necho toxiproxy-server version {VERSION}\\n' > "$GOBIN/server"
chmod +x "$GOBIN/server\""""


def test_builds_the_real_server_into_the_cache(machine: dict[str, str], tmp_path: Path) -> None:
    """That release, with its version in it; nothing else is left in the cache."""
    program(tmp_path / "bin" / "go", BUILDS)
    installed = install_toxiproxy({**machine, "GOFLAGS": "-mod=vendor", "GOBIN": "/elsewhere"})
    assert installed == find_toxiproxy(machine)
    assert (installed.kind, installed.version) == ("real", VERSION)
    assert [path.name for path in installed.folder.iterdir()] == ["toxiproxy-server"]
    asked = (tmp_path / "out").read_text()
    assert asked == (
        f" install -ldflags -X github.com/Shopify/toxiproxy/v2.Version={VERSION} github.com/Shopify/toxiproxy/v2/cmd/server@v{VERSION}\n"
    )


def test_says_that_go_is_missing(machine: dict[str, str]) -> None:
    """And that drills work without it."""
    with pytest.raises(MissingTool, match=r"go was not found\. Toxiproxy is built with it.*drills use the embedded server"):
        install_toxiproxy({**machine, "PATH": str(Path(machine["HOME"]))})


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('for n in 1 2 3 4 5 6 7 8 9; do echo "line $n" >&2; done; exit 1', r"the last it said:\n  line 2\n(.*\n)*  line 9$"),
        ("exit 2", "the last it said:\n  exit code 2"),
        ("exit 0", "Building it with Go failed"),
    ],
)
def test_quotes_what_go_said_last(machine: dict[str, str], tmp_path: Path, script: str, message: str) -> None:
    """And leaves a server that is there alone."""
    there = program(cached_program(machine), SAYS_VERSION)
    program(tmp_path / "bin" / "go", script)
    with pytest.raises(MissingTool, match=message):
        install_toxiproxy(machine)
    assert [path.name for path in there.parent.iterdir()] == ["toxiproxy-server"]
    assert find_toxiproxy(machine).kind == "real"


def test_does_not_replace_a_server_by_one_that_does_not_start(machine: dict[str, str], tmp_path: Path) -> None:
    """It is tried first."""
    program(cached_program(machine), SAYS_VERSION)
    program(tmp_path / "bin" / "go", BUILDS.replace("echo toxiproxy-server version", "exit 1 #"))
    with pytest.raises(MissingTool, match="does not start"):
        install_toxiproxy(machine)
    assert find_toxiproxy(machine).version == "2.12.0"


def test_says_when_the_cache_cannot_be_written(machine: dict[str, str], tmp_path: Path) -> None:
    """And how to choose another."""
    program(tmp_path / "bin" / "go", BUILDS)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HarnessError, match=r"cannot be put into .*Choose another cache with XDG_CACHE_HOME"):
        install_toxiproxy({**machine, "XDG_CACHE_HOME": str(tmp_path / "file")})
