"""What of a procedure is carried out, and how: its commands, with values for their placeholders, one unit after another.

A unit is what an operator gives to a shell at once: a command of a document, or the whole block of a step of our own runbooks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scenarios.expectation import Expectation
from scenarios.fences import Attributes
from scenarios.lint.standards import changes
from scenarios.reading import Class, Command, Fence, Procedure, Runbook, Step, bind, classify, embedded, reach
from scenarios.reading.bindings import Again, Owes, Wish

TERMINAL = 0  # the number of the session that is the operator's terminal
_PSQL = "psql -X -v ON_ERROR_STOP=1"
_WATCHED_S = 3.0  # wall: what runs until it is stopped
_SEEN_S = 5.0  # wall: what says itself that it takes longer than anybody here waits
_LONGEST_WAIT_S = 60.0  # wall: pauses that are waited out
_LONGEST_WATCH_S = 900.0  # documented: what says itself that it lasts so long is waited out, in accelerated time
_PAUSE = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?)([smh]?)\b")
_LASTS = re.compile(r"--(?:duration|for|run-time|time)[= ](\d+(?:\.\d+)?)([smh]?)(?![\w.-])")
_MAKES = {
    "mkdir",
    "cp",
    "ln",
    "tee",
    "touch",
    "tar",
    "gunzip",
    "gzip",
    "useradd",
    "userdel",
    "nginx",
    "crontab",
}  # files and the like
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that is given to a shell. `skip` says why it is not; `line` is where its first command stands."""

    number: int
    line: int
    end_line: int
    column: int
    title: str
    text: str
    session: int = TERMINAL
    input: str = ""
    endless: bool = False  # it runs until it is stopped, and wants a terminal to run in
    stop_after_s: float | None = None  # wall: it is stopped then, and that is no fault of it
    pause_s: float = 0.0  # wall: it pauses for so long, which is not counted against it
    lasts_s: float = 0.0  # documented: it says itself that it lasts so long, and everybody waits for it
    changes: bool = True  # data, configuration or what runs
    skip: str = ""
    skip_class: Class = Class.NOT_EXECUTABLE
    step: Attributes | None = None  # of our own runbooks
    environment: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[int, ...] = ()  # the lines at which the document's commands begin that it holds

    @property
    def expect(self) -> Expectation | None:
        return None if self.step is None else self.step.expect

    @property
    def goes_on(self) -> bool:
        """Whether what follows is carried out when this fails. An operator at a terminal reads on."""
        return self.step is None or self.step.on_failure == "continue"


@dataclass(frozen=True, slots=True)
class Plan:
    """One procedure, ready to be carried out. Times in wall seconds."""

    reference: str  # document#anchor
    title: str
    line: int
    units: tuple[Unit, ...]
    prepare: tuple[str, ...] = ()
    rollback: tuple[Unit, ...] = ()
    owes: Owes = "changes"
    again: Again | None = None
    limit_s: float = 20.0
    skip: str = ""  # why the whole procedure is not carried out

    @property
    def runs(self) -> tuple[Unit, ...]:
        """The units that are carried out."""
        return tuple(each for each in self.units if not each.skip)

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return any(each.changes for each in self.runs)


def make_plan(
    book: Runbook, procedure: Procedure, values: Mapping[str, str], wish: Wish, *, again: Again | None, owes: Owes | None,
    rollback: Procedure | None, limit_s: float, has: Collection[str] = (),
) -> Plan:  # fmt: skip
    """`again`, `owes` and `rollback` are what the runbook says itself; the wish comes on top. `has` are variables that the workstation sets."""
    given = Given(values, {name: f"${name}" for name in has} | dict(values))
    found = tuple(_units(procedure, given))
    changing = any(each.changes for each in found if not each.skip)
    return Plan(
        book.reference(procedure), procedure.section.title, procedure.section.line, found, wish.prepare,
        tuple(_units(rollback, given)) if rollback is not None else (),
        wish.expect or owes or ("changes" if changing else "diagnoses"), wish.again or again, wish.limit_s or limit_s, wish.skip or "",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """Values by name: those of the bindings, and all that are known."""

    bindings: Mapping[str, str]
    known: Mapping[str, str]

    def exported(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What is put into the environment of a command: the workstation's own variables are there."""
        return {name: value for name, value in environment.items() if name in self.bindings}


def _units(procedure: Procedure, values: Given) -> Iterator[Unit]:
    number, scripts = 0, dict.fromkeys(_shebangs(procedure))
    sessions = {line: at for at, line in enumerate(scripts, start=1)}
    for step in procedure.steps:
        if step.attributes is not None and step.commands:
            number += 1
            yield _whole(number, step, step.attributes, values)
            continue
        for command in step.commands:
            number += 1
            yield _single(number, step, command, values, sessions.get(step.fence.line, TERMINAL))


def _shebangs(procedure: Procedure) -> Iterator[int]:
    """The blocks that are scripts."""
    for step in procedure.steps:
        if _first(step.fence.body).startswith("#!"):
            yield step.fence.line


def _first(body: Sequence[str]) -> str:
    return next((each.strip() for each in body if each.strip()), "")


def _whole(number: int, step: Step, attributes: Attributes, values: Given) -> Unit:
    """A step of our own: its block is a script of its own."""
    fence: Fence = step.fence
    open_: list[str] = []
    environment: dict[str, str] = {}
    rows = list(fence.body)
    for command in step.commands:
        bound = bind(command, values.known)
        open_ += [each.text for each in bound.unbound]
        environment |= values.exported(bound.environment)
        first = command.line - fence.body_line
        rows[first : command.end_line - fence.body_line + 1] = bound.text.split("\n")
    closed = classify(step.commands[0], values.known)
    first_command = step.commands[0]
    return Unit(
        number, first_command.line, step.commands[-1].end_line, first_command.column, attributes.name, "\n".join(rows),
        changes=not attributes.verification and any(changes(each, restarts=True) for each in step.commands),
        skip=f"{', '.join(dict.fromkeys(open_))} must be given a value" if open_ else "",
        skip_class=Class.NEEDS_BINDING if open_ else closed.kind, step=attributes, environment=environment,
        commands=tuple(each.line for each in step.commands), lasts_s=_lasts_s("\n".join(rows)),
    )  # fmt: skip


def _single(number: int, step: Step, command: Command, values: Given, session: int) -> Unit:
    bound = bind(command, values.known)
    found = classify(command, values.known)
    text, typed = _given(command, bound.text)
    fills = [each for each in command.input if each.text.strip()]
    typed = typed or "".join(f"{each.text}\n" for each in fills)
    return Unit(
        number, command.line, command.end_line, command.column, command.title if command.comments else step.title, text,
        session=session, input=typed, endless=found.endless, stop_after_s=_WATCHED_S if found.endless else _stopped_after_s(text),
        pause_s=_pauses_s(text), changes=_changes(command),
        skip="" if found.kind is Class.EXECUTABLE else found.reason, skip_class=found.kind, environment=values.exported(bound.environment),
        commands=(command.line,), lasts_s=_lasts_s(text),
    )  # fmt: skip


def _pauses_s(text: str) -> float:
    """How long it sleeps, once through."""
    return min(sum(float(number) * _UNITS[unit] for number, unit in _PAUSE.findall(text)), _LONGEST_WAIT_S)


def _lasts_s(text: str) -> float:
    """How long its commands say that they last, in documented time; 0 where that is more than anybody here waits."""
    whole = sum(float(number) * _UNITS[unit] for number, unit in _LASTS.findall(text))
    return whole if whole <= _LONGEST_WATCH_S else 0.0


def _stopped_after_s(text: str) -> float | None:
    """When a command is stopped that says itself that it takes longer than anybody here waits."""
    pausing = any(float(number) * _UNITS[unit] > _LONGEST_WAIT_S for number, unit in _PAUSE.findall(text))
    watching = bool(_LASTS.search(text)) and not _lasts_s(text)
    return _SEEN_S if pausing or watching else None


def _changes(command: Command) -> bool:
    programs = {reach(each).program for each in command.script.commands} if command.script else set()
    return (
        bool(programs & _MAKES)
        or _uploads(command)
        or changes(command, restarts=True)
        or any(each.language == "redis" for each in embedded(command) if "FLUSH" in each.text)
    )


def _uploads(command: Command) -> bool:
    """Whether something is put into the object store: what lies there once is met by the second run."""
    found = [reach(each).values for each in (command.script.commands if command.script else ())]
    return any(
        each[:2] in (("s3", "cp"), ("s3", "sync")) and any(word.startswith("s3://") for word in each[3:]) for each in found
    )


def _given(command: Command, text: str) -> tuple[str, str]:
    """What the shell gets, and what is typed into the program that it starts."""
    if command.kind == "sql":
        return _PSQL, text + "\n"
    if command.kind == "redis":
        return "redis-cli", text + "\n"
    if command.kind == "schedule":
        return command.job, ""
    return text, ""
