"""Findings in runbooks, in every form: text, JSON, SARIF, JUnit, Markdown. Each form says where, what, and what shows it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from rich.console import Console

from reports.findings import as_text, coverage_text, totals
from reports.findings_json import SCHEMA_FILE, as_json
from reports.findings_junit import as_junit
from reports.findings_markdown import as_markdown
from reports.findings_sarif import as_sarif
from scenarios.lint import Context, Finding, Related, Report, Severity, all_rules, lint_runbooks
from scenarios.lint.report import Coverage
from scenarios.reading import parse_runbook

SARIF = Path(__file__).with_name("sarif-2.1.0.schema.json")  # the official one: OASIS, errata 01
BOOK = """# Night

Grafana: http://localhost:3000 (admin/admin)

## Clear it

```bash
# 1. Look
redis-cli ping
# 2. Clear | empty
redis-cli FLUSHALL
curl http://localhost:8080/healthz
```
"""


@pytest.fixture
def report() -> Report:
    """An error in a step, an info in the same, a warning outside every procedure; and a document without findings."""
    asked = [each for each in all_rules() if each.id in ("flush-all", "curl-hides-failure", "default-credentials")]
    books = [parse_runbook(BOOK.encode(), Path("docs/a night.md")), parse_runbook(b"# Day\n", Path("docs/day.md"))]
    return lint_runbooks(books, Context(today=date(2026, 11, 21)), asked)


def plain(report: Report, least: Severity = "info") -> str:
    console = Console(width=200, color_system=None)
    with console.capture() as captured:
        console.print(as_text(report, least), soft_wrap=True)
    return captured.get()


def valid_sarif(report: Report) -> Any:
    data = json.loads(as_sarif(report, "1.2.3"))
    jsonschema.Draft4Validator(json.loads(SARIF.read_text())).validate(data)
    return data


def valid_json(report: Report) -> Any:
    data = json.loads(as_json(report))
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(data)
    return data


def test_text_leaves_out_what_is_less_grave_and_says_so(report: Report) -> None:
    """Who asks for errors is not shown a page of remarks; the counts are of all."""
    said = plain(report, "error")
    assert "error flush-all" in said
    assert "warning default-credentials" not in said
    assert "1 error, 1 warning, 1 info in 1 of 2 documents" in said
    assert "2 less grave ones are not shown; --severity info shows them" in said
    assert "not shown" not in plain(report)


def test_text_has_place_rule_message_and_evidence(report: Report) -> None:
    """As compilers write it, so that editors and people find the line."""
    said = plain(report)
    assert "docs/a night.md:11:11 error flush-all\n    FLUSHALL removes every key" in said
    assert "      redis-cli FLUSHALL\n" in said


def test_text_ends_with_counts_and_coverage(report: Report) -> None:
    """By rule, by severity, and what of the commands can be executed."""
    said = plain(report)
    assert "1 error, 1 warning, 1 info in 1 of 2 documents" in said
    assert "3 of 3 commands can be executed (100.0%)" in said


def test_text_shows_related_places(report: Report) -> None:
    """The second of two figures that disagree."""
    first = replace(report.findings[0], related=(Related(Path("docs/day.md"), 7, "here it is 5 minutes"),))
    assert "see docs/day.md:7: here it is 5 minutes" in plain(replace(report, findings=(first,)))


def test_text_cannot_steer_the_terminal(report: Report) -> None:
    """A document is untrusted: its control sequences are shown as nothing."""
    evil = replace(report.findings[0], evidence="\x1b[2Jgone\x07", message="\x1b]0;title\x07hello [red]x[/red]")
    said = plain(replace(report, findings=(evil,)))
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "hello [red]x[/red]" in said


def test_long_evidence_is_cut(report: Report) -> None:
    """Eight lines are enough to see it; the JSON has all."""
    long = replace(report, findings=(replace(report.findings[0], evidence="\n".join(f"line {n}" for n in range(20))),))
    assert "... 12 more lines" in plain(long)
    assert "line 19" in valid_json(long)["findings"][0]["evidence"]


def test_totals_tell_new_and_known(report: Report) -> None:
    """With a baseline the difference is what counts."""
    compared = replace(report, known=(True, False, True), gone=2)
    assert totals(compared).endswith("; 1 new, 2 known by the baseline; 2 of the baseline are found no more")


def test_nothing_found_is_said(report: Report) -> None:
    """An empty page would look like a failure to look."""
    assert totals(replace(report, findings=())) == "no finding in 2 documents"
    assert coverage_text(Coverage()) == "there is no command in it"


def test_json_keeps_its_contract(report: Report) -> None:
    """The published schema accepts it; every figure is there."""
    data = valid_json(report)
    assert data["counts"] == {
        "by_rule": {"curl-hides-failure": 1, "default-credentials": 1, "flush-all": 1},
        "by_severity": {"error": 1, "warning": 1, "info": 1}, "new": 3, "known": 0, "gone": 0,
    }  # fmt: skip
    assert data["coverage"]["commands"] == 3
    assert [(each["file"], each["line"], each["rule"]) for each in data["findings"]] == [
        ("docs/a night.md", 3, "default-credentials"), ("docs/a night.md", 11, "flush-all"), ("docs/a night.md", 12, "curl-hides-failure"),
    ]  # fmt: skip


def test_the_json_schema_refuses_what_it_should(report: Report) -> None:
    """A finding without its line, or with a severity of its own making, breaks the contract."""
    for change in ({"line": 0}, {"severity": "fatal"}, {"fingerprint": "x"}):
        data = json.loads(as_json(report))
        data["findings"][0] |= change
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text())).validate(data)


def test_sarif_is_valid_by_the_official_schema(report: Report) -> None:
    """With rules, places, fingerprints and levels as code hosts want them."""
    (run,) = valid_sarif(report)["runs"]
    first = run["results"][1]
    assert first["level"] == "error"
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == "flush-all"
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "docs/a%20night.md"}, "region": {"startLine": 11, "startColumn": 11}}
    assert len(first["partialFingerprints"]["gamedayFinding/v1"]) == 16
    assert "Good:" in run["tool"]["driver"]["rules"][first["ruleIndex"]]["help"]["text"]


def test_sarif_tells_what_the_baseline_knows(report: Report) -> None:
    """Only with a baseline; and related places are places."""
    related = replace(report.findings[0], related=(Related(Path("docs/day.md"), 1, "there"),))
    compared = replace(report, findings=(related, *report.findings[1:]), known=(True, False, True))
    results = valid_sarif(compared)["runs"][0]["results"]
    assert [each["baselineState"] for each in results] == ["unchanged", "new", "unchanged"]
    assert results[0]["relatedLocations"][0]["message"] == {"text": "there"}
    assert "baselineState" not in valid_sarif(report)["runs"][0]["results"][0]


def test_sarif_of_no_document_is_valid() -> None:
    """An empty run is a run."""
    assert valid_sarif(Report((), all_rules(), ()))["runs"][0]["results"] == []


def test_junit_has_a_case_for_each_step(report: Report) -> None:
    """And one for what stands outside all procedures; the step with an error fails, with its place."""
    root = ET.fromstring(as_junit(report, "error"))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert list(cases) == ["Look (line 5)", "Clear | empty (line 10)", "the document outside its procedures"]
    failed = cases["Clear | empty (line 10)"].find("failure")
    assert failed is not None
    assert (failed.get("type"), (failed.get("message") or "")[:19]) == ("flush-all", "docs/a night.md:11:")
    assert "redis-cli FLUSHALL" in (failed.text or "")
    assert (root.get("tests"), root.get("failures")) == ("4", "1")


def test_junit_fails_only_what_counts(report: Report) -> None:
    """Below the threshold, or known: told in the output of the step."""
    known = replace(report, known=(False, True, False))
    root = ET.fromstring(as_junit(known, "warning"))
    assert [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None] == [
        "the document outside its procedures"
    ]
    told = "".join(each.text or "" for each in root.iter("system-out"))
    assert "(known by the baseline)" in told
    assert "(below the threshold)" in told


def test_junit_is_xml_whatever_stands_in_a_document(report: Report) -> None:
    """Control characters are no XML; they are shown as what they are."""
    evil = Finding("flush-all", "error", report.files[0], 11, 1, "bell \x07 & <tag>", "\x00 \ud800 end")
    root = ET.fromstring(as_junit(replace(report, findings=(evil,)), "error"))
    (failure,) = root.iter("failure")
    assert "bell \\x07 & <tag>" in (failure.get("message") or "")


def test_markdown_has_a_table_for_each_document(report: Report) -> None:
    """With what could break the table escaped."""
    odd = replace(report.findings[1], message="a | b <i>c</i>", evidence="x | `y`")
    said = as_markdown(replace(report, findings=(report.findings[0], odd)))
    assert "## docs/a night.md" in said
    assert "| 11 | error | `flush-all` | a \\| b \\<i>c\\</i> | `` x \\| `y` `` |" in said
    assert "docs/day.md" not in said
