"""A datastore's own client, run as if inside its container: there the standard port is that very instance's."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fakes.commands.control import Unit
from fakes.commands.processes import attach

_CLIENTS = {"postgres": ("psql", "pg_isready", "pg_dump", "createdb", "dropdb"), "redis": ("redis-cli",)}


def missing_program(unit: Unit, command: Sequence[str]) -> str | None:
    """What the container runtime says when the program is not in the unit's container; None when it is."""
    if command[0] in _CLIENTS.get(unit.kind, ()):
        return None
    return (
        "OCI runtime exec failed: exec failed: unable to start container process: "
        f'exec: "{command[0]}": executable file not found in $PATH: unknown'
    )


def run_inside(unit: Unit, command: Sequence[str], *, stdin: bool) -> int:
    """Run a client of the unit's container against it; the client's exit code. Raises OSError when it can't be started."""
    environment = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(unit.port))
    return attach([command[0], *translated(command[1:], unit)], environment, stdin=stdin)


def translated(arguments: Sequence[str], unit: Unit) -> list[str]:
    """The client's arguments with the port that the instance really has in place of the standard one."""
    ours = ["-p", str(unit.port)] if unit.kind == "redis" else []
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word in ("-p", "--port") and left:
            left.pop(0)
            ours += ["-p", str(unit.port)]
        elif word.startswith("--port=") or (word.startswith("-p") and word[2:].isdigit()):
            ours += ["-p", str(unit.port)]
        else:
            ours.append(word)
    return ours
