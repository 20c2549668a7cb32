"""The fork server: one preloaded process that starts every fake service in milliseconds, its memory shared.

    python -m fakes.forkserver SOCKET_PATH

Listens on a unix socket. It dies with the process (strictly: the thread) that started it, and every service dies with it,
SIGKILLed by the kernel, so nothing outlives a drill. The protocol is JSON lines, one object a line, answers in the order of the requests:

    {"start": {"name", "program", "config", "log"}}  ->  {"pid": 4711, "name": "risk-manager"}
    {"wait": 4711}                                   ->  {"exited": {...}} at once if it has exited, else when it does
    {"ping": 1}                                      ->  {"pong": 1}
    anything else                                    ->  {"error": "..."}

and whenever a service ends, every connected client hears of it, between answers:

    {"exited": {"pid": 4711, "name": "risk-manager", "status": -9}}      status as in subprocess: -9 is killed by SIGKILL

A service runs `fakes.services.<program, - as _>.main(config)` in a session of its own, under its name (the kernel keeps 15
characters), with default signals, nothing on stdin, and its log file appended to as stdout and stderr. `main` returning
is status 0, an exception is logged and is status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to SIGKILL this process when its parent dies; ends at once when that happened already."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def service_modules() -> list[str]:
    """The names of all modules that a service may be made of."""
    return [f"fakes.services.{module.name}" for module in pkgutil.iter_modules([str(Path(__file__).parent / "services")])]


def preload() -> None:
    """Import all that a service may need, so that no child pays for it, and put it out of the collector's reach.

    The collector writes to every object it looks at; frozen objects stay on pages that parent and children share.
    """
    gc.disable()
    for module in service_modules():
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    gc.enable()


def reap() -> Iterator[tuple[int, int]]:
    """Every child that has ended meanwhile: its pid, and its exit code as in subprocess (-9: killed by SIGKILL)."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended[0], os.waitstatus_to_exitcode(ended[1])


class _Client:
    """One connection: its socket and the part of a line that came so far."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = b""

    def send(self, answer: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it has gone: the next read says so and forgets it
            self.connection.sendall(json.dumps(answer, separators=(",", ":")).encode() + b"\n")


class ForkServer:
    """Forks services for its clients and tells them of each exit. Single-threaded: a fork copies no lock that is held."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._signalled = socket.socketpair()
        self._clients: dict[int, _Client] = {}
        self._names: dict[int, str] = {}
        self._exited: dict[int, dict[str, Any]] = {}

    def serve(self) -> NoReturn:
        """Answer requests until a signal ends this process."""
        self._signalled.setblocking(False)
        signal.set_wakeup_fd(self._signalled.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._wakeup:
                    self._wakeup.recv(4096)
                    self._reap()
                else:
                    self._read(self._clients[key.fd])

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self._clients[connection.fileno()] = _Client(connection)
        self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, client: _Client) -> None:
        try:
            received = client.connection.recv(65536)
        except OSError:
            received = b""
        if not received:
            self._selector.unregister(client.connection)
            del self._clients[client.connection.fileno()]
            client.connection.close()
            return
        *lines, client.received = (client.received + received).split(b"\n")
        for line in lines:
            self._answer(client, line)

    def _answer(self, client: _Client, line: bytes) -> None:
        try:
            request = json.loads(line)
            if "start" in request:
                start = request["start"]
                client.send({"pid": self._start(start), "name": start["name"]})
            elif "wait" in request:
                self._wait(client, int(request["wait"]))
            elif "ping" in request:
                client.send({"pong": 1})
            else:
                client.send({"error": f"unknown request {line.decode(errors='replace')[:200]!r}"})
        except (ValueError, KeyError, TypeError, OSError) as error:
            client.send({"error": f"{type(error).__name__}: {error}"})

    def _wait(self, client: _Client, pid: int) -> None:
        if pid in self._exited:
            client.send({"exited": self._exited[pid]})
        elif pid not in self._names:
            client.send({"error": f"{pid} is no service of this fork server"})
        # else it runs: every client hears of its end, this one too

    def _start(self, start: Mapping[str, Any]) -> int:
        module = "fakes.services." + str(start["program"]).replace("-", "_")
        if module not in sys.modules:
            raise ValueError(f"no program named {start['program']!r}")
        name, config, log = str(start["name"]), dict(start["config"]), str(start["log"])
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                self._become(module, name, config, output, parent)
        finally:
            os.close(output)
        self._names[pid] = name
        return pid

    def _become(self, module: str, name: str, config: dict[str, Any], output: int, parent: int) -> NoReturn:
        """The child: leave everything of the server behind and run the service."""
        status = 1
        try:
            die_with_parent(parent)
            os.setsid()
            _libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
            self._leave()
            _redirect(output)
            sys.modules[module].main(config)
            status = 0
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else 1
        except BaseException:  # noqa: BLE001 - the end of the process: the log gets the trace whatever it was
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)  # the server's own clean-up, which atexit would run, is not this process's business

    def _leave(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # SIGPIPE stays ignored: a closed socket is an error, not an end
        self._selector.close()
        for open_socket in (self._listener, self._wakeup, self._signalled):
            open_socket.close()
        for client in self._clients.values():
            client.connection.close()

    def _reap(self) -> None:
        for pid, status in reap():
            exited = {"pid": pid, "name": self._names.pop(pid, ""), "status": status}
            self._exited[pid] = exited
            for client in self._clients.values():
                client.send({"exited": exited})


def _redirect(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m fakes.forkserver", description="Starts fake services on request.")
    parser.add_argument("socket", type=Path, help="path of the unix socket to listen on")
    options = parser.parse_args(arguments)
    die_with_parent(os.getppid())
    preload()
    ForkServer(options.socket).serve()


if __name__ == "__main__":
    main()
