"""A warm start: programs of this project as forks of one process that has imported all they need.

To start an interpreter and to import a conductor takes a second of CPU; to fork it takes a few milliseconds. The server is a
process without threads and without a word of its caller in it: its environment is a sandbox's, and what a program is told
comes by its arguments and its standard input. It ends when its caller closes the connection or ends, and everything that it
started ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

from fakes.forkserver import reap
from harness.errors import HarnessError
from harness.sandbox import linux
from harness.sandbox.init import enter

_LONGEST = 1 << 20  # bytes of one request
_HANDED_OVER = 4  # standard input, output and error, and the connection on which the end is told
_CHANGED = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Started:
    """A program that was started warm: what callers use of a Popen, and of asyncio's Process."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.stdout: asyncio.StreamReader | None = None
        self._connection = connection
        self._status: int | None = None
        self._ended: asyncio.Event | None = None

    @property
    def returncode(self) -> int | None:
        """As in subprocess: -9 is killed by SIGKILL. None while it runs."""
        if self._status is None:
            with contextlib.suppress(BlockingIOError):
                self._take(self._connection.recv(64, socket.MSG_DONTWAIT))
        return self._status

    def _take(self, told: bytes) -> None:
        self._status = int(told) if told else -signal.SIGKILL  # without a word the server was killed, and all with it
        self._connection.close()

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self.returncode

    def join(self) -> int:
        """Block until it has ended; its exit code."""
        if self._status is None:
            self._take(self._connection.recv(64))
        assert self._status is not None
        return self._status

    async def wait(self) -> int:
        """Wait on the running loop until it has ended; its exit code."""
        if self.returncode is None:
            if self._ended is None:
                self._ended = asyncio.Event()
                asyncio.get_running_loop().add_reader(self._connection.fileno(), self._hear)
            await self._ended.wait()
        assert self._status is not None
        return self._status

    def _hear(self) -> None:
        assert self._ended is not None
        asyncio.get_running_loop().remove_reader(self._connection.fileno())
        self._ended.set()
        _ = self.returncode

    def send_signal(self, sent: int) -> None:
        """Nothing when it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sent)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Make it end."""
        self.send_signal(signal.SIGKILL)


class Talk(NamedTuple):
    """Our ends of a program's standard files."""

    tell: IO[bytes]
    output: IO[bytes]
    messages: IO[bytes]


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """Both ends of a new pipe, each closed by its owner."""
    reading, writing = os.pipe()
    return reader.enter_context(os.fdopen(reading, "rb")), writer.enter_context(os.fdopen(writing, "wb"))


class Warm:
    """The caller's side of a server. Its methods may be called from any thread."""

    def __init__(self, control: socket.socket, pid: int) -> None:
        self.pid = pid  # what it starts has this parent
        self._control = control
        self._turn = threading.Lock()

    @classmethod
    def start(cls, modules: Sequence[str], environment: Mapping[str, str]) -> Warm:
        """A server of its own: an interpreter that knows nothing of this process and imports `modules`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "harness.sandbox.warm", str(theirs.fileno()), str(os.getpid()), *modules],
                cwd=Path(__file__).parents[2], env=dict(environment), pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        warm = cls(ours, process.pid)
        warm._process = process
        return warm

    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    def fork(cls) -> Warm:
        """A server with all that this process has imported. Only where there are no threads yet."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _serve(theirs, parent)
        theirs.close()
        return cls(ours, pid)

    def run(
        self, module: str, arguments: Sequence[str] = (), *, files: tuple[int, int, int], sandbox: Mapping[str, Any] | None = None
    ) -> Started:
        """Run `module`'s `main()` with these arguments and standard files, in a sandbox of that specification or beside us.

        Raises HarnessError when the server is gone.
        """
        request = json.dumps({"module": module, "arguments": list(arguments), "sandbox": sandbox}).encode()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs, self._turn:
                socket.send_fds(self._control, [request], [*files, theirs.fileno()])
            pid = int(ours.recv(64) or b"0")
        except OSError as error:
            ours.close()
            raise HarnessError(f"{module} could not be started: {error}") from error
        if pid <= 0:
            ours.close()
            raise HarnessError(f"{module} could not be started: the process that starts it ended, or does not know it")
        return Started(pid, ours)

    async def spawn(self, module: str, *arguments: str, messages: IO[bytes], output: IO[bytes] | None = None) -> Started:
        """As `run`, beside us, with nothing on standard input; without an `output` its `stdout` is a stream of this loop."""
        with ExitStack() as ours, ExitStack() as theirs:
            nothing = theirs.enter_context(os.fdopen(os.open(os.devnull, os.O_RDONLY), "rb"))
            if output is not None:
                return self.run(module, arguments, files=(nothing.fileno(), output.fileno(), messages.fileno()))
            reading, writing = _pipe(ours, theirs)
            started = self.run(module, arguments, files=(nothing.fileno(), writing.fileno(), messages.fileno()))
            started.stdout = asyncio.StreamReader(limit=_LONGEST)
            protocol = asyncio.StreamReaderProtocol(started.stdout)
            await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, reading)
            ours.pop_all()
            return started

    def talk(self, module: str, *, sandbox: Mapping[str, Any], log: IO[bytes] | None = None) -> tuple[Started, Talk]:
        """As `run`, in a sandbox, with pipes to all its standard files; with a `log` its messages go there instead."""
        with ExitStack() as ours, ExitStack() as theirs:
            output, prints = _pipe(ours, theirs)
            messages, complains = (log, log) if log is not None else _pipe(ours, theirs)
            told, tell = _pipe(theirs, ours)
            files = (told.fileno(), prints.fileno(), complains.fileno())
            started = self.run(module, files=files, sandbox=sandbox)
            ours.pop_all()
            return started, Talk(tell, output, messages)

    def close(self) -> None:
        """End the server and everything that it started. Safe to repeat."""
        self._control.close()
        if self._process is not None:
            self._process.wait()
        else:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)


class _Server:
    """Forks for its caller, one request after another, and tells of each end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._own = os.getpid()
        self._wakeup, self._signalled = socket.socketpair()
        self._signalled.setblocking(False)
        self._connections: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Until the caller is gone."""
        signal.set_wakeup_fd(self._signalled.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._wakeup, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._wakeup:
                        self._wakeup.recv(4096)
                        self._reap()
                    elif not self._answer():
                        return

    def _answer(self) -> bool:
        message, files, _, _ = socket.recv_fds(self._control, _LONGEST, _HANDED_OVER)
        if not message:
            return False
        *standard, told = files
        connection = socket.socket(fileno=told)
        request = json.loads(message)
        if request["module"] in sys.modules:
            pid = os.fork()
            if pid == 0:
                _become(request, standard, self._own)
            self._connections[pid] = connection
            with contextlib.suppress(OSError):  # the caller has gone meanwhile
                connection.send(str(pid).encode())
        else:
            connection.close()
        for each in standard:
            os.close(each)
        return True

    def _reap(self) -> None:
        for pid, status in reap():
            with self._connections.pop(pid) as connection, contextlib.suppress(OSError):
                connection.send(str(status).encode())


def _become(request: Mapping[str, Any], standard: Sequence[int], parent: int) -> NoReturn:
    """The child: leave everything of the server behind and run the program."""
    module, sandbox = str(request["module"]), request["sandbox"]
    code = 1
    try:
        linux.die_with_parent(parent)
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in _CHANGED:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        for target, file in enumerate(standard):
            os.dup2(file, target)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        sys.argv = [module, *request["arguments"]]
        if sandbox is not None:
            enter({**sandbox, "parent": parent}, lambda: _run(module))
        linux.set_name(module.removesuffix(".__main__"))
        _run(module)
    except BaseException:  # noqa: BLE001 -- the end of the process, whatever it was
        traceback.print_exc()
    finally:
        os._exit(code)


def _run(module: str) -> NoReturn:
    code = 1
    try:
        sys.modules[module].main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 -- as at the end of any program
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _serve(control: socket.socket, parent: int) -> NoReturn:
    linux.die_with_parent(parent)
    gc.collect()
    gc.freeze()  # the collector would write to every object: pages that are shared would be copied
    _Server(control).serve()
    os._exit(0)


def main(arguments: Sequence[str]) -> NoReturn:
    """`python -m harness.sandbox.warm FD PARENT MODULE...`."""
    descriptor, parent, *modules = arguments
    gc.disable()
    for each in modules:
        importlib.import_module(each)
    gc.enable()
    _serve(socket.socket(fileno=int(descriptor)), int(parent))


if __name__ == "__main__":
    main(sys.argv[1:])
