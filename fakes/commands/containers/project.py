"""The compose project and its containers: names, ids, images, states, and the words docker uses for ages and sizes."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Sequence

from fakes.commands.containers import composefile, objects
from fakes.commands.control import Control, State, Unit
from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed

_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


class Engine:
    """The containers that the engine has: the stack's processes that have a compose name."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.refresh()

    def refresh(self) -> None:
        """Ask again what is true."""
        self.state: State = self.control.state()
        self.removed = objects.removed(self.control)

    @property
    def now_s(self) -> float:
        return self.state.now_s

    def containers(self) -> list[Unit]:
        """All that there are, by the name of their service."""
        return [unit for unit in self.possible() if unit.running or unit.name not in self.removed]

    def possible(self) -> list[Unit]:
        """All that there are or could be."""
        known = (unit for unit in self.state.units if unit.compose and unit.present)
        return sorted(known, key=lambda unit: str(unit.compose))

    def name(self, unit: Unit) -> str:
        """A container of something that is no part of the cluster has a plain name (`container_name` of a compose file): 004:92."""
        return f"{self.state.prefix}-{unit.compose}-1" if unit.deployment or unit.statefulset else str(unit.compose)

    def identity(self, unit: Unit) -> str:
        """Twelve digits, as docker shows it."""
        return self.long_identity(unit)[:12]

    def long_identity(self, unit: Unit) -> str:
        name = self.name(unit).encode()
        return "".join(f"{zlib.crc32(name + bytes([number])):08x}" for number in range(8))

    def image(self, unit: Unit) -> str:
        name = unit.image or (f"{self.state.prefix}/{unit.compose}" if unit.kind == "service" else unit.kind)
        return f"{name}:{unit.version}" if unit.version else name

    def find(self, name: str) -> Unit | None:
        """By name or by a start of its id."""
        wanted = name.removeprefix("/")
        return next(
            (
                each
                for each in self.containers()
                if wanted == self.name(each) or (name and self.long_identity(each).startswith(name))
            ),
            None,
        )

    def get(self, name: str) -> Unit:
        """By name or by a start of its id. Raises Failure in the daemon's words."""
        unit = self.find(name)
        if unit is None:
            raise Failure(f"Error response from daemon: No such container: {name}")
        return unit

    def chosen(self, services: Sequence[str]) -> list[Unit]:
        """What there is, or could be, of these services; of all when none is named. Raises Failure."""
        known = self.possible()
        for service in services:
            if service not in [unit.compose for unit in known]:
                raise Failure(f"no such service: {service}")
        return [unit for unit in known if not services or unit.compose in services]

    def status(self, unit: Unit) -> str:
        """Up 5 minutes (healthy), or how it ended."""
        if unit.running:
            return f"Up {long_age(self.now_s - unit.started_s)} ({'healthy' if unit.ready else 'unhealthy'})"
        code = f" ({unit.exit_code})" if unit.exit_code is not None else ""
        return f"Exited{code}" + (f" {long_age(self.now_s - unit.ended_s)} ago" if unit.ended_s is not None else "")

    def ports(self, unit: Unit) -> str:
        return f"127.0.0.1:{unit.port}->{unit.port}/tcp" if unit.running else ""


def project_file(line: Parsed) -> composefile.ComposeFile:
    """Compose acts on the project of a compose file: `-f`, COMPOSE_FILE, the folder's .env, or one found above. Raises Failure."""
    folder = line.text("project-directory", os.getcwd())
    named = line.texts("file") or _from_environment(folder)
    for name in named:
        if not os.path.isfile(name):
            raise Failure(f"open {os.path.abspath(name)}: no such file or directory", 14)
    if named:
        return composefile.read(named)
    while not (found := [name for name in _NAMES if os.path.isfile(os.path.join(folder, name))]):
        if folder == os.path.dirname(folder):
            raise Failure("no configuration file provided: not found", 14)
        folder = os.path.dirname(folder)
    return composefile.read([os.path.join(folder, found[0])])


def _from_environment(folder: str) -> list[str]:
    value = os.environ.get("COMPOSE_FILE", "")
    dotenv = os.path.join(folder, ".env")
    if not value and os.path.isfile(dotenv):
        with open(dotenv, encoding="utf-8") as file:
            for row in file:
                key, _, text = row.strip().partition("=")
                value = text.strip("\"'") if key == "COMPOSE_FILE" else value
    return value.split(":") if value else []


def other_project(line: Parsed, file: composefile.ComposeFile) -> str | None:
    """The project that was asked for by name (`-p`, COMPOSE_PROJECT_NAME) when it is not the one that runs; else None.

    Raises Failure for a name that is none.
    """
    asked = line.text("project-name") or os.environ.get("COMPOSE_PROJECT_NAME", "")
    if asked and not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", asked):
        raise Failure(
            f'invalid project name "{asked}": must consist only of lowercase alphanumeric characters, hyphens, and underscores '
            "as well as start with a letter or number"
        )
    return asked if asked and asked != file.name else None


def command(unit: Unit) -> str:
    return {"postgres": "postgres", "redis": "redis-server"}.get(unit.kind, str(unit.compose))


def long_age(seconds: float) -> str:
    """As docker says it: 5 seconds, About a minute, 3 hours."""
    whole = max(int(seconds), 0)
    hours = round(whole / 3600)
    if whole < 1:
        return "Less than a second"
    if whole < 60:
        return "1 second" if whole == 1 else f"{whole} seconds"
    if whole < 3600:
        return "About a minute" if whole < 120 else f"{whole // 60} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    return f"{hours // 24} days"


def size(count: float, *, binary: bool) -> str:
    """45.3MiB, or 1.45kB when not binary."""
    base, units = (1024, ("B", "KiB", "MiB", "GiB", "TiB")) if binary else (1000, ("B", "kB", "MB", "GB", "TB"))
    place = 0
    while count >= base and place < len(units) - 1:
        count, place = count / base, place + 1
    return f"{count:.{4 if binary else 3}g}{units[place]}"


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """As docker's tables: at least ten wide, three blanks between, the last column unpadded."""
    widths = [max(10, max(len(row[column]) for row in rows) + 3) for column in range(len(rows[0]) - 1)] if rows else []
    for row in rows:
        print("".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)) + row[-1])
