"""The SQL and Redis commands that a command carries: as arguments, in a here-document, or typed into the program it starts."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.reading.commands import Command, Typed
from scenarios.reading.reach import Reach, reach
from scenarios.reading.sessions import CLIENTS, clustered, redis_words
from scenarios.reading.shell import Simple, Word

_COMMAND_OPTIONS = {
    "psql": ("-c", "--command"),
    "mysql": ("-e", "--execute"),
    "mariadb": ("-e", "--execute"),
    "sqlite3": ("-cmd",),
}


def embedded(command: Command) -> tuple[Typed, ...]:
    """In the order of the text. A text that bash must still expand is given as it is written, without its quotes."""
    if command.script is None:
        return command.input
    found = [each for simple in command.script.commands for each in _carried(simple)]
    return (*found, *command.input)


def _carried(simple: Simple) -> Iterator[Typed]:
    found = reach(simple)
    language = CLIENTS.get(found.program)
    if language is None:
        return
    if language == "redis":
        rows = redis_words(found.values)
        if rows:
            first = found.arguments[rows[0]]
            yield Typed("redis", " ".join(found.values[row] for row in rows), first.line, simple.end_line, first.column)
    else:
        yield from (_typed(word, text) for word, text in _options(found))
    for redirection in simple.redirections:
        if redirection.operator in ("<<", "<<-") and redirection.body:
            end = redirection.body_line + redirection.body.rstrip("\n").count("\n")
            yield Typed(language, redirection.body.rstrip("\n"), redirection.body_line, end, 1)
        elif redirection.operator == "<<<" and redirection.target is not None:
            yield _typed(redirection.target, _bare(redirection.target), language == "redis")


def _options(found: Reach) -> Iterator[tuple[Word, str]]:
    """`-c TEXT`, `-cTEXT`, `-Atc TEXT` and `--command=TEXT`."""
    names = _COMMAND_OPTIONS.get(found.program, ())
    for before, word in zip((None, *found.arguments), found.arguments, strict=False):
        said = _bare(word)
        if before is not None and (_bare(before) in names or clustered(found.program, _bare(before)) == ""):
            yield word, said
        elif glued_on := clustered(found.program, said):
            yield word, glued_on
        else:
            for name in names:
                if name.startswith("--") and said.startswith(f"{name}="):
                    yield word, said.removeprefix(f"{name}=")
    if found.program == "sqlite3" and len(found.arguments) > 1:
        yield found.arguments[-1], _bare(found.arguments[-1])


def _typed(word: Word, text: str, redis: bool = False) -> Typed:  # noqa: FBT001, FBT002
    inside = 1 if word.quoting in ("single", "double") else 0
    return Typed("redis" if redis else "sql", text, word.line, word.line + word.text.count("\n"), word.column + inside)


def _bare(word: Word) -> str:
    if word.value is not None:
        return word.value
    return word.text[1:-1] if word.quoting in ("single", "double") else word.text
