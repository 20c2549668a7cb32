"""Splits SQL, as it is typed into psql, into statements and backslash commands; and tells SQL from shell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_KEYWORDS = (
    "SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|TRUNCATE|VACUUM|ANALYZE|REINDEX|CLUSTER|BEGIN|COMMIT|ROLLBACK|START TRANSACTION|EXPLAIN|SHOW"
    "|SET|RESET|GRANT|REVOKE|COPY|LOCK|CHECKPOINT|REFRESH|CALL|DO|COMMENT|SAVEPOINT|TABLE|VALUES|EXECUTE|PREPARE|LISTEN|NOTIFY|DISCARD"
)  # fmt: skip
_STATEMENT = re.compile(rf"\s*(?:{_KEYWORDS})\b(?!\s*=)", re.IGNORECASE)
_CERTAIN = re.compile(
    r"\s*(?:SELECT\b.+|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|CREATE\s+(?:TABLE|INDEX|USER|ROLE|DATABASE|EXTENSION|UNIQUE|OR)|ALTER\s+(?:TABLE|SYSTEM|USER|ROLE|DATABASE)"
    r"|DROP\s+(?:TABLE|INDEX|DATABASE|USER|ROLE)|TRUNCATE\s|VACUUM\b(?!\s*=)|REINDEX\s|EXPLAIN\s|GRANT\s|REVOKE\s|WITH\s+\w+\s+AS\b)"
)  # fmt: skip
_META = re.compile(r"\s*\\[a-zA-Z?!]")
_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|;|\\[gG][^\n]*|\n|.", re.DOTALL
)
_LEAVING = re.compile(r"\s*(?:\\q|exit|quit)\s*;?\s*", re.IGNORECASE)


def begins_sql(line: str) -> bool:
    """Whether a line typed into psql could begin something: a statement, a comment, a backslash command."""
    return bool(_STATEMENT.match(line) or _META.match(line) or line.lstrip().startswith("--"))


def certainly_sql(line: str) -> bool:
    """Whether a line is SQL even where bash is expected: keywords in capitals with what must follow them."""
    return bool(_CERTAIN.match(line))


def leaves(line: str) -> bool:
    """Whether a line ends the session."""
    return bool(_LEAVING.fullmatch(line))


def only_comments(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("--") for line in text.split("\n"))


def finished(text: str) -> bool:
    """Whether nothing is left open: every statement has its semicolon, every quote its end."""
    return not [each for each in split_sql(text.split("\n")) if not each[2]]


def split_sql(lines: Sequence[str]) -> Iterator[tuple[int, int, bool]]:
    """First row, last row (from 0) and whether it is complete, of each statement. Comments alone are none; a backslash command is a line."""
    text = "\n".join(lines)
    start: int | None = None
    row = 0
    at_line_start = True
    skip_to = 0
    for token in _TOKEN.finditer(text):
        said = token[0]
        if token.start() < skip_to:
            row += said.count("\n")
            continue
        if start is None and at_line_start and _META.match(lines[row]):
            yield row, row, True
            at_line_start = False
            skip_to = token.start() + len(lines[row])
            row += said.count("\n")
            continue
        if said == ";" or said.startswith(("\\g", "\\G")):
            if start is not None:
                yield start, row, True
            start = None
        elif start is None and said.strip() and not said.startswith(("--", "/*")):
            start = row
        at_line_start = said == "\n" or (at_line_start and said.isspace())
        row += said.count("\n")
    if start is not None:
        yield start, len(lines) - 1, False
