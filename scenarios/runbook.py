"""Runbooks: from a Markdown document to procedures that can be carried out.

A procedure is a section with steps; a step is a block fenced as ```bash whose attributes (`scenarios/fences.py`) say what is
expected of it. Blocks in other languages, such as ```console, are for the reader. A subsection is a section of its own.
Commands may hold placeholders, `<service-name>`, which `Procedure.bound` fills.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from scenarios.errors import InvalidInput, Problem
from scenarios.expectation import Expectation
from scenarios.fences import BadAttribute, read_attributes
from scenarios.markdown import Fence, Section, read_sections
from scenarios.places import locate
from scenarios.suggestions import hint

LANGUAGE = "bash"
_PLACEHOLDER = re.compile(r"<([a-z][a-z0-9]*(?:-[a-z0-9]+)*)>")


@dataclass(frozen=True, slots=True)
class Step:
    """One block of commands for bash, and what is expected of it. Budget and retry are documented seconds."""

    name: str
    line: int  # of its first command
    command: str
    expect: Expectation
    budget_s: float
    on_failure: Literal["stop", "continue"]
    verification: bool  # it changes nothing: it looks whether the procedure has worked
    retry_s: float | None = None  # repeat it so long after a miss, within the budget; None: it is tried once
    interactive: bool = False
    rollback: str = ""

    @property
    def placeholders(self) -> frozenset[str]:
        return frozenset(_PLACEHOLDER.findall(self.command))


@dataclass(frozen=True, slots=True)
class Procedure:
    """One section of a runbook that somebody can carry out. `document` is the reference by which it was found."""

    document: str
    path: tuple[str, ...]  # titles of the headings it lies under, and its own
    anchor: str
    title: str
    line: int
    steps: tuple[Step, ...]

    @property
    def reference(self) -> str:
        """runbooks/x.md#section"""
        return f"{self.document}#{self.anchor}"

    @property
    def placeholders(self) -> frozenset[str]:
        return frozenset[str]().union(*(step.placeholders for step in self.steps))

    def bound(self, bindings: Mapping[str, str]) -> Procedure:
        """The same with the placeholders that have a binding replaced by it."""
        steps = (replace(step, command=_bound(step.command, bindings)) for step in self.steps)
        return replace(self, steps=tuple(steps))


@dataclass(frozen=True, slots=True)
class Document:
    """A runbook."""

    reference: str
    file: Path
    sections: tuple[Section, ...]

    @property
    def anchors(self) -> list[str]:
        return [section.anchor for section in self.sections]

    def procedure(self, anchor: str) -> Procedure:
        """Raises KeyError when there is no such section, InvalidInput when it is no procedure."""
        section = next((each for each in self.sections if each.anchor == anchor), None)
        if section is None:
            raise KeyError(anchor)
        problems: list[Problem] = []
        steps = tuple(self._steps(section, problems))
        if not steps and not problems:
            message = f"the section '{section.title}' has no steps; a step is a block that begins with ```{LANGUAGE} name=\"...\""
            problems.append(Problem(self.file, section.line, 1, message))
        if problems:
            raise InvalidInput(problems)
        return Procedure(self.reference, section.path, section.anchor, section.title, section.line, steps)

    def _steps(self, section: Section, problems: list[Problem]) -> Iterator[Step]:
        lines: dict[str, int] = {}
        for fence in section.fences:
            if fence.language != LANGUAGE:
                continue
            try:
                step = _step(fence)
            except BadAttribute as error:
                problems.append(Problem(self.file, fence.line, _column(fence, error.word), str(error)))
                continue
            if step.name in lines:
                message = f"the step '{step.name}' stands here again; the first is in line {lines[step.name]}"
                problems.append(Problem(self.file, fence.line, _column(fence, "name"), message))
            lines.setdefault(step.name, fence.line)
            yield step


def read_document(reference: str, beside: Path | None = None) -> Document:
    """A runbook by its path, relative to the file that names it or to `scenarios/`. Raises InvalidInput when it cannot be read."""
    file = locate(reference, beside)
    return Document(reference, file, read_sections(file))


def load_procedure(reference: str, beside: Path | None = None) -> Procedure:
    """The procedure at `runbooks/FILE.md#section`. Raises InvalidInput."""
    name, _, anchor = reference.partition("#")
    document = read_document(name, beside)
    try:
        return document.procedure(anchor)
    except KeyError as error:
        message = f"there is no section '{anchor}'{hint(anchor, document.anchors)}"
        raise InvalidInput([Problem(document.file, 0, 0, message)]) from error


def _step(fence: Fence) -> Step:
    """Raises BadAttribute."""
    given = read_attributes(fence.attributes)
    if not fence.body.strip():
        raise BadAttribute("", f"the step '{given.name}' has no command")
    return Step(
        name=given.name, line=fence.line + 1, command=fence.body, expect=given.expect, budget_s=given.budget_s,
        on_failure=given.on_failure, verification=given.verification, retry_s=given.retry_s, interactive=given.interactive,
        rollback=given.rollback,
    )  # fmt: skip


def _column(fence: Fence, word: str) -> int:
    """Where an attribute stands in the first line of its block; the block itself when it is not there."""
    after = fence.head.find(fence.language) + len(fence.language)
    found = fence.head.find(word, after) if word else -1
    return (found if found >= 0 else len(fence.head) - len(fence.head.lstrip())) + 1


def _bound(command: str, bindings: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: bindings.get(found[1], found[0]), command)
