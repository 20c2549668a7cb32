"""The SQL of a document, command by command: what each statement is, where it stands, and what it shares a transaction with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.lint.postgres.statements import NotSql, Statement, is_open, parse, without_meta
from scenarios.reading import Command, Procedure, Runbook, Typed, embedded, reach

_POSTGRES = ("psql", "postgres", "pgcli")


@dataclass(frozen=True, slots=True)
class Sql:
    """One text given to Postgres. `at_once` says that it is sent as a whole, so that its statements are one transaction."""

    procedure: Procedure
    command: Command
    typed: Typed
    statements: tuple[Statement, ...]
    error: NotSql | None
    at_once: bool
    in_one: bool  # psql -1

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column in the file of a place in the text."""
        before = self.typed.text[:offset]
        row = before.count("\n")
        return self.typed.line + row, (self.typed.column + offset) if not row else offset - before.rfind("\n")

    def evidence(self, offset: int = 0) -> str:
        """The line of SQL at a place in the text."""
        text = self.typed.text
        end = text.find("\n", offset)
        return text[text.rfind("\n", 0, offset) + 1 : end if end >= 0 else None].strip()


def sql_of(runbook: Runbook) -> Iterator[Sql]:
    """All SQL that a document gives to Postgres. What still has to be filled in is left out."""
    for procedure in runbook.procedures:
        for command in procedure.commands:
            yield from _of_command(procedure, command)


def _of_command(procedure: Procedure, command: Command) -> Iterator[Sql]:
    programs = [reach(each) for each in command.script.commands] if command.script else []
    clients = [each for each in programs if each.program in _POSTGRES]
    if programs and not clients and not command.input:
        return
    in_one = any({"-1", "--single-transaction"} & set(each.values) for each in clients)
    bodies = {
        each.body_line
        for simple in (command.script.commands if command.script else ())
        for each in simple.redirections
        if each.body
    }
    texts = list(embedded(command))
    if command.kind == "sql" and not texts:
        texts = [Typed("sql", command.text, command.line, command.end_line, command.column)]
    for typed in texts:
        if typed.language == "sql" and not typed.commented and not is_open(typed.text):
            read = _parsed(typed.text)
            at_once = typed not in command.input and typed.line not in bodies and command.kind != "sql"
            yield Sql(procedure, command, typed, *read, at_once, in_one)


def _parsed(text: str) -> tuple[tuple[Statement, ...], NotSql | None]:
    try:
        return parse(without_meta(text)), None
    except NotSql as error:
        return (), error
