"""What a piece of bash is made of. `syntax.py` makes these; rules and the executor read them.

A `Script` lists every simple command in it in the order of the text, however deep it stands: in a loop, a condition, a function, a
substitution. `Simple.within` says where, `Simple.joined` by which operator it hangs on the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Quoting = Literal["none", "single", "double", "ansi", "mixed"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One use of a variable."""

    name: str
    line: int
    column: int
    quoted: bool  # inside double quotes: it stays one word
    default: str | None = None  # what stands after :- or =; a variable with a default needs no value
    guarded: bool = False  # ${X:?...}, ${X:+...}: the command itself takes care of its absence


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it is written. `value` is what bash makes of it, None where that depends on an expansion."""

    text: str
    value: str | None
    quoting: Quoting
    line: int
    column: int
    variables: tuple[Variable, ...] = ()
    substitutions: int = 0  # how many commands are run to make it


@dataclass(frozen=True, slots=True)
class Assignment:
    """NAME=value, or a name that a loop, `read` or `export` gives a value; `value` is then None."""

    name: str
    value: Word | None
    line: int
    column: int
    by: str = "="  # =, +=, for, or the name of the command that assigns


@dataclass(frozen=True, slots=True)
class Redirection:
    """`2>&1`, `< file`, `<<EOF`. `body` is the text of a here-document; `expands` whether bash fills in variables there."""

    operator: str
    descriptor: int | None
    target: Word | None
    line: int
    column: int
    body: str = ""
    body_line: int = 0
    expands: bool = False


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command: assignments before it, its name, its arguments, its redirections."""

    text: str
    line: int
    end_line: int
    column: int
    name: Word | None
    arguments: tuple[Word, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    redirections: tuple[Redirection, ...] = ()
    within: tuple[str, ...] = ()  # outermost first: if, condition, loop, case, function, subshell, group, substitution
    joined: str = ""  # && || | |& or nothing: the operator between it and what is before it
    pipeline: int = 0  # the same number for all parts of one pipeline, 0 outside of one
    negated: bool = False
    background: bool = False

    @property
    def program(self) -> str:
        """The name without its folder; empty for a bare assignment, or when the name is computed."""
        return ((self.name.value if self.name else "") or "").rpartition("/")[2]

    @property
    def values(self) -> tuple[str, ...]:
        """The arguments as far as they are known; as written where they are computed."""
        return tuple(each.text if each.value is None else each.value for each in self.arguments)


@dataclass(frozen=True, slots=True)
class BrokenSyntax:
    """Where bash would stop reading."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment; `text` is without the hash."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Script:
    """The parse of a command. `kinds` are its statements on the top level: command, pipeline, list, if, for, while, ..."""

    text: str
    kinds: tuple[str, ...]
    commands: tuple[Simple, ...]
    uses: tuple[Variable, ...]
    assigns: tuple[Assignment, ...]
    redirections: tuple[Redirection, ...]  # all, those of whole loops and groups included
    functions: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    errors: tuple[BrokenSyntax, ...] = ()
    unset: tuple[Variable, ...] = field(default=())  # uses before any assignment in this script, and without a default

    @property
    def parses(self) -> bool:
        return not self.errors

    def pipelines(self) -> tuple[tuple[Simple, ...], ...]:
        """The commands of each pipeline, in order."""
        numbers = dict.fromkeys(each.pipeline for each in self.commands if each.pipeline)
        return tuple(tuple(each for each in self.commands if each.pipeline == number) for number in numbers)
