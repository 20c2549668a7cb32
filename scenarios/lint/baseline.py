"""A baseline: the findings that a team knows of, so that only new ones end a command with exit code 1.

A finding is known by its fingerprint, which stays the same when lines move. Two equal lines with the same finding count twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scenarios.errors import InvalidInput, Problem
from scenarios.lint.report import Report

SCHEMA: Literal["gameday.baseline/1"] = "gameday.baseline/1"


class Entry(BaseModel):
    """One known finding. Only the fingerprint and the rule are read; the rest is for whoever reviews the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str = Field(min_length=1)
    rule: str
    file: str = ""
    line: int = 0
    message: str = ""


class Baseline(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    version: Literal["gameday.baseline/1"] = Field(alias="schema")
    findings: tuple[Entry, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(each.fingerprint for each in self.findings)


EMPTY = Baseline(version=SCHEMA)


def load_baseline(path: Path) -> Baseline:
    """Raises InvalidInput when there is no such file or it is no baseline."""
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except OSError as error:
        message = f"cannot be read: {error.strerror}; --update-baseline writes it"
        raise InvalidInput([Problem(path, 0, 0, message)]) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InvalidInput([Problem(path, 0, 0, f"this is no baseline of gameday: {place}: {first['msg']}")]) from error


def compare(report: Report, baseline: Baseline) -> Report:
    """The same report, with those of its findings marked that the baseline has."""
    left = Counter(baseline.counts)
    known = []
    for each in report.findings:
        known.append(left[each.fingerprint] > 0)
        left[each.fingerprint] -= known[-1]
    mine = {each.fingerprint for each in baseline.findings if _judged(each, report)}
    gone = sum(count for fingerprint, count in left.items() if count > 0 and fingerprint in mine)
    return replace(report, known=tuple(known), gone=gone)


def write_baseline(path: Path, report: Report, before: Baseline = EMPTY) -> int:
    """Writes what is found now; entries of rules that were not asked and of documents that were not read this time stay.

    Returns how many entries there are.
    """
    entries = [
        Entry(fingerprint=each.fingerprint, rule=each.rule, file=each.file.name, line=each.line, message=each.message)
        for each in report.findings
    ]
    entries += [each for each in before.findings if not _judged(each, report)]
    entries.sort(key=lambda each: (each.file, each.line, each.rule, each.fingerprint))
    data = {"schema": SCHEMA, "findings": [each.model_dump() for each in entries]}
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(entries)


def _judged(entry: Entry, report: Report) -> bool:
    """Whether the report would have it, if it were still there."""
    read = not entry.file or any(entry.file == each.name for each in report.files)
    return read and any(entry.rule == rule.id for rule in report.rules)
