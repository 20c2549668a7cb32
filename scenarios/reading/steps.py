"""From sections to procedures: which commands make a step, and what the words around them say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from scenarios.fences import Attributes, BadAttribute, read_attributes
from scenarios.reading.blocks import Fence, Item, Section
from scenarios.reading.commands import Command, Comment, Procedure, Step, StepSource
from scenarios.reading.facts import find_severities
from scenarios.reading.fenced import Content, read_fence
from scenarios.reading.figures import find_figures
from scenarios.reading.placeholders import Placeholder, find_in_comment, find_placeholders

_SQL = ("sql", "postgresql", "postgres", "psql", "pgsql", "mysql")
_NUMBERED_TITLE = re.compile(r"(?:(?:step|phase)\s+)?\d+\s*[.:)-]\s*(.+)", re.IGNORECASE)
_NAMED = re.compile(r"(?:^|\s)name=")


def read_procedure(section: Section) -> Procedure | None:
    """The section as a procedure: its blocks of shell and SQL as steps. None when it has none."""
    known: set[str] = set()
    steps = [step for fence in section.fences if _holds_commands(fence) for step in _steps(section, fence, known)]
    if not steps:
        return None
    severities = [each for title in section.path for each in find_severities(title, section.line)]
    severities += [each for block in section.prose for each in find_severities(block.text, block.line)]
    words = "\n".join(block.text for block in section.prose)
    timings = tuple(each for text in (*section.path, words) for each in find_figures(text) if each.kind == "duration")
    return Procedure(section, tuple(steps), words, tuple(dict.fromkeys(severities)), timings)


def _holds_commands(fence: Fence) -> bool:
    return (
        fence.is_shell
        or fence.language.lower() in _SQL
        or (not fence.language and any(each.startswith("$ ") for each in fence.body))
    )


def _steps(section: Section, fence: Fence, known: set[str]) -> Iterator[Step]:
    if not fence.language:
        fence = replace(fence, language="console")
    content = read_fence(fence)
    commands = [_with_placeholders(each, known) for each in content.commands]
    numbered = [each for each in content.comments if each.number is not None]
    cuts = [each.line for each in numbered]
    before = [each for each in commands if not cuts or each.line < cuts[0]]
    loose = _loose(content, commands)
    if before or not numbered:
        own = tuple(each for each in loose if not cuts or each.line < cuts[0])
        yield _whole(section, fence, tuple(before), own, content)
        loose = [each for each in loose if each not in own]
    for start, end, comment in zip(cuts, [*cuts, fence.end_line + 1][1:], numbered, strict=True):
        mine = tuple(each for each in commands if start <= each.line < end)
        prose = tuple(
            each for each in loose if (each.line < end if start == cuts[0] else start <= each.line < end) and each != comment
        )
        yield Step(
            comment.text, comment.line, "comment", fence, comment.number, mine, prose, None, _in_prose((comment, *prose), mine)
        )


def _loose(content: Content, commands: Sequence[Command]) -> list[Comment]:
    """Comments that stand above no command."""
    taken = {(each.line, each.column) for command in commands for each in command.comments}
    return [each for each in content.comments if (each.line, each.column) not in taken]


def _whole(section: Section, fence: Fence, commands: tuple[Command, ...], prose: tuple[Comment, ...], content: Content) -> Step:
    """A block without numbers in it, or what stands before the first."""
    attributes = step_attributes(fence)
    source: StepSource = "fence"
    number: int | None = None
    if attributes is not None:
        title = attributes.name
    elif isinstance(fence.item, Item) and fence.item.number is not None:
        source, title, number = "item", fence.item.text, fence.item.number
    elif fence.item is not None and not fence.label:
        source, title = "item", fence.item.text
    elif fence.label:
        title = fence.label
    elif _NUMBERED_TITLE.fullmatch(section.title):
        source, title = "heading", section.title
    else:
        title = next((each.text for each in content.comments[:1] if len(section.fences) > 1), section.title)
    return Step(title, fence.line, source, fence, number, commands, prose, attributes, _in_prose(prose, commands))


def _in_prose(prose: Sequence[Comment], commands: Sequence[Command]) -> tuple[Placeholder, ...]:
    above = {(each.line, each.column) for command in commands for each in command.comments}
    return tuple(
        found
        for each in prose
        if (each.line, each.column) not in above
        for found in find_in_comment(each.text, each.line, each.column)
    )


def names_step(fence: Fence) -> bool:
    """Whether a block has the attributes of a step of our own."""
    return bool(_NAMED.search(fence.attributes))


def step_attributes(fence: Fence) -> Attributes | None:
    """The attributes of a step of our own runbooks; None when the block has none, or they cannot be read."""
    if not names_step(fence):
        return None
    try:
        return read_attributes(fence.attributes)
    except BadAttribute:
        return None


def _with_placeholders(command: Command, known: set[str]) -> Command:
    """The command with its placeholders; the variables it sets are known from here on."""

    def place(row: int, column: int) -> tuple[int, int]:
        begins = command.columns[row] if row < len(command.columns) else 1
        return command.line + row, begins + column

    found = find_placeholders(command.text, command.script, place, known) if command.kind not in ("prose", "address") else ()
    if command.script is not None:
        known |= {each.name for each in command.script.assigns}
    return replace(command, placeholders=found)
