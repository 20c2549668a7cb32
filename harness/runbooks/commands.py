"""Whether a command that was carried out did what it should: pure judgements over one `Ran`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.runbooks.plan import Unit
from harness.runbooks.story import Ran, status
from scenarios.lint.executed import (
    command_failed,
    command_hangs,
    command_missing,
    destroys_workstation,
    failure_hidden_by_pipe,
    http_error_unnoticed,
    no_stated_effect,
)  # fmt: skip
from scenarios.lint.rule import Rule
from scenarios.reading import Reach, Simple, reach
from scenarios.reading.classify import is_endless
from scenarios.reading.shell import Script
from scenarios.reading.syntax import parse_script

_NOT_FOUND = re.compile(
    r"^(?:(?:bash|[\w./-]+: line \d+): (?P<a>[^:\n]+): command not found|[\w./-]+: (?:line )?\d+: (?P<b>[^:\n]+): not found)$",
    re.MULTILINE,
)
_NO_FILE = re.compile(
    r"^(?:bash|sh): (?:line \d+: )?(?P<name>[^:\n]+): (?:No such file or directory|Permission denied|cannot execute[^\n]*)$",
    re.MULTILINE,
)
_NOT_INSIDE = re.compile(r'exec: "(?P<name>[^"\n]+)": executable file not found')  # of a container
_ANSWERS = {
    "grep": 1,
    "egrep": 1,
    "fgrep": 1,
    "zgrep": 1,
    "rg": 1,
    "pgrep": 1,
    "diff": 1,
    "cmp": 1,
    "test": 1,
    "[": 1,
    "[[": 1,
    "false": 1,
}  # fmt: skip  -- exit codes that are an answer and no failure
_PROBES = {
    "curl": {5, 6, 7, 18, 22, 28, 35, 52, 55, 56},
    "pg_isready": {1, 2},
    "nc": {1},
    "ping": {1},
    "eafix-cli": {1},
}  # eafix-cli: "not healthy"; what it does not know, and a line that it can't read, is 2
_UNREACHABLE = re.compile(
    r"connection (?:to server .*)?(?:refused|reset|timed? ?out|closed)|could not connect|can't connect|timed? ?out|timeout|no route to host"
    r"|not ready|not available|unreachable|unavailable|no response|server closed the connection|unhealthy|not healthy|not running|\bdown\b|\b50[0234]\b|no such host|EOF",
    re.IGNORECASE,
)  # fmt: skip
_METER = re.compile(r"^.*?(?=curl: \(\d+\))")  # what curl shows of its progress, in the same line
_FIGURES = re.compile(r"(?<![:\d])(?<!port )\d{4,}(?:[-T.:]\d+)*|\d+(?= ms\b)")  # times, process ids: another one in each run
_BROKEN_PIPE = 141
_TIMED_OUT = 124  # of coreutils' timeout
_MOST_EVIDENCE = 40  # lines


@dataclass(frozen=True, slots=True)
class Said:
    """One judgement of a command, before anybody knows whether another one is behind it."""

    rule: Rule
    ran: Ran
    message: str
    evidence: str


def judged(ran: Ran, *, in_incident: bool) -> Said | None:
    """The one thing that is wrong with a command, the gravest if there are several. `in_incident`: clients were not served then."""
    return next(_all(ran, in_incident=in_incident), None)


def _all(ran: Ran, *, in_incident: bool) -> Iterator[Said]:
    unit, what = ran.unit, program_of(ran.unit)
    if ran.gone:
        yield _said(destroys_workstation, ran, f"after it the operator's {' and '.join(ran.gone)} were gone")
    if ran.ended_by == "watchdog":
        yield _said(command_hangs, ran, f"it was stopped: {_told(ran.watchdog)}")
    if ran.ended_by == "output":
        yield _said(command_hangs, ran, "it prints without end, and was stopped")
    if ran.ended_by == "time":
        yield _said(command_hangs, ran, f"{what} did not come to an end in its time, and was stopped")
    if ran.not_offered or ran.outside or ran.ended_by:
        if ran.ended_by == "shell" and not (ran.not_offered or ran.outside):
            yield from _failed(ran, what, in_incident=in_incident)
        return
    if unit.step is not None:
        yield from _missed(ran)
        return
    yield from _failed(ran, what, in_incident=in_incident)
    yield from _unnoticed(ran, in_incident=in_incident)
    yield from _hidden(ran, in_incident=in_incident)


def _told(watchdog: str) -> str:
    """Without the figure that is another one each time."""
    return (
        re.sub(r"^\d+ MB of memory, more than", "it used more memory than", watchdog) if watchdog else "it multiplied without end"
    )


def _missed(ran: Ran) -> Iterator[Said]:
    """A step of our own, against what it expects."""
    if ran.missed is None:
        return
    if missing := _missing(ran):
        yield _said(command_missing, ran, f"there is no {missing}")
    elif ran.missed.startswith("exit code"):
        yield _said(
            command_failed,
            ran,
            f"the step '{ran.unit.title}' ended with exit code {ran.exit_code}, and expects {ran.unit.expect}",
        )
    else:
        yield _said(no_stated_effect, ran, f"the step '{ran.unit.title}' did not do what it expects: {ran.unit.expect}")


def _failed(ran: Ran, what: str, *, in_incident: bool) -> Iterator[Said]:
    if ran.exit_code == 0 or (ran.exit_code == _BROKEN_PIPE and ran.codes):
        return
    if missing := _missing(ran):
        yield _said(command_missing, ran, f"there is no {missing}")
        return
    last = last_pipeline(ran.unit)
    end = last[-1] if last else None
    if end is not None and _ANSWERS.get(end.program) == ran.exit_code and ran.ended_by != "shell":
        failing = [code for code in ran.codes[:-1] if code not in (0, 1, _BROKEN_PIPE)]
        if not failing:
            return
    if end is not None and _watched_for_a_while(end, ran.exit_code):
        return
    if in_incident and _is_answer(ran, end):
        return
    if ran.exit_code == 3 and end is not None and end.program == "systemctl" and {"status", "is-active"} & set(end.values):
        return
    block = _is_block(ran.unit)
    why = _why(ran, last=block)
    yield _said(command_failed, ran, f"{'the block' if block else what} ended with exit code {ran.exit_code}{why}")


def _watched_for_a_while(what: Reach, exit_code: int | None) -> bool:
    """Whether `timeout` ended something that only ends that way: a log that is followed for so long."""
    return exit_code == _TIMED_OUT and "timeout" in what.through and is_endless(what)


def _is_answer(ran: Ran, end: Reach | None) -> bool:
    """Whether a look at a stack that is down tells just that."""
    if ran.unit.changes:
        return False
    if end is not None and ran.exit_code in _PROBES.get(end.program, ()):
        return True
    return _UNREACHABLE.search(ran.output) is not None


def _unnoticed(ran: Ran, *, in_incident: bool) -> Iterator[Said]:
    if ran.exit_code != 0 or not any(reach(each).program == "curl" for each in _simples(ran.unit)):
        return
    for each in ran.refusals:
        if in_incident and not ran.unit.changes and status(each) >= 500:
            continue
        words = str(each["status"]).split(maxsplit=1)
        yield _said(http_error_unnoticed, ran, f"the server answered {words[-1]}, and curl ended with exit code 0")
        return


def _hidden(ran: Ran, *, in_incident: bool) -> Iterator[Said]:
    if ran.exit_code != 0 or len(ran.codes) < 2 or ran.codes[-1] != 0:
        return
    members = last_pipeline(ran.unit, len(ran.codes))
    parts: Sequence[Reach | None] = members if len(members) == len(ran.codes) else [None for _ in ran.codes]
    for member, code in zip(parts, ran.codes[:-1], strict=False):
        name = member.program if member is not None else ""
        if code in (0, _BROKEN_PIPE) or (not name and code == 1) or _ANSWERS.get(name) == code:
            continue
        if member is not None and _watched_for_a_while(member, code):
            continue
        if in_incident and not ran.unit.changes and (code in _PROBES.get(name, ()) or _UNREACHABLE.search(ran.output)):
            continue
        yield _said(
            failure_hidden_by_pipe,
            ran,
            f"{name or 'a member of the pipe'} failed with exit code {code}, and the pipe ended with 0",
        )
        return


def _missing(ran: Ran) -> str:
    """What is not there: of a command that ended with 127 or 126, or says so itself."""
    found = _NOT_FOUND.search(ran.output)
    if found is not None and ran.exit_code:
        return (found["a"] or found["b"]).strip()
    if ran.exit_code in (126, 127):
        file = _NO_FILE.search(ran.output) or _NOT_INSIDE.search(ran.output)
        return file["name"].strip() if file else program_of(ran.unit)
    return ""


def _is_block(unit: Unit) -> bool:
    """Whether it is a condition or loop of several lines: its exit code is that of the last command that ran in it."""
    return unit.end_line > unit.line and any({"if", "loop", "case"} & set(each.within) for each in _simples(unit))


def _why(ran: Ran, *, last: bool = False) -> str:
    """The line of its output that tells most, the last such one of a block, for the message; figures that change are left to the evidence."""
    lines = [_METER.sub("", each).strip() for each in ran.output.splitlines() if each.strip()]
    telling = [
        each
        for each in lines
        if re.search(r"error|fail|cannot|could not|not found|invalid|unknown|no such|denied|usage", each, re.IGNORECASE)
    ]
    line = (telling or lines[-1:] or [""])[-1 if last else 0]
    return f": {_FIGURES.sub('…', line)[:240]}" if line else ""


def _said(rule: Rule, ran: Ran, message: str) -> Said:
    lines = ran.evidence.splitlines()
    if len(lines) > _MOST_EVIDENCE:
        half = _MOST_EVIDENCE // 2
        lines = [*lines[:half], f"[... {len(lines) - 2 * half} lines left out ...]", *lines[-half:]]
    return Said(rule, ran, message, "\n".join(lines))


# --- what a unit is made of --------------------------------------------------------------------------------------


def script_of(unit: Unit) -> Script:
    return parse_script(unit.text, lambda row, column: (unit.line + row, column + 1), unit.text)


def _simples(unit: Unit) -> Sequence[Simple]:
    return script_of(unit).commands


def program_of(unit: Unit) -> str:
    """What it runs, for a message."""
    return next((each.program for each in _simples(unit) if each.program), "the command")


def last_pipeline(unit: Unit, members: int | None = None) -> tuple[Reach, ...]:
    """The members of the pipeline that ends it, or of the last one with so many; the last command alone where there is none."""
    script = script_of(unit)
    simples = [each for each in script.commands if "substitution" not in each.within]
    if members is not None and members > 1:
        fitting = [each for each in script.pipelines() if len(each) == members]
        return tuple(reach(each) for each in fitting[-1]) if fitting else ()
    if not simples:
        return ()
    last = simples[-1]
    together = [each for each in simples if each.pipeline == last.pipeline] if last.pipeline else [last]
    return tuple(reach(each) for each in together)
