"""Values for the placeholders of runbooks, and what carrying them out needs beside, from a file of their own.

bindings:                       # for every document
  service-name: risk-manager
  INCIDENT_ID: INC-4711
procedures:                     # for some; later entries win
  - match: "incident-response.md#permanent-*"
    bindings: {service: execution-engine}
    stack: eafix                # name or path: the stack that it runs on
    incident: redis-outage      # name or path of a scenario: its stack, settings, conditions and faults come first
    expect: recovers            # what it owes at its end: recovers, changes, or diagnoses (nothing)
    again: safe                 # whether it may be carried out a second time: safe or unsafe
    limit: 30s                  # wall time of each command
    prepare: ["mkdir -p /tmp/x"]  # run before, on the operator's workstation
    skip: "the data centre"     # it is not carried out, and why

`incident: none` takes an incident away that an earlier entry, or the runbook itself, names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import Field

from scenarios.errors import InvalidInput, Problem
from scenarios.fields import FileModel, PositiveDuration
from scenarios.reading.commands import Command
from scenarios.reading.placeholders import Placeholder
from scenarios.validation import read_model
from scenarios.yaml_source import Location, Source, describe

_NAME = re.compile(r"[^\s$<>\[\]{}]+(?: [^\s$<>\[\]{}]+)*")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9._:/@%+,=-]*")
_VARIABLE = re.compile(r"[A-Za-z_]\w*")


NO_INCIDENT = "none"
Owes = Literal["recovers", "changes", "diagnoses"]
Again = Literal["safe", "unsafe"]


class Wish(FileModel):
    """How procedures are carried out. What is not said is left as it is."""

    stack: str | None = Field(None, min_length=1, description="Name or path of the stack.")
    incident: str | None = Field(None, min_length=1, description="Name or path of a scenario; `none` for none.")
    expect: Owes | None = Field(None, description="What the procedure owes at its end.")
    again: Again | None = Field(None, description="Whether a second run is safe.")
    skip: str | None = Field(None, min_length=1, description="Why it is not carried out.")
    limit_s: PositiveDuration | None = Field(None, description="Wall time of each command.")
    prepare: tuple[str, ...] = Field((), description="Commands that are run before, on the operator's workstation.")

    def changed_by(self, other: Wish) -> Wish:
        """What the other says comes on top; its preparations come behind."""
        said = other.model_dump(exclude_none=True, include=set(Wish.model_fields) - {"prepare"})
        return self.model_copy(update={**said, "prepare": (*self.prepare, *other.prepare)})


class _Some(Wish):
    match: str = Field(min_length=1)
    bindings: dict[str, str] = Field(default_factory=dict)


class _File(FileModel):
    bindings: dict[str, str] = Field(default_factory=dict)
    procedures: tuple[_Some, ...] = ()


@dataclass(frozen=True, slots=True)
class Bindings:
    """Values by name: for all procedures, and for those whose `document#anchor` fits a pattern."""

    everywhere: Mapping[str, str] = field(default_factory=dict)
    some: tuple[tuple[str, Mapping[str, str]], ...] = ()
    wishes: tuple[tuple[str, Wish], ...] = ()  # how to carry procedures out, by the same patterns

    def of(self, reference: str) -> dict[str, str]:
        """The values for the procedure at `document#anchor`."""
        found = dict(self.everywhere)
        for pattern, values in self.some:
            if fnmatchcase(reference, pattern):
                found |= values
        return found

    def wish(self, reference: str) -> Wish:
        """How the procedure at `document#anchor` is carried out."""
        wish = Wish()
        for pattern, each in self.wishes:
            if fnmatchcase(reference, pattern):
                wish = wish.changed_by(each)
        return wish


@dataclass(frozen=True, slots=True)
class Bound:
    """A command with values: its text, the variables it wants in its environment, and what still has no value."""

    text: str
    environment: Mapping[str, str]
    unbound: tuple[Placeholder, ...]


def load_bindings(path: Path) -> Bindings:
    """Raises InvalidInput with everything that is wrong in the file, each at its line and column."""
    source, file = read_model(path, _File)
    problems = list(_problems(source, file))
    if problems:
        raise InvalidInput(problems)
    return Bindings(
        file.bindings,
        tuple((each.match, each.bindings) for each in file.procedures),
        tuple((each.match, each) for each in file.procedures),
    )


def _problems(source: Source, file: _File) -> Iterator[Problem]:
    groups: list[tuple[Location, Mapping[str, str]]] = [(("bindings",), file.bindings)]
    groups += [(("procedures", number, "bindings"), each.bindings) for number, each in enumerate(file.procedures)]
    for at, values in groups:
        for name, value in values.items():
            if not _NAME.fullmatch(name):
                message = f"'{name}' is no name of a placeholder; write service-name for <service-name>, REVISION for [REVISION], ID for $ID"
                yield source.problem(message, (*at, name), key=True)
            elif _CONTROL.search(value):
                yield source.problem(f"{name}: {describe(value)} holds a line end or another control character", (*at, name))
            elif not _VARIABLE.fullmatch(name) and not _PLAIN_WORD.fullmatch(value):
                message = (
                    f"{name}: {describe(value)} would not stay one word in a command; use letters, digits and . _ : / @ % + , = -"
                )
                yield source.problem(message, (*at, name))


def bind(command: Command, values: Mapping[str, str]) -> Bound:
    """The command with these values in place of its placeholders. Variables are not replaced: they go into the environment."""
    text, environment, unbound = command.text, {}, []
    for each in reversed(command.placeholders):
        if each.where == "comment":
            continue
        value = values.get(each.name)
        if value is None:
            unbound.append(each)
        elif each.kind == "variable":
            environment[each.name] = value
        else:
            text = f"{text[: each.offset]}{value}{text[each.offset + len(each.text) :]}"
    return Bound(text, environment, tuple(reversed(unbound)))
