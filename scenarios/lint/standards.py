"""What a procedure tells of itself: whether it changes anything, what should come of it, how long it takes, how it is undone, who tried it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.reading import Command, Procedure, Runbook, Section, embedded, reach
from scenarios.reading.figures import find_figures

_CHANGES: dict[str, re.Pattern[str]] = {
    "kubectl": re.compile(r"\b(?:patch|scale|delete|apply|create|replace|set|edit|drain|cordon|restore|annotate|label)\b"),
    "helm": re.compile(r"\b(?:upgrade|install|uninstall|delete)\b"),
    "docker": re.compile(r"\b(?:stop|down|up|rm|kill|run|build|push)\b"),
    "systemctl": re.compile(r"\b(?:stop|disable|mask)\b"),
    "git": re.compile(r"\b(?:checkout|reset|revert|push|commit|merge)\b"),
    "aws": re.compile(r"\b(?:rm|mv|change-resource-record-sets|delete|put)\b"),
    "eafix-cli": re.compile(
        r"\b(?:maintenance enable|trading (?:stop|start|enable|disable)|services stop|cache clear|limits reset|orders cleanup|data-feed switch|auth (?:revoke|reset)|tokens revoke"
        r"|database (?:optimize|reindex)|logs cleanup|security scan --remove)\b"
    ),
}  # fmt: skip
_ALWAYS = {"dropdb", "createdb", "pg_restore", "alembic", "ufw", "iptables", "mv", "rm", "truncate"}
_POST = re.compile(r"(?:^|\s)(?:-X|--request)[ =]?(?:POST|PUT|PATCH|DELETE)\b")
_SQL = re.compile(r"\s*(?:ALTER|UPDATE|DELETE|INSERT|DROP|TRUNCATE|CREATE|GRANT|REVOKE)\b", re.IGNORECASE)
_REDIS = re.compile(r"\b(?:FLUSHALL|FLUSHDB|DEL|SET|CONFIG SET|REPLICAOF)\b", re.IGNORECASE)
_ONLY_RESTARTS = {
    "kubectl": re.compile(r"\brollout restart\b"), "docker": re.compile(r"\brestart\b"), "systemctl": re.compile(r"\b(?:restart|start|reload)\b"),
    "pm2": re.compile(r"\b(?:restart|reload|start|stop|delete)\b"), "helm": re.compile(r"\brollback\b"), "make": re.compile(r"\bdocker-(?:up|down)\b"),
}  # fmt: skip
_OUTCOME = re.compile(
    r"\bexpect(?:ed|s)?\b|\bshould\b|\bafterwards\b|\bsuccess(?:ful)? (?:criteria|when|if)\b|\bexpected outcome|\bmust (?:be|print|show|answer)\b",
    re.IGNORECASE,
)
_SAYS_HOW = re.compile(r"(?<!\\)&&\s*echo\b|\becho\s+[\"'][✓✗✅❌]")
_UNDONE = re.compile(r"\broll(?:s|ed|ing)?[\s-]*back\b|\bundo(?:ne)?\b|\brevert\b|\bback out\b|\bif issues\b", re.IGNORECASE)
_TRIED = re.compile(
    r"\brehears|\btested (?:by|with|in|on|daily|weekly|monthly|quarterly|yearly|annually|every|each)\b|\bgame[\s-]day\b|\bgameday\b|\btest(?:ing)? scenario\b|\bDR drill\b|\bdry[\s-]run\b|\blast tested\b",
    re.IGNORECASE,
)


_PART = re.compile(r"^(?:Step|Phase|Stage)\s+\d+\b", re.IGNORECASE)
_WINDOW = re.compile(r"\b\d{1,2}:\d{2}\s*(?:-|–|to)\s*\d{1,2}:\d{2}\b")
_ONLY_LOOKS = re.compile(
    r"\bvalidat|\bverif|\bhealth check|\bchecklist\b|\btemplates?\b|\bdrills?\b|\btest(?:s|ing)?\b|\bexercises?\b|\brehears",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a reader carries out as one: a procedure, or those that are its steps (`Step 1: ...`, `Phase 2: ...`) under one heading."""

    title: str
    line: int
    parts: tuple[Procedure, ...]

    @property
    def commands(self) -> tuple[Command, ...]:
        """Those that something carries out: no prose in a block of shell, no crontab, no bare assignments."""
        return tuple(each for part in self.parts for each in part.commands if _runs_something(each))

    @property
    def only_looks(self) -> bool:
        """Whether it is itself a check or a rehearsal, by its title."""
        return _ONLY_LOOKS.search(self.title) is not None


def units(runbook: Runbook) -> Iterator[Unit]:
    """Those of a document that have commands to carry out."""
    together: dict[tuple[str, ...], list[Procedure]] = {}
    for each in runbook.procedures:
        path = each.section.path
        together.setdefault(path[:-1] if _PART.match(each.section.title) else (*path, str(each.section.line)), []).append(each)
    for path, parts in together.items():
        whole = (
            next((each for each in runbook.sections if each.path == path), None) if _PART.match(parts[0].section.title) else None
        )
        section = whole or parts[0].section
        unit = Unit(_plain(section.title), section.line, tuple(parts))
        if unit.commands:
            yield unit


def _plain(title: str) -> str:
    """A title without signs in front."""
    title = re.sub(r"^\d+[.)]\s+", "", title)
    return re.sub(r"^[^A-Za-z0-9]*(?:[^\x00-\x7f]+[^A-Za-z0-9]*)*", "", title) or title


def _runs_something(command: Command) -> bool:
    if command.kind in ("sql", "redis"):
        return True
    return (
        command.kind == "shell"
        and command.script is not None
        and any(reach(each).program not in ("", "echo") and "substitution" not in each.within for each in command.script.commands)
    )


def changes(command: Command, *, restarts: bool) -> bool:
    """Whether a command changes data, configuration or what runs; `restarts` counts also what only starts something anew."""
    if command.kind == "sql" and _SQL.match(command.text):
        return True
    if any(_SQL.match(each.text) if each.language == "sql" else _REDIS.match(each.text) for each in embedded(command)):
        return True
    for simple in command.script.commands if command.script else ():
        found = reach(simple)
        said = " ".join(found.values)
        if (
            found.program in _ALWAYS
            or (found.program in _CHANGES and _CHANGES[found.program].search(said))
            or (found.program == "curl" and _POST.search(said))
        ):
            return True
        if restarts and found.program in _ONLY_RESTARTS and _ONLY_RESTARTS[found.program].search(said):
            return True
    return False


def said_of(runbook: Runbook, procedure: Procedure) -> str:
    """What the document says about a procedure in words: headings, prose, items, tables, comments, also of the sections it lies in."""
    above = [each for each in runbook.sections if each.level > 1 and each.path == procedure.section.path[: len(each.path)]]
    words = [text for section in above for text in _words(section)]
    words += [comment.text for command in procedure.commands for comment in command.comments]
    words += [comment.text for step in procedure.steps for comment in step.prose]
    words += [step.title for step in procedure.steps]
    return "\n".join(words)


def _words(section: Section) -> Iterator[str]:
    yield section.title
    yield from (each.text for each in section.prose)
    yield from (each.text for each in section.items)
    yield from (
        cell.text for table in section.tables for row in (table.header, *(each.cells for each in table.rows)) for cell in row
    )


def tells_outcome(runbook: Runbook, procedure: Procedure) -> bool:
    """In words, by the attributes of a step, or because the command itself says whether it went well: `... && echo "connected"`."""
    own = any(_SAYS_HOW.search(command.text) for command in procedure.commands)
    own = (
        own
        or any(command.expected for command in procedure.commands)
        or any(step.attributes is not None for step in procedure.steps)
    )
    return own or _OUTCOME.search(said_of(runbook, procedure)) is not None


def tells_time(runbook: Runbook, procedure: Procedure) -> bool:
    """Itself, a maintenance window in its title, or recovery targets in the chapter that it belongs to."""
    if procedure.timings or any(step.attributes is not None for step in procedure.steps):
        return True
    said = said_of(runbook, procedure)
    if _WINDOW.search(said) or any(each.kind == "duration" for each in find_figures(said)):
        return True
    path = procedure.section.path
    beside = (each for each in runbook.sections if len(path) > 2 and each.path[:2] == path[:2])
    return any(re.search(r"\bRTO\b|recovery time", each.title, re.IGNORECASE) for each in beside)


def tells_rollback(runbook: Runbook, procedure: Procedure) -> bool:
    """In its own words, or by a section on rollback beside it or beside what it lies in."""
    if _UNDONE.search(said_of(runbook, procedure)) or any(
        step.attributes and step.attributes.rollback for step in procedure.steps
    ):
        return True
    path = procedure.section.path
    beside = (each for each in runbook.sections if _UNDONE.search(each.title) and len(each.path) > 1)
    return any(len(path) > 2 and each.path[:2] == path[:2] for each in beside)


def tells_test(runbook: Runbook, procedure: Procedure) -> bool:
    return _TRIED.search(said_of(runbook, procedure)) is not None


def undoes(procedure: Procedure) -> bool:
    """Whether it is itself the way back."""
    return any(
        re.search(r"\brollback\b|\brestore\b|\brecovery\b|\bfailover\b", each, re.IGNORECASE)
        for each in procedure.section.path[1:]
    )
