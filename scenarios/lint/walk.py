"""Walks through the commands of a document, each simple command with all that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.reading import Command, Procedure, Reach, Runbook, Simple, Step, reach

_CONTINUED = re.compile(r"\s*\\\n\s*")
_MOST_SHOWN = 240


@dataclass(frozen=True, slots=True)
class Run:
    """One simple command: what it runs in the end (`reach`), and the command, step and procedure it belongs to."""

    procedure: Procedure
    step: Step
    command: Command
    simple: Simple
    reach: Reach

    @property
    def line(self) -> int:
        return self.simple.line

    @property
    def column(self) -> int:
        return self.simple.column

    @property
    def program(self) -> str:
        return self.reach.program

    @property
    def values(self) -> tuple[str, ...]:
        return self.reach.values

    @property
    def text(self) -> str:
        return one_line(self.simple.text)

    @property
    def said(self) -> str:
        """What the document says of it: the title of its step, and the comments at its command."""
        return " ".join(dict.fromkeys((self.step.title, *(each.text for each in self.command.comments))))

    def starts(self, *words: str) -> bool:
        """Whether its arguments begin so, its options left out: `starts("compose", "restart")`."""
        plain = [each for each in self.values if not each.startswith("-")]
        return tuple(plain[: len(words)]) == words

    def has(self, *options: str) -> bool:
        """Whether one of these options is among its arguments, alone or with its value behind `=`."""
        return any(each in options or each.partition("=")[0] in options for each in self.values)

    def option(self, *names: str) -> str | None:
        """The value of an option, given as the next word or behind `=`."""
        values = self.values
        for at, each in enumerate(values):
            name, equals, value = each.partition("=")
            if name in names and (equals or at + 1 < len(values)):
                return value if equals else values[at + 1]
        return None


def runs(procedure: Procedure) -> Iterator[Run]:
    """Every simple command of a procedure, in the order of the text."""
    for step in procedure.steps:
        for command in step.commands:
            for simple in command.script.commands if command.script is not None else ():
                yield Run(procedure, step, command, simple, reach(simple))


def all_runs(runbook: Runbook) -> Iterator[Run]:
    """Every simple command of a document."""
    for procedure in runbook.procedures:
        yield from runs(procedure)


def one_line(text: str) -> str:
    """A command as one line, as evidence shows it."""
    line = " ".join(_CONTINUED.sub(" ", text).split())
    return line if len(line) <= _MOST_SHOWN else f"{line[: _MOST_SHOWN - 1]}…"
