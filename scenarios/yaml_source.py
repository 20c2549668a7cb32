"""Reads a YAML file into plain data and remembers where everything stands.

The YAML of version 1.2's core schema, without its surprises: only `true` and `false` are truth values (`on` is a text, as
Postgres writes it), `1:30` and `010` are no numbers in disguise. Anchors, aliases and tags are refused: a scenario is read
by people. Every problem is told at its line and column.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from yaml.composer import Composer, ComposerError
from yaml.error import Mark, MarkedYAMLError
from yaml.events import AliasEvent
from yaml.nodes import Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from scenarios.errors import InvalidInput, Problem

Location = tuple[str | int, ...]  # keys and list indexes from the top of the file

_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_PLAIN = {"true": True, "True": True, "false": False, "False": False, "null": None, "Null": None, "~": None, "": None}


class Place(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Source:
    """A file's data, and where each key and value of it stands."""

    path: Path
    data: Any = None
    keys: dict[Location, Place] = field(default_factory=dict)
    values: dict[Location, Place] = field(default_factory=dict)

    def problem(self, message: str, at: Location, *, key: bool = False) -> Problem:
        """A problem at a value, or at its key. What is not in the file is placed at the nearest thing around it."""
        places = [self.keys, self.values] if key else [self.values]
        while at and not any(at in known for known in places):
            at = at[:-1]
        place = next((known[at] for known in places if at in known), Place(1, 1))
        return Problem(self.path, place.line, place.column, message)


def read_source(path: Path) -> Source:
    """Raises InvalidInput when the file cannot be read or is not a YAML mapping."""
    found = _source(path, read_text(path))
    return replace(found, data=copy.deepcopy(found.data))  # whoever asked may change it


@lru_cache(maxsize=32)  # every scenario names a stack, and few stacks are named
def _source(path: Path, text: str) -> Source:
    source = Source(path)
    try:
        node = _Composer(text).get_single_node()
    except MarkedYAMLError as error:
        raise InvalidInput([_syntax(path, error)]) from error
    except ReaderError as error:  # a control character
        raise InvalidInput(
            [_at_offset(path, text, error.position, f"character {error.character:#04x} is not allowed")]
        ) from error
    except RecursionError as error:
        raise InvalidInput([Problem(path, 1, 1, "nested too deeply")]) from error
    if node is None or (isinstance(node, ScalarNode) and node.value == "" and node.style is None):
        raise InvalidInput([Problem(path, 1, 1, "the file is empty")])
    problems: list[Problem] = []
    source.data = _plain_data(node, (), source, problems)
    if not problems and not isinstance(source.data, dict):
        problems.append(source.problem(f"expected keys with values, found {describe(source.data)}", ()))
    if problems:
        raise InvalidInput(problems)
    return source


def read_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises InvalidInput."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InvalidInput([Problem(path, 0, 0, "there is no such file")]) from error
    except OSError as error:
        raise InvalidInput([Problem(path, 0, 0, f"cannot be read: {error.strerror}")]) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        message = f"byte {content[error.start]:#04x} is not UTF-8; save the file as UTF-8"
        raise InvalidInput([_at_offset(path, before, len(before), message)]) from error


def read_scalar(text: str) -> Any:
    """What an unquoted YAML scalar stands for: a number, true, false, nothing, or the text itself."""
    if text in _PLAIN:
        return _PLAIN[text]
    if _WHOLE.fullmatch(text):
        return int(text) if text.lstrip("+-") == "0" or not text.lstrip("+-").startswith("0") else text
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def describe(value: object) -> str:
    """A value in a message: what was found."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value}"
        case str():
            return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}...'"
        case list():
            return "a list"
        case _:
            return "keys with values"


class _Composer(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to the tree of nodes; what scalars mean is decided here, not by its rules of YAML 1.1."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise ComposerError(None, None, "anchors and aliases (& and *) are not supported; write it out", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise ComposerError(None, None, "tags (!) are not supported; put texts in quotes", event.start_mark)
        return super().compose_node(parent, index)


def _plain_data(node: Node, at: Location, source: Source, problems: list[Problem]) -> Any:
    source.values[at] = _place(node.start_mark)
    if isinstance(node, ScalarNode):
        return node.value if node.style else read_scalar(node.value)
    if isinstance(node, SequenceNode):
        return [_plain_data(item, (*at, index), source, problems) for index, item in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key, value in _pairs(node, source, problems):
        place = _place(key.start_mark)
        if key.value in found:
            first = source.keys[*at, key.value]
            problems.append(Problem(source.path, *place, f"the key '{key.value}' stands here again; it was in line {first.line}"))
            continue
        source.keys[*at, key.value] = place
        found[key.value] = _plain_data(value, (*at, key.value), source, problems)
    return found


def _pairs(node: Node, source: Source, problems: list[Problem]) -> Iterator[tuple[ScalarNode, Node]]:
    for key, value in node.value:
        if isinstance(key, ScalarNode):
            yield key, value
        else:
            problems.append(Problem(source.path, *_place(key.start_mark), "a key must be a single word"))


def _place(mark: Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _syntax(path: Path, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = _place(mark) if mark else (1, 1)
    if isinstance(error, ComposerError) and error.context is None:
        return Problem(path, line, column, f"{error.problem}")
    if isinstance(error, ComposerError):  # the only one that PyYAML itself raises here
        return Problem(path, line, column, "a second document begins here; write one scenario a file")
    context = f" {error.context}" if error.context else ""
    return Problem(path, line, column, f"this is not YAML: {error.problem}{context}")


def _at_offset(path: Path, text: str, offset: int, message: str) -> Problem:
    before = text[:offset]
    return Problem(path, before.count("\n") + 1, offset - before.rfind("\n"), message)
