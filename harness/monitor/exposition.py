"""Reads the Prometheus text format, one line at a time.

`prometheus_client.parser` needs 0.8 ms for the 67 samples of one service, which is as long as ten scrapes over HTTP take.
The scraper therefore remembers what stands before the value in each line (`scrape.py`) and asks `read_line` only about
lines it has not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.monitor.errors import BadExposition
from harness.monitor.labels import NAME, Labels, make_labels

_LINE = re.compile(
    r"[ \t]*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r"(?:[ \t]*\{(?P<labels>.*)\}[ \t]*|[ \t]+)"
    r"(?P<value>[^\s{}\"]+)(?P<time>[ \t]+-?\d+)?[ \t]*"
)
_LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|$)')
_ESCAPED = re.compile(r"\\(.)")


def read_line(line: str) -> tuple[Labels, float, bool]:
    """Labels (with the metric's name) and value of a sample line, and whether it carries a time of its own.

    Such a time is left out of account: samples have the documented time of their scrape. Raises BadExposition.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise BadExposition(line, "no sample")
    value = read_value(match["value"])
    if value is None:
        raise BadExposition(line, f"{match['value']!r} is not a number")
    pairs = {NAME: match["name"], **_read_labels(line, match["labels"] or "")}
    return make_labels(pairs), value, match["time"] is not None


def read_value(text: str) -> float | None:
    """A number as the format writes it, or None."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def read_text(text: str) -> Iterator[tuple[Labels, float]]:
    """Every sample of an exposition. Raises BadExposition."""
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            labels, value, _ = read_line(line.rstrip("\r"))
            yield labels, value


def _read_labels(line: str, text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    position = 0
    while text[position:].strip():
        match = _LABEL.match(text, position)
        if match is None:
            raise BadExposition(line, f"labels cannot be read from {text[position:][:60]!r} on")
        name, value, _ = match.groups()
        if name in labels or name == NAME:
            raise BadExposition(line, f"label {name} stands twice")
        labels[name] = _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], value)
        position = match.end()
    return labels
