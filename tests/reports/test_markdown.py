"""The report of a drill."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from harness.history import Event, History
from harness.measure import Measures
from reports.markdown import report
from tests.reports.histories import STEPS, Story, database_failure
from tests.reports.judgements import JUDGEMENTS, MEASURES, UNKNOWN, UNTESTED, result_of, without_recovery

PARSER = MarkdownIt("commonmark").enable("table")


def written(history: History, measures: Measures = MEASURES) -> str:
    started = history.first("drill.started") or Event(0, 0, "drill.started", "made-up")
    return report(history, measures, JUDGEMENTS, result_of(started, measures=measures))


def test_opens_with_the_verdict_and_the_sentence() -> None:
    """A reader who stops after three lines knows what matters."""
    lines = written(database_failure()).splitlines()
    assert lines[0] == "# ✗ FAIL: The primary database is killed under load"
    assert lines[2].startswith("Service was lost for 1 min 48 s; target 30 min: met.")
    assert "](timeline.png)" in lines[4]


def test_sets_each_target_beside_what_was_measured() -> None:
    """With the document and the line that the target came from."""
    text = written(database_failure())
    assert (
        "| ✓ PASS | `target-of-time_to_recover_s` | time to recover (RTO) | 1 min 48 s | 30 min |  | eafix-operations.md:466 |"
        in text
    )


def test_shows_every_command_with_its_exit_code_duration_and_output() -> None:
    """Nothing of the procedure is left out."""
    fences = [token.content.strip() for token in PARSER.parse(written(database_failure())) if token.type == "fence"]
    for number, (_, command, _) in enumerate(STEPS, start=1):
        assert command in fences
        assert f"done {number}" in fences
    assert "<summary>exit code 0 after 400 ms; its output</summary>" in written(database_failure())


def test_hostile_output_stays_in_its_fence() -> None:
    """Backticks, headings and tables printed by a command change nothing of the report around it."""
    story = Story()
    story.begin()
    story.step(1, "Look | around `now`", "echo '```'", output="````\n# PASS\n| a | b |\n</details>\n```", ok=False)
    tokens = PARSER.parse(written(story.history()))
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert not any(heading.startswith("PASS") for heading in headings)
    assert any(token.type == "fence" and token.content == "````\n# PASS\n| a | b |\n</details>\n```\n" for token in tokens)


def test_a_failed_step_lies_open() -> None:
    """The output that matters is not folded away, and the reason stands over it."""
    story = Story()
    story.step(1, "Promote", "pg_ctl promote", ok=False, output="no such slot")
    text = written(story.history())
    assert "### 1. Promote: FAILED in 300 ms\n\nexit code 1, expected 0" in text
    assert "<details open>" in text


def test_tells_when_everything_happened() -> None:
    """In time since the fault, which is what targets are written in, and in time since the start, which is what the history has."""
    text = written(database_failure())
    assert "| 0:35.0 | 65.000 | **Alert fired: service_down (severity critical)** |" in text
    assert "| 1:48.4 | 138.400 | **Recovered: the steady state that then held begins here** |" in text
    assert "| −0:04.0 | 26.000 | Steady state proven |" in text


def test_tells_warnings_of_the_drill() -> None:
    """A drill without namespaces says so where it is read."""
    story = Story()
    story.begin()
    story.events[0].data["warnings"] = ["this machine permits no namespaces"]  # type: ignore[index]
    assert "Warning: this machine permits no namespaces" in written(story.history())


def test_says_what_the_running_servers_say_they_are() -> None:
    """Beside the images: a tag may name anything."""
    story = Story()
    story.begin()
    assert "As the running servers say" not in written(story.history())
    story.add(1.0, "stack.booted", "eafix", boot_s=3.0, servers={"redis": "7.4.1"})
    assert "| redis | `7.4.1` |" in written(story.history()).partition("As the running servers say:")[2]


def test_says_why_something_could_not_be_measured() -> None:
    """And what it had come to by then."""
    assert "| time to recover (RTO) | over 5 min 12 s | – | clients were not served again for the settle time |" in written(
        database_failure(), without_recovery(MEASURES)
    )


def test_says_how_to_run_and_judge_it_again() -> None:
    """Both commands stand there to be copied."""
    text = written(database_failure())
    assert "```sh\ngameday run primary-database-failure --seed 42 --speed 20\n```" in text
    assert "```sh\ngameday judge 20261121T100000Z-made-up-abc123\n```" in text
    assert "| postgres | `18.4` |" in text


@pytest.mark.parametrize("events", [0, 1, 2, 14, 30])
def test_reports_on_whatever_is_there(events: int) -> None:
    """A history cut off anywhere has a report."""
    history = History(database_failure().events[:events])
    assert written(history, replace(UNTESTED)).startswith("# ✗ FAIL: ")


def test_an_unknown_verdict_is_not_a_pass() -> None:
    """Its own sign, its own word."""
    history = database_failure()
    result = result_of(history.events[0], verdict=UNKNOWN)
    assert report(history, MEASURES, (), result).startswith("# ? UNKNOWN: ")
