"""Findings in runbooks as JUnit XML: a test case for each step of each procedure, and one for the rest of each document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from scenarios.errors import shown
from scenarios.lint import Finding, Report, Severity
from scenarios.lint.finding import at_least
from scenarios.lint.report import Broken, Part

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Report, threshold: Severity) -> str:
    """New findings that are at least as grave as the threshold fail their step; the others are told in its output."""
    failing = set(report.graver(threshold))
    root = ET.Element("testsuites", name=f"gameday runbook {'lint' if report.carried is None else 'check'}")
    total = failures = errors = 0
    for file in report.files:
        suite = ET.SubElement(root, "testsuite", name=shown(file))
        own = [each for each in report.findings if each.file == file]
        cases = [(part, [each for each in own if _holds(part, each)]) for part in report.parts if part.file == file]
        placed = {id(each) for _, found in cases for each in found}
        rest = [each for each in own if id(each) not in placed]
        numbers = [_case(suite, file, part, found, failing, threshold) for part, found in cases]
        numbers.append(_case(suite, file, None, rest, failing, threshold))
        broken = [_broken(suite, each) for each in report.broken if each.file == file]
        suite.set("tests", str(len(numbers) + len(broken)))
        suite.set("failures", str(sum(numbers)))
        suite.set("errors", str(len(broken)))
        suite.set("skipped", "0")
        total, failures, errors = total + len(numbers) + len(broken), failures + sum(numbers), errors + len(broken)
    root.set("tests", str(total))
    root.set("failures", str(failures))
    root.set("errors", str(errors))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _broken(suite: ET.Element, each: Broken) -> ET.Element:
    """A procedure of which nothing can be said is an error, not a pass."""
    about = _clean(f"{each.file.name}.{each.procedure}")
    case = ET.SubElement(
        suite,
        "testcase",
        name=f"{each.procedure} could not be judged",
        classname=about,
        file=shown(each.file),
        line=str(each.line),
        time="0",
    )
    ET.SubElement(case, "error", type="unknown", message=_clean(each.reason)).text = _clean(each.log)
    return case


def _holds(part: Part, each: Finding) -> bool:
    return part.file == each.file and part.line <= each.line <= part.end_line


def _case(
    suite: ET.Element, file: Path, part: Part | None, found: Sequence[Finding], failing: set[Finding], threshold: Severity
) -> bool:  # fmt: skip
    name = _clean(f"{part.step} (line {part.line})" if part is not None else "the document outside its procedures")
    about = f"{file.name}.{part.procedure}" if part is not None else file.name
    line = part.line if part is not None else 1
    case = ET.SubElement(suite, "testcase", name=name, classname=_clean(about), file=shown(file), line=str(line), time="0")
    grave = [each for each in found if each in failing]
    if grave:
        types = ", ".join(dict.fromkeys(each.rule for each in grave))
        message = f"{shown(file)}:{grave[0].line}: {grave[0].message}" + (
            f" (and {len(grave) - 1} more)" if len(grave) > 1 else ""
        )
        failure = ET.SubElement(case, "failure", type=types, message=_clean(message))
        failure.text = _clean("\n\n".join(map(_told, grave)))
    others = [each for each in found if each not in failing]
    if others:
        ET.SubElement(case, "system-out").text = _clean(
            "\n\n".join(_told(each, below=not at_least(each.severity, threshold)) for each in others)
        )
    return bool(grave)


def _told(each: Finding, *, below: bool | None = None) -> str:
    why = "" if below is None else " (below the threshold)" if below else " (known by the baseline)"
    place = f"{shown(each.file)}:{each.line}:{each.column}: {each.severity}: {each.rule}{why}: {each.message}"
    related = [f"  see {shown(other.file)}:{other.line}: {other.message}" for other in each.related]
    return "\n".join([place, *(f"  {line}" for line in each.evidence.splitlines()), *related])


def _clean(text: str) -> str:
    """What XML cannot hold, shown as what it is."""
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
