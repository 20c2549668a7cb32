"""Writes the incident report of a drill into its folder: `incident.md` and `incident.html`, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.history import History
from harness.result import Result
from reports.html.page import render
from reports.incident import Incident, incident
from reports.incident_pictures import pictures

MARKDOWN_FILE, HTML_FILE = "incident.md", "incident.html"


def write_incident(
    folder: Path, result: Result, findings: Sequence[str] = (), *, history: History | None = None
) -> tuple[Path, Path]:
    """Write both into the drill's folder; files that are there are replaced. Raises BadHistory, OSError."""
    history = history or History.read(folder)
    found = incident(history, result, findings)
    written = as_markdown(found), as_html(found, pictures(history, result.measures, result.judgements))
    paths = folder / MARKDOWN_FILE, folder / HTML_FILE
    for path, text in zip(paths, written, strict=True):
        replace_text(path, text)
    return paths


def as_markdown(found: Incident) -> str:
    """For a ticket or a chat; the picture that it names is the drill's own `timeline.png`."""
    return render("incident.md.jinja", it=found)


def as_html(found: Incident, svg: Sequence[str]) -> str:
    """One self-contained page. `svg`: pictures of our own making; all else is escaped."""
    from markupsafe import Markup

    return render("incident.html.jinja", it=found, pictures=[Markup(each) for each in svg])  # noqa: S704 -- drawn by us, its texts escaped


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises OSError."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
