"""Which procedures are checked, each on which stack and in which incident: what the runbook says of itself, then what the bindings say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from harness.runbooks.plan import Plan, make_plan
from scenarios.errors import InvalidInput, Problem
from scenarios.lint.platforms import platform, same, title_words
from scenarios.loader import LoadedScenario, find_scenarios, load_rules, load_scenario
from scenarios.model import AlertRule, Stack
from scenarios.places import locate
from scenarios.reading import Bindings, Procedure, Runbook
from scenarios.reading.bindings import NO_INCIDENT, Again, Owes
from scenarios.stacks import load_stack, stack_names, stack_path

LIMIT_S = 30.0  # wall, of one command, where nobody says another
DEFAULT_STACK = "eafix"
_RUN = re.compile(r"gameday run ([a-z0-9][\w./-]*)")
_ANCHOR = re.compile(r"\]\(#([\w-]+)\)|^#([\w-]+)$")


@dataclass(frozen=True, slots=True)
class Case:
    """One procedure and all that its check needs to know."""

    book: Runbook
    procedure: Procedure
    plan: Plan
    stack: Stack
    stack_name: str
    settings: Mapping[str, Any]
    rules: tuple[AlertRule, ...]
    incident: LoadedScenario | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller wants of it. `only` are patterns of anchors, empty for all."""

    bindings: Bindings = field(default_factory=Bindings)
    stack: str | None = None
    only: tuple[str, ...] = ()
    limit_s: float = LIMIT_S


def find_cases(books: Sequence[Runbook], choice: Choice) -> list[Case]:
    """All procedures that have commands, in the order of the documents. Raises InvalidInput for what the bindings name and is not there."""
    found: list[Case] = []
    problems: list[Problem] = []
    for book in books:
        for procedure in book.procedures:
            if _wanted(book, procedure, choice.only):
                try:
                    found.append(_case(book, procedure, books, choice))
                except InvalidInput as error:
                    problems += error.problems
    if choice.only and not found and not problems:
        problems.append(
            Problem(
                Path("--procedure"), 0, 0, f"no procedure fits {', '.join(choice.only)}; `gameday runbook outline` lists them"
            )
        )
    if problems:
        raise InvalidInput(list(dict.fromkeys(problems)))
    return found


def _wanted(book: Runbook, procedure: Procedure, only: Sequence[str]) -> bool:
    names = (procedure.section.anchor, book.reference(procedure))
    return not only or any(fnmatchcase(name, pattern.removeprefix("#")) for name in names for pattern in only)


def _case(book: Runbook, procedure: Procedure, books: Sequence[Runbook], choice: Choice) -> Case:
    reference = book.reference(procedure)
    wish = choice.bindings.wish(reference)
    declared = Declared.of(book, procedure)
    incident = _incident(book, procedure, wish.incident, declared)
    values: dict[str, str] = dict(incident.scenario.response.bindings) if incident else {}
    values |= choice.bindings.of(reference)
    if incident is not None and wish.stack is None:
        stack, name, settings, rules = incident.stack, incident.stack_name, incident.settings, incident.rules
    else:
        named = wish.stack or choice.stack or stack_of(book, books)
        stack, rules = _stack(named)
        name, settings = Path(named).stem, dict(stack.settings)
    plan = make_plan(
        book, procedure, values, wish, again=declared.again, owes=_owed(procedure, incident), rollback=_rollback(book, declared),
        limit_s=choice.limit_s, has=stack.environment,
    )  # fmt: skip
    return Case(book, procedure, plan, stack, name, settings, rules, incident)


def _owed(procedure: Procedure, incident: LoadedScenario | None) -> Owes | None:
    """A procedure of ours that is rehearsed in an incident recovers from it."""
    own = any(step.attributes is not None for step in procedure.steps)
    return "recovers" if own and incident is not None else None


def stack_of(book: Runbook, books: Sequence[Runbook]) -> str:
    """By the platform that a document is about; where no stack is about that, the first one."""
    about, names = platform(book, books), stack_names()
    for name in names:
        if same(about, title_words(_stack(name)[0].title)):
            return name
    text = book.text
    spoken = {name: sum(text.count(word) for word in _own_words(name)) for name in names}
    best = max(names, key=lambda name: (spoken[name], name == DEFAULT_STACK))
    return best if spoken[best] else DEFAULT_STACK


@cache
def _own_words(name: str) -> frozenset[str]:
    """What only this stack calls its things."""
    others = frozenset[str]().union(*(_words(_stack(other)[0]) for other in stack_names() if other != name))
    return _words(_stack(name)[0]) - others


def _words(stack: Stack) -> frozenset[str]:
    """Its prefix, and the names by which it is operated."""
    called = [each for one in stack.services.values() for each in (one.deployment, one.compose, one.pm2, *one.aliases)]
    called += [each for store in stack.datastores.values() for each in (store.statefulset, store.compose, store.systemd)]
    ports = [f"localhost:{each.port}" for each in stack.services.values()]
    return frozenset(each for each in (stack.prefix, stack.helm, *called, *ports) if each and len(each) > 3)


@cache
def _stack(name: str) -> tuple[Stack, tuple[AlertRule, ...]]:
    """A stack and its alert rules; read once, however many procedures run on it. Raises InvalidInput."""
    stack, path = load_stack(name), stack_path(name)
    return stack, tuple(rule for each in stack.monitoring.rules for rule in load_rules(locate(each, path)))


# --- what a runbook says of itself ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declared:
    """The rows of a procedure's table that are about carrying it out."""

    rehearsed: str = ""  # the name of a scenario
    incident: str = ""  # of one too, whatever its own procedure is
    again: Again | None = None
    rollback: str = ""  # the anchor of a section
    line: int = 0  # of its first table

    @classmethod
    def of(cls, book: Runbook, procedure: Procedure) -> Declared:
        rows = dict(_rows(book, procedure))
        run, incident = _RUN.search(rows.get("rehearsed by", "")), rows.get("incident", "").strip("` ")
        back = _ANCHOR.search(rows.get("rollback", ""))
        again = rows.get("again", "").strip().lower()
        return cls(
            run[1] if run else "", _named(incident), "unsafe" if again.startswith(("unsafe", "not safe", "no")) else "safe" if again.startswith("safe") else None,
            (back[1] or back[2]) if back else "", next((each.line for each in procedure.section.tables), procedure.section.line),
        )  # fmt: skip


def _named(text: str) -> str:
    found = _RUN.search(text) or re.match(r"`?([a-z0-9][\w./-]*)`?", text)
    return found[1] if found else ""


def _rows(book: Runbook, procedure: Procedure) -> Iterator[tuple[str, str]]:
    """First and second cell of each row; of the row about the rollback all that is written there, for its link."""
    for table in procedure.section.tables:
        for row in table.rows:
            if len(row.cells) >= 2:
                name, value = (each.text.strip() for each in row.cells[:2])
                yield name.lower(), book.source.line(row.cells[1].line) if name.lower() == "rollback" else value


def _incident(book: Runbook, procedure: Procedure, wished: str | None, declared: Declared) -> LoadedScenario | None:
    if wished == NO_INCIDENT:
        return None
    if wished or declared.incident:
        return _load(wished) if wished else _load(declared.incident, book.path, declared.line)
    if not declared.rehearsed:
        return None
    loaded = _load(declared.rehearsed, book.path, declared.line)
    name, _, anchor = loaded.scenario.response.procedure.partition("#")
    mine = Path(name).name == book.path.name and anchor == procedure.section.anchor
    return loaded if mine and loaded.scenario.change is None else None  # nobody carries planned work out in a check


@cache
def _scenario(name: str) -> LoadedScenario:
    return load_scenario(find_scenarios([name])[0])


def _load(name: str, book: Path | None = None, line: int = 0) -> LoadedScenario:
    """`book` and `line` name it. Raises InvalidInput."""
    try:
        return _scenario(name)
    except InvalidInput as error:
        if book is None or any(each.line for each in error.problems):
            raise
        raise InvalidInput([Problem(book, line, 1, f"{each.path}: {each.message}") for each in error.problems]) from error


def _rollback(book: Runbook, declared: Declared) -> Procedure | None:
    return next((each for each in book.procedures if declared.rollback and each.section.anchor == declared.rollback), None)
