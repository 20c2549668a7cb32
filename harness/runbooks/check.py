"""Checks one case from outside: starts its sandbox, hears what is recorded in there, and is never held up by it."""

from __future__ import annotations

import contextlib
import pickle
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fakes.forkserver import service_modules
from harness.history import Event, History
from harness.runbooks.cases import Case
from harness.runbooks.conduct import LAST_CHANCE_S, NOTICED_WITHIN_S, SERVED_WITHIN_S, SOON_S, STEADY_WITHIN_S
from harness.runbooks.spec import CheckSpec
from harness.sandbox.launch import ENVIRONMENT, PROJECT, specification
from harness.sandbox.warm import Started, Warm
from harness.tools import Tools
from harness.toxiproxy_server import ToxiproxyServer

_CONDUCTOR = "harness.runbooks.conduct"
WORKSTATION_MB = 512  # of the operator's workstation: checkout, home, /tmp
PRIVATE_MB = 2048  # of everything else in the sandbox: the datastores' data, logs
_BOOTS_WITHIN_S = 60.0
_ENDS_WITHIN_S = 40.0
_AROUND_S = 6.0  # of each command: to stop it, to open a shell anew
_MOST_EVENTS = 200_000
_LAST_LINES = 30  # of the conductor's messages


def warm_up() -> Warm:
    """Where conductors come from: one for all sandboxes of a run."""
    return Warm.start(
        [_CONDUCTOR, "harness.workload.__main__", "fakes.forkserver", "fakes.toxiproxy.__main__", *service_modules()], ENVIRONMENT
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it. `problem` says why nothing can be judged; empty when the check came to its end."""

    case: Case
    history: History
    problem: str = ""
    log: str = ""


class Sandbox:
    """The sandbox of one case. `stop` may be called from any thread, at any time, more than once."""

    def __init__(self, case: Case, warm: Warm, *, tools: Tools, toxiproxy: ToxiproxyServer, speed: float, seed: int) -> None:
        shown = (Path(sys.prefix), Path(sys.base_prefix), PROJECT / "fakes", *tools.folders())
        self.case = case
        self._warm = warm
        self._spec = CheckSpec(
            case.plan, case.stack, case.stack_name, case.settings, case.rules, case.incident, seed, speed, tools, toxiproxy, shown
        )
        self._read_only = [*tools.folders(), toxiproxy.folder]
        self._process: Started | None = None
        self._stopped = ""
        self._turn = threading.RLock()

    def run(self, on_event: Callable[[Event], None] = lambda event: None) -> Checked:
        """Blocks until it is over: by itself, by `stop`, or because its time is up."""
        with self._turn:
            if self._stopped:
                return Checked(self.case, History.of([]), self._stopped)
            sandbox = specification(
                own_network=True, read_only=self._read_only, workstation_mb=WORKSTATION_MB, largest_mb=PRIVATE_MB
            )
            process, talk = self._warm.talk(_CONDUCTOR, sandbox=sandbox)
            self._process = process
        within_s = longest_s(self._spec)
        timer = threading.Timer(within_s, self.stop, [f"it was not over after {within_s:.0f} s"])
        timer.daemon = True
        timer.start()
        log: deque[str] = deque(maxlen=_LAST_LINES)
        reader = threading.Thread(target=_read_log, args=(talk.messages, log), daemon=True)
        reader.start()
        try:
            with contextlib.suppress(BrokenPipeError), talk.tell:  # it ended at once; its exit code says why
                talk.tell.write(pickle.dumps(self._spec))
            events = self._listen(talk.output, on_event)
            code = process.join()
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
            reader.join(5)
        return self._checked(events, code, "\n".join(log))

    def _listen(self, output: IO[bytes], on_event: Callable[[Event], None]) -> list[Event]:
        events: list[Event] = []
        with output as lines:
            for line in lines:
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


def _read_log(messages: IO[bytes], log: deque[str]) -> None:
    with messages as lines:
        for line in lines:
            log.append(line.decode(errors="replace").rstrip()[:2000])
