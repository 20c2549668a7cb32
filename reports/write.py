"""Writes what a drill leaves for people: `report.md` and `timeline.png`."""

from __future__ import annotations

from pathlib import Path

from harness.history import History
from harness.result import Result
from reports.markdown import PICTURE, report
from reports.timeline import draw_timeline

REPORT_FILE = "report.md"


def write_reports(folder: Path, result: Result) -> None:
    """Write both into the drill's folder; files that are there are replaced. Raises BadHistory, OSError."""
    history = History.read(folder)
    text = report(history, result.measures, result.judgements, result)
    (folder / REPORT_FILE).write_text(text, encoding="utf-8")
    draw_timeline(history, result.measures, result.judgements, folder / PICTURE)
