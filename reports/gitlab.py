"""A run of drills for GitLab CI: a code quality report beside the lines of a merge request, metrics that it compares, sections in the log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import fields

from harness.measure import Durations
from reports.cases import cases_of
from reports.rehearsal import Rehearsal
from scenarios.errors import shown

CODE_QUALITY_FILE, METRICS_FILE = "gl-code-quality-report.json", "gl-metrics.txt"
_SEVERITIES = {"failed": "critical", "error": "major"}
_UNITS = {"lost_writes": "Acknowledged writes that were lost", "passed": "1 when the drill passed"}


def code_quality(rehearsals: Sequence[Rehearsal]) -> str:
    """JSON for `artifacts:reports:codequality`. A fingerprint is the same run by run, so GitLab tells what is new and what is mended."""
    found = []
    for each in rehearsals:
        for case in cases_of(each):
            if case.bad:
                key = f"{each.loaded.name}\n{case.planned.kind}\n{case.planned.name}"
                found.append(
                    {
                        "description": f"{each.loaded.name}: {case.message}", "check_name": f"gameday-{case.planned.kind}",
                        "fingerprint": hashlib.sha256(key.encode()).hexdigest(), "severity": _SEVERITIES[case.state],
                        "location": {"path": shown(case.planned.path), "lines": {"begin": case.planned.line}},
                    }
                )  # fmt: skip
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def metrics(rehearsals: Sequence[Rehearsal]) -> str:
    """OpenMetrics text for `artifacts:reports:metrics`: the measures of each scenario. What was not measured has no line, rather than a 0."""
    return "".join(_metrics(rehearsals)) + "# EOF\n"


def _metrics(rehearsals: Sequence[Rehearsal]) -> Iterator[str]:
    for name in (*(each.name for each in fields(Durations)), *_UNITS):
        samples = [(each, value) for each in rehearsals if (value := _value(each, name)) is not None]
        if not samples:
            continue
        metric = f"gameday_{name.removesuffix('_s')}_seconds" if name.endswith("_s") else f"gameday_{name}"
        yield f"# HELP {metric} {_UNITS.get(name, 'Documented seconds')}\n# TYPE {metric} gauge\n"
        if name.endswith("_s"):
            yield f"# UNIT {metric} seconds\n"
        for each, value in samples:
            yield f'{metric}{{scenario="{_label(each.loaded.name)}"}} {value:g}\n'


def _value(rehearsal: Rehearsal, name: str) -> float | None:
    if rehearsal.result is None:
        return None
    if name == "passed":
        return float(rehearsal.result.exit_code == 0)
    value: float | None = getattr(rehearsal.result.measures, name)
    return None if value is None else round(float(value), 3)


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def section_start(name: str, title: str, at_s: int) -> str:
    """Folds the lines of the log from here to `section_end`. `at_s` is the time of day, in seconds since 1970."""
    return f"\x1b[0Ksection_start:{at_s}:{name}\r\x1b[0K{title}"


def section_end(name: str, at_s: int) -> str:
    """The end of a section of the log."""
    return f"\x1b[0Ksection_end:{at_s}:{name}\r\x1b[0K"
