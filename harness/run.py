"""Runs one drill from outside its sandbox: prepares the folder, starts the conductor inside, hears its events, judges."""

from __future__ import annotations

import pickle
import platform
import secrets
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import IO, Any, Literal, Protocol, Self

from fakes.commands.install import compile_commands
from fakes.forkserver import service_modules
from harness.errors import HarnessError, MissingTool, SandboxError
from harness.history import HISTORY_FILE, Event
from harness.monitor.choice import choose_monitor
from harness.result import Result, write_result
from harness.sandbox.init import CANNOT
from harness.sandbox.launch import ENVIRONMENT, choose_own_network, run_folder, specification
from harness.sandbox.root import RUN
from harness.sandbox.warm import Started, Warm
from harness.spec import DrillSpec
from harness.tools import find_tools
from harness.toxiproxy_server import ToxiproxyServer, find_toxiproxy
from scenarios.fields import format_duration
from scenarios.loader import LoadedScenario
from scenarios.model import MonitorWish

DRILLS = Path("drills")
_CONDUCTOR = "harness.drill"
_STOPS_WITHIN_S = 20.0  # wall: to heal, stop and close the history after a signal


class Conductor(Protocol):
    """The running conductor of a drill, wherever it runs."""

    def lines(self) -> Iterator[bytes]:
        """What it prints: an event of the history a line."""
        ...

    def wait(self) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """How to run a drill. `overrides` are the `--set` values already in the loaded scenario, for the rerun command."""

    seed: int
    speed: float = 1.0
    out: Path = DRILLS
    stack: str = "embedded"  # a key of _STACKS
    overrides: Mapping[str, str] | None = None
    monitor: MonitorWish | None = None  # None: what the scenario says
    respond: Literal["auto", "human"] = "auto"
    surprise_s: float = 0.0  # documented: the faults come at a random moment within so long
    tell: Callable[[str], None] = lambda text: None  # hears of what takes long before the drill begins: an image that is pulled
    warm: Warm | None = None  # where conductors come from, when drills share it


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished drill: its folder, its judged result, and the signal that ended it early, if one did."""

    folder: Path
    result: Result
    signal: int | None = None


def warm_up() -> Warm:
    """Where conductors come from, and what is Python in their stacks: one process has imported it all."""
    programs = [_CONDUCTOR, "harness.workload.__main__", "fakes.forkserver", "fakes.toxiproxy.__main__"]
    return Warm.start([*programs, *service_modules()], ENVIRONMENT)


def run_drill(
    loaded: LoadedScenario, options: DrillOptions, on_event: Callable[[Event], None], stopper: Stopper | None = None
) -> Outcome:
    """Carry a scenario out and judge it. Blocks; `on_event` hears of each event of the history as it happens.

    SIGINT and SIGTERM, or whoever has the `stopper`, abort the drill: it heals, stops and is judged as aborted. Raises
    HarnessError when the drill could not even start.
    """
    with stopper or Stopper() as signals, ExitStack() as undo:
        spec, conductor = _STACKS[options.stack](loaded, options, undo)
        signals.pass_to(conductor)
        _listen(conductor, on_event)
        code = conductor.wait()
    if not (spec.folder / HISTORY_FILE).is_file():
        raise _never_started(code, spec.folder)
    return Outcome(spec.folder, write_result(spec.folder), signals.received)


def _start_embedded(loaded: LoadedScenario, options: DrillOptions, undo: ExitStack) -> tuple[DrillSpec, Conductor]:
    """In a sandbox of namespaces, or on free ports."""
    tools, toxiproxy = find_tools(), find_toxiproxy()
    compile_commands()  # inside, the project is read-only, and each command would be compiled anew
    monitor, passed_over = choose_monitor(
        _wish(loaded, options), loaded.rules, speed=_bounded(loaded, options), pauses=options.respond == "human"
    )
    own_network, warning = choose_own_network()
    drill, folder = _new_folder(loaded, options)
    run, behind = run_folder(folder, own_network=own_network)
    if behind is not None:
        undo.callback(shutil.rmtree, behind, ignore_errors=True)
    spec = DrillSpec(
        drill=drill, loaded=loaded, seed=options.seed, speed=options.speed, stack="embedded", folder=folder, run=run,
        own_network=own_network, sandbox="namespaces" if own_network else "ports", tools=tools, toxiproxy=toxiproxy,
        versions={**_versions(), **monitor.versions()}, commit=_commit(), command=_rerun(loaded, options),
        warnings=tuple(each for each in (warning, passed_over) if each), monitor=monitor,
        respond=options.respond, surprise_s=options.surprise_s,
    )  # fmt: skip
    log = undo.enter_context((folder / "logs" / "conductor.log").open("ab"))
    sandbox = specification(
        own_network=own_network, read_only=[*tools.folders(), *monitor.folders(), toxiproxy.folder], writable=[folder], run=behind,
        hosts=tuple(loaded.stack.ingress.hosts) if loaded.stack.ingress else (),
    )  # fmt: skip
    warm = options.warm or undo.enter_context(closing(warm_up()))
    process, talk = warm.talk(_CONDUCTOR, sandbox=sandbox, log=log)
    with suppress(BrokenPipeError), talk.tell:  # it ended at once; its exit code says why
        talk.tell.write(pickle.dumps(spec))
    return spec, _Sandboxed(process, talk.output)


def _start_containers(loaded: LoadedScenario, options: DrillOptions, undo: ExitStack) -> tuple[DrillSpec, Conductor]:
    """In a container of its own, in the network of its stack's containers."""
    monitor, passed_over = choose_monitor(
        _wish(loaded, options),
        loaded.rules,
        speed=_bounded(loaded, options),
        in_containers=True,
        pauses=options.respond == "human",
    )
    try:
        from harness.engine.client import Engine

        engine = Engine.connect()  # before anything slower: whoever has none hears of it at once
        from harness.engine.compose import Attached
        from harness.engine.pod import Pod
        from harness.engine.rig import Rig
    except ImportError as error:
        raise MissingTool("the Python package testcontainers", "Install it: pip install 'gameday[containers]'.") from error
    rig: Rig = (Pod if options.stack == "containers" else Attached)(engine, loaded.stack)
    compile_commands()
    drill, folder = _new_folder(loaded, options)
    undo.callback(rig.close)
    try:
        rig.open(drill, folder, seed=options.seed, tell=options.tell)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # nothing was recorded in it yet
        raise
    spec = DrillSpec(
        drill=drill, loaded=loaded, seed=options.seed, speed=options.speed, stack=rig.kind, folder=folder, run=RUN, own_network=True,
        sandbox="containers", tools=None, toxiproxy=ToxiproxyServer("real", "of the container", Path("/toxiproxy")),
        versions={**_versions(), **rig.versions()}, commit=_commit(), command=_rerun(loaded, options),
        warnings=(passed_over,) if passed_over else (), monitor=monitor, respond=options.respond, surprise_s=options.surprise_s,
    )  # fmt: skip
    return spec, rig.run_drill(spec)


_STACKS: Mapping[str, Callable[[LoadedScenario, DrillOptions, ExitStack], tuple[DrillSpec, Conductor]]] = {
    "embedded": _start_embedded,
    "containers": _start_containers,
    "compose": _start_containers,
}


def _new_folder(loaded: LoadedScenario, options: DrillOptions) -> tuple[str, Path]:
    """A drill's id and its folder. Raises HarnessError with the remedy."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    drill = f"{stamp}-{loaded.name}-{secrets.token_hex(3)}"
    folder = options.out.resolve() / drill
    try:
        (folder / "logs").mkdir(parents=True)
    except OSError as error:
        raise HarnessError(f"{folder} cannot be made ({error.strerror}). Choose another place with --out DIR.") from error
    return drill, folder


def _rerun(loaded: LoadedScenario, options: DrillOptions) -> str:
    words = ["gameday", "run", loaded.name if loaded.in_catalogue else str(loaded.path)]
    words += ["--seed", str(options.seed), "--speed", f"{options.speed:g}"]
    if options.stack != "embedded":
        words += ["--stack", options.stack]
    if (wish := _wish(loaded, options)) != "auto" or loaded.scenario.monitor != "auto":
        words += ["--monitor", wish]
    if options.respond != "auto":
        words += ["--respond", options.respond]
    if options.surprise_s:
        words += ["--surprise", format_duration(options.surprise_s)]
    for key, value in (options.overrides or {}).items():
        words += ["--set", f"{key}={value}"]
    return shlex.join(words)


def _wish(loaded: LoadedScenario, options: DrillOptions) -> MonitorWish:
    """Who shall detect: the command line has the last word."""
    return options.monitor or loaded.scenario.monitor


def _bounded(loaded: LoadedScenario, options: DrillOptions) -> float:
    """The speed that it will have."""
    return min(options.speed, loaded.scenario.at_most_speed or options.speed)


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


class _Sandboxed:
    """A conductor that is a process of this machine."""

    def __init__(self, process: Started, output: IO[bytes]) -> None:
        self._output = output
        self.wait, self.send_signal, self.kill = process.join, process.send_signal, process.kill

    def lines(self) -> Iterator[bytes]:
        with self._output as printed:
            yield from printed


class Stopper:
    """Passes SIGINT and SIGTERM on to the conductor, and makes sure that it ends soon after. Before it is there they end the start.

    Signals reach the main thread only: whoever runs drills in other threads calls `stop`.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._conductor: Conductor | None = None
        self._before: dict[int, Any] = {}

    def pass_to(self, conductor: Conductor) -> None:
        self._conductor = conductor
        if self.received is not None:
            conductor.send_signal(self.received)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self.stop) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stop(self, number: int, _frame: FrameType | None = None) -> None:
        """Abort the drill as this signal does."""
        first, self.received = self.received is None, self.received or number
        if self._conductor is None:
            if self._before:
                raise SystemExit(128 + number)  # whatever was made so far is undone on the way out
            return  # in another thread: the conductor hears of it as soon as it is there
        if first:
            timer = threading.Timer(_STOPS_WITHIN_S, self._conductor.kill)
            timer.daemon = True
            timer.start()
        self._conductor.send_signal(number)


def _listen(conductor: Conductor, on_event: Callable[[Event], None]) -> None:
    for line in conductor.lines():
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
