"""Stand-in for `make` where the machine has none: carries out the rules of a plain Makefile, such as the workstation's.

Targets without variables, with recipes of one shell line each; whatever else a Makefile may hold is refused.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.processes import exit_code

FILE = "Makefile"


class Recipe(NamedTuple):
    """One line of a rule, and where it stands in the Makefile."""

    line: int
    command: str


def read_rules(text: str) -> dict[str, list[Recipe]]:
    """The recipes of each target, in the order of the file. Raises Failure for what is not modelled."""
    rules: dict[str, list[Recipe]] = {}
    current: list[Recipe] | None = None
    for number, row in enumerate(text.splitlines(), start=1):
        if row.startswith("\t"):
            if current is None:
                raise Failure(f"{FILE}:{number}: *** recipe commences before first target.  Stop.", 2)
            if "$" in row or row.endswith("\\"):
                raise not_modelled("make", f"a recipe with variables or of several lines ({FILE}:{number})")
            current.append(Recipe(number, row.strip()))
        elif row.strip() and not row.startswith(("#", ".PHONY:")):
            target, colon, needs = row.partition(":")
            if not colon or needs.strip() or not target.replace("-", "").replace("_", "").isalnum():
                raise not_modelled("make", f"{row.strip()!r} ({FILE}:{number})")
            current = rules.setdefault(target, [])
    return rules


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    if flags := [word for word in argv if word.startswith("-")]:
        raise not_modelled("make", flags[0])
    if not os.path.isfile(FILE):
        goal = f"No rule to make target '{argv[0]}'" if argv else "No targets specified and no makefile found"
        raise Failure(f"make: *** {goal}.  Stop.", 2)
    with open(FILE, encoding="utf-8") as file:
        rules = read_rules(file.read())
    if not rules:
        raise Failure("make: *** No targets.  Stop.", 2)
    for target in argv or [next(iter(rules))]:
        if target not in rules:
            raise Failure(f"make: *** No rule to make target '{target}'.  Stop.", 2)
        for recipe in rules[target]:
            _carry_out(target, recipe)
    return 0


def _carry_out(target: str, recipe: Recipe) -> None:
    """One line in a shell; `@` before it keeps it from being printed. Raises Failure when it fails."""
    command = recipe.command.removeprefix("@")
    if command == recipe.command:
        print(command)
    sys.stdout.flush()
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", command], dict(os.environ))
    if code := exit_code(os.waitpid(pid, 0)[1]):
        raise Failure(f"make: *** [{FILE}:{recipe.line}: {target}] Error {code}", 2)
