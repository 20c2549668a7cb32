"""The compose project: its file, its containers, and the words docker uses for ages and sizes."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

from fakes.commands.control import State, Unit
from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed

PROJECT = "eafix"
_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


def require_file(line: Parsed) -> None:
    """Compose acts on the project of a compose file: `-f`, COMPOSE_FILE, the folder's .env, or one found above. Raises Failure."""
    named = line.texts("file") or _from_environment()
    if named:
        for name in named:
            if not os.path.isfile(name):
                raise Failure(f"open {os.path.abspath(name)}: no such file or directory", 14)
        return
    folder = os.getcwd()
    while not any(os.path.isfile(os.path.join(folder, name)) for name in _NAMES):
        if folder == os.path.dirname(folder):
            raise Failure("no configuration file provided: not found", 14)
        folder = os.path.dirname(folder)


def _from_environment() -> list[str]:
    value = os.environ.get("COMPOSE_FILE", "")
    if not value and os.path.isfile(".env"):
        with open(".env", encoding="utf-8") as file:
            for row in file:
                key, _, text = row.strip().partition("=")
                value = text.strip("\"'") if key == "COMPOSE_FILE" else value
    return value.split(":") if value else []


def containers(state: State) -> list[Unit]:
    """All containers of the project, by the name of their service."""
    return sorted((unit for unit in state.units if unit.compose), key=lambda unit: str(unit.compose))


def chosen(state: State, services: Sequence[str]) -> list[Unit]:
    """The containers of these services, of all when none is named. Raises Failure."""
    known = containers(state)
    for service in services:
        if service not in [unit.compose for unit in known]:
            raise Failure(f"no such service: {service}")
    return [unit for unit in known if not services or unit.compose in services]


def container_name(unit: Unit) -> str:
    return f"{PROJECT}-{unit.compose}-1"


def container_id(unit: Unit) -> str:
    name = container_name(unit).encode()
    return f"{zlib.crc32(name):08x}{zlib.crc32(name[::-1]):08x}"[:12]


def find_container(state: State, name: str) -> Unit:
    """By name or by a start of its id. Raises Failure in the daemon's words."""
    for unit in containers(state):
        if name == container_name(unit) or (name and container_id(unit).startswith(name)):
            return unit
    raise Failure(f"Error response from daemon: No such container: {name}")


def image(unit: Unit) -> str:
    name = f"{PROJECT}/{unit.compose}" if unit.kind == "service" else unit.kind
    return f"{name}:{unit.version}" if unit.version else name


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
