"""Pages and texts from templates: HTML that escapes all that it is given, and Markdown that does with the filters of `reports.escape`.

A page is one file: its style and pictures stand in it, and its policy forbids the browser to load anything.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import escape
from reports.words import clock_text, counted, duration_text

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: Any) -> str:
    """The text of a template in `templates/`. A value that the template names and nobody gave raises jinja2.UndefinedError."""
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    found = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(("html.jinja",)),
    )  # fmt: skip
    found.filters.update(
        prose=escape.prose, code=escape.code, fenced=escape.fenced, folded=escape.folded, plain=escape.plain,
        clock=clock_text, duration=duration_text, counted=counted,
    )  # fmt: skip
    return found
