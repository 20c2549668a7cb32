"""Links of a document: to files, to sections, to addresses; and files that it names without linking them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from scenarios.reading.blocks import Fence, Section
from scenarios.reading.text import Text

_LINK = re.compile(
    r"!?\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target><[^>]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+[\"'(][^)]*)?\)"
)
_DEFINITION = re.compile(r"^ {0,3}\[(?P<text>[^\]]+)\]:\s+(?P<target>\S+)")
_BARE = re.compile(r"(?<![(<\w\"'`])(?:https?|wss?)://[^\s<>()`\"'|\]]+[^\s<>()`\"'|\].,;:*]")
_AUTO = re.compile(r"<(?P<target>(?:https?|wss?|mailto):[^\s>]+)>")
_NAMED = re.compile(r"`(?P<target>[\w./-]+\.(?:md|markdown|rst|adoc))`")


@dataclass(frozen=True, slots=True)
class Link:
    """`kind` tells how it is written: as a link, as a bare address, or as a file's name in code. `fragment` is what follows the hash."""

    kind: Literal["link", "address", "mention"]
    text: str
    target: str
    line: int
    column: int

    @property
    def file(self) -> str:
        """The file it leads to, as written; empty for an address or a place in the same document."""
        return "" if self.is_external else self.target.partition("#")[0]

    @property
    def fragment(self) -> str:
        return self.target.partition("#")[2]

    @property
    def is_external(self) -> bool:
        return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", self.target) is not None


def find_links(text: Text, sections: Sequence[Section]) -> tuple[Link, ...]:
    """In the order of the document. What stands in fenced blocks is no link."""
    return tuple(link for number in prose_lines(text, sections) for link in _in_line(text.line(number), number))


def prose_lines(text: Text, sections: Sequence[Section]) -> Iterator[int]:
    """The numbers of the lines that stand in no fenced block."""
    fenced: set[int] = set()
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Fence):
                fenced |= set(range(block.line, block.end_line + 1))
    return (number for number in range(1, len(text.lines) + 1) if number not in fenced)


def _in_line(line: str, number: int) -> Iterator[Link]:
    found: list[Link] = []
    spans: list[tuple[int, int]] = [each.span() for each in re.finditer(r"(`+)(?!`).*?(?<!`)\1(?!`)", line)]
    for each in [*_LINK.finditer(line), *_DEFINITION.finditer(line), *_AUTO.finditer(line)]:
        if not _inside(each, spans):
            spans.append(each.span())
            text = each.groupdict().get("text") or each["target"]
            found.append(Link("link", text.strip("*`"), each["target"].strip("<>"), number, each.start() + 1))
    found += [
        Link("address", each[0], each[0], number, each.start() + 1) for each in _BARE.finditer(line) if not _inside(each, spans)
    ]
    links = [each.span() for each in _LINK.finditer(line)]
    named = (each for each in _NAMED.finditer(line) if not _inside(each, links))
    found += [Link("mention", each["target"], each["target"], number, each.start("target") + 1) for each in named]
    yield from sorted(found, key=lambda link: link.column)


def _inside(found: re.Match[str], spans: Sequence[tuple[int, int]]) -> bool:
    return any(begin <= found.start() < end for begin, end in spans)
