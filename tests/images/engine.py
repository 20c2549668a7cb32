"""Starts a Docker engine by hand where none runs, and ends the one that it started.

    python tests/images/engine.py up      (root; does nothing where an engine answers)
    python tests/images/engine.py down    (ends what `up` started, and no other)

For CI on a machine without an init system, where installing `docker.io` starts nothing.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LOG = PROJECT / "build" / "dockerd.log"
PIDFILE = PROJECT / "build" / "dockerd.pid"  # pid and start time, so that nobody else's process is taken for ours
_ANSWERS_WITHIN_S = 2
_STARTS_WITHIN_S = 60
_ANOTHER_STARTS_WITHIN_S = 5
_ENDS_WITHIN_S = 30
_QUOTED_LINES = 15


def answers() -> bool:
    """Whether an engine answers at DOCKER_HOST, else at the usual socket."""
    asking = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        subprocess.run(asking, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ANSWERS_WITHIN_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def up() -> str:
    """Start the engine unless one answers; tells what was done. Raises SystemExit when it does not start."""
    if answers():
        return "an engine answers already"
    program = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise SystemExit("engine.py: no Docker engine answers and there is no dockerd to start: apt-get install docker.io")
    LOG.parent.mkdir(exist_ok=True)
    since = time.monotonic()
    with LOG.open("wb") as log:
        # A session and a log of its own: it must neither hear the caller's Ctrl-C nor keep the caller's output open.
        started = subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    PIDFILE.write_text(f"{started.pid} {start_time(started.pid)}\n", encoding="utf-8")
    if not _answers_in_time(started):
        down()
        tail = "\n  ".join(LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-_QUOTED_LINES:])
        raise SystemExit(f"engine.py: dockerd does not answer; the last of its log:\n  {tail}")
    return f"dockerd {started.pid} answers after {time.monotonic() - since:.1f} s; its log is {LOG.relative_to(PROJECT)}"


def _answers_in_time(started: subprocess.Popen[bytes]) -> bool:
    """One that ends at once may have met another that is just starting: that one is waited for a little."""
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline:
        if answers():
            return True
        if started.poll() is not None:
            deadline = min(deadline, time.monotonic() + _ANOTHER_STARTS_WITHIN_S)
        time.sleep(0.1)
    return False


def down() -> str:
    """End the engine that `up` started, if it still runs; tells what was done."""
    try:
        pid, started = PIDFILE.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return "no engine of ours runs"
    PIDFILE.unlink()
    try:
        process = os.pidfd_open(int(pid))
    except ProcessLookupError:
        return f"dockerd {pid} has ended already"
    try:
        if start_time(int(pid)) != started:
            return f"dockerd {pid} has ended already"
        return _end(process, pid)
    finally:
        os.close(process)


def _end(process: int, pid: str) -> str:
    """SIGTERM makes dockerd stop its containers first; SIGKILL is for one that hangs."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    for number in (signal.SIGTERM, signal.SIGKILL):
        signal.pidfd_send_signal(process, number)
        if poll.poll(_ENDS_WITHIN_S * 1000):
            return f"dockerd {pid} ended by {number.name}"
    raise SystemExit(f"engine.py: dockerd {pid} does not end")


def start_time(pid: int) -> str:
    """When a process started, in ticks since boot; empty when there is none. With the pid it names one process for good."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    verb = {"up": up, "down": down}.get(" ".join(sys.argv[1:]))
    if verb is None:
        raise SystemExit(__doc__)
    print(f"engine.py: {verb()}")  # noqa: T201 - a script tells what it did
