"""`eafix-cli dashboard verify`: has every panel of the checkout's dashboards something to show. There is no Grafana in the stack."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

from fakes.commands.eafix.platform import Check, Platform, report
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.wire import Unreachable

VERIFY_FLAGS = (Flag("folder"),)
_FOLDER = "monitoring/dashboards"
_WINDOW = re.compile(r"\$(?:__rate_interval|__interval|__range|\{__(?:rate_interval|interval|range)\})")
_SELECTOR = re.compile(r"\{[^{}]*\}")
_VARIABLE = re.compile(r"\$(?:\{\w+\}|\w+)")


def verify(line: Parsed, platform: Platform) -> int:
    """Each expression of each panel is asked of Prometheus; 1 when one is refused, or what it asks for is never there.

    A panel of errors is empty while there are none: that counts when the same metric without its label selectors is empty too.
    """
    folder = line.text("folder", _FOLDER)
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError as error:
        raise Failure(f"eafix-cli: {folder}: {error.strerror}; run this in the checkout") from error
    if not names:
        raise Failure(f"eafix-cli: {folder}: no dashboard (*.json)")
    return report(check for name in names for check in _dashboard(platform, os.path.join(folder, name)))


def _dashboard(platform: Platform, path: str) -> Iterator[Check]:
    try:
        with open(path, encoding="utf-8") as file:
            board = json.load(file)
    except (OSError, ValueError) as error:
        yield Check(path, False, f"cannot be read: {error}")
        return
    title = str(board.get("title") or os.path.basename(path)) if isinstance(board, dict) else os.path.basename(path)
    asked = list(_expressions(board.get("panels", []) if isinstance(board, dict) else []))
    if not asked:
        yield Check(title, False, "no panel asks anything")
    for panel, expression in asked:
        yield _asked(platform, f"{title} / {panel}", expression)


def _expressions(panels: Any) -> Iterator[tuple[str, str]]:
    """Title and expression of every query, of the panels in a row too."""
    for panel in panels:
        for target in panel.get("targets", []):
            if target.get("expr"):
                yield str(panel.get("title", "?")), str(target["expr"])
        yield from _expressions(panel.get("panels", []))


def _asked(platform: Platform, title: str, expression: str) -> Check:
    query = _WINDOW.sub("5m", expression)
    if _VARIABLE.search(query):
        return Check(title, False, f"depends on a variable that only Grafana fills in: {expression}")
    try:
        count = _series(platform, query)
        empty = count == 0 and _series(platform, _SELECTOR.sub("", query)) > 0
    except Unreachable as error:
        return Check(title, False, f"monitoring does not answer: {error}")
    except Failure as failure:
        return Check(title, False, failure.message.removeprefix("eafix-cli: "))
    if empty:
        return Check(title, True, f"no series now, the metric is there: {expression}")
    return Check(title, count > 0, f"{count} series" if count else f"no series: {expression}")


def _series(platform: Platform, query: str) -> int:
    data = platform.query(query)
    return 1 if data["resultType"] in ("scalar", "string") else len(data["result"])
