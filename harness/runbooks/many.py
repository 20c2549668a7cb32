"""Checks many cases, side by side over the cores, and stops all of them at a signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import FrameType

from fakes.commands.install import compile_commands
from harness.errors import SandboxError
from harness.history import History
from harness.runbooks.cases import Case
from harness.runbooks.check import Checked, Sandbox, warm_up
from harness.sandbox.launch import namespaces_refused
from harness.tools import Tools, find_tools
from harness.toxiproxy_server import ToxiproxyServer, find_toxiproxy


@dataclass(frozen=True, slots=True)
class Pool:
    """How many at once, and how each is carried out."""

    jobs: int = 1
    speed: float = 20.0
    seed: int = 1


class Interrupted(Exception):
    """A signal stopped it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def check_all(cases: Sequence[Case], pool: Pool, tell: Callable[[Checked], None] = lambda checked: None) -> list[Checked]:
    """Each case, in the order given. `tell` hears of each as it ends, in the caller's thread.

    A runbook is never carried out without a sandbox: raises SandboxError where there is none, MissingTool, and Interrupted at
    SIGINT and SIGTERM, when all sandboxes have ended.
    """
    todo = [each for each in cases if each.plan.runs and not each.plan.skip]
    if todo and (refused := namespaces_refused()) is not None:
        raise SandboxError(
            f"runbooks are carried out in namespaces only, and this machine permits none: {refused}. `gameday doctor` tells more."
        )
    done: dict[int, Checked] = {id(each): Checked(each, History.of([])) for each in cases if each not in todo}
    if todo:
        compile_commands()
        done |= _run(todo, pool, tell, find_tools(), find_toxiproxy())
    return [done[id(each)] for each in cases]


def _run(
    todo: Sequence[Case], pool: Pool, tell: Callable[[Checked], None], tools: Tools, toxiproxy: ToxiproxyServer
) -> dict[int, Checked]:  # fmt: skip
    done: dict[int, Checked] = {}
    with closing(warm_up()) as warm:
        boxes = [Sandbox(each, warm, tools=tools, toxiproxy=toxiproxy, speed=pool.speed, seed=pool.seed) for each in todo]
        with ThreadPoolExecutor(max_workers=max(1, pool.jobs)) as workers, _stopped_by_signals(boxes) as received:
            futures: list[Future[Checked]] = [workers.submit(each.run) for each in boxes]
            for future in as_completed(futures):
                checked = future.result()
                done[id(checked.case)] = checked
                if not received:
                    tell(checked)
    if received:
        raise Interrupted(received[0])
    return done


@contextmanager
def _stopped_by_signals(boxes: Sequence[Sandbox]) -> Iterator[list[int]]:
    """The signals that came; each stops all sandboxes."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # signals reach the main thread only
        return

    def hear(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for each in boxes:
            each.stop(f"stopped by {signal.Signals(number).name}")

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
