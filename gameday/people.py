"""What people type during an exercise: each command finds the drill that is running and tells it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import termios
import tty
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from rich.text import Text

from gameday.listing import make_console
from harness.errors import HarnessError
from harness.people.wire import DATA, ENDED, SOCKET, Frames, code_of, connect, frame, size_frame
from reports.words import clock_text
from scenarios.errors import InvalidInput, Problem

_ANSWERS_WITHIN_S = 30.0
_CHUNK = 65536


def running(out: Path, drill: str | None) -> Path:
    """The folder of the drill that takes what people say: the only one, or the one whose name begins so. Raises InvalidInput."""
    found = [each.parent for each in sorted(out.glob(f"*/{SOCKET}")) if _alive(each.parent)] if out.is_dir() else []
    chosen = [each for each in found if drill is None or each.name.startswith(drill)]
    if len(chosen) == 1:
        return chosen[0]
    if not found:
        told = "no drill in which people respond is running here. Start one: gameday run SCENARIO --respond human (and --out, if it has one)"
    else:
        names = ", ".join(each.name for each in found)
        told = f"{len(found)} drills are running: {names}. Choose one: --drill" if not chosen else f"several are meant: {names}"
    raise InvalidInput([Problem(out, 0, 0, told)])


def _alive(folder: Path) -> bool:
    try:
        connect(folder).close()
    except OSError:
        return False
    return True


def ask(folder: Path, request: Mapping[str, Any]) -> Any:
    """The answer to a request. Raises InvalidInput when it was refused, HarnessError when the drill ended over it."""
    with _connected(folder) as connection:
        connection.sendall(json.dumps(dict(request)).encode() + b"\n")
        answer, _ = _line(connection)
    return _granted(folder, answer)


def tell(folder: Path, request: Mapping[str, Any]) -> None:
    """Ask, and print what was said."""
    for line in ask(folder, request)["said"]:
        print(line)


def show_status(folder: Path) -> None:
    """What an on-call engineer could know."""
    status, console = ask(folder, {"do": "status"})["status"], make_console()
    if status["paused_by"]:
        console.print(Text(f"paused by {status['paused_by']}", "bold yellow"))
    if status["resolved_by"]:
        console.print(Text(f"resolved by {status['resolved_by']}", "green"))
    rows = {
        "time": clock_text(status["at_s"]), "alerts firing": ", ".join(status["firing"]) or "none",
        "pages that wait": "; ".join(status["pages"]) or "none",
        "people": ", ".join(f"{name} ({role})" for name, role in status["people"].items()) or "nobody yet",
        "reached": ", ".join(f"{name} ({by})" for name, by in status["milestones"].items()) or "nothing yet",
    }  # fmt: skip
    for name, value in rows.items():
        console.print(Text.assemble((f"{name:<16}", "dim"), value), soft_wrap=True)
    for note in status["notes"]:
        console.print(Text(f"  {note}"), soft_wrap=True)


def open_shell(folder: Path, request: Mapping[str, Any]) -> int:
    """Be one person's shell inside the sandbox, until it ends; its exit code."""
    size = shutil.get_terminal_size()
    asked = {**request, "do": "shell", "term": os.environ.get("TERM", ""), "rows": size.lines, "columns": size.columns}
    with _connected(folder) as connection:
        connection.sendall(json.dumps(asked).encode() + b"\n")
        answer, rest = _line(connection)
        _granted(folder, answer)
        connection.settimeout(None)
        with _raw_terminal(), _resized(connection):
            return _pass_on(connection, rest)


def _pass_on(connection: socket.socket, rest: bytes) -> int:
    """Bytes to and fro until the shell has ended, or the drill."""
    frames, watched = Frames(), [connection, sys.stdin.fileno()]
    if (code := _show(frames, rest)) is not None:
        return code
    while True:
        ready, _, _ = select.select(watched, [], [])
        if sys.stdin.fileno() in ready:
            typed = os.read(sys.stdin.fileno(), 4096)
            if typed:
                connection.sendall(frame(DATA, typed))
            else:
                watched.remove(sys.stdin.fileno())  # nothing more comes; as Ctrl-D does
                connection.sendall(frame(DATA, b"\x04"))
        if connection in ready:
            chunk = connection.recv(_CHUNK)
            if not chunk:
                return 129
            if (code := _show(frames, chunk)) is not None:
                return code


def _show(frames: Frames, chunk: bytes) -> int | None:
    """Write what the shell shows; its exit code once it has ended."""
    for kind, content in frames.take(chunk):
        if kind == DATA:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        elif kind == ENDED:
            return code_of(content)
    return None


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """What is typed reaches the shell as it is, Ctrl-C too."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin, termios.TCSADRAIN)  # what was typed ahead is for the shell
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _resized(connection: socket.socket) -> Iterator[None]:
    def tell_size(_number: int, _frame: FrameType | None) -> None:
        size = shutil.get_terminal_size()
        with contextlib.suppress(OSError):
            connection.sendall(size_frame(size.lines, size.columns))

    before = signal.signal(signal.SIGWINCH, tell_size)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _connected(folder: Path) -> socket.socket:
    try:
        connection = connect(folder)
    except OSError as error:
        raise HarnessError(f"the drill {folder.name} has ended meanwhile ({error.strerror})") from error
    connection.settimeout(_ANSWERS_WITHIN_S)
    return connection


def _line(connection: socket.socket) -> tuple[bytes, bytes]:
    """The first line, and what came behind it."""
    found = b""
    while b"\n" not in found:
        try:
            chunk = connection.recv(_CHUNK)
        except TimeoutError as error:
            raise HarnessError(f"the drill did not answer within {_ANSWERS_WITHIN_S:g} s; its log: logs/conductor.log") from error
        if not chunk:
            break
        found += chunk
    line, _, rest = found.partition(b"\n")
    return line, rest


def _granted(folder: Path, line: bytes) -> Any:
    if not line:
        raise HarnessError(f"the drill {folder.name} ended before it answered; see its log: logs/conductor.log")
    answer = json.loads(line)
    if not answer.get("ok"):
        raise InvalidInput([Problem(Path("gameday"), 0, 0, str(answer.get("error")))])
    return answer
