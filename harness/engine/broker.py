"""Acts on a drill's containers for its conductor, which runs in one of them and is never given the engine itself.

A unix socket in the folder that both see, one JSON object a line. Only the parts of this one drill can be named.

    {"id": 1, "verb": "start", "name": "redis"}                            ->  {"id": 1, "pid": 31, "incarnation": "container ..."}
    {"id": 2, "verb": "signal", "name": "redis", "signal": "SIGKILL"}      ->  {"id": 2}
    {"id": 3, "verb": "stop", "name": "redis", "signal": "SIGINT", "within_s": 5}
    {"id": 4, "verb": "paused", "name": "redis"}                           ->  {"id": 4, "paused": false}
    {"id": 5, "verb": "memory"}                                            ->  {"id": 5, "memory_mb": 120.5}
    anything that fails                                                    ->  {"id": 6, "error": "..."}

and whenever a container ends, between answers: {"exited": {"name": "redis", "code": 137}}.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from harness.errors import HarnessError

_AT_ONCE = 8


class Parts(Protocol):
    """The containers that a conductor may act on, by the names of their parts."""

    def start(self, name: str) -> Mapping[str, Any]: ...
    def wait(self, name: str) -> int: ...
    def signal(self, name: str, sent: str) -> None: ...
    def stop(self, name: str, sent: str, within_s: float) -> None: ...
    def paused(self, name: str) -> bool: ...
    def memory_mb(self) -> float: ...


class Broker:
    """Serves one conductor. `close` ends it; requests under way are answered."""

    def __init__(self, parts: Parts, path: Path) -> None:
        self._parts = parts
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o666)  # the folder it lies in is the drill's own
        self._listener.listen(1)
        self._connection: socket.socket | None = None
        self._closed = False
        self._turn = threading.Lock()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="broker")
        threading.Thread(target=self._serve, name="broker", daemon=True).start()

    def close(self) -> None:
        with self._turn:
            self._closed = True
            for each in (self._listener, self._connection):
                if each is not None:
                    with contextlib.suppress(OSError):
                        each.shutdown(socket.SHUT_RDWR)
                    each.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with self._turn:
                self._connection = connection
                if self._closed:
                    connection.close()
                    return
            with connection.makefile("rb") as lines:
                for line in lines:
                    self._pool.submit(self._handle, json.loads(line))

    def _handle(self, request: Mapping[str, Any]) -> None:
        try:
            answer = dict(self._verbs()[request["verb"]](request))
        except HarnessError as error:
            answer = {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - the conductor must hear of it, whatever it is
            answer = {"error": f"{type(error).__name__}: {error}"}
        self._send({"id": request.get("id"), **answer})

    def _verbs(self) -> Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]:
        parts = self._parts
        return {
            "start": self._start,
            "signal": self._signal,
            "stop": self._stop,
            "paused": lambda asked: {"paused": parts.paused(asked["name"])},
            "memory": lambda asked: {"memory_mb": parts.memory_mb()},
        }

    def _start(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._parts.start(asked["name"])
        threading.Thread(target=self._tell_end, args=(asked["name"],), name=f"wait for {asked['name']}", daemon=True).start()
        return answer

    def _signal(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._parts.signal(asked["name"], asked["signal"])
        return {}

    def _stop(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._parts.stop(asked["name"], asked["signal"], float(asked["within_s"]))
        return {}

    def _tell_end(self, name: str) -> None:
        with contextlib.suppress(HarnessError):
            self._send({"exited": {"name": name, "code": self._parts.wait(name)}})

    def _send(self, message: Mapping[str, Any]) -> None:
        with self._turn, contextlib.suppress(OSError):
            if self._connection is not None:
                self._connection.sendall(json.dumps(message).encode() + b"\n")
