"""Rules about what every procedure owes its reader: outcome, time, way back, a rehearsal; right numbers, known severities, readable signs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.platforms import groups
from scenarios.lint.rule import rule
from scenarios.lint.standards import Unit, changes, tells_outcome, tells_rollback, tells_test, tells_time, undoes, units
from scenarios.reading import Procedure, Runbook
from scenarios.reading.facts import find_severities

_NUMBERED = re.compile(r"^(?P<word>Step|Phase|Level|Scenario|Stage|Tier)\s+(?P<number>\d+)\b", re.IGNORECASE)
_OPTION = re.compile(r"--severity[= ](?P<word>[\w-]+)")
_WORDS = {"critical", "high", "medium", "low"}
_SHOWN = 3


def _lacking(runbook: Runbook, tells: Callable[[Runbook, Procedure], bool], *, acting: str = "") -> Iterator[tuple[Unit, str]]:
    """What does not tell it in any of its parts, with its first command. `acting` leaves out what changes nothing: "data" counts no restarts."""
    for unit in units(runbook):
        own = [each for each in unit.commands if not acting or changes(each, restarts=acting != "data")]
        if own and not (acting and unit.only_looks) and not any(tells(runbook, part) for part in unit.parts):
            yield unit, f"{own[0].line}: {own[0].text.partition(chr(10))[0]}"


@rule("no-expected-outcome", severity="info", title="A procedure that does not say what should come of it")
def no_expected_outcome(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """No step of the procedure says what its command should print or change. At 3 a.m. the reader sees an output and must decide whether it is good; the author knew, and did not write it down.

    Bad: `kubectl get pods -n production`
    Good: `kubectl get pods -n production  # Expected: all Running, READY 1/1`
    """
    for unit, evidence in _lacking(runbook, tells_outcome):
        number = len(unit.commands)
        message = f"'{unit.title}' does not say what should come of its {f'{number} commands' if number > 1 else 'command'}"
        yield no_expected_outcome.finding(runbook, (unit.line, 1), message, evidence)


@rule("no-timing", severity="info", title="A procedure that does not say how long it takes")
def no_timing(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The procedure changes the system and gives no time: neither how long it takes nor after how long to give up and escalate. Nobody can tell whether it fits into the recovery target, or when to stop waiting.

    Bad: "Restore from Backup" with five commands and no figure.
    Good: "about 20 minutes for 50 GB; escalate after 40".
    """
    for unit, evidence in _lacking(runbook, tells_time, acting="anything"):
        yield no_timing.finding(runbook, (unit.line, 1), f"'{unit.title}' does not say how long it takes", evidence)


@rule("no-rollback", severity="info", title="A procedure that does not say how it is undone")
def no_rollback(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The procedure changes data, configuration or what runs, and neither it nor a section beside it says how to go back when that makes it worse. Procedures that only look or restart are left out, and so are those that are a way back themselves.

    Bad: `kubectl scale deployment api --replicas=20` and nothing more.
    Good: the same, with "Rollback: `--replicas=3`, the usual number".
    """
    for unit, evidence in _lacking(runbook, tells_rollback, acting="data"):
        if not all(undoes(each) for each in unit.parts):
            yield no_rollback.finding(runbook, (unit.line, 1), f"'{unit.title}' does not say how it is undone", evidence)


@rule("no-test-scenario", severity="info", title="A procedure that nobody is said to have tried")
def no_test_scenario(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The procedure changes the system and names no drill, scenario or test in which it was carried out. What was never tried fails when it is needed: by a renamed deployment, a missing file, a privilege.

    Bad: "Primary Database Failure" with commands only.
    Good: "Rehearsed by `gameday run primary-database-failure`, last on 2026-11-02".
    """
    for unit, evidence in _lacking(runbook, tells_test, acting="anything"):
        yield no_test_scenario.finding(
            runbook, (unit.line, 1), f"'{unit.title}' names no test or drill in which it was tried", evidence
        )


@rule("step-number", severity="warning", title="Steps that are numbered wrongly")
def step_number(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Numbered steps skip a number or give one twice, in a block of commands or in headings such as "Step 3". Either a step was lost, or two people who speak of step 4 mean different things.

    Bad: `# 1. Stop`, `# 2. Restore`, `# 4. Start`
    Good: `# 1. Stop`, `# 2. Restore`, `# 3. Start`
    """
    for procedure in (*runbook.procedures, *runbook.manual):
        for before, step in zip(procedure.steps, procedure.steps[1:], strict=False):
            if (
                step.source == before.source == "comment"
                and step.fence == before.fence
                and step.number != (before.number or 0) + 1
            ):
                message = f"step {step.number} comes after step {before.number}"
                yield step_number.finding(
                    runbook, (step.line, 1), message, f"{before.number}. {before.title}\n{step.number}. {step.title}"
                )
    last: dict[tuple[tuple[str, ...], str], int] = {}
    for section in runbook.sections:
        found = _NUMBERED.match(section.title)
        if found:
            key, number = (section.path[:-1], found["word"].lower()), int(found["number"])
            if key in last and number != last[key] + 1:
                message = f"{found['word']} {number} comes after {found['word']} {last[key]}"
                yield step_number.finding(runbook, (section.line, 1), message, runbook.source.line(section.line).strip())
            last[key] = number


@rule("unknown-severity", severity="warning", title="A severity that no document defines", across=True)
def unknown_severity(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """A severity is used that the documents of this platform do not define: a P4 where there are P0 to P3, `--severity=urgent` where the words are critical, high, medium and low. Nobody knows whom it wakes and by when.

    Bad: `eafix-cli incident create --severity=urgent`
    Good: `eafix-cli incident create --severity=critical`
    """
    for group in groups(runbooks):
        defined = {each.level for book in group for section in book.sections for each in find_severities(section.title, 0)}
        defined |= {each.level for book in group for term in book.terms for each in find_severities(term.term, 0)}
        bold = [each.raw for book in group for section in book.sections for each in section.prose if "**" in each.raw]
        bold += [each.raw for book in group for section in book.sections for each in section.items if "**" in each.raw]
        defined |= {each.level for text in bold for each in find_severities(text, 0)}
        for book in group if defined else ():
            yield from _undefined(book, defined)


def _undefined(runbook: Runbook, defined: set[str]) -> Iterator[Finding]:
    samples = {number for fence in runbook.fences if not fence.is_shell for number in range(fence.line, fence.end_line + 1)}
    for number, line in enumerate(runbook.source.lines, 1):
        if number in samples:
            continue
        for each in find_severities(line, number):
            if each.level not in defined and each.level[:1] in {level[:1] for level in defined}:
                message = f"{each.level} is not defined: there are {', '.join(sorted(defined))}"
                yield unknown_severity.finding(runbook, (number, line.find(each.level) + 1), message, line.strip())
        option = _OPTION.search(line)
        if option and option["word"].lower() not in _WORDS and option["word"].upper() not in defined:
            message = f"no severity is called '{option['word']}': there are {', '.join(sorted(defined))}"
            yield unknown_severity.finding(runbook, (number, option.start() + 1), message, line.strip())


@rule("mojibake", severity="warning", title="Characters that were read in the wrong encoding")
def mojibake(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Signs of the document are UTF-8 that was once read in another encoding and saved again: instead of a red dot for "critical" there stand letters nobody can read. Where the sign alone told how grave something is, that is lost. One finding tells of all places; save the document once more from its source.

    Bad: a heading that begins with three letters of accents where a warning sign was meant.
    Good: the sign itself, or the word `WARNING`.
    """
    notes = [each for each in runbook.notes if each.kind == "mojibake"]
    if notes:
        first = notes[0]
        places = f"{len(notes)} places" if len(notes) > 1 else "one place"
        related = tuple(Related(runbook.path, each.line, each.message) for each in notes[1:])
        evidence = "\n".join(f"{each.line}: {each.message}" for each in notes[:_SHOWN])
        yield mojibake.finding(
            runbook, first, f"in {places} signs were saved in the wrong encoding; the first: {first.message}", evidence, related
        )


@rule("undecodable", severity="error", title="Bytes that are no text")
def undecodable(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The file holds bytes that are not UTF-8. Editors and viewers drop or replace them, each in its own way; inside a command that is another command.

    Bad: a file saved as Latin-1.
    Good: the same file saved as UTF-8.
    """
    for each in runbook.notes:
        if each.kind == "undecodable":
            yield undecodable.finding(runbook, each, each.message, runbook.source.line(each.line).strip())
