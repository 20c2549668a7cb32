"""A finding: something wrong in a runbook, at its line and column, with what shows it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")  # the gravest first

_PLACE = re.compile(r"\blines? \d+(?:(?:, | and |-)\d+)*|(?<=:)\d+(?::\d+)?\b")


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that belongs to a finding: the second of two figures that disagree."""

    file: Path
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Lines and columns count from 1. `evidence` is what shows it, in the document's or a tool's own words; it may have several lines."""

    rule: str
    severity: Severity
    file: Path
    line: int
    column: int
    message: str
    evidence: str = ""
    related: tuple[Related, ...] = ()
    fingerprint: str = ""  # made when the line's text is known (`run.py`)

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Findings are listed by file, line, column and rule."""
        return str(self.file), self.line, self.column, self.rule, self.message


def fingerprint(finding: Finding, text: str) -> str:
    """What stays the same when lines move: the rule, the name of the file, the words of the line and those of the message."""
    words = " ".join(text.split())
    said = _PLACE.sub("#", finding.message)
    return hashlib.sha256(f"{finding.rule}\0{finding.file.name}\0{words}\0{said}".encode()).hexdigest()[:16]


def at_least(severity: Severity, threshold: Severity) -> bool:
    """Whether a severity is as grave as the threshold, or graver."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(threshold)
