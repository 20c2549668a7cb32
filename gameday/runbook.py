"""Prints what a runbook is made of, as the reader understands it: procedures, steps, commands, placeholders, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gameday.listing import make_console
from scenarios.errors import shown
from scenarios.reading import Class, Command, Procedure, Runbook, classify, find_runbooks, read_runbook

_STYLES = {Class.EXECUTABLE: "green", Class.NEEDS_BINDING: "yellow", Class.NOT_EXECUTABLE: "red"}
_MARKS = {Class.EXECUTABLE: "run ", Class.NEEDS_BINDING: "bind", Class.NOT_EXECUTABLE: "no  "}


def print_outline(paths: Sequence[Path]) -> None:
    """Every procedure of these documents with its commands, then the counts. Raises InvalidInput."""
    console = make_console()
    books = [read_runbook(path) for path in find_runbooks(paths)]
    for book in books:
        _print_book(console, book)
    console.print(_counts(books))
    console.print(_coverage(books))


def _print_book(console: Console, book: Runbook) -> None:
    console.print(Text.assemble((shown(book.path), "bold"), f"  {book.title}"), soft_wrap=True)
    for procedure in sorted((*book.procedures, *book.manual), key=lambda each: each.section.line):
        _print_procedure(console, procedure)
    for note in book.notes:
        console.print(Text(f"  {note.line}:{note.column}: {note.kind}: {note.message}", "dim"), soft_wrap=True)
    console.print()


def _print_procedure(console: Console, procedure: Procedure) -> None:
    section = procedure.section
    facts = [each.level for each in procedure.severities] + [each.text for each in procedure.timings]
    about = f"  ({', '.join(dict.fromkeys(facts))})" if facts else ""
    console.print(Text.assemble(f"  {section.line:>4}  ", (section.title, "bold"), about), soft_wrap=True)
    for step in procedure.steps:
        number = f"{step.number}. " if step.number is not None else ""
        people = "  (for people)" if step.is_manual else ""
        console.print(Text.assemble(f"  {step.line:>4}    {number}{step.title}", (people, "dim")), soft_wrap=True)
        for command in step.commands:
            _print_command(console, command)


def _print_command(console: Console, command: Command) -> None:
    found = classify(command)
    first, more, _ = command.text.partition("\n")
    kind = "" if command.kind == "shell" else f"[{command.kind}] "
    said = Text.assemble(
        f"  {command.line:>4}      ", (_MARKS[found.kind], _STYLES[found.kind]), f" {kind}{first}{' ...' if more else ''}"
    )
    if found.reason:
        said.append(f"  # {found.reason}", "dim")
    console.print(said, soft_wrap=True)
    for typed in command.input:
        console.print(Text(f"  {typed.line:>4}           > {typed.text}"), soft_wrap=True)


def _counts(books: Iterable[Runbook]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("document", no_wrap=True)
    for name in (
        "sections",
        "procedures",
        "people",
        "steps",
        "commands",
        "run",
        "bind",
        "no",
        "tables",
        "alerts",
        "open",
        "notes",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for book in books:
        kinds = Counter(found.kind for _, found in book.classified())
        figures = (
            len(book.sections), len(book.procedures), len(book.manual), sum(len(each.steps) for each in book.procedures),
            len(book.commands), *(kinds[each] for each in Class), len(book.tables), len(book.alerts), len(book.placeholders), len(book.notes),
        )  # fmt: skip
        table.add_row(book.name, *map(str, figures))
    return table


def _coverage(books: Iterable[Runbook]) -> str:
    kinds = Counter(found.kind for book in books for _, found in book.classified())
    if not kinds:
        return "there is no command in it"
    open_ = kinds[Class.EXECUTABLE] + kinds[Class.NEEDS_BINDING]
    return f"{open_} of {kinds.total()} commands can be executed, {kinds[Class.NEEDS_BINDING]} of them once bound: {open_ / kinds.total():.1%}"
