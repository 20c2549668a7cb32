"""JUnit XML: right by its schema, whatever came of a run; and what a CI reads in it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from reports.drills_junit import as_junit
from reports.findings_junit import as_junit as findings_as_junit
from reports.github import annotated, summary
from reports.gitlab import code_quality, metrics, section_end, section_start
from reports.junit import SCHEMA_FILE, clean
from reports.rehearsal import Rehearsal
from scenarios.lint.report import Report
from tests.gameday.drilled import FAIL, MISSED, UNKNOWN, load, rehearsed


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMA_FILE)


@pytest.fixture
def run(tmp_path: Path) -> list[Rehearsal]:
    """Of each kind one: passed, failed with a step, unknown, broken in the middle, broken before, never begun."""
    return [
        rehearsed(tmp_path / "1"),
        rehearsed(tmp_path / "2", stopped_at=2, service_failure_rto=MISSED, duplicates={"verdict": FAIL, "why": "o-1 twice\x00"}),
        rehearsed(tmp_path / "3", service_failure_rpo={"verdict": UNKNOWN, "measured": None, "why": "nothing was read back"}),
        rehearsed(tmp_path / "4", status="errored"),
        Rehearsal(load(), error="redis-server was not found."),
        Rehearsal(load()),
    ]


def test_a_run_is_right_by_the_schema(schema: xmlschema.XMLSchema, run: list[Rehearsal]) -> None:
    """Each suite counts its own cases, the root all of them."""
    text = as_junit(run)
    schema.validate(text)
    root = ET.fromstring(text)
    assert [suite.get("failures") for suite in root] == ["0", "3", "0", "0", "0", "0"]
    assert [suite.get("errors") for suite in root] == ["0", "0", "1", "1", "1", "0"]
    cases = len(root[0].findall("testcase"))
    assert [root[5].get("skipped"), root.get("tests")] == [str(cases), str(6 * cases)]


def test_an_empty_run_and_a_report_of_findings_are_right_by_it_too(schema: xmlschema.XMLSchema) -> None:
    """One schema for every JUnit of ours."""
    schema.validate(as_junit([]))
    schema.validate(findings_as_junit(Report((), (), (Path("runbook.md"),)), "warning"))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('tests="0"', 'tests="none"'), ("</testsuites>", '<testsuite name="x"/></testsuites>'), ('errors="0"', "")],
)
def test_the_schema_notices_what_is_wrong(schema: xmlschema.XMLSchema, right: str, wrong: str) -> None:
    """A number that is none, an attribute that is missing."""
    text = as_junit([]).replace(" />", "></testsuites>")
    assert right in text
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(text.replace(right, wrong))


def test_a_missed_target_is_a_failure_and_properties_tell_the_drill(run: list[Rehearsal]) -> None:
    """Seed, targets, measures, lost writes, how to do it again."""
    suite = ET.fromstring(as_junit(run))[1]
    failures = {
        case.get("name"): case[0].get("message") for case in suite.findall("testcase") if case.find("failure") is not None
    }
    assert failures["target: service-failure-rto"] == "time to recover (RTO) 6 min 2 s, target 5 min"
    assert failures["invariant: duplicates"] == "duplicates: broken: o-1 twice\N{REPLACEMENT CHARACTER}"
    properties = {each.get("name"): each.get("value") for each in suite.findall("properties/property")}
    assert {name: properties[name] for name in ("seed", "lost_writes", "time_to_recover_s", "target.service-failure-rto", "verdict", "rerun")} == {
        "seed": "42", "lost_writes": "3", "time_to_recover_s": "108.4", "target.service-failure-rto": "300 s", "verdict": "fail",
        "rerun": "gameday run redis-outage --seed 42 --speed 20",
    }  # fmt: skip


def test_what_xml_cannot_hold_is_shown(schema: xmlschema.XMLSchema) -> None:
    """A harness that broke may say anything."""
    assert clean("a\x00b\x1b") == "a\\x00b\\x1b"
    schema.validate(as_junit([Rehearsal(load(), error="broken \x00 \ud800 <&>")]))


# --- GitHub --------------------------------------------------------------------------------------------------------


def test_annotations_stand_at_the_target_in_the_scenario(run: list[Rehearsal]) -> None:
    """The failed first; nothing in them ends the line, or begins another command."""
    lines = list(annotated(run[1:2]))
    assert len(lines) == 3
    target = next(each for each in lines if "service-failure-rto" in each)
    scenario = load().path.read_text(encoding="utf-8").splitlines()
    line = int(target.partition("line=")[2].partition(",")[0])
    assert "service-failure-rto" in scenario[line - 1]
    assert target.startswith("::error file=scenarios/catalogue/redis-outage.yaml,line=")
    assert (
        "title=redis-outage%3A target%3A service-failure-rto::time to recover (RTO) 6 min 2 s, target 5 min%0Ascenario" in target
    )


def test_what_a_drill_said_is_no_command_to_the_runner(tmp_path: Path) -> None:
    """Not by a newline, not by a percent sign."""
    evil = {"verdict": FAIL, "why": "x\n::set-env name=PATH::/tmp\r\n50 %0A::add-path::/tmp"}
    (line,) = annotated([rehearsed(tmp_path, duplicates=evil)])
    assert "\n" not in line
    assert "\r" not in line
    assert line.count("%0A::") == 0
    assert "50 %250A" in line


def test_more_annotations_than_github_takes_are_counted(tmp_path: Path) -> None:
    """Ten a step, and the last says how many more there are."""
    many = [rehearsed(tmp_path / str(number), service_failure_rto=MISSED, duplicates={"verdict": FAIL}) for number in range(7)]
    lines = list(annotated(many))
    assert len(lines) == 10
    assert lines[-1] == "::error title=gameday::5 more cases failed; the summary of this job names them."


def test_the_summary_has_a_row_for_each_and_details_of_what_failed(run: list[Rehearsal]) -> None:
    """And what was never begun is no pass."""
    text = summary(run)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "redis-outage" in line]
    assert [row.split(" | ")[0] for row in rows] == ["| ✅", "| ❌", "| ⚠️", "| ⚠️", "| ⚠️", "| ⏭️"]
    assert [row.split(" | ")[2] for row in rows] == ["pass", "fail", "unknown", "errored", "broken", "not run"]
    assert "measure   time to recover (RTO): 6 min 2 s" in text


# --- GitLab --------------------------------------------------------------------------------------------------------


def test_code_quality_has_an_entry_for_each_bad_case_with_a_lasting_fingerprint(run: list[Rehearsal]) -> None:
    """So GitLab can tell what is new and what is mended."""
    found = json.loads(code_quality(run[1:2]))
    assert {each["check_name"] for each in found} == {"gameday-target", "gameday-invariant", "gameday-step"}
    assert len({each["fingerprint"] for each in found}) == len(found) == 3
    assert found == json.loads(code_quality(run[1:2]))
    assert found[0]["location"]["path"] == "scenarios/catalogue/redis-outage.yaml"
    assert json.loads(code_quality(run[:1])) == []


def test_metrics_leave_out_what_was_not_measured(run: list[Rehearsal]) -> None:
    """A 0 would be a lie."""
    text = metrics(run[:1])
    assert 'gameday_time_to_recover_seconds{scenario="redis-outage"} 108.4\n' in text
    assert 'gameday_lost_writes{scenario="redis-outage"} 0\n' in text
    assert 'gameday_passed{scenario="redis-outage"} 1\n' in text
    assert text.endswith("# EOF\n")
    assert metrics(run[4:]) == "# EOF\n"


def test_sections_are_gitlabs() -> None:
    """With the escapes that its log folds by."""
    assert section_start("redis-outage", "redis-outage", 7) == "\x1b[0Ksection_start:7:redis-outage\r\x1b[0Kredis-outage"
    assert section_end("redis-outage", 8) == "\x1b[0Ksection_end:8:redis-outage\r\x1b[0K"
