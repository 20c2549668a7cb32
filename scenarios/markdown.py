"""Reads a Markdown document into its sections and their fenced blocks, with the lines and anchors that GitHub shows for them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from scenarios.yaml_source import read_text

_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block. `line` is that of its first fence, `head` the whole of that line."""

    line: int
    head: str
    language: str
    attributes: str
    body: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it, up to the next heading of any level."""

    title: str
    anchor: str
    line: int
    path: tuple[str, ...]  # the titles of the headings it lies under, and its own
    fences: tuple[Fence, ...]


def read_sections(path: Path) -> tuple[Section, ...]:
    """All sections of a document, in its order. Raises InvalidInput when the file cannot be read."""
    text = read_text(path)
    tokens = MarkdownIt("commonmark").parse(text)
    lines = text.splitlines()
    headings = [index for index, token in enumerate(tokens) if token.type == "heading_open" and token.level == 0]
    ends = [*headings[1:], len(tokens)]
    seen: Counter[str] = Counter()
    above: list[tuple[int, str]] = []  # level and title of the headings that the current one lies under
    found = []
    for index, end in zip(headings, ends, strict=True):
        title, level = _text(tokens[index + 1]), int(tokens[index].tag[1:])
        above = [*(each for each in above if each[0] < level), (level, title)]
        anchor = anchor_of(title)
        numbered = f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1
        fences = tuple(_fence(token, lines) for token in tokens[index:end] if token.type == "fence")
        found.append(Section(title, numbered, _line(tokens[index]), tuple(each for _, each in above), fences))
    return tuple(found)


def anchor_of(title: str) -> str:
    """What GitHub makes of a heading: `1. Check it (now)` -> `1-check-it-now`."""
    return _NOT_IN_ANCHORS.sub("", title.strip().lower()).replace(" ", "-")


def _text(inline: Token) -> str:
    """A heading as it is read, without its markup."""
    return "".join(child.content for child in _leaves(inline.children or [])).strip()


def _leaves(children: Sequence[Token]) -> list[Token]:
    return [child for child in children if child.type in ("text", "code_inline")]


def _fence(token: Token, lines: Sequence[str]) -> Fence:
    language, _, attributes = token.info.strip().partition(" ")
    line = _line(token)
    return Fence(line, lines[line - 1], language, attributes.strip(), token.content)


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1
