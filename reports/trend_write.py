"""Writes a trend report: `trend.html`, `trend.md` and `trend.png`, each whole or not at all."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from reports.incident_write import replace_text
from reports.trend_report import Trend, as_html, as_markdown


def write_trend(found: Trend, folder: Path, now: datetime) -> list[Path]:
    """Write all three into a folder, which is made. Raises OSError."""
    from reports.trend_picture import draw_trend

    folder.mkdir(parents=True, exist_ok=True)
    page, text, picture = (folder / f"trend.{suffix}" for suffix in ("html", "md", "png"))
    replace_text(page, as_html(found, now))
    replace_text(text, as_markdown(found, now))
    fresh = picture.with_name(f".{picture.name}.{os.getpid()}.new")
    try:
        draw_trend(found, fresh)
        fresh.replace(picture)
    finally:
        fresh.unlink(missing_ok=True)
    return [page, text, picture]
