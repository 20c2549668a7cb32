"""Logs of the stack's processes as kubectl and docker show them: the newest, those since, or as they come."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from fakes.commands.control import Control, Unit
from fakes.commands.entry import not_modelled

_FOLLOW_S = 0.1
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?")


class Source(NamedTuple):
    """One log, and what stands before each of its lines."""

    unit: Unit
    head: str = ""


def show(
    control: Control, sources: Sequence[Source], *, tail: int, since_s: float, now_s: float, follow: bool, tool: str
) -> None:
    """Print the last `tail` lines (-1: all) of each log that are at most `since_s` documented seconds old (0: any age).

    `now_s` is the calendar time of the documented now: the services write their logs in it, the datastores theirs in that of
    the wall. Lines of several logs are put in order. With `follow` it goes on until somebody ends it.
    """
    rows: list[tuple[str, str]] = []
    places = []
    for source in sources:
        answer = control.logs(source.unit)
        clock_s = now_s if source.unit.kind == "service" else time.time()
        stamped = _stamped(answer.lines)
        if since_s:
            oldest = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(clock_s - since_s))
            stamped = [row for row in stamped if not row[0] or row[0] >= oldest]
        stamped = stamped[-tail:] if tail > 0 else stamped if tail else []
        rows += [(stamp, source.head + text) for stamp, text in stamped]
        places.append(answer.next)
    for _, text in sorted(rows, key=lambda row: row[0]) if len(sources) > 1 else rows:
        print(text)
    while follow:
        sys.stdout.flush()
        time.sleep(_FOLLOW_S)
        for index, source in enumerate(sources):
            if places[index] is None:
                raise not_modelled(tool, "following this log")
            answer = control.logs(source.unit, places[index])
            places[index] = answer.next
            for text in answer.lines:
                print(source.head + text)


def _stamped(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Each line with its time; one that has none (a traceback's) stays with the line before it."""
    stamp, rows = "", []
    for text in lines:
        if found := _STAMP.match(text):
            stamp = found.group().replace("T", " ")
        rows.append((stamp, text))
    return rows
