"""A run of drills for GitHub Actions: annotations beside the lines of a change, and the summary of the job's page.

A line on standard output that begins with `::` is a command to the runner, so whatever comes from a drill is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.cases import Case, cases_of
from reports.escape import code, fenced, prose, table
from reports.rehearsal import Rehearsal
from reports.verdicts import headline
from reports.words import duration_text
from scenarios.errors import shown

MOST_ANNOTATIONS = 10  # of one level in one step; GitHub passes the others over
_MOST_BYTES = 900_000  # of a step's summary; GitHub takes 1 MiB, and refuses all of a larger one
_SIGNS = {"passed": "✅", "failed": "❌", "error": "⚠️", "skipped": "⏭️"}
_WORDS = {"passed": "pass", "failed": "FAIL", "error": "not judged", "skipped": "not run"}


def annotated(rehearsals: Sequence[Rehearsal]) -> Iterator[str]:
    """One `::error` line for each case that failed or could not be judged, the failed first; the last one counts those left out."""
    bad = sorted(
        ((each, case) for each in rehearsals for case in cases_of(each) if case.bad), key=lambda found: found[1].state != "failed"
    )
    kept = bad if len(bad) <= MOST_ANNOTATIONS else bad[: MOST_ANNOTATIONS - 1]
    for each, case in kept:
        where = f"file={_property(shown(case.planned.path))},line={case.planned.line}"
        title = _property(f"{each.loaded.name}: {case.planned.title}")
        yield f"::error {where},title={title}::{_data(case.message)}%0A{_data(case.detail)}"
    if len(kept) < len(bad):
        yield f"::error title=gameday::{len(bad) - len(kept)} more cases failed; the summary of this job names them."


def stop_commands(token: str) -> str:
    """From this line on the runner takes nothing for a command, until `::TOKEN::`."""
    return f"::stop-commands::{token}"


def resume_commands(token: str) -> str:
    """Ends what `stop_commands` with the same token began."""
    return f"::{token}::"


def summary(rehearsals: Sequence[Rehearsal]) -> str:
    """Markdown: a row for each scenario, then of each that is no pass what failed and why."""
    rows = [_row(each) for each in rehearsals]
    head = ["", "scenario", "verdict", "detect", "recover", "lost writes", "cases"]
    parts = ["## Game day", table(head, rows)]
    for each in rehearsals:
        parts += _told(each)
    text = "\n\n".join(parts) + "\n"
    if len(text.encode()) <= _MOST_BYTES:
        return text
    return "\n\n".join([*parts[:2], "What failed is too long for this page: see the reports among the artifacts."]) + "\n"


def _row(rehearsal: Rehearsal) -> list[str]:
    cases, result = cases_of(rehearsal), rehearsal.result
    worst = next((state for state in ("failed", "error") if any(case.state == state for case in cases)), "passed")
    word = (
        result.verdict.value
        if result and rehearsal.completed
        else result.status
        if result
        else "broken"
        if rehearsal.error
        else "not run"
    )
    if result is None and not rehearsal.error:
        worst = "skipped"
    times = [result.measures.time_to_detect_s, result.measures.time_to_recover_s] if result else [None, None]
    lost = result.measures.lost_writes if result else None
    counts = ", ".join(f"{number} {_WORDS[state]}" for state in _SIGNS if (number := sum(case.state == state for case in cases)))
    measured = ["–" if each is None else duration_text(each) for each in times]
    return [_SIGNS[worst], code(rehearsal.loaded.name), word, *measured, "–" if lost is None else str(lost), counts]


def _told(rehearsal: Rehearsal) -> Iterator[str]:
    bad = [case for case in cases_of(rehearsal) if case.bad]
    if not bad:
        return
    yield f"### {prose(rehearsal.loaded.scenario.title)}"
    if rehearsal.result is not None:
        yield prose(headline(rehearsal.history, rehearsal.result.measures, rehearsal.result.judgements))
    for case in bad:
        yield _case(case)


def _case(case: Case) -> str:
    line = f"{_SIGNS[case.state]} **{prose(case.planned.title)}** {prose(case.message)}"
    return f"{line}\n\n{fenced(case.detail)}" if case.detail else line


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
