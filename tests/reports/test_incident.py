"""The incident report: the template's parts filled from a history, the cause last, nothing of anybody's taken for markup."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.history import Event, History
from harness.measure import Measures
from harness.result import Result, build_result
from reports.incident import Incident, incident
from reports.incident_pictures import pictures
from reports.incident_write import as_html, as_markdown, write_incident
from tests.reports.histories import Story, database_failure
from tests.reports.judgements import FAIL, JUDGEMENTS, MEASURES, PASS, UNKNOWN, invariant, result_of, target, without_recovery


def reported(history: History | None = None, result: Result | None = None, findings: tuple[str, ...] = ()) -> Incident:
    told = history or database_failure()
    return incident(told, result or result_of(told.events[0]), findings)


def both(history: History | None = None) -> tuple[str, str]:
    """Markdown and page."""
    told = history or database_failure()
    return as_markdown(reported(told)), as_html(reported(told), pictures(told, MEASURES, JUDGEMENTS))


def with_scenario(history: History, **more: object) -> History:
    """The same history of a scenario that says more."""
    first = history.events[0]
    scenario = {**first.data["scenario"], **more}
    return History((replace(first, data={**first.data, "scenario": scenario}), *history.events[1:]))


def test_has_the_parts_of_the_template() -> None:
    """003:477-523, in its words: head, timeline, impact, resolution, prevention, lessons, root cause."""
    text, _ = both()
    assert text.startswith("# Incident Report: service was lost for 1 min 48 s\n")
    for head in ("**Date:**", "**Duration:** 1 min 48 s", "**Severity:**", "**Impact:**"):
        assert head in text
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    wanted = [
        "Timeline",
        "Impact",
        "Detection",
        "Response",
        "Resolution",
        "Targets and invariants",
        "Prevention",
        "Lessons Learned",
        "Root Cause",
        "The drill",
    ]
    assert parts == wanted


def test_milestones_stand_in_the_order_of_time() -> None:
    """Since the beginning of the impact: detection and acknowledgement as measured, restored before the runbook's last command."""
    found = [(each.since, each.text.split(":")[0]) for each in reported().milestones]
    assert found == [
        ("0:00.0", "Impact began"), ("0:35.0", "Detected"), ("1:18.0", "Acknowledged"), ("1:22.0", "Investigation started"),
        ("1:24.0", "Fix applied"), ("1:48.4", "Service restored, as clients see it"), ("2:49.0", "Incident closed"),
    ]  # fmt: skip


def test_the_cause_is_told_last() -> None:
    """Neither the fault, nor its evidence, nor the scenario stand before the root cause; there they do."""
    secret = ("primary killed", "process 4242", "process.kill", "The primary database is killed", "A secret story")
    history = with_scenario(database_failure(), description="A secret story.")
    text, page = as_markdown(reported(history)), as_html(reported(history), pictures(history, MEASURES, JUDGEMENTS))
    for document, heading in ((text, "## Root Cause"), (page, "<h2>Root cause</h2>")):
        before, _, after = document.partition(heading)
        assert not [each for each in secret if each in before.replace("made-up", "")]
        assert all(each in after for each in ("primary killed", "process 4242", "process.kill", "A secret story"))


def test_tells_the_impact() -> None:
    """Failed orders, downtime, lost writes, recovery point; counts of accelerated waits are told to be smaller."""
    found = {each.name: (each.value, each.note) for each in reported().impact}
    assert found["Downtime"] == ("1 min 48 s", "in 1 outage")
    assert found["Orders failed"][0] == "590"
    assert "20 times faster" in found["Orders failed"][1]
    assert found["Lost writes"][0] == "3"
    assert found["Recovery point"][0] == "21 ms"


def test_what_was_never_restored_has_no_end() -> None:
    """Duration and downtime say at least how long."""
    told = database_failure()
    found = reported(told, result_of(told.events[0], measures=without_recovery(MEASURES)))
    assert found.brief == "service was not restored"
    assert found.duration == "over 5 min 12 s; not recovered when observation ended"


def test_action_items_come_from_what_was_missed() -> None:
    """Missed targets with their source, broken invariants, doubts, failed steps, silent alerts, findings of the runbook."""
    history = with_scenario(database_failure(), detection={"alerts": ["service_down", "replication_lag"]})
    story = Story(events=list(history.events))
    story.step(150.0, "Reconcile once more", "true", takes_s=1.0, output="", ok=False)
    told = story.history()
    judged = (
        *JUDGEMENTS,
        target("time_to_detect_s", 30, None, UNKNOWN, why="no alert fired"),
        invariant("no-stale-order", FAIL, "2 stale"),
    )
    actions = reported(told, result_of(told.events[0], judgements=judged), ("x.md:3: a rule",)).actions
    for wanted in (
        "Mend step 10 of the runbook, “Reconcile once more”: exit code 1, expected 0",
        "The expected alert replication_lag never fired: look at its rule, or at what the scenario expects",
        "Bring the lost acknowledged writes from 3 to at most 0 (eafix-operations.md:466)",
        "Find out why the invariant “no stale order” was broken: 2 stale",
        "Make it possible to judge the time to detect: no alert fired",
        "Mend the runbook: x.md:3: a rule",
    ):
        assert wanted in actions


def test_a_drill_in_which_all_went_well_asks_for_nothing() -> None:
    """And says so."""
    told = with_scenario(database_failure(), detection={"alerts": ["service_down"]})
    found = reported(told, result_of(told.events[0], verdict=PASS, judgements=(JUDGEMENTS[0], invariant("duplicates"))))
    assert found.actions == ()
    assert "Nothing that was recorded asks for an action." in as_markdown(found)
    assert found.went_well[0] == "Time to recover (RTO): 1 min 48 s, of 30 min allowed."


def test_what_is_expected_to_be_missed_is_no_success() -> None:
    """It is never told as met, and stands among what could be improved."""
    known = replace(
        target("lost_writes", 0, 3, PASS, unit="writes", why="missed, as the scenario expects: asynchronous"), known=True
    )
    told = database_failure()
    found = reported(told, result_of(told.events[0], judgements=(known,)))
    assert not any("Lost" in each for each in found.went_well)
    assert "Lost acknowledged writes: missed, as the scenario expects: asynchronous." in found.to_improve


def test_people_are_told_with_what_they_typed() -> None:
    """Their milestones, notes, commands and the steps that they skipped."""
    story = Story(speed=1.0)
    story.begin()
    story.add(5.0, "exercise.opened", "primary-database-failure")
    story.add(30.0, "fault.injected", "primary killed", fault="process.kill")
    story.add(65.0, "alert.firing", "service_down", expected=True)
    story.add(70.0, "page.acknowledged", "service_down", by="ada")
    story.add(80.0, "note", "ada", text="the primary does not answer")
    story.add(
        91.0, "command.finished", "shell 1", by="ada", command="psql -c 'SELECT 1'", exit_code=2, began_s=90.0, output="no server"
    )
    story.add(95.0, "step.finished", "2", by="ada", state="skipped", text="not needed")
    story.add(99.0, "milestone", "cause-named", by="ada", text="it was killed")
    story.add(99.5, "milestone", "mitigated", by="ada", text="")
    story.add(100.0, "procedure.finished", "runbooks/test.md#procedure", outcome="done", by="ada")
    story.add(120.0, "drill.finished", "primary-database-failure", status="completed")
    told = story.history()
    found = reported(told)
    assert [(each.since, each.by, each.command, each.exit_code) for each in found.typed] == [
        ("1:00.0", "ada", "psql -c 'SELECT 1'", "exit code 2")
    ]
    reached = [each.text for each in found.milestones]
    assert "Cause named by ada: it was killed" in reached
    assert [each for each in reached if "itigated" in each or "Fix" in each] == ["Mitigated by ada"], (
        "people tell, no command does"
    )
    assert "ada: the primary does not answer" in [each.text for each in found.timeline]
    assert "Step 2 of the runbook was skipped: not needed" in found.actions
    assert "no server" in as_markdown(found)
    assert "no server" in as_html(found, [])


def test_nothing_is_taken_for_markup() -> None:
    """Commands, outputs and descriptions come from anywhere: tags, bars, backticks, terminal escapes."""
    evil = "<script>alert(1)</script><img src=x> | `` ` `` \x1b[31mred"
    history = with_scenario(database_failure(), description=evil)
    story = Story(events=list(history.events))
    story.step(150.0, evil, evil, takes_s=1.0, output=f"{evil}\n```\n# no heading\n</details>", ok=False)
    story.down(evil, 40.0, 50.0)
    text, page = both(story.history())
    assert "<script" not in page.replace("\\<script", "")
    assert "<img" not in page
    assert "\x1b" not in text + page
    assert "<script" not in re.sub(r"`{3,}.*?\n`{3,}", "", text, flags=re.DOTALL).replace("\\<script", "")


@pytest.mark.parametrize("length", [0, 1, 12, 40, 400])
def test_a_history_that_was_cut_short_is_reported_as_far_as_it_got(length: int, tmp_path: Path) -> None:
    """With a whole page and a whole text, from nothing but its beginning on."""
    whole = database_failure()
    told = History((whole.events[0], *whole.events[1 : 1 + length]))
    (tmp_path / "history.jsonl").write_text("".join(f"{each.to_line()}\n" for each in told.events))
    text, page = write_incident(tmp_path, build_result(tmp_path))
    assert text.read_text().startswith("# Incident Report: ")
    assert page.read_text().rstrip().endswith("</html>")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["history.jsonl", "incident.html", "incident.md"]


def test_a_drill_without_a_fault_says_that_nothing_happened() -> None:
    """And draws nothing."""
    started = Event(0.0, 0.0, "drill.started", "x", {"scenario": {}})
    told = History((started, Event(9.0, 9.0, "drill.finished", "x", {"status": "errored", "error": "no stack"})))
    found = incident(told, Result("d", "x", "errored", UNKNOWN, 4, Measures(), (), started))
    assert found.brief == "nothing happened"
    assert pictures(told, Measures(), ()) == []
    assert "Nothing was broken" in as_markdown(found)


def test_a_page_loads_nothing() -> None:
    """It holds its pictures and its style, and its policy forbids the rest."""
    _, page = both()
    assert page.count("<svg") == 2
    assert "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)
