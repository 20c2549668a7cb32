"""Markdown to sections: CommonMark by markdown-it-py, with GitHub's tables and task lists, and front matter left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from scenarios.reading.blocks import Block, Cell, Fence, Item, Prose, Row, Section, Table
from scenarios.reading.figures import find_figures
from scenarios.reading.text import Text

_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
_TASK = re.compile(r"\[([ xX])\]\s+")
_FRONT = re.compile(r"---[ \t]*")
_FENCE = re.compile(r"(?:`{3,}|~{3,})")


def anchor_of(title: str) -> str:
    """What GitHub makes of a heading: `1. Check it (now)` -> `1-check-it-now`."""
    return _NOT_IN_ANCHORS.sub("", title.strip().lower()).replace(" ", "-")


def front_matter(text: Text) -> tuple[tuple[int, str], ...]:
    """The lines between `---` and `---` at the very beginning, with their numbers."""
    if not _FRONT.fullmatch(text.line(1)):
        return ()
    end = next((number for number, line in enumerate(text.lines[1:], 2) if _FRONT.fullmatch(line)), 0)
    return tuple(enumerate(text.lines[1 : end - 1], 2)) if end else ()


def read_sections(text: Text) -> tuple[Section, ...]:
    """All sections, in the order of the document. One of level 0 stands first when something is written before the first heading."""
    front = front_matter(text)
    skipped = front[-1][0] + 1 if front else 0
    body = "\n" * skipped + "\n".join(text.lines[skipped:])
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body)
    headings = [index for index, token in enumerate(tokens) if token.type == "heading_open" and token.level == 0]
    seen: Counter[str] = Counter()
    above: list[tuple[int, str]] = []
    found = []
    first = _Blocks(text).read(tokens[: headings[0] if headings else len(tokens)])
    if first:
        last = _line(tokens[headings[0]]) - 1 if headings else len(text.lines)
        found.append(Section(0, "", "", (), skipped + 1, last, first))
    for index, end in zip(headings, [*headings, len(tokens)][1:], strict=True):
        title, level = plain_text(tokens[index + 1]), int(tokens[index].tag[1:])
        above = [*(each for each in above if each[0] < level), (level, title)]
        anchor = anchor_of(title)
        numbered = f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1
        last = _line(tokens[end]) - 1 if end < len(tokens) else len(text.lines)
        blocks = _Blocks(text).read(tokens[index + 3 : end])
        found.append(Section(level, title, numbered, tuple(each for _, each in above), _line(tokens[index]), last, blocks))
    return tuple(found)


def plain_text(inline: Token) -> str:
    """Markup as it is read, without its signs."""
    return "".join(_said(child) for child in inline.children or []).strip()


def _said(child: Token) -> str:
    if child.type in ("text", "code_inline"):
        return child.content
    return " " if child.type in ("softbreak", "hardbreak") else ""


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1


def _end(token: Token) -> int:
    return token.map[1] if token.map else 1


@dataclass(slots=True)
class _Blocks:
    """Collects the blocks of one section."""

    text: Text
    found: list[Block] = field(default_factory=list)
    items: list[Item | None] = field(default_factory=list)  # the items we stand in; None before their first paragraph
    numbers: list[int | None] = field(default_factory=list)  # of the lists we stand in: the next number
    number: int | None = None
    quotes: int = 0

    def read(self, tokens: Sequence[Token]) -> tuple[Block, ...]:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            match token.type:
                case "bullet_list_open":
                    self.numbers.append(None)
                case "ordered_list_open":
                    self.numbers.append(int(token.attrGet("start") or 1) if token.attrGet("start") != 0 else 0)
                case "bullet_list_close" | "ordered_list_close":
                    self.numbers.pop()
                case "list_item_open":
                    self.number = self.numbers[-1]
                    self.items.append(None)
                    if self.numbers[-1] is not None:
                        self.numbers[-1] += 1
                case "list_item_close":
                    self.items.pop()
                case "blockquote_open" | "blockquote_close":
                    self.quotes += token.nesting
                case "paragraph_open":
                    self._paragraph(token, tokens[at + 1])
                case "fence" | "code_block":
                    self._fence(token)
                case "table_open":
                    end = next(index for index in range(at, len(tokens)) if tokens[index].type == "table_close")
                    self.found.append(_table(self.text, token, tokens[at:end]))
                    at = end
                case _:
                    pass
            at += 1
        return tuple(self.found)

    def _paragraph(self, opening: Token, inline: Token) -> None:
        line, end, text = _line(opening), _end(opening), plain_text(inline)
        if self.items and self.items[-1] is None:
            task = _TASK.match(inline.content)
            checked = None if task is None else task[1] != " "
            text = text[task.end() :] if task else text
            item = Item(line, end, text, inline.content, len(self.items), self.number, checked)
            self.items[-1] = item
            self.found.append(item)
        else:
            self.found.append(Prose(line, end, text, inline.content, quoted=self.quotes > 0))

    def _fence(self, token: Token) -> None:
        language, _, attributes = token.info.strip().partition(" ")
        line, end = _line(token), _end(token)
        fenced = token.type == "fence"
        body_line = line + 1 if fenced else line
        contents = token.content.removesuffix("\n").split("\n") if token.content else []
        pieces = [_piece(self.text.line(body_line + offset), content) for offset, content in enumerate(contents)]
        item = next((each for each in reversed(self.items) if each is not None), None)
        closed = not fenced or (end > line and bool(_FENCE.search(self.text.line(end))) and end - body_line == len(contents))
        numbers = tuple(column for column, _ in pieces)
        self.found.append(Fence(
            line=line, end_line=end, head=self.text.line(line), language=language, attributes=attributes.strip(),
            body=tuple(body for _, body in pieces), columns=numbers, body_line=body_line, item=item, label=self._label(line),
            closed=closed, indented=not fenced,
        ))  # fmt: skip

    def _label(self, line: int) -> str:
        """`**Resolution:**` right above a block, or with one empty line between."""
        before = self.found[-1] if self.found else None
        if isinstance(before, Prose | Item) and before.end_line in (line - 1, line - 2) and before.text.rstrip().endswith(":"):
            return before.text.rstrip().removesuffix(":").strip()
        return ""


def _piece(source: str, content: str) -> tuple[int, str]:
    """Where a line of a block begins in the file, and what it says there: markers of quotes and indentation are left out."""
    if source.endswith(content):
        return len(source) - len(content) + 1, content
    bare = source.lstrip(" \t>") if content.strip() else ""
    return len(source) - len(bare) + 1, bare


def _table(text: Text, opening: Token, tokens: Sequence[Token]) -> Table:
    rows = [_row(text, tokens[start:]) for start, token in enumerate(tokens) if token.type == "tr_open"]
    header, *body = rows or [Row(_line(opening), ())]
    return Table(_line(opening), _end(opening), header.cells, tuple(body))


def _row(text: Text, tokens: Sequence[Token]) -> Row:
    line = _line(tokens[0])
    source, from_ = text.line(line), 0
    cells = []
    for said in _cells(tokens):
        raw = said.content
        at = source.find(raw, from_) if raw else -1
        from_ = at + len(raw) if at >= 0 else from_
        content = plain_text(said)
        cells.append(Cell(content, line, at + 1 if at >= 0 else 1, find_figures(content)))
    return Row(line, tuple(cells))


def _cells(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "tr_close":
            return
        if token.type == "inline":
            yield token
