"""A whole document, read: from a file of any bytes to sections, procedures, tables, alert rules, links, people and dates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scenarios.errors import InvalidInput, Problem
from scenarios.fences import BadAttribute, read_attributes
from scenarios.reading.alerts import Alert, YamlBlock, read_yaml
from scenarios.reading.blocks import Fence, Item, Section, Table
from scenarios.reading.classify import Classified, classify
from scenarios.reading.commands import Command, Procedure
from scenarios.reading.facts import Contact, ReviewDate, Term, find_contacts, find_reviews, find_terms
from scenarios.reading.links import Link, find_links, prose_lines
from scenarios.reading.markup import front_matter, read_sections
from scenarios.reading.placeholders import Placeholder
from scenarios.reading.steps import names_step, read_procedure
from scenarios.reading.text import Text, decode

_SUFFIXES = (".md", ".markdown", ".txt")


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader met and that whoever judges the document should know of."""

    kind: Literal["undecodable", "mojibake", "shell", "yaml", "fence", "attributes"]
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Runbook:
    """One document. `procedures` have commands; `manual` are those whose blocks hold nothing but comments for people."""

    path: Path
    source: Text
    title: str
    sections: tuple[Section, ...]
    procedures: tuple[Procedure, ...]
    manual: tuple[Procedure, ...]
    yaml_blocks: tuple[YamlBlock, ...]
    links: tuple[Link, ...]
    terms: tuple[Term, ...]
    reviews: tuple[ReviewDate, ...]
    contacts: tuple[Contact, ...]
    metadata: tuple[tuple[int, str], ...]  # the lines of its front matter
    notes: tuple[Note, ...]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def text(self) -> str:
        return self.source.text

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(table for section in self.sections for table in section.tables)

    @property
    def fences(self) -> tuple[Fence, ...]:
        return tuple(fence for section in self.sections for fence in section.fences)

    @property
    def tasks(self) -> tuple[Item, ...]:
        return tuple(item for section in self.sections for item in section.items if item.checked is not None)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return tuple(alert for block in self.yaml_blocks for alert in block.alerts)

    @property
    def commands(self) -> tuple[Command, ...]:
        return tuple(command for procedure in self.procedures for command in procedure.commands)

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        return tuple(each for procedure in (*self.procedures, *self.manual) for each in procedure.placeholders)

    def reference(self, procedure: Procedure) -> str:
        """`document#anchor`, by which bindings name a procedure."""
        return f"{self.name}#{procedure.section.anchor}"

    def classified(self) -> Iterator[tuple[Command, Classified]]:
        return ((command, classify(command)) for command in self.commands)


def find_runbooks(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files given, and all `*.md`, `*.markdown` and `*.txt` in the folders given. Raises InvalidInput for what is neither."""
    found: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        if path.is_dir():
            below = [
                each
                for each in sorted(path.rglob("*"))
                if each.suffix in _SUFFIXES and each.is_file() and not _hidden(each, path)
            ]
            if not below:
                problems.append(
                    Problem(path, 0, 0, f"there is no runbook ({', '.join(f'*{each}' for each in _SUFFIXES)}) in this folder")
                )
            found += below
        elif path.is_file():
            found.append(path)
        else:
            problems.append(Problem(path, 0, 0, "there is no such file or folder"))
    if problems:
        raise InvalidInput(problems)
    return tuple({each.resolve(): each for each in found}.values())


def read_runbook(path: Path) -> Runbook:
    """Raises InvalidInput when the file cannot be opened; whatever stands in it is read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        message = "there is no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise InvalidInput([Problem(path, 0, 0, message)]) from error
    return parse_runbook(content, path)


def parse_runbook(content: bytes, path: Path) -> Runbook:
    """A document from its bytes. `path` is only what it is called. Never raises."""
    source = decode(content)
    sections = read_sections(source)
    procedures = [each for each in map(read_procedure, sections) if each is not None]
    blocks = [each for section in sections for each in map(read_yaml, section.fences) if each is not None]
    lines = tuple(prose_lines(source, sections))
    front = front_matter(source)
    terms = tuple(find_terms(source, lines))
    with_commands = tuple(each for each in procedures if not each.is_manual)
    notes = (*_notes_of_text(source), *_notes_of_blocks(sections, blocks), *_notes_of_shell(with_commands))
    return Runbook(
        path=path, source=source, title=next((each.title for each in sections if each.level), path.stem), sections=sections,
        procedures=with_commands, manual=tuple(each for each in procedures if each.is_manual), yaml_blocks=tuple(blocks),
        links=find_links(source, sections), terms=terms, reviews=tuple(find_reviews(terms, front)),
        contacts=tuple(find_contacts(source, lines)), metadata=front, notes=tuple(sorted(notes, key=lambda note: (note.line, note.column))),
    )  # fmt: skip


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)


def _notes_of_text(source: Text) -> Iterator[Note]:
    for byte in source.undecodable:
        yield Note("undecodable", byte.line, byte.column, f"byte {byte.byte:#04x} is not UTF-8")
    for each in source.mojibake:
        yield Note("mojibake", each.line, each.column, f"'{each.text}' is '{each.meant}' read as {each.codec}")


def _notes_of_blocks(sections: Sequence[Section], blocks: Sequence[YamlBlock]) -> Iterator[Note]:
    for block in blocks:
        if block.error is not None:
            yield Note("yaml", block.error.line, block.error.column, block.error.text)
    for section in sections:
        for fence in section.fences:
            if not fence.closed:
                yield Note("fence", fence.line, 1, "this block is never closed")
            if names_step(fence):
                try:
                    read_attributes(fence.attributes)
                except BadAttribute as error:
                    yield Note("attributes", fence.line, 1, str(error))


def _notes_of_shell(procedures: Sequence[Procedure]) -> Iterator[Note]:
    for procedure in procedures:
        for command in procedure.commands:
            for error in command.script.errors if command.script else ():
                yield Note("shell", error.line, error.column, error.message)
