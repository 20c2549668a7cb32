"""Containers as programs of a stack: the conductor's side of `harness.engine.broker`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from signal import SIGTERM, Signals
from typing import Any

from harness.errors import EngineError

_ANSWERS_WITHIN_S = 90.0  # wall: an image may have to be read from a cold disk


class Remote:
    """Asks the broker outside. When that is gone the drill ends: nobody could mend or remove its containers any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._running: dict[str, Container] = {}
        self._listening: asyncio.Task[None] | None = None
        self._number = 0

    async def connect(self) -> None:
        """Raises EngineError."""
        try:
            reader, self._writer = await asyncio.open_unix_connection(str(self._path))
        except OSError as error:
            raise EngineError(f"nobody answers for the drill's containers at {self._path}: {error.strerror}") from error
        self._listening = asyncio.create_task(self._listen(reader))

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._writer.close()

    async def start(self, name: str) -> Container:
        """Start a part of the stack. Raises EngineError, as all verbs do."""
        answer = await self.ask("start", name=name)
        self._running[name] = container = Container(self, name, answer["pid"], str(answer["incarnation"]))
        return container

    async def ask(self, verb: str, **facts: Any) -> Mapping[str, Any]:
        self._number += 1
        number = self._number
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(json.dumps({"id": number, "verb": verb, **facts}).encode() + b"\n")
            await self._writer.drain()
            answer: Mapping[str, Any] = await asyncio.wait_for(answered, _ANSWERS_WITHIN_S)
        except TimeoutError as error:
            raise EngineError(f"the engine did not {verb} {facts.get('name', '')} within {_ANSWERS_WITHIN_S:g} s") from error
        except ConnectionError as error:
            raise EngineError(
                f"nobody is left who could {verb} {facts.get('name', 'a container')}: the harness outside is gone"
            ) from error
        finally:
            del self._asked[number]
        if "error" in answer:
            raise EngineError(str(answer["error"]))
        return answer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):  # as good as its end
            while line := await reader.readline():
                self._hear(json.loads(line))
        os.kill(os.getpid(), signal.SIGTERM)

    def _hear(self, message: Mapping[str, Any]) -> None:
        if (ended := message.get("exited")) is not None:
            if (container := self._running.get(ended["name"])) is not None:
                container.end(int(ended["code"]))
        elif (answered := self._asked.get(message["id"])) is not None and not answered.done():
            answered.set_result(message)


class Container:
    """One run of one container; a program of a stack like a process."""

    def __init__(self, remote: Remote, name: str, pid: int | None, incarnation: str) -> None:
        self._remote, self._name = remote, name
        self.pid, self.incarnation = pid, incarnation
        self.exit_code: int | None = None
        self._ended = asyncio.Event()

    def end(self, code: int) -> None:
        """It was seen to end."""
        self.exit_code = code
        self._ended.set()

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    async def paused(self) -> bool:
        return bool((await self._remote.ask("paused", name=self._name))["paused"])

    async def stop(self, *, sent: Signals = SIGTERM, within_s: float = 5.0) -> None:
        """Ask it to end, and after `within_s` wall seconds make it."""
        if self.running:
            await self._remote.ask("stop", name=self._name, signal=sent.name, within_s=within_s)
            await self._ended.wait()

    async def signal(self, sent: Signals) -> None:
        """SIGSTOP and SIGCONT pause and resume the container; SIGKILL kills it."""
        if self.running:
            await self._remote.ask("signal", name=self._name, signal=sent.name)
