"""The chat of a drill as people use it: messages posted through its webhook, and what arrived there written into the history."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

from harness.errors import HarnessError
from harness.history import Recorder

_TIMEOUT_WALL_S = 5.0
_LOOK_EVERY_WALL_S = 0.5
_WEBHOOK = "/services/T00000000/B00000000/gameday"
_STATUS = re.compile(r"^[^\w\n]*status[^\w\n]*:[^\w\n]*(\w+)", re.IGNORECASE | re.MULTILINE)  # the line of the template, 001:236
_INCIDENT = re.compile(r"\bincident update\s*[^\w\s]+[^\S\n]*(\S+)", re.IGNORECASE)  # 001:235


class ChatClient:
    """Posts and reads. Use it as an async context."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_WALL_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, channel: str, text: str, *, by: str) -> None:
        """Raises HarnessError when it was not taken."""
        status, answer = await self._ask("POST", _WEBHOOK, json={"channel": channel, "text": text, "username": by})
        if status != 200:
            raise HarnessError(f"the chat refused a message for {channel} with {status}: {answer}")

    async def since(self, channel: str, oldest: str) -> list[Mapping[str, Any]]:
        """The messages of a channel after a stamp, the oldest first. Raises HarnessError."""
        query = {"channel": channel, "oldest": oldest, "limit": "1000"}
        status, answer = await self._ask("GET", "/api/conversations.history", params=query)
        if status != 200 or not isinstance(answer, dict) or not answer.get("ok"):
            raise HarnessError(f"the chat did not show {channel}: {status} {answer}")
        return list(reversed(answer["messages"]))

    async def _ask(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        assert self._session is not None
        try:
            async with self._session.request(method, self._url + path, **given) as response:
                found = await (response.json() if response.content_type == "application/json" else response.text())
                return response.status, found
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise HarnessError(f"{method} {self._url}{path}: no answer ({str(error) or type(error).__name__})") from error


class ChatRecorder:
    """Records each message as `update.posted`, at the moment at which the chat received it, whoever posted it."""

    def __init__(self, client: ChatClient, channels: Sequence[str], recorder: Recorder) -> None:
        self._client, self._recorder = client, recorder
        self._newest = dict.fromkeys(channels, "0")
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="chat")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def collect(self) -> None:
        """Record what has arrived by now. Raises HarnessError."""
        async with self._turn:
            for channel, newest in self._newest.items():
                for message in await self._client.since(channel, newest):
                    self._newest[channel] = message["ts"]
                    self._record(channel, message)

    def _record(self, channel: str, message: Mapping[str, Any]) -> None:
        text = str(message["text"])
        status, incident = _STATUS.search(text), _INCIDENT.search(text)
        self._recorder.record(
            "update.posted", f"#{channel}", at_s=float(message["received_s"]), wall_s=float(message["received_wall_s"]),
            status=status[1].lower() if status else "", incident=incident[1] if incident else "", by=str(message["username"]), text=text,
        )  # fmt: skip

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(HarnessError):  # only the last look, when the drill ends, must not fail
                await self.collect()
            await asyncio.sleep(_LOOK_EVERY_WALL_S)
