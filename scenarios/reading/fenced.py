"""Reads a block of shell line by line, as bash does: each command is the least number of lines that bash would carry out.

What is no shell in it keeps its place and gets its kind: SQL typed into psql, crontab lines, prose, addresses, a sample of output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from scenarios.reading.blocks import SESSIONS, Fence
from scenarios.reading.commands import Command, CommandKind, Comment, Typed, tells_expectation
from scenarios.reading.grammar import complete
from scenarios.reading.placeholders import mask
from scenarios.reading.sessions import Language, announced, opens, prompted, session_rows, typed_rows, uncommented
from scenarios.reading.shell import Script
from scenarios.reading.sql import certainly_sql, split_sql
from scenarios.reading.syntax import parse_script

_MOST_PARSED = 2_000_000  # characters; a long block that is no bash at all is then read line by line
_PROMPT = re.compile(r"\s*(?:\$|%|\u276f|[\w.-]+@[\w.-]+(?::[^\s$#]*)?\s?[$#])\s+(?=\S)")
_BULLET = re.compile(r"\s*(?:[-*•–]|\d{1,2}[.)])\s+\S")
_ADDRESS = re.compile(r"\s*(?:https?|wss?)://\S+\s*")
_SENTENCE = re.compile(r"\s*[A-Z][a-z]+(?:\s+[A-Za-z][\w'-]*[,.:;]?){2,}\s*")
_CRON_FIELD = r"(?:\*|\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*|[A-Z][a-z]{2}|[A-Z]{3})(?:/\d+)?(?:-[A-Z]{3})?"
_CRON = re.compile(
    rf"\s*(?P<schedule>(?:{_CRON_FIELD}[ \t]+){{4}}{_CRON_FIELD}|@(?:reboot|hourly|daily|weekly|monthly|yearly|annually))[ \t]+(?P<job>\S.*)"
)
_NUMBERED = re.compile(r"(?:Step\s+)?(\d{1,2})(?:[.):]|\s+[-–])\s+(.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Content:
    """What a block holds, in its order. Its comments are those that stand outside of commands."""

    commands: tuple[Command, ...]
    comments: tuple[Comment, ...]
    shebang: str = ""


def read_fence(fence: Fence) -> Content:
    """The content of a block of shell, or of SQL. Any text whatsoever is read."""
    if fence.language.lower() in ("sql", "postgresql", "postgres", "psql", "pgsql", "mysql"):
        return Content(tuple(_statements(fence)), ())
    return _Reader(fence).read()


def split_number(text: str) -> tuple[int | None, str]:
    """`2. Check logs` -> 2, `Check logs`."""
    found = _NUMBERED.fullmatch(text.strip())
    return (int(found[1]), found[2].strip()) if found else (None, text.strip())


def _statements(fence: Fence) -> Iterator[Command]:
    for first, last, _ in split_sql(fence.body):
        text = "\n".join(fence.body[first : last + 1])
        line, column = fence.body_line + first, fence.columns[first]
        yield Command("sql", text, line, fence.body_line + last, column, fence.columns[first : last + 1], fence.language)


@dataclass(slots=True)
class _Reader:
    fence: Fence
    row: int = 0
    parsed: int = 0
    shebang: str = ""
    commands: list[Command] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    above: list[Comment] = field(default_factory=list)  # comments that the next command takes
    gap: bool = False  # an empty line stands between them and here

    def read(self) -> Content:
        body = self.fence.body
        while self.row < len(body):
            line = body[self.row]
            bare = line.strip()
            if not bare:
                self.gap = True
                self.row += 1
            elif bare.startswith("#!") and not self.commands:
                self.shebang = self.shebang or bare
                self.row += 1
            elif bare.startswith("#"):
                self._comment(line)
            else:
                self._command(line)
        return Content(tuple(self.commands), tuple(self.comments), self.shebang)

    # --- comments

    def _comment(self, line: str) -> None:
        number, text = split_number(line.strip().lstrip("#"))
        hash_at = len(line) - len(line.lstrip())
        place = (self.fence.body_line + self.row, self.fence.columns[self.row] + hash_at)
        comment = Comment(text, *place, "above", number)
        self.row += 1
        if number is not None or self.gap:
            self.above = []  # what stands before is about something else
        self.gap = False
        language = announced(text)
        rows = typed_rows(language, self.fence.body[self.row :]) if language else 0
        if language and rows:
            self.above.append(comment)
            self.comments.append(comment)
            self._type(language, rows, commented=True)
        elif self.commands and not self.above and number is None and tells_expectation(text):
            last = self.commands[-1]
            self.commands[-1] = replace(last, comments=(*last.comments, replace(comment, place="below")))
        else:
            self.above.append(comment)
            self.comments.append(comment)

    def _type(self, language: Language, rows: int, *, commented: bool) -> None:
        """The next rows belong to the client that the last command started, or else stand for themselves."""
        typed = list(_typed(language, self.fence, self.row, self.row + rows, commented=commented))
        last = self.commands[-1] if self.commands else None
        opened = opens(last.script) if last is not None and last.script is not None else None
        self.row += rows
        if last is not None and opened is not None and opened[0] == language:
            self.commands[-1] = replace(last, input=(*last.input, *typed))
            return
        for each in typed:
            first = each.line - self.fence.body_line
            last_row = each.end_line - self.fence.body_line
            kind: CommandKind = "redis" if language == "redis" else "sql"
            self._add(kind, first, last_row + 1, text=None, input_=(each,))

    # --- commands

    def _command(self, line: str) -> None:
        start = self.row
        prompt = _PROMPT.match(line)
        at_client = prompted(line) if prompt is None else None
        if at_client is not None:
            self._at_client(*at_client)
        elif prompt is None and self.fence.language.lower() in SESSIONS and any(_PROMPT.match(each) for each in self.fence.body):
            self._output(line)
        elif _ADDRESS.fullmatch(line):
            self._one("address")
        elif found := _CRON.fullmatch(line):
            self._schedule(found)
        elif prompt is None and self._is_prose(line):
            self._one("prose")
        elif certainly_sql(line) and prompt is None:
            first = next(iter(split_sql(self.fence.body[start:])), (0, 0, True))
            self._add("sql", start, start + first[1] + 1)
            self.row = start + first[1] + 1
        else:
            self._shell(len(prompt[0]) if prompt else 0)

    def _is_prose(self, line: str) -> bool:
        """A line that bash would take for a command and that is none: an item of a list, a sentence."""
        return bool(_BULLET.match(line) or _SENTENCE.fullmatch(line))

    def _one(self, kind: CommandKind) -> None:
        self._add(kind, self.row, self.row + 1)
        self.row += 1

    def _output(self, line: str) -> None:
        if self.commands:
            last = self.commands[-1]
            self.commands[-1] = replace(last, output=(*last.output, line))
        self.row += 1

    def _at_client(self, prompt: str, language: Language) -> None:
        """A line behind the prompt of a database client."""
        line = self.fence.body[self.row]
        place = self.fence.body_line + self.row
        typed = Typed(language, line[len(prompt) :].rstrip(), place, place, self.fence.columns[self.row] + len(prompt))
        last = self.commands[-1] if self.commands else None
        opened = opens(last.script) if last is not None and last.script is not None else None
        if last is not None and opened is not None and opened[0] == language:
            self.commands[-1] = replace(last, input=(*last.input, typed))
        else:
            self._add(
                "redis" if language == "redis" else "sql", self.row, self.row + 1, indent=len(prompt), prompt=prompt.strip()
            )
        self.row += 1

    def _schedule(self, found: re.Match[str]) -> None:
        blank = " " * found.start("job")
        script = self._parse(blank + found["job"], self.row, 0, found[0])
        command = self._add("schedule", self.row, self.row + 1, script=script)
        self.commands[-1] = replace(command, schedule=found["schedule"], job=found["job"].rstrip())
        self.row += 1

    def _shell(self, indent: int) -> None:
        start, body = self.row, self.fence.body
        line = body[start]
        end = self._end(start, indent)
        text = "\n".join((line[indent:], *body[start + 1 : end]))
        script = self._parse(mask(text), start, indent, text)
        self._add("shell", start, end, script=script, indent=indent, prompt=line[:indent].strip())
        self.row = end
        opened = opens(script)
        if opened is not None:
            rows = session_rows(opened[0], body[end:])
            if rows:
                self._type(opened[0], rows, commented=False)

    def _end(self, start: int, indent: int) -> int:
        """The row after the command that begins in this one: the first at which bash would have enough."""
        body = self.fence.body
        text = mask(body[start][indent:])
        for end in range(start + 1, len(body) + 1):
            self.parsed += len(text)
            if complete(text):
                return end
            if self.parsed > _MOST_PARSED or end == len(body):
                break
            text = f"{text}\n{mask(body[end])}"
        return start + 1

    def _parse(self, masked: str, start: int, indent: int, original: str) -> Script:
        line, columns = self.fence.body_line + start, self.fence.columns[start:]

        def place(row: int, column: int) -> tuple[int, int]:
            begins = columns[row] if row < len(columns) else 1
            return line + row, begins + column + (indent if row == 0 else 0)

        return parse_script(masked, place, original)

    def _add(
        self, kind: CommandKind, start: int, end: int, *, script: Script | None = None, indent: int = 0, prompt: str = "", text: str | None = None,
        input_: Sequence[Typed] = (),
    ) -> Command:  # fmt: skip
        body = self.fence.body
        said = text or "\n".join((body[start][indent:], *body[start + 1 : end]))
        columns = self.fence.columns[start:end]
        columns = (columns[0] + indent, *columns[1:])
        line = self.fence.body_line
        comments = (*self.above, *_inside(script, line + end - 1)) if script else tuple(self.above)
        command = Command(
            kind, said, line + start, line + end - 1, columns[0], columns, self.fence.language, script, comments, tuple(input_), prompt=prompt
        )  # fmt: skip
        self.commands.append(command)
        self.above, self.gap = [], False
        return command


def _inside(script: Script, last: int) -> Iterator[Comment]:
    """The comments in a command; one behind its last line is trailing."""
    for each in script.remarks:
        number, text = split_number(each.text)
        yield Comment(text, each.line, each.column, "trailing" if each.line == last else "inside", number)


def _typed(language: Language, fence: Fence, start: int, end: int, *, commented: bool) -> Iterator[Typed]:
    """What these rows of a block type into a client, statement by statement."""
    lines = [uncommented(each) if commented else each for each in fence.body[start:end]]
    rows = ((row, row, True) for row, line in enumerate(lines) if line.strip()) if language == "redis" else split_sql(lines)
    for first, last, _ in rows:
        text = "\n".join(lines[first : last + 1]).strip()
        indent = len(fence.body[start + first]) - len(lines[first].lstrip())
        hashed = commented and fence.body[start + first].lstrip().startswith("#")
        line = fence.body_line + start
        yield Typed(language, text, line + first, line + last, fence.columns[start + first] + indent, commented=hashed)
