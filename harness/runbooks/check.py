"""Checks one case from outside: starts its sandbox, hears what is recorded in there, and is never held up by it."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.history import Event, History
from harness.runbooks.cases import Case
from harness.runbooks.conduct import LAST_CHANCE_S, NOTICED_WITHIN_S, SERVED_WITHIN_S, SOON_S, STEADY_WITHIN_S
from harness.runbooks.spec import CheckSpec
from harness.sandbox.launch import PROJECT, start
from harness.tools import Tools
from harness.toxiproxy_server import ToxiproxyServer

WORKSTATION_MB = 512  # of the operator's workstation: checkout, home, /tmp
PRIVATE_MB = 2048  # of everything else in the sandbox: the datastores' data, logs
_BOOTS_WITHIN_S = 60.0
_ENDS_WITHIN_S = 40.0
_AROUND_S = 6.0  # of each command: to stop it, to open a shell anew
_MOST_EVENTS = 200_000
_LAST_LINES = 30  # of the conductor's messages


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it. `problem` says why nothing can be judged; empty when the check came to its end."""

    case: Case
    history: History
    problem: str = ""
    log: str = ""


class Sandbox:
    """The sandbox of one case. `stop` may be called from any thread, at any time, more than once."""

    def __init__(self, case: Case, *, tools: Tools, toxiproxy: ToxiproxyServer, speed: float, seed: int) -> None:
        shown = (Path(sys.prefix), Path(sys.base_prefix), PROJECT / "fakes", *tools.folders())
        self.case = case
        self._spec = CheckSpec(
            case.plan, case.stack, case.stack_name, case.settings, case.rules, case.incident, seed, speed, tools, toxiproxy, shown
        )
        self._read_only = [*tools.folders(), toxiproxy.folder]
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = ""
        self._turn = threading.RLock()

    def run(self, on_event: Callable[[Event], None] = lambda event: None) -> Checked:
        """Blocks until it is over: by itself, by `stop`, or because its time is up."""
        with self._turn:
            if self._stopped:
                return Checked(self.case, History.of([]), self._stopped)
            process = self._process = start(
                [sys.executable, "-m", "harness.runbooks.conduct"], own_network=True, read_only=self._read_only,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                workstation_mb=WORKSTATION_MB, largest_mb=PRIVATE_MB,
            )  # fmt: skip
        within_s = longest_s(self._spec)
        timer = threading.Timer(within_s, self.stop, [f"it was not over after {within_s:.0f} s"])
        timer.daemon = True
        timer.start()
        log: deque[str] = deque(maxlen=_LAST_LINES)
        reader = threading.Thread(target=_read_log, args=(process, log), daemon=True)
        reader.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # it ended at once; its exit code says why
                assert process.stdin is not None
                process.stdin.write(pickle.dumps(self._spec))
                process.stdin.close()
            events = self._listen(process, on_event)
            code = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
            reader.join(5)
        return self._checked(events, code, "\n".join(log))

    def _listen(self, process: subprocess.Popen[bytes], on_event: Callable[[Event], None]) -> list[Event]:
        events: list[Event] = []
        assert process.stdout is not None
        for line in process.stdout:
            try:
                event = Event.from_line(line.decode())
            except (ValueError, KeyError, TypeError):
                continue  # cut off by a kill
            if len(events) >= _MOST_EVENTS:
                self.stop(f"it recorded more than {_MOST_EVENTS} events")
                break
            events.append(event)
            on_event(event)
        return events

    def _checked(self, events: list[Event], code: int, log: str) -> Checked:
        history = History.of(events)
        end = history.last("drill.finished")
        problem = self._stopped
        if not problem and end is None:
            problem = f"its sandbox ended with exit code {code} before the check was over"
        elif not problem and end is not None and end.data.get("status") != "completed":
            problem = str(end.data.get("error") or end.data.get("status"))
        return Checked(self.case, history, problem, log)

    def stop(self, why: str) -> None:
        """End it and everything in it."""
        with self._turn:
            self._stopped = self._stopped or why
            if self._process is not None and self._process.poll() is None:
                self._process.kill()  # the kernel ends all that is in it


def longest_s(spec: CheckSpec) -> float:
    """Wall seconds after which a check is over whatever happens in it."""
    plan, phases = spec.plan, 1 + spec.twice + bool(spec.plan.rollback)
    commands_s = sum(
        (each.step.budget_s if each.step else plan.limit_s + each.pause_s + each.lasts_s / spec.speed) + _AROUND_S
        for each in plan.runs
    )
    settling_s = SOON_S + SERVED_WITHIN_S / spec.speed + LAST_CHANCE_S + 10
    noticing_s = NOTICED_WITHIN_S / spec.speed + 20 if spec.incident else 0
    return (
        _BOOTS_WITHIN_S
        + STEADY_WITHIN_S
        + noticing_s
        + (commands_s + settling_s) * phases
        + 60 * len(plan.prepare)
        + _ENDS_WITHIN_S
    )


def _read_log(process: subprocess.Popen[bytes], log: deque[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        log.append(line.decode(errors="replace").rstrip()[:2000])
