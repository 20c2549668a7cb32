"""Calls from one service to another over HTTP, with a certain answer to the question whether anything was done.

A request that changes something waits for `100 Continue` before it sends its body: if the other side, or a proxy in front of
a dead process, closes the connection before that, the request was certainly not carried out. After that the outcome of a
lost connection is unknown.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from fakes.clock import PageClock
from fakes.services.config import Config
from fakes.services.errors import DependencyDown, Outcome
from fakes.services.health import ANSWER_WITHIN_S, Dependency

_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side answered."""

    status: int
    body: Mapping[str, Any]


class Peer:
    """Another service, reached through its link. Connections are kept and reused."""

    def __init__(self, config: Config, clock: PageClock, dependency: Dependency, *, through: str = "", prefix: str = "") -> None:
        """`through` names the link where it is not the dependency's own; `prefix` goes before every path."""
        address = config.address(through or dependency.name)
        self._base = f"http://{address.host}:{address.port}"
        self.prefix = prefix
        self._dependency = dependency
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made at first use: it belongs to the running event loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, use_dns_cache=False)
            self._session = aiohttp.ClientSession(self._base, connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        return self._session

    async def get(self, path: str, *, within_s: float, least_s: float = 0.5) -> Answer:
        """Ask. Raises DependencyDown when there is no answer, or one that says 5xx."""
        limit_s = self._clock.wall_for(within_s, least_s=least_s)
        try:
            async with asyncio.timeout(limit_s), self.session.get(self.prefix + path) as response:
                return self._judge(Answer(response.status, await response.json()))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._down(error, limit_s, "failed") from error

    async def post(self, path: str, body: Mapping[str, Any], *, within_s: float, least_s: float = 0.5) -> Answer:
        """Have something done. Raises DependencyDown, which says whether it may have been done."""
        limit_s = self._clock.wall_for(within_s, least_s=least_s)
        payload = json.dumps(body, separators=(",", ":")).encode()
        sent = False

        async def once_welcome() -> AsyncIterator[bytes]:
            nonlocal sent
            sent = True
            yield payload

        try:
            async with asyncio.timeout(limit_s):
                async with self.session.post(
                    self.prefix + path, data=once_welcome(), headers=_HEADERS, expect100=True
                ) as response:
                    return self._judge(Answer(response.status, await response.json()))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._down(error, limit_s, "unknown" if sent else "failed") from error

    async def ping(self) -> None:
        """Raises DependencyDown unless the other side says that it can do its work."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), self.session.get(self.prefix + "/healthz") as response:
                answer = Answer(response.status, await response.json())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._down(error, ANSWER_WITHIN_S, "failed") from error
        if answer.status != 200:
            down = [f"{name} {state}" for name, state in answer.body.get("dependencies", {}).items() if state != "ok"]
            raise DependencyDown(self._dependency.name, "; ".join(down) or f"HTTP {answer.status}")

    async def reconnect(self, *, drained_s: float) -> float:
        """Make new connections and drop the old ones, once the calls on them have ended or have had `drained_s` of the wall.

        Returns the wall seconds until the other side answered on a new one. Raises DependencyDown when it does not; the old ones are dropped in any case.
        """
        old, self._session = self._session, None
        began_s = time.monotonic()
        try:
            await self.ping()
            self._dependency.worked()
            return time.monotonic() - began_s
        finally:
            if old is not None:
                await asyncio.sleep(drained_s)
                await old.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _judge(self, answer: Answer) -> Answer:
        if answer.status < 500:
            self._dependency.worked()
            return answer
        said = answer.body
        outcome: Outcome = "failed" if said.get("outcome") == "failed" else "unknown"
        raise DependencyDown(said.get("dependency", self._dependency.name), str(said.get("why", said.get("error"))), outcome)

    def _down(self, error: Exception, limit_s: float, outcome: Outcome) -> DependencyDown:
        late = isinstance(error, TimeoutError)
        why = f"no answer within {limit_s:.2f} s" if late else str(error) or type(error).__name__
        self._dependency.failed(why)
        return DependencyDown(self._dependency.name, why, outcome)
