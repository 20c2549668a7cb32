"""Which Toxiproxy server a drill uses, and how to get the real one.

The real `toxiproxy-server` from PATH, else from the tool cache, else the embedded one; GAMEDAY_TOXIPROXY=real or embedded
chooses.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import fakes.toxiproxy
from harness.errors import HarnessError, MissingTool

PROGRAM = "toxiproxy-server"
VERSION = "2.12.0"  # the release that is installed, and whose API the embedded server speaks
_MODULE = "github.com/Shopify/toxiproxy/v2"
_CHOICE = "GAMEDAY_TOXIPROXY"
_BUILD_WITHIN_S = 900
_QUOTED_LINES = 8


@dataclass(frozen=True, slots=True)
class ToxiproxyServer:
    """A server that was found. `program` is the real one's path, or the folder of the embedded one's modules."""

    kind: Literal["real", "embedded"]
    version: str
    program: Path

    @property
    def folder(self) -> Path:
        """What a sandbox must show of the host for it to run."""
        return self.program if self.kind == "embedded" else self.program.resolve().parent

    def command(self, host: str, port: int, *, seed: int | None = None) -> list[str]:
        """What to run so that its API answers at host and port. A seed makes the embedded one's draws repeatable."""
        program = [str(self.program)] if self.kind == "real" else [sys.executable, "-m", "fakes.toxiproxy"]
        return [*program, *self.arguments(host, port, seed=seed)]

    def arguments(self, host: str, port: int, *, seed: int | None = None) -> list[str]:
        """What either program is told so that its API answers at host and port."""
        return ["-host", host, "-port", str(port), *([] if seed is None else ["-seed", str(seed)])]


def find_toxiproxy(environment: Mapping[str, str] | None = None) -> ToxiproxyServer:
    """The server to use on this machine. Raises MissingTool when a real one is demanded and not there, HarnessError on a wrong choice."""
    environment = os.environ if environment is None else environment
    choice = environment.get(_CHOICE, "")
    if choice not in ("", "real", "embedded"):
        raise HarnessError(
            f"{_CHOICE}={choice} is no choice. Set it to real or embedded, or unset it to use the real one where it is."
        )
    if choice != "embedded":
        for path in (shutil.which(PROGRAM, path=environment.get("PATH", "")), cached_program(environment)):
            if path is not None and os.access(path, os.X_OK) and Path(path).is_file():
                return ToxiproxyServer("real", _version_of(path), Path(path))
        if choice == "real":
            remedy = f"Get it by `gameday tools install toxiproxy` (it needs Go), or unset {_CHOICE} to use the embedded server."
            raise MissingTool(PROGRAM, remedy)
    return ToxiproxyServer("embedded", fakes.toxiproxy.VERSION, Path(fakes.toxiproxy.__file__).parent)


def tool_cache(environment: Mapping[str, str] | None = None) -> Path:
    """Where `gameday tools install` puts programs: $XDG_CACHE_HOME/gameday/tools, by default ~/.cache/gameday/tools."""
    environment = os.environ if environment is None else environment
    chosen = environment.get("XDG_CACHE_HOME", "")
    base = Path(chosen) if chosen.startswith("/") else Path(environment.get("HOME") or Path.home()) / ".cache"
    return base / "gameday" / "tools"


def cached_program(environment: Mapping[str, str] | None = None) -> Path:
    """Where the real server is once it is installed."""
    return tool_cache(environment) / PROGRAM


def install_toxiproxy(environment: Mapping[str, str] | None = None) -> ToxiproxyServer:
    """Build the real server with Go and put it into the tool cache. Takes some 20 s and the Go module proxy.

    Raises MissingTool when Go is not there or fails, HarnessError when the cache can't be written.
    """
    environment = os.environ if environment is None else environment
    go = shutil.which("go", path=environment.get("PATH", ""))
    if go is None:
        raise MissingTool(
            "go", "Toxiproxy is built with it: install Go 1.23 or newer. Without it drills use the embedded server."
        )
    target = cached_program(environment)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=target.parent) as folder:
            built = _build(go, Path(folder), environment)
            version = _version_of(built)
            built.replace(target)  # on one file system: whoever looks finds the old one or the new one, never half of it
    except OSError as error:
        raise HarnessError(
            f"{PROGRAM} cannot be put into {target.parent}: {error}. Choose another cache with XDG_CACHE_HOME."
        ) from error
    return ToxiproxyServer("real", version, target)


def _build(go: str, folder: Path, environment: Mapping[str, str]) -> Path:
    command = [go, "install", "-ldflags", f"-X {_MODULE}.Version={VERSION}", f"{_MODULE}/cmd/server@v{VERSION}"]
    # A GOFLAGS or GOOS of other work would build something else.
    inherited = {name: value for name, value in environment.items() if name not in ("GOFLAGS", "GOOS", "GOARCH", "GOWORK")}
    try:
        done = subprocess.run(
            command, env={**inherited, "GOBIN": str(folder)}, cwd=folder, capture_output=True, text=True, errors="replace",
            timeout=_BUILD_WITHIN_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise MissingTool(
            PROGRAM, f"`{' '.join(command[:2])}` did not end within {_BUILD_WITHIN_S} s. Is the Go module proxy reachable?"
        ) from error
    built = folder / "server"
    if done.returncode != 0 or not built.is_file():
        said = "\n  ".join(done.stderr.strip().splitlines()[-_QUOTED_LINES:]) or f"exit code {done.returncode}"
        raise MissingTool(PROGRAM, f"Building it with Go failed; the last it said:\n  {said}")
    return built


def _version_of(program: Path | str) -> str:
    """What the program says of itself: a version, or `git` where it was built without one."""
    try:
        done = subprocess.run(
            [str(program), "-version"], capture_output=True, text=True, errors="replace", timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingTool(
            f"a working {PROGRAM}", f"{program} does not start: {error}. Remove it, or install it again."
        ) from error
    match = re.search(r"version (\S+)", done.stdout)
    return match.group(1) if match else "unknown"
