"""The sections of our own runbooks and pages, with their fenced blocks: what `scenarios/reading` reads, and nothing but UTF-8."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from scenarios.reading import blocks
from scenarios.reading.markup import anchor_of
from scenarios.reading.markup import read_sections as read_any
from scenarios.reading.text import Text
from scenarios.yaml_source import read_text

__all__ = ["Fence", "Section", "anchor_of", "read_sections"]


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
    return _sections(read_text(path))


@lru_cache(maxsize=16)  # many scenarios name the same few runbooks, and parsing is what takes time
def _sections(text: str) -> tuple[Section, ...]:
    return tuple(
        Section(
            each.title, each.anchor, each.line, each.path, tuple(_fence(block) for block in each.fences if not block.indented)
        )
        for each in read_any(Text(text))
        if each.level
    )


def _fence(block: blocks.Fence) -> Fence:
    body = "".join(f"{line}\n" for line in block.body)
    return Fence(block.line, block.head, block.language, block.attributes, body)
