"""A document's text as it lies on the disk: lines, what in it is not UTF-8, and what was once decoded wrongly (mojibake)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

_LINE_END = re.compile(r"\r\n?|\n")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_JOINERS = "\ufe0f\u200d"  # what makes one emoji of several characters
_WRONG_CODECS = ("mac_roman", "cp1252")


@dataclass(frozen=True, slots=True)
class Undecodable:
    r"""A byte that is no UTF-8. In the text it stands as `\xff`, four characters that people can see."""

    line: int
    column: int
    byte: int


@dataclass(frozen=True, slots=True)
class Mojibake:
    """Characters that are UTF-8 read in another encoding and saved again; `meant` is what was once written."""

    line: int
    column: int
    text: str
    meant: str
    codec: str


@dataclass(frozen=True)
class Text:
    """What a document says, line by line. Only CR, LF and CRLF end a line, as in CommonMark."""

    text: str
    undecodable: tuple[Undecodable, ...] = ()

    @cached_property
    def lines(self) -> tuple[str, ...]:
        return tuple(_LINE_END.split(self.text))

    @cached_property
    def mojibake(self) -> tuple[Mojibake, ...]:
        found = (
            (number, each.start() + 1, each[0], repaired(each[0]))
            for number, line in enumerate(self.lines, 1)
            for each in _NOT_ASCII.finditer(line)
        )
        return tuple(Mojibake(line, column, text, *meant) for line, column, text, meant in found if meant)

    def line(self, number: int) -> str:
        """A line by its number from 1; empty beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


def decode(content: bytes) -> Text:
    """Any bytes whatsoever. What is not UTF-8 is kept visibly, and listed."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        return Text(content.decode())
    except UnicodeDecodeError:
        pass
    text, undecodable = "", []
    while content:
        try:
            text += content.decode()
            break
        except UnicodeDecodeError as error:
            text += content[: error.start].decode()
            lines = _LINE_END.split(text)
            undecodable.append(Undecodable(len(lines), len(lines[-1]) + 1, content[error.start]))
            text += f"\\x{content[error.start]:02x}"
            content = content[error.start + 1 :]
    return Text(text, tuple(undecodable))


def repaired(text: str) -> tuple[str, str] | None:
    """What was meant, and the encoding it was wrongly read in; None when the text is as it was written."""
    for codec in _WRONG_CODECS:
        try:
            meant = text.encode(codec).decode()
        except UnicodeError:
            continue
        if len(meant) < len(text) and all(_likely(each) for each in meant):
            return meant, codec
    return None


def _likely(character: str) -> bool:
    """Whether somebody would have written it: no control character, no accent without its letter."""
    return character in _JOINERS or (character.isprintable() and not unicodedata.combining(character))
