"""A run of drills as JUnit XML: a suite for each scenario, a case for its drill, each verdict and each step of its runbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from xml.etree import ElementTree as ET

from harness.measure import Durations
from reports.cases import Case, cases_of
from reports.junit import add_properties, clean, document
from reports.rehearsal import Rehearsal
from scenarios.errors import shown

_ELEMENTS = {"failed": "failure", "error": "error", "skipped": "skipped"}


def as_junit(rehearsals: Sequence[Rehearsal]) -> str:
    """A `failure` is a target missed, an invariant broken or a step not as expected; an `error` not judged; `skipped` not run.

    Raises BadHistory.
    """
    root = ET.Element("testsuites", name="gameday run", time=f"{sum(each.took_s for each in rehearsals):.3f}")
    for each in rehearsals:
        suite = ET.SubElement(root, "testsuite", name=each.loaded.name, time=f"{each.took_s:.3f}")
        if each.result is not None and (started := each.result.started.data.get("started")):
            suite.set("timestamp", str(started))
        add_properties(suite, properties_of(each))
        for case in cases_of(each):
            _add(suite, case)
    return document(root)


def properties_of(rehearsal: Rehearsal) -> Mapping[str, object]:
    """Seed, speed, versions, targets with limit and verdict, measures in documented seconds, lost writes; None where not measured."""
    found: dict[str, object] = {
        "scenario": rehearsal.loaded.name,
        **{f"target.{name}": f"{each.limit:g} {each.unit}" for name, each in rehearsal.loaded.targets.items()},
    }
    result = rehearsal.result
    if result is None:
        return found
    given, measures = result.started.data, result.measures
    names = [each.name for each in fields(Durations)]
    return {
        **{name: given.get(name) for name in ("seed", "speed", "stack", "commit")},
        **found,
        **{name: _rounded(getattr(measures, name)) for name in names},
        "lost_writes": measures.lost_writes,
        **{f"verdict.{each.target or each.name}": each.verdict.value for each in result.judgements},
        "drill": result.drill, "status": result.status, "verdict": result.verdict.value, "exit_code": result.exit_code,
        "rerun": given.get("command"),
        **{f"version.{name}": version for name, version in given.get("versions", {}).items()},
    }  # fmt: skip


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _add(suite: ET.Element, case: Case) -> None:
    about = case.planned
    element = ET.SubElement(
        suite, "testcase", name=clean(about.title), classname=f"gameday.{suite.get('name')}.{about.kind}", time=f"{case.took_s:.3f}",
        file=shown(about.path), line=str(about.line),
    )  # fmt: skip
    if case.state == "passed":
        if case.message:
            ET.SubElement(element, "system-out").text = clean(case.message)
        return
    told = ET.SubElement(element, _ELEMENTS[case.state], message=clean(case.message))
    if case.state != "skipped":
        told.set("type", about.kind)
        told.text = clean(case.detail)
