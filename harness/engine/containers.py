"""What can be done to the containers of a stack, however they came to be."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from docker.models.containers import Container

from harness.engine.client import Engine, telling
from harness.errors import EngineError

_SIGNALS_OF_A_PAUSE = ("SIGSTOP", "SIGCONT")
_LAST_WORDS_S = 2.0  # wall: how long a log may go on after its container has ended


class Containers:
    """The containers of one stack, by the names of their parts. Their output goes to `logs`, one file each."""

    _logs: Path

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, Container] = {}
        self._printed_before: dict[str, int] = {}  # bytes of its output that are no part of this drill
        self._followers: dict[str, threading.Thread] = {}

    def _container(self, name: str) -> Container:
        if name not in self._known:
            raise EngineError(f"{name} is no container of this drill; there are {', '.join(self._known) or 'none'}")
        return self._known[name]

    # --- what a conductor may ask (broker.Parts) ------------------------------------------------------------------

    def start(self, name: str) -> Mapping[str, Any]:
        """Start a container that does not run, and say which run of it this is."""
        container = self._container(name)
        with telling(f"start {name}"):
            container.start()
        return self._started(name)

    def _started(self, name: str) -> Mapping[str, Any]:
        container = self._container(name)
        self._follow(name)
        with telling(f"look at {name}"):
            container.reload()
        pid = int(container.attrs["State"]["Pid"])
        return {"pid": None, "incarnation": f"container {container.name} (process {pid} of the host)"}

    def wait(self, name: str) -> int:
        """Block until it has ended; its exit code."""
        with telling(f"wait for {name}"):
            return int(self._engine.streams.containers.get(self._container(name).id).wait()["StatusCode"])

    def signal(self, name: str, sent: str) -> None:
        """SIGSTOP and SIGCONT pause and resume it; anything else is sent to its first process. Nothing when it does not run."""
        container = self._container(name)
        with telling(f"send {sent} to {name}"):
            container.reload()
            if container.status not in ("running", "paused"):
                return
            if sent in _SIGNALS_OF_A_PAUSE:
                self._pause(container, wanted=sent == "SIGSTOP")
            else:
                container.kill(signal=sent)

    def _pause(self, container: Container, *, wanted: bool) -> None:
        if wanted and container.status == "running":
            container.pause()
        elif not wanted and container.status == "paused":
            container.unpause()

    def stop(self, name: str, sent: str, within_s: float) -> None:
        """Ask it to end, and kill it when it has not after `within_s` wall seconds."""
        container = self._container(name)
        self.signal(name, "SIGCONT")
        with telling(f"stop {name}"):
            container.reload()
            if container.status != "running":
                return
            container.kill(signal=sent)
            try:
                container.wait(timeout=within_s)
            except requests.RequestException:
                container.kill()
                container.wait()

    def paused(self, name: str) -> bool:
        container = self._container(name)
        with telling(f"look at {name}"):
            container.reload()
        return str(container.status) == "paused"

    def memory_mb(self) -> float:
        """What all of them use, without the cache of files. The engine takes a second for each, so they are asked side by side."""
        with ThreadPoolExecutor(len(self._known) or 1) as pool:
            return sum(pool.map(self._memory_of, self._known))

    def _memory_of(self, name: str) -> float:
        with telling(f"measure {name}"):
            used = self._container(name).stats(stream=False, one_shot=True).get("memory_stats", {})
        cache = used.get("stats", {})
        return float(used.get("usage", 0) - cache.get("total_inactive_file", cache.get("inactive_file", 0))) / 2**20

    # --- logs ---------------------------------------------------------------------------------------------------

    def _follow(self, name: str) -> None:
        """Copy what it prints into its log until it ends."""
        if (before := self._followers.get(name)) is not None:
            before.join(timeout=_LAST_WORDS_S)
        thread = threading.Thread(target=self._copy, args=(name, str(self._container(name).id)), daemon=True)
        self._followers[name] = thread
        thread.start()

    def _copy(self, name: str, container: str) -> None:
        """The engine keeps all that a container ever printed: what was copied before is left out."""
        log = self._logs / f"{name}.log"
        with contextlib.suppress(EngineError), telling(f"follow {name}"), log.open("ab") as file:
            left_out = self._printed_before.get(name, 0) + log.stat().st_size
            for chunk in self._engine.streams.containers.get(container).logs(stream=True, follow=True):
                file.write(chunk[left_out:])
                file.flush()
                left_out = max(0, left_out - len(chunk))

    def _logs_end(self) -> None:
        for thread in self._followers.values():
            thread.join(timeout=_LAST_WORDS_S)
