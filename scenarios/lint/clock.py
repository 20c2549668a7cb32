"""Rules: names made from the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.rule import rule
from scenarios.lint.walk import Run, runs
from scenarios.reading import Procedure, Runbook, Word

_CLOCK = re.compile(r"\$\(\s*(?:TZ=\S+\s+)?date\b[^)]*\)|`date\b[^`]*`")
_FINE = re.compile(r"%[HIklMSsNTRcrX]|-I(?:h|m|s|n)|--iso-8601=|--rfc-3339")
_SPEAKS = ("echo", "printf", "logger")


@rule("clock-name-twice", severity="error", title="A name is computed from the clock twice")
def clock_name_twice(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """One command makes something whose name holds the time, and another computes the same name again to find it. The clock has moved on by then: the second name is another one, so the check, the upload or the restore looks for something that was never made, and if it is lenient it reports success. With the date alone in the name the same happens around midnight, which is a warning.

    Bad: `pg_dump -f db-$(date +%H%M%S).dump` and then `pg_restore -l db-$(date +%H%M%S).dump`
    Good: `DUMP=db-$(date +%H%M%S).dump; pg_dump -f "$DUMP"` and then `pg_restore -l "$DUMP"`
    """
    for procedure in runbook.procedures:
        first: dict[str, tuple[Run, Word]] = {}
        for run, word in _names(procedure):
            made, place = first.setdefault(word.text.strip("\"'"), (run, word))
            if made.simple is run.simple:
                continue
            fine = any(_FINE.search(each) for each in _CLOCK.findall(word.text))
            message = (
                f"this name was computed at line {place.line} already; by now the clock gives another one"
                if fine
                else f"this name was computed at line {place.line} already; after midnight the clock gives another one"
            )
            related = (Related(runbook.path, place.line, f"first computed here: {made.text}"),)
            yield clock_name_twice.finding(
                runbook, word, message, f"{made.text}\n{run.text}", related, None if fine else "warning"
            )


def _names(procedure: Procedure) -> Iterator[tuple[Run, Word]]:
    """Words without blanks that hold the time, in commands that use them as a name."""
    for run in runs(procedure):
        targets = (each.target for each in run.simple.redirections if each.target is not None and not each.body)
        words = (*(() if run.program in _SPEAKS else run.simple.arguments), *targets)
        for word in words:
            beside = _CLOCK.sub("", word.text).strip("\"'")
            if _CLOCK.search(word.text) and beside and not re.search(r"\s", beside):
                yield run, word
