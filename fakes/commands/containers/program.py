"""A program run in a container: which there are in the images of the stack, and how those are run that are.

The images are slim ones: those of the services are made from `python:3.11-slim` or `node:20-slim` (the Dockerfiles of the checkouts),
the official `postgres` and `redis` are on Debian slim. Those have no ping (001:113 asks for it), no ps and no vi. What somebody has put
into the images of a real platform is not known here: of a service such a program is not offered, and no failure of whoever asks for
it. curl is in the services' images, for the health check of the compose file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from fakes.commands.control import Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.inside import missing_program, run_inside
from fakes.commands.processes import attach

_IN_EVERY_IMAGE = frozenset((
    "sh", "bash", "cat", "ls", "echo", "env", "printenv", "date", "df", "head", "tail", "grep", "sed", "find", "id",
    "whoami", "hostname", "uname", "sleep", "true", "false", "test", "touch", "rm", "cp", "mv", "mkdir", "chmod", "chown",
    "kill", "tar", "gzip", "wc", "sort", "cut", "tr", "stat", "readlink", "pwd",
))  # fmt: skip
_IN_SERVICES = frozenset(("python", "python3", "pip", "pip3", "node", "npm", "npx", "yarn"))
_IN_SOME_SERVICES = frozenset((
    "ping", "ps", "top", "htop", "vi", "vim", "nano", "less", "wget", "nc", "netcat", "ip", "ifconfig", "netstat", "ss", "dig", "nslookup",
    "host", "traceroute", "telnet", "strace", "lsof", "jq", "psql", "redis-cli",
))  # fmt: skip


def run_in_container(unit: Unit, command: Sequence[str], line: Parsed, *, stdin: bool) -> int:
    """The program's exit code. Of the line it heeds --detach, --user and --env.

    Raises Failure: 127 for a program that the image lacks, 3 for one that it would have.
    """
    if line.on("detach"):
        raise not_modelled("docker", "exec --detach")
    for text in line.texts("env"):
        name, equals, value = text.partition("=")
        os.environ[name] = value if equals else os.environ.get(name, "")
    if line.has("user") and unit.kind == "postgres":
        os.environ["PGUSER"] = line.text("user")  # psql connects as whom it is run by
    program = command[0].rpartition("/")[2]
    if unit.kind == "service" and program == "curl":
        return attach(command, dict(os.environ), stdin=stdin)  # the container's ports are the host's: the same answers
    missing = missing_program(unit, command)
    if missing and (program in _IN_EVERY_IMAGE or (unit.kind == "service" and program in _IN_SERVICES | _IN_SOME_SERVICES)):
        raise not_modelled("docker", f"{program} in a container of {unit.compose}")
    if missing:
        raise Failure(missing, 127)
    return run_inside(unit, command, stdin=stdin)
