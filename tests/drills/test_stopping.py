"""However a drill ends, nothing of it is left running and its history can be judged."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.stack.process import descendants
from tests.drills.cli import THOROUGH, gameday, start

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]
SCENARIO = ["run", "service-failure", "--speed", "60", "--seed", "5"]
LATEST_S = 4.0  # after its first process or event; from there this drill takes at least 6 s
BEGINS_WITHIN_S = 60.0


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _gone(pids: list[int]) -> list[int]:
    """Those that still live after 2 s."""
    until = time.monotonic() + 2
    while (left := [pid for pid in pids if _lives(pid)]) and time.monotonic() < until:
        time.sleep(0.01)  # polling for what must become true
    return left


def _recorded(out: Path, what: str) -> bool:
    """Whether a history has this in it."""
    return any(what in history.read_text() for history in out.glob("*/history.jsonl"))


def _stop_after(
    begun: Callable[[int], object], delay_s: float, sent: signal.Signals, out: Path
) -> tuple[subprocess.Popen[str], list[int], str]:
    """Stop a drill so long after it has begun, by what is asked of its process's number."""
    process = start(SCENARIO, out)
    until = time.monotonic() + BEGINS_WITHIN_S
    while not begun(process.pid):
        assert time.monotonic() < until, "the drill has not begun"
        time.sleep(0.01)  # polling for what must become true
    time.sleep(delay_s)  # the moment is what is tested
    inside = descendants(process.pid)
    process.send_signal(sent)
    printed, _ = process.communicate(timeout=60)
    return process, inside, printed


@pytest.mark.parametrize("moment", range(20 if THOROUGH else 8))
def test_kill_9_of_the_parent_leaves_nothing_and_the_history_is_readable(moment: int, tmp_path: Path) -> None:
    """At any moment: 2 s later no process of the drill lives, and `gameday judge` reads what it left."""
    recorded = moment % 2 == 1
    begun = (lambda _: _recorded(tmp_path, "drill.started")) if recorded else descendants
    _, inside, _ = _stop_after(begun, random.Random(moment).uniform(0, LATEST_S), signal.SIGKILL, tmp_path)
    assert inside, "there was a drill to kill"
    assert _gone(inside) == []
    folders = [folder for folder in tmp_path.iterdir() if (folder / "history.jsonl").is_file()] if tmp_path.is_dir() else []
    for folder in folders:
        judged = gameday(["judge", str(folder)], tmp_path)
        assert judged.code in (0, 1, 3), judged.printed
    assert folders or not recorded, "a drill that has begun leaves a history"


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_heals_stops_and_keeps_the_history(sent: signal.Signals, code: int, tmp_path: Path) -> None:
    """Ctrl-C in the middle of an outage: faults healed, drill judged as aborted, the exit code says which signal."""
    process, inside, printed = _stop_after(lambda _: _recorded(tmp_path, "fault.bit"), 0.5, sent, tmp_path)
    assert process.returncode == code, printed
    assert _gone(inside) == []
    (folder,) = (each for each in tmp_path.iterdir() if each.is_dir())
    last = (folder / "history.jsonl").read_text().splitlines()[-1]
    assert '"kind":"drill.finished"' in last
    assert f'"error":"stopped by {sent.name}"' in last
    assert (folder / "report.md").is_file()
    assert not (folder / "run").exists()
    assert list((folder / "logs").iterdir())
