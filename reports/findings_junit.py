"""Findings in runbooks as JUnit XML: a test case for each step of each procedure, and one for the rest of each document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from reports.junit import clean, document
from scenarios.errors import shown
from scenarios.lint import Finding, Report, Severity
from scenarios.lint.finding import at_least
from scenarios.lint.report import Broken, Part


def as_junit(report: Report, threshold: Severity) -> str:
    """New findings that are at least as grave as the threshold fail their step; the others are told in its output."""
    failing = set(report.graver(threshold))
    root = ET.Element("testsuites", name=f"gameday runbook {'lint' if report.carried is None else 'check'}")
    for file in report.files:
        suite = ET.SubElement(root, "testsuite", name=clean(shown(file)))
        own = [each for each in report.findings if each.file == file]
        cases = [(part, [each for each in own if _holds(part, each)]) for part in report.parts if part.file == file]
        placed = {id(each) for _, found in cases for each in found}
        rest = [each for each in own if id(each) not in placed]
        for part, found in cases:
            _case(suite, file, part, found, failing, threshold)
        _case(suite, file, None, rest, failing, threshold)
        for each in report.broken:
            if each.file == file:
                _broken(suite, each)
    return document(root)


def _broken(suite: ET.Element, each: Broken) -> None:
    """A procedure of which nothing can be said is an error, not a pass."""
    about = clean(f"{each.file.name}.{each.procedure}")
    case = ET.SubElement(
        suite,
        "testcase",
        name=f"{each.procedure} could not be judged",
        classname=about,
        file=shown(each.file),
        line=str(each.line),
        time="0",
    )
    ET.SubElement(case, "error", type="unknown", message=clean(each.reason)).text = clean(each.log)


def _holds(part: Part, each: Finding) -> bool:
    return part.file == each.file and part.line <= each.line <= part.end_line


def _case(
    suite: ET.Element, file: Path, part: Part | None, found: Sequence[Finding], failing: set[Finding], threshold: Severity
) -> None:  # fmt: skip
    name = clean(f"{part.step} (line {part.line})" if part is not None else "the document outside its procedures")
    about = f"{file.name}.{part.procedure}" if part is not None else file.name
    line = part.line if part is not None else 1
    case = ET.SubElement(suite, "testcase", name=name, classname=clean(about), file=shown(file), line=str(line), time="0")
    grave = [each for each in found if each in failing]
    if grave:
        types = ", ".join(dict.fromkeys(each.rule for each in grave))
        message = f"{shown(file)}:{grave[0].line}: {grave[0].message}" + (
            f" (and {len(grave) - 1} more)" if len(grave) > 1 else ""
        )
        failure = ET.SubElement(case, "failure", type=types, message=clean(message))
        failure.text = clean("\n\n".join(map(_told, grave)))
    others = [each for each in found if each not in failing]
    if others:
        ET.SubElement(case, "system-out").text = clean(
            "\n\n".join(_told(each, below=not at_least(each.severity, threshold)) for each in others)
        )


def _told(each: Finding, *, below: bool | None = None) -> str:
    why = "" if below is None else " (below the threshold)" if below else " (known by the baseline)"
    place = f"{shown(each.file)}:{each.line}:{each.column}: {each.severity}: {each.rule}{why}: {each.message}"
    related = [f"  see {shown(other.file)}:{other.line}: {other.message}" for other in each.related]
    return "\n".join([place, *(f"  {line}" for line in each.evidence.splitlines()), *related])
