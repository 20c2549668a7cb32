"""SQL as Postgres itself parses it (libpg_query, by `pglast`): statements, what they read, call and set, and where that stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PSQL_VARIABLE = re.compile(r"(?<![:\w]):(?:'(\w+)'|\"(\w+)\"|(\w+))")
_EXPANDED = re.compile(r"\$\w|\$\{|\$\(|<[a-z][\w-]*>|\[[A-Z][\w ]*\]|`")
_OUTSIDE = {"VacuumStmt": "VACUUM", "AlterSystemStmt": "ALTER SYSTEM", "CreatedbStmt": "CREATE DATABASE", "DropdbStmt": "DROP DATABASE",
            "CreateTableSpaceStmt": "CREATE TABLESPACE", "DropTableSpaceStmt": "DROP TABLESPACE"}  # fmt: skip


class NotSql(ValueError):
    """Postgres would not parse it. `offset` is where in the text it stopped."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its tree, and where its text begins in that of the command."""

    node: Any
    text: str
    offset: int


def without_meta(text: str) -> str:
    """The text with psql's backslash commands made blank: each ends with its line."""
    return re.sub(r"(?m)^[ \t]*\\[a-zA-Z?!].*$", lambda found: " " * len(found[0]), text)


def is_open(text: str) -> bool:
    """Whether bash or a person must still fill something in, so that this is not yet the SQL that will be run."""
    return _EXPANDED.search(re.sub(r"\$(\w*)\$.*?\$\1\$", "", text, flags=re.DOTALL)) is not None


def parse(text: str) -> tuple[Statement, ...]:
    """Raises NotSql. Variables of psql (`:name`) count as values."""
    from pglast import parse_sql  # noqa: PLC0415 - it brings 8 MB of shared library: loaded once SQL is met
    from pglast.parser import ParseError  # noqa: PLC0415

    plain = _PSQL_VARIABLE.sub(_stand_in, text)
    try:
        raw = parse_sql(plain)
    except ParseError as error:
        raise NotSql(
            str(error.args[0]), int(error.args[1]) if len(error.args) > 1 and error.args[1] is not None else 0
        ) from error
    return tuple(_statement(plain, each) for each in raw or ())


def _stand_in(found: re.Match[str]) -> str:
    """As long as what it stands for, so that places stay right."""
    if found[1]:
        return f"'{found[1]}' "
    return f'"{found[2]}" ' if found[2] else f"{found[3]} "


def _statement(text: str, raw: Any) -> Statement:
    start = raw.stmt_location or 0
    end = start + raw.stmt_len if raw.stmt_len else len(text)
    return Statement(raw.stmt, text[start:end], start)


def every(node: Any) -> Iterator[Any]:
    """The node and all nodes below it."""
    from pglast.ast import Node  # noqa: PLC0415

    if isinstance(node, (tuple, list)):
        for each in node:
            yield from every(each)
    elif isinstance(node, Node):
        yield node
        for name in node:
            yield from every(getattr(node, name))


def kind(node: Any) -> str:
    return type(node).__name__


def forbidden_in_transaction(statement: Statement) -> str:
    """What a statement is called when it must not stand inside a transaction; empty when it may."""
    node = statement.node
    name = _OUTSIDE.get(kind(node), "")
    if name == "VACUUM" and not node.is_vacuumcmd:
        return ""  # ANALYZE, which may
    if kind(node) == "IndexStmt" and node.concurrent:
        return "CREATE INDEX CONCURRENTLY"
    if kind(node) == "ReindexStmt" and re.search(r"\bconcurrently\b", statement.text, re.IGNORECASE):
        return "REINDEX CONCURRENTLY"
    return name


def transaction_word(statement: Statement) -> str:
    """`begin`, `end` or nothing."""
    if kind(statement.node) != "TransactionStmt":
        return ""
    name = statement.node.kind.name
    return (
        "begin"
        if name in ("TRANS_STMT_BEGIN", "TRANS_STMT_START")
        else "end"
        if name in ("TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK")
        else ""
    )


def calls(statement: Statement) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Functions that are called: name, offset in the whole text, and the arguments that are plain strings."""
    for node in every(statement.node):
        if kind(node) == "FuncCall":
            names = [each.sval for each in node.funcname]
            if len(names) == 1 or names[0] == "pg_catalog":
                yield names[-1], node.location or 0, tuple(_constants(node.args or ()))


def _constants(arguments: Any) -> Iterator[str]:
    for each in arguments:
        if kind(each) == "A_Const" and kind(each.val) == "String":
            yield each.val.sval


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that a statement names. `system` by ALTER SYSTEM; `shown` only looks at it."""

    name: str
    system: bool = False
    shown: bool = False
    reset: bool = False


def settings_of(statement: Statement) -> Iterator[Setting]:
    """The settings that a statement sets or shows."""
    node = statement.node
    if kind(node) == "VariableShowStmt":
        if node.name != "all":
            yield Setting(node.name, shown=True)
    elif kind(node) in ("AlterSystemStmt", "VariableSetStmt"):
        inner = node.setstmt if kind(node) == "AlterSystemStmt" else node
        if inner.name and inner.kind.name in ("VAR_SET_VALUE", "VAR_SET_DEFAULT", "VAR_RESET", "VAR_SET_CURRENT"):
            yield Setting(inner.name, system=inner is not node, reset=inner.kind.name in ("VAR_RESET", "VAR_SET_DEFAULT"))
    for name, _, values in calls(statement):
        if name in ("current_setting", "set_config") and values:
            yield Setting(values[0], shown=name == "current_setting")
