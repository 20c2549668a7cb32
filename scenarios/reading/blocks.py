"""What stands in a document: sections, and in them prose, list items, fenced blocks and tables."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.reading.figures import Figure

SHELLS = (
    "bash",
    "sh",
    "shell",
    "zsh",
    "ksh",
    "console",
    "shell-session",
    "shellsession",
    "sh-session",
    "terminal",
    "bash-session",
)
SESSIONS = (
    "console",
    "shell-session",
    "shellsession",
    "sh-session",
    "terminal",
    "bash-session",
)  # commands behind prompts, output between


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph. `text` is as it is read, `raw` as it is written."""

    line: int
    end_line: int
    text: str
    raw: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A list item: its first paragraph. `checked` is None unless it is a task (`- [ ]`)."""

    line: int
    end_line: int
    text: str
    raw: str
    depth: int
    number: int | None = None
    checked: bool | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced or indented block. `body` has its lines without the indentation; `columns` where each begins in the file."""

    line: int  # of its opening fence, or of its first line when it is indented
    end_line: int
    head: str
    language: str
    attributes: str
    body: tuple[str, ...]
    columns: tuple[int, ...]
    body_line: int
    item: Item | None = None  # the list item that it belongs to
    label: str = ""  # the line of prose right above it that ends with a colon
    closed: bool = True
    indented: bool = False  # by four spaces, without a fence

    @property
    def is_shell(self) -> bool:
        return self.language.lower() in SHELLS

    @property
    def text(self) -> str:
        return "\n".join(self.body)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    line: int
    column: int
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A GFM table."""

    line: int
    end_line: int
    header: tuple[Cell, ...]
    rows: tuple[Row, ...]

    def column(self, title: str) -> tuple[Cell, ...]:
        """The cells below the first header with this text, whatever its case; nothing when there is none."""
        names = [each.text.lower() for each in self.header]
        if title.lower() not in names:
            return ()
        return tuple(row.cells[names.index(title.lower())] for row in self.rows)


Block = Prose | Item | Fence | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it, up to the next heading of any level. What stands before the first heading has level 0."""

    level: int
    title: str
    anchor: str
    path: tuple[str, ...]  # the titles of the headings it lies under, and its own
    line: int
    end_line: int
    blocks: tuple[Block, ...] = ()

    @property
    def fences(self) -> tuple[Fence, ...]:
        return tuple(each for each in self.blocks if isinstance(each, Fence))

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(each for each in self.blocks if isinstance(each, Table))

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(each for each in self.blocks if isinstance(each, Item))

    @property
    def prose(self) -> tuple[Prose, ...]:
        return tuple(each for each in self.blocks if isinstance(each, Prose))
