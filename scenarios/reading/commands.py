"""Commands, steps and procedures: what of a document can be carried out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scenarios.fences import Attributes
from scenarios.reading.blocks import Fence, Section
from scenarios.reading.facts import Severity
from scenarios.reading.figures import Figure
from scenarios.reading.placeholders import Placeholder
from scenarios.reading.shell import Script

CommandKind = Literal["shell", "schedule", "sql", "redis", "address", "prose"]
StepSource = Literal["comment", "item", "heading", "fence"]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment that belongs to a command, or to a step. `number` is that of `# 2. Do this`; `text` is then without it."""

    text: str
    line: int
    column: int
    place: Literal["above", "trailing", "inside", "below"]
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """What is given to a program in its own language: typed into it, or as an argument. `commented` when it stands behind hashes."""

    language: Literal["sql", "redis", "text"]
    text: str
    line: int
    end_line: int
    column: int
    commented: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a document. `text` is as it is written, without the indentation of its block and without a prompt."""

    kind: CommandKind
    text: str
    line: int
    end_line: int
    column: int
    columns: tuple[int, ...]  # where each line of the text begins in the file
    language: str  # of the fence it stands in
    script: Script | None = None  # of shell and schedule
    comments: tuple[Comment, ...] = ()
    input: tuple[Typed, ...] = ()
    output: tuple[str, ...] = ()  # a sample of what it prints, from a console fence
    prompt: str = ""
    schedule: str = ""  # the five fields of a crontab line; `job` is what it starts
    job: str = ""
    placeholders: tuple[Placeholder, ...] = ()

    @property
    def expected(self) -> str:
        """What should come of it, as a comment tells it; empty when none does."""
        return next((each.text for each in self.comments if tells_expectation(each.text)), "")

    @property
    def title(self) -> str:
        """The nearest comment above it, or else its first line."""
        above = [each.text for each in self.comments if each.place == "above"]
        return above[-1] if above else self.text.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a procedure. One without commands is for people: its comments say what to do."""

    title: str
    line: int
    source: StepSource
    fence: Fence
    number: int | None = None
    commands: tuple[Command, ...] = ()
    prose: tuple[Comment, ...] = ()  # comments of its own that belong to no command
    attributes: Attributes | None = None  # of our own runbooks: expectation, budget, rollback
    placeholders: tuple[Placeholder, ...] = ()  # in its prose

    @property
    def is_manual(self) -> bool:
        return not self.commands


@dataclass(frozen=True, slots=True)
class Procedure:
    """A section with steps. `purpose` is its prose, `severities` and `timings` what its headings and prose say of them."""

    section: Section
    steps: tuple[Step, ...]
    purpose: str
    severities: tuple[Severity, ...] = ()
    timings: tuple[Figure, ...] = ()

    @property
    def commands(self) -> Iterator[Command]:
        return (command for step in self.steps for command in step.commands)

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """Those of its commands, and those of comments that belong to none."""
        own = (each for step in self.steps for each in step.placeholders)
        return (*own, *(each for command in self.commands for each in command.placeholders))

    @property
    def is_manual(self) -> bool:
        """Nothing in it can be given to a shell: its steps are for people."""
        return not any(step.commands for step in self.steps)


def tells_expectation(text: str) -> bool:
    """Whether a comment says what should come of a command: `Expected: 200`, `should print ok`, `All healthy`."""
    first, _, rest = text.lower().partition(" ")
    return first.rstrip(":") in ("expect", "expected", "expects", "should", "returns", "output", "result", "→", "=>", "must") or (
        first in ("all", "pass", "passes")
        and rest.split(" ")[0] in ("healthy", "tests", "test", "ok", "green", "running", "ready", "up", "pods")
    )
