"""Stand-in for `make` where the machine has none: the targets of the workstation's Makefile, which is made from them too."""

from __future__ import annotations

import os
import sys

from fakes.commands.entry import Failure, run
from fakes.commands.processes import exit_code

_COMPOSE = "docker compose -f deploy/compose/docker-compose.yml"
TARGETS = {
    "smoke": "eafix-cli test smoke",
    "docker-up": f"{_COMPOSE} up -d --wait",
    "docker-down": f"{_COMPOSE} down",
    "contracts-validate-full": "eafix-cli contracts validate --full",
}


def makefile() -> str:
    """A Makefile with these targets, for a real make."""
    rules = "".join(f"\n{target}:\n\t@{command}\n" for target, command in TARGETS.items())
    return f"# The operators' targets of the platform.\n.PHONY: {' '.join(TARGETS)}\n{rules}"


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    if flags := [word for word in argv if word.startswith("-")]:
        raise Failure(f"make: {flags[0]} exists in the real tool, but gameday's stand-in does not offer it", 3)
    if not os.path.isfile("Makefile"):
        goal = f"No rule to make target '{argv[0]}'" if argv else "No targets specified and no makefile found"
        raise Failure(f"make: *** {goal}.  Stop.", 2)
    for target in argv or [next(iter(TARGETS))]:
        if target not in TARGETS:
            raise Failure(f"make: *** No rule to make target '{target}'.  Stop.", 2)
        sys.stdout.flush()
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", TARGETS[target]], dict(os.environ))
        code = exit_code(os.waitpid(pid, 0)[1])
        if code:
            raise Failure(f"make: *** [Makefile:{_line(target)}: {target}] Error {code}", 2)
    return 0


def _line(target: str) -> int:
    """Where the target's recipe stands in the Makefile."""
    return makefile().splitlines().index(f"{target}:") + 2
