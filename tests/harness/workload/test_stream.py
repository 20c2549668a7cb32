"""The observer as a process of its own, and the conductor's side of it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from harness.history import LEDGER_FILE, Event
from harness.workload.ledger import Ledger, Outcome
from harness.workload.stream import Observer
from tests.harness.workload.fake_stack import FakeStack, observer_config

ROOT = Path(__file__).resolve().parents[3]


def observed(folder: Path, act: Callable[[FakeStack, Observer], Awaitable[None]]) -> tuple[Observer, list[Event]]:
    """Run an observer's process while `act` plays; the observer, stopped, and the events that it told."""
    told: list[Event] = []
    observer = Observer()
    observer.listen(told.append)

    async def whole() -> None:
        async with FakeStack.running() as stack:
            await observer.start(observer_config(folder, stack.url), folder / "observer.log")
            try:
                await act(stack, observer)
            finally:
                await observer.stop()

    asyncio.run(whole())
    return observer, told


def on_disk(folder: Path) -> list[str]:
    return (folder / LEDGER_FILE).read_text().splitlines()


def test_the_conductor_hears_every_line_of_the_ledger(tmp_path: Path) -> None:
    """What comes over the pipe is the ledger, line by line; after SIGTERM nothing is left open and the exit code is 0."""
    observer, told = observed(tmp_path, lambda stack, _: stack.until_orders(20))
    assert [event.to_line() for event in told] == on_disk(tmp_path)
    assert observer.exit_code == 0
    assert len(observer.ops) >= 20
    assert {one.outcome for one in observer.ops} == {Outcome.OK}
    assert Ledger(told).open == {}
    assert observer.horizon_s == max(one.intended_s for one in observer.ops)


def test_the_horizon_stands_still_at_the_oldest_open_order(tmp_path: Path) -> None:
    """While orders hang, nothing that was due later is final."""
    seen: list[tuple[float, float]] = []

    async def act(stack: FakeStack, observer: Observer) -> None:
        await stack.until_orders(5)
        stack.open.clear()
        await stack.until_orders(len(stack.orders) + 10)
        hanging = min(one.intended_s for one in observer._ledger.open.values() if one.op == "order")
        seen.append((observer.horizon_s, hanging))
        stack.open.set()

    observed(tmp_path, act)
    ((horizon_s, hanging_s),) = seen
    assert horizon_s <= hanging_s


def test_an_observer_that_nobody_listens_to_keeps_the_ledger(tmp_path: Path) -> None:
    """A closed standard output is no reason to stop: the ledger grows on, and SIGTERM still ends it with 0."""

    async def whole() -> int:
        async with FakeStack.running() as stack:
            config = observer_config(tmp_path, stack.url)
            (tmp_path / "config.json").write_text(config.model_dump_json())
            ours, theirs = os.pipe()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "harness.workload", str(tmp_path / "config.json"), stdout=theirs, cwd=ROOT
            )
            os.close(theirs)
            os.close(ours)
            await stack.until_orders(40)
            process.terminate()
            return await asyncio.wait_for(process.wait(), 20)

    assert asyncio.run(whole()) == 0
    assert sum("op.ok" in line for line in on_disk(tmp_path)) >= 40


def test_the_observer_dies_with_its_parent(tmp_path: Path) -> None:
    """Its parent is killed with -9: the kernel ends it, and its end of the pipe closes."""
    config = observer_config(tmp_path, "http://127.0.0.1:9")
    starter = (
        "import json, os, pathlib, subprocess, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(json.dumps({**json.loads(path.read_text()), 'parent': os.getpid()}))\n"
        "child = subprocess.Popen([sys.executable, '-m', 'harness.workload', str(path)])\n"
        "pathlib.Path(sys.argv[2]).write_text(str(child.pid))\n"
        "child.wait()\n"
    )
    (tmp_path / "config.json").write_text(config.model_dump_json())
    command = [sys.executable, "-c", starter, str(tmp_path / "config.json"), str(tmp_path / "pid")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        assert b"op.invoke" in parent.stdout.readline()  # the observer speaks
        parent.kill()
        left_behind: list[int] = []

        def end_it() -> None:
            left_behind.append(int((tmp_path / "pid").read_text()))
            os.kill(left_behind[0], signal.SIGKILL)

        deadline = threading.Timer(10, end_it)
        deadline.start()
        parent.stdout.read()  # returns when the last holder of the pipe, the observer, is gone
        deadline.cancel()
    assert left_behind == []


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "config.json").write_text(text)
    command = [sys.executable, "-m", "harness.workload", str(folder / "config.json")]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)


def test_a_ledger_that_cannot_be_written_ends_the_observer(tmp_path: Path) -> None:
    """Without a ledger nothing could be judged: a full disk ends it with one sentence and exit code 1."""
    config = observer_config(tmp_path, "http://127.0.0.1:9", ledger=Path("/dev/full"))
    ended = run(tmp_path, config.model_dump_json())
    assert ended.returncode == 1
    assert ended.stderr.startswith("/dev/full could not be written: [Errno 28] No space left on device.")


def test_a_configuration_that_cannot_be_used_is_exit_code_2(tmp_path: Path) -> None:
    """Unknown keys are refused by name."""
    ended = run(tmp_path, '{"speed": 3}')
    assert ended.returncode == 2
    assert "speed" in ended.stderr


def test_stopping_an_observer_that_never_started_does_nothing() -> None:
    """`stop` is safe in any state."""
    asyncio.run(Observer().stop())
