"""Other programs, run without the `subprocess` module (which takes longer to import than psql to answer), and /proc."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

TIMED_OUT, MISSING = 124, 127


class Finished(NamedTuple):
    """A program's end; exit code 124 after its time limit, 127 when there is no such program."""

    code: int
    out: str
    err: str


def capture(argv: Sequence[str], environment: Mapping[str, str], *, within_s: float) -> Finished:
    """Run a program from PATH with its input closed, for at most `within_s` wall seconds."""
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, out_write, 1), (os.POSIX_SPAWN_DUP2, err_write, 2),
    ]  # fmt: skip
    try:
        pid = os.posix_spawnp(argv[0], list(argv), dict(environment), file_actions=actions)
    except OSError as error:
        for descriptor in (out_read, err_read):
            os.close(descriptor)
        return Finished(MISSING, "", f"{argv[0]}: {error.strerror}")
    finally:
        os.close(out_write)
        os.close(err_write)
    streams = {out_read: b"", err_read: b""}
    ended = _drain(streams, time.monotonic() + within_s)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    code = exit_code(status) if ended else TIMED_OUT
    return Finished(code, streams[out_read].decode("utf-8", "replace"), streams[err_read].decode("utf-8", "replace"))


def _drain(streams: dict[int, bytes], deadline: float) -> bool:
    """Read the pipes to their ends and close them; False when the deadline came first."""
    open_ones = list(streams)
    while open_ones:
        left = deadline - time.monotonic()
        readable = select.select(open_ones, [], [], left)[0] if left > 0 else []
        if not readable:
            break
        for descriptor in readable:
            chunk = os.read(descriptor, 65536)
            streams[descriptor] += chunk
            if not chunk:
                open_ones.remove(descriptor)
    for descriptor in streams:
        os.close(descriptor)
    return not open_ones


def attach(argv: Sequence[str], environment: Mapping[str, str], *, stdin: bool) -> int:
    """Run a program from PATH on this one's own output, and input if `stdin`; its exit code. Raises OSError."""
    actions = [] if stdin else [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    pid = os.posix_spawnp(argv[0], list(argv), dict(environment), file_actions=actions)
    return exit_code(os.waitpid(pid, 0)[1])


def exit_code(status: int) -> int:
    """A wait status as the shell shows it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class Usage(NamedTuple):
    """What a process and its descendants use: processor seconds since their start, resident bytes, bytes read and written, count."""

    cpu_s: float
    memory: int
    read: int
    written: int
    processes: int
    age_s: float = 0.0  # wall seconds since the process itself started
    tells_disk: bool = True  # False: another user's process, whose reads and writes nobody else may know


def usage(pid: int) -> Usage | None:
    """What a process of the stack uses; None when it is gone. The control API is asked: an operator does not see the stack's processes."""
    if (address := os.environ.get("GAMEDAY_CONTROL")) is not None:
        from fakes.commands.wire import Unreachable, request

        try:
            reply = request(address, "GET", f"/usage/{pid}")
        except Unreachable:
            return None
        if reply.status == 200:
            return Usage(*reply.json()["usage"])
        if reply.status == 410:
            return None
    return usage_here(pid)


def usage_here(pid: int) -> Usage | None:
    """From /proc; None when the process is gone."""
    tree = [pid, *_descendants(pid)]
    found = [one for one in map(_usage_of, tree) if one]
    if not found:
        return None
    cpu_s, memory, read, written, processes, _, _ = zip(*found, strict=True)
    return Usage(
        sum(cpu_s), sum(memory), sum(read), sum(written), sum(processes), found[0].age_s, all(each.tells_disk for each in found)
    )


def _usage_of(pid: int) -> Usage | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    ticks = int(fields[11]) + int(fields[12])
    memory = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    read, written, tells = _disk(pid)
    age_s = max(_up_s() - int(fields[19]) / os.sysconf("SC_CLK_TCK"), 0.01)
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), memory, read, written, 1, age_s, tells)


def _up_s() -> float:
    with open("/proc/uptime", encoding="utf-8") as file:
        return float(file.read().split()[0])


def _disk(pid: int) -> tuple[int, int, bool]:
    try:
        with open(f"/proc/{pid}/io", encoding="utf-8") as file:
            fields = dict(line.split(": ") for line in file)
        return int(fields["read_bytes"]), int(fields["write_bytes"]), True
    except OSError:  # another user's process
        return 0, 0, False


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                    children.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(name))
            except OSError:
                continue
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def memory_total() -> int:
    with open("/proc/meminfo", encoding="utf-8") as file:
        return int(file.readline().split()[1]) * 1024
