"""Runs one drill from outside its sandbox: prepares the folder, starts the conductor inside, hears its events, judges."""

from __future__ import annotations

import pickle
import platform
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from fakes.commands.install import compile_commands
from harness.errors import HarnessError, SandboxError
from harness.history import Event
from harness.result import Result, write_result
from harness.sandbox.init import CANNOT
from harness.sandbox.launch import choose_own_network, run_folder, start
from harness.spec import DrillSpec
from harness.tools import find_tools
from harness.toxiproxy_server import find_toxiproxy
from scenarios.loader import LoadedScenario

DRILLS = Path("drills")
_STOPS_WITHIN_S = 20.0  # wall: to heal, stop and close the history after a signal
_STACKS = ("embedded",)


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """How to run a drill. `overrides` are the `--set` values already in the loaded scenario, for the rerun command."""

    seed: int
    speed: float = 1.0
    out: Path = DRILLS
    stack: str = "embedded"
    overrides: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished drill: its folder, its judged result, and the signal that ended it early, if one did."""

    folder: Path
    result: Result
    signal: int | None = None


def run_drill(loaded: LoadedScenario, options: DrillOptions, on_event: Callable[[Event], None]) -> Outcome:
    """Carry a scenario out and judge it. Blocks; `on_event` hears of each event of the history as it happens.

    SIGINT and SIGTERM abort the drill: it heals, stops and is judged as aborted. Raises HarnessError when the drill could
    not even start.
    """
    spec, behind = prepare(loaded, options)
    folder = spec.folder
    shown = [*spec.tools.folders(), spec.toxiproxy.folder]
    log = (folder / "logs" / "conductor.log").open("ab")
    process = start(
        [sys.executable, "-m", "harness.drill"], own_network=spec.own_network, read_only=shown, writable=[folder], run=behind,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
    )  # fmt: skip
    with log, _signals_to(process) as received:
        assert process.stdin is not None
        try:
            process.stdin.write(pickle.dumps(spec))
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended at once; its exit code says why
        _listen(process, on_event)
        code = process.wait()
    if behind is not None:
        shutil.rmtree(behind, ignore_errors=True)
    if not (folder / "history.jsonl").is_file():
        raise _never_started(code, folder)
    return Outcome(folder, write_result(folder), received[0] if received else None)


def prepare(loaded: LoadedScenario, options: DrillOptions) -> tuple[DrillSpec, Path | None]:
    """Make the drill's folder and decide everything about it. Raises HarnessError with the remedy."""
    if options.stack not in _STACKS:
        raise HarnessError(f"stack {options.stack} is not known; known: {', '.join(_STACKS)}")
    tools, toxiproxy = find_tools(), find_toxiproxy()
    compile_commands()  # inside, the project is read-only, and each command would be compiled anew
    own_network, warning = choose_own_network()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    drill = f"{stamp}-{loaded.name}-{secrets.token_hex(3)}"
    folder = options.out.resolve() / drill
    try:
        (folder / "logs").mkdir(parents=True)
    except OSError as error:
        raise HarnessError(f"{folder} cannot be made ({error.strerror}). Choose another place with --out DIR.") from error
    run, behind = run_folder(folder, own_network=own_network)
    spec = DrillSpec(
        drill=drill, loaded=loaded, seed=options.seed, speed=options.speed, stack=options.stack, folder=folder, run=run,
        own_network=own_network, tools=tools, toxiproxy=toxiproxy, versions=_versions(), commit=_commit(),
        command=_rerun(loaded, options), warnings=(warning,) if warning else (),
    )  # fmt: skip
    return spec, behind


def _rerun(loaded: LoadedScenario, options: DrillOptions) -> str:
    words = ["gameday", "run", loaded.name if loaded.in_catalogue else str(loaded.path)]
    words += ["--seed", str(options.seed), "--speed", f"{options.speed:g}"]
    for key, value in (options.overrides or {}).items():
        words += ["--set", f"{key}={value}"]
    return shlex.join(words)


def _versions() -> dict[str, str]:
    return {"gameday": version("gameday"), "python": platform.python_version(), "kernel": platform.release()}


def _commit() -> str:
    """The commit of the harness's own checkout, or `unknown` where it is not one."""
    project = Path(__file__).resolve().parents[1]
    try:
        asked = ["git", "-C", str(project), "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(asked, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


@contextmanager
def _signals_to(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Pass SIGINT and SIGTERM on, and make sure that the drill ends soon after. Yields the signals received."""
    received: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if not received:
            timer = threading.Timer(_STOPS_WITHIN_S, process.kill)
            timer.daemon = True
            timer.start()
        received.append(number)
        process.send_signal(number)

    if threading.current_thread() is not threading.main_thread():
        yield received  # signals reach the main thread only; whoever runs drills in threads passes them on
        return
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(process: subprocess.Popen[bytes], on_event: Callable[[Event], None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        try:
            event = Event.from_line(line.decode())
        except (ValueError, KeyError):
            continue  # cut off by a kill; the history on disk has what matters
        on_event(event)


def _never_started(code: int, folder: Path) -> HarnessError:
    log = folder / "logs" / "conductor.log"
    last = " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
    kind = SandboxError if code == CANNOT else HarnessError
    return kind(f"the drill ended with exit code {code} before its history began: {last or 'no message'}. See {log}.")
