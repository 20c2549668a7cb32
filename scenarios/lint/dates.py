"""Rules about dates: reviews that are overdue, fields that nobody filled in, commands that name a day long gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.rule import rule
from scenarios.reading import Runbook

_NEVER_RUN = re.compile(r"`?\$\([^)]*(?:\([^)]*\)[^)]*)*\)`?")
_TEMPLATE = re.compile(r"\[(?:ADD|INSERT|YOUR|ENTER)?\s*DATE\]|\[YYYY-MM-DD\]|\bTBD\b", re.IGNORECASE)
_DAY = re.compile(r"(?<!\d)(?P<year>20\d\d)(?P<dash>-?)(?P<month>0[1-9]|1[0-2])(?P=dash)(?P<day>0[1-9]|[12]\d|3[01])(?!\d)")
_RESTORES = re.compile(r"\b(?:pg_restore|restore|aws\s+s3\s+cp|psql\b[^\n]*<|gunzip|tar\s+-?x)", re.IGNORECASE)
_WINDOW = re.compile(
    r"\b(?P<day>Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\s+(?P<start>\d\d:\d\d)\s*[-–]\s*(?P<end>\d\d:\d\d)\s*(?P<zone>[A-Z]{2,4})?",
    re.IGNORECASE,
)
_COPY = re.compile(r"\.(?:dump|sql|gz|tgz|tar|rdb|bak|zip|zst)\b")


@rule("review-overdue", severity="warning", title="A review that is overdue")
def review_overdue(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The day on which the document was to be reviewed has passed. Nobody has looked since whether its commands, names and people are still right; treat all of it with suspicion. (`--today` sets the day that this is judged by.)

    Bad: `**Next Review**: January 2025`, two years later.
    Good: the review is done, and the field names the next one.
    """
    for each in runbook.reviews:
        if each.kind == "next review" and each.on is not None and each.on < context.today:
            late = (context.today - each.on).days
            message = f"the review was due {each.text.strip()}, and nothing says that it was done"
            yield review_overdue.finding(
                runbook, each, message, _with_age(runbook.source.line(each.line).strip(), late, context.today)
            )


@rule("updated-in-future", severity="error", title="Updated on a day that is still to come")
def updated_in_future(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The document says that it was updated or reviewed on a day that has not come yet: the field was mistyped or copied, and tells nothing about how old the text is.

    Bad: `Last Updated: 2027-03-01` in November 2026.
    Good: the day of the last change.
    """
    for each in runbook.reviews:
        if each.kind != "next review" and each.on is not None:
            first = each.on if each.precision == "day" else date(each.on.year, each.on.month, 1)
            if first > context.today:
                yield updated_in_future.finding(
                    runbook,
                    each,
                    f"{each.text.strip()} is still to come",
                    f"{runbook.source.line(each.line).strip()}\ntoday is {context.today.isoformat()}",
                )


@rule("field-not-filled", severity="warning", title="A field that nobody filled in")
def field_not_filled(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A date or version is still a template: `[ADD DATE]`, or a command such as `$(date)` that would be run in a shell and stands in Markdown, where nothing runs it. Nobody can tell how old the document is, or for which version it was written.

    Bad: `**Last Updated**: $(date)`
    Good: `**Last Updated**: 2026-11-21`
    """
    for term in runbook.terms:
        if _NEVER_RUN.fullmatch(term.value.strip()):
            message = f"{term.term}: in a document nothing runs {term.value.strip()}, so this says nothing"
            yield field_not_filled.finding(runbook, term, message, runbook.source.line(term.line).strip())
    samples = {number for fence in runbook.fences if not fence.is_shell for number in range(fence.line, fence.end_line + 1)}
    for number, line in enumerate(runbook.source.lines, 1):
        found = _TEMPLATE.search(line) if number not in samples else None
        if found is not None:
            yield field_not_filled.finding(runbook, (number, found.start() + 1), f"{found[0]} was never filled in", line.strip())


@rule("dated-copy", severity="warning", title="A restore from a copy of one certain day")
def dated_copy(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The command fetches or restores a backup whose name holds a fixed day. Pasted as it stands, it brings back that day, if the file is still there at all, and throws away everything since. Let the newest be found, or make the day a placeholder that cannot be run.

    Bad: `pg_restore -d trading_db /tmp/trading_db_2025-01-20.dump`
    Good: `newest=$(aws s3 ls s3://backups/postgres/ | sort | tail -1 | awk '{print $4}')`, and `pg_restore -d trading_db "/tmp/$newest"`
    """
    for procedure in runbook.procedures:
        told: set[str] = set()
        for command in procedure.commands:
            found = _DAY.search(command.text) if _RESTORES.search(command.text) and _COPY.search(command.text) else None
            day = _day(found) if found else None
            if found and day and found[0] not in told and day <= context.today:
                told.add(found[0])
                age = (context.today - day).days
                message = f"this names the copy of {day.isoformat()}: what came since would be lost"
                yield dated_copy.finding(runbook, command, message, _with_age(command.text, age, context.today))


@rule("overlapping-windows", severity="warning", title="Two maintenance windows at the same time")
def overlapping_windows(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """Two maintenance windows of the document fall on the same hours of the same day, and it does not say which gives way. Both procedures run at once: one reindexes while the other takes its backup, and the first to end switches maintenance mode off under the other.

    Bad: `Weekly Maintenance (Sundays 02:00-04:00 UTC)` and `Monthly Maintenance (First Sunday 01:00-05:00 UTC)`
    Good: the weekly window says "not on the first Sunday of the month".
    """
    windows = [(each, found) for each in runbook.sections if (found := _WINDOW.search(each.title))]
    for at, (section, one) in enumerate(windows):
        for other, two in windows[at + 1 :]:
            same_day = one["day"].lower() == two["day"].lower() and one["zone"] == two["zone"]
            if (
                same_day
                and one["start"] < two["end"]
                and two["start"] < one["end"]
                and not re.search(r"\bexcept\b|\bnot on\b", section.title + other.title)
            ):
                message = f"'{section.title}' and '{other.title}' (line {other.line}) overlap, and nothing says which gives way"
                evidence = f"{runbook.source.line(section.line).strip()}\n{runbook.source.line(other.line).strip()}"
                related = (Related(runbook.path, other.line, runbook.source.line(other.line).strip()),)
                yield overlapping_windows.finding(runbook, (section.line, 1), message, evidence, related)


def _with_age(text: str, days: int, today: date) -> str:
    """Evidence with how long ago that is. In the message it would make another finding of it each day, and no baseline would hold."""
    return f"{text}\n{days} days before {today.isoformat()}"


def _day(found: re.Match[str]) -> date | None:
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None
