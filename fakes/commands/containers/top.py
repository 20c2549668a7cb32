"""`docker top` and `docker compose top`: the processes of a container, from /proc, in the columns of `ps -ef`."""

from __future__ import annotations

import os
import time

from fakes.commands.entry import not_modelled


def print_top(pid: int) -> None:
    """Raises Failure where the processes are hidden from the operator, as in a sandbox."""
    rows = [["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]]
    found = [row for each in _family(pid) if (row := _row(each))]
    if not found:
        raise not_modelled("docker", "top where the stack's processes can't be seen")
    rows += found
    widths = [max(len(row[column]) for row in rows) + 4 for column in range(7)]
    for row in rows:
        print("".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)) + row[-1])


def _family(pid: int) -> list[int]:
    """The process and what it started."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            below = [int(word) for word in file.read().split()]
    except OSError:
        below = []
    return [pid, *(each for child in below for each in _family(child))]


def _row(pid: int) -> list[str] | None:
    """None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        owner = os.stat(f"/proc/{pid}").st_uid
        with open("/proc/uptime", encoding="utf-8") as file:
            up_s = float(file.read().split()[0])
    except OSError:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    used_s, age_s = (int(fields[11]) + int(fields[12])) / ticks, max(up_s - int(fields[19]) / ticks, 0.0)
    started = time.strftime("%H:%M", time.localtime(time.time() - age_s))
    share = str(int(used_s / age_s * 100)) if age_s > 0 else "0"
    spent = f"{int(used_s) // 3600:02}:{int(used_s) // 60 % 60:02}:{int(used_s) % 60:02}"
    return [str(owner), str(pid), fields[1], share, started, "?", spent, words or "[]"]
