"""Logs of containers, with docker's own time stamps where they are asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from fakes.commands.containers.project import Engine
from fakes.commands.control import Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed, go_duration
from fakes.commands.logs import Source, show

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?")


def check_tail(tail: str) -> int:
    """-1 for all. Docker takes everything that is no number for `all`, compose refuses it. Raises Failure."""
    if tail != "all" and not re.fullmatch(r"-?\d+", tail):
        raise Failure(f'invalid value for "--tail": {tail}')
    return -1 if tail == "all" else int(tail)


def print_logs(engine: Engine, sources: Sequence[tuple[Unit, str]], *, tail: int, line: Parsed) -> None:
    """`sources` are containers with what stands before each of their lines. Raises Failure."""
    if line.has("until"):
        raise not_modelled("docker", "logs --until")
    now_s = engine.state.epoch_s + engine.now_s
    since_s = since(line.text("since"), now_s)
    if line.on("timestamps"):
        if line.on("follow") or since_s:
            raise not_modelled("docker", "logs --timestamps with --follow or --since")
        _print_stamped(engine, sources, tail)
        return
    show(
        engine.control, [Source(unit, head) for unit, head in sources], tail=tail, since_s=since_s, now_s=now_s,
        follow=line.on("follow"), tool="docker",
    )  # fmt: skip


def since(text: str, now_s: float) -> float:
    """How long ago that is, in seconds; 0 when nothing was said. A duration, a time stamp, or seconds since 1970. Raises Failure."""
    if not text:
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return max(now_s - float(text), 1e-6)
    try:
        return go_duration(text)
    except ValueError:
        found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?)?Z?", text)
        if not found:
            raise Failure(f'invalid value for "since": failed to parse value as time or duration: "{text}"') from None
        whole = f"{found[1]} {found[2] or '00:00'}{found[3] or ':00'} UTC"
        import calendar

        return max(now_s - calendar.timegm(time.strptime(whole, "%Y-%m-%d %H:%M:%S UTC")), 1e-6)


def _print_stamped(engine: Engine, sources: Sequence[tuple[Unit, str]], tail: int) -> None:
    """When a line was written is what it says itself; one that says nothing came with the line before it."""
    rows: list[tuple[str, str]] = []
    for unit, head in sources:
        stamp, mine = "1970-01-01T00:00:00.000000000Z", []
        for text in engine.control.logs(unit).lines:
            if found := _STAMP.match(text):
                stamp = f"{found[1]}T{found[2]}.{(found[3] or '.')[1:].ljust(9, '0')[:9]}Z"
            mine.append((stamp, f"{head}{stamp} {text}"))
        rows += mine if tail < 0 else mine[len(mine) - min(tail, len(mine)) :]
    for _, text in sorted(rows, key=lambda row: row[0]):
        print(text)
