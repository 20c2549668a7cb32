"""Faults of Redis: its data, its memory, its append-only file."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from harness.errors import FaultError, HarnessError
from harness.faults.base import Fault
from harness.stack.embedded import EmbeddedStack
from harness.stack.redis import RedisServer
from harness.waiting import wait_until
from scenarios.faults import Fault as FaultModel
from scenarios.faults import redis as models

_ANSWERS_WITHIN_S = 2.0  # wall
_LEAST_KEPT = 256 * 1024  # bytes: with less the buffers of new clients alone would have it refuse writes
_PROBE = "probe:of-a-fault"
_TAIL = 1 << 20  # bytes of an append-only file in which its last command begins
_COMMAND = re.compile(rb"(?:^|\r\n)(\*\d+\r\n\$\d+\r\n)")
_OF_VALUES = "Kh$"  # keyspace events of hashes and texts; none of what is restored


class _RedisFault:
    """What all of them have: a server to ask."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str) -> None:
        self.name, self._clock, self._kind = name, stack.clock, stack.kind
        found = stack.datastores.get(process)
        if not isinstance(found, RedisServer):
            raise FaultError(f"{name}: {process} is no instance of Redis")
        self._server = found

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Any]:
        """A client, straight to the server. Whatever it refuses becomes a FaultError. Untyped, as in fakes.services.bus."""
        once = Retry(NoBackoff(), 0)  # who comes back to a Redis that was started again finds another one
        client = Redis(host="127.0.0.1", port=self._server.port, socket_timeout=_ANSWERS_WITHIN_S, retry=once)
        try:
            yield client
        except (RedisError, OSError) as error:
            raise FaultError(f"{self.name}: {self._server.name}: {error}") from error
        finally:
            await client.aclose()


class Flush(_RedisFault):
    """Every key is gone. Healing brings nothing back."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str) -> None:
        super().__init__(name, stack, process)
        self._gone: tuple[int, int] | None = None

    async def inject(self) -> None:
        async with self._asking() as client, client.pipeline(transaction=True) as transaction:
            before, _, after = await transaction.dbsize().flushall().dbsize().execute()
        if before or self._gone is None:
            self._gone = before, after

    async def heal(self) -> None:
        return

    async def bitten(self) -> str | None:
        if self._gone is None or not self._gone[0]:
            return None
        return f"{self._gone[0]} keys were there, and {self._gone[1]} after it"


class LimitMemory(_RedisFault):
    """Its memory is limited below what it holds. What the limit and policy were comes back, unless somebody changed them since."""

    def __init__(
        self, name: str, stack: EmbeddedStack, process: str, *, policy: str, keep_percent: int = 0, least: int = 0
    ) -> None:
        """With the policy noeviction it refuses writes, with another it drops keys. `least` is room for data, in bytes."""
        super().__init__(name, stack, process)
        self._policy, self._keep, self._least = policy, keep_percent / 100, least
        self._before: Mapping[str, str] | None = None
        self._ours: dict[str, str] = {}
        self._evicted = 0

    async def inject(self) -> None:
        async with self._asking() as client:
            now = await self._limits(client)
            if self._before is not None and now == self._ours:
                return
            info = await client.info()
            used, data = int(info["used_memory"]), int(info["used_memory_dataset"])
            limit = used - data + max(round(self._keep * data), self._least)
            self._before, self._evicted = now, int(info["evicted_keys"])
            self._ours = {"maxmemory": str(limit), "maxmemory-policy": self._policy}
            await self._set(client, self._ours)

    async def heal(self) -> None:
        if self._before is not None and self._server.running:
            async with self._asking() as client:
                if await self._limits(client) == self._ours:
                    await self._set(client, self._before)
        self._before = None

    async def bitten(self) -> str | None:
        """How many keys it has dropped since, or what it says to a write."""
        if self._before is None:
            return None
        async with self._asking() as client:
            if await self._limits(client) != self._ours:
                return None
            limit = f"maxmemory is {self._ours['maxmemory']}, {self._policy}"
            if self._policy != "noeviction":
                evicted = int((await client.info("stats"))["evicted_keys"]) - self._evicted
                return f"{limit}: {evicted} keys evicted" if evicted > 0 else None
            try:
                await client.set(_PROBE, "", px=1)
            except OutOfMemoryError as error:
                return f"{limit}: a write is told: {error}"
        return None

    @staticmethod
    async def _limits(client: Any) -> dict[str, str]:
        found = await client.config_get("maxmemory*")
        return {str(key): str(found[key]) for key in ("maxmemory", "maxmemory-policy")}

    @staticmethod
    async def _set(client: Any, limits: Mapping[str, str]) -> None:
        """The policy first: with the old one the new limit would do something else for a moment."""
        for key in ("maxmemory-policy", "maxmemory"):
            await client.config_set(key, limits[key])


class TruncateAof(_RedisFault):
    """The append-only file ends in the middle of a command, and goes on behind it. Healed by having a running Redis write it anew."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str) -> None:
        super().__init__(name, stack, process)
        if stack.kind != "embedded":
            raise FaultError(f"{name}: the files of a stack on {stack.kind} are not the drill's to cut; use an embedded stack")
        self._cut: tuple[Path, int, int, str | None] | None = None

    async def inject(self) -> None:
        if await self.bitten():
            return
        file = self._server.append_only_file
        if file is None:
            raise FaultError(f"{self.name}: {self._server.name} has no append-only file")
        size = file.stat().st_size
        with file.open("rb") as content:
            content.seek(max(0, size - _TAIL))
            tail = content.read()
        begins = [found.start(1) for found in _COMMAND.finditer(tail)]
        if not begins:
            raise FaultError(f"{self.name}: no command stands at the end of {file.name}")
        last = size - len(tail) + begins[-1]
        at = (last + size) // 2
        os.truncate(file, at)
        self._cut = file, last, at, self._server.incarnation

    async def heal(self) -> None:
        """Raises FaultError when it doesn't write it anew. One that was started again since has read the file, and somebody mended it."""
        if self._cut is None or self._server.incarnation is None or self._cut[3] != self._server.incarnation:
            self._cut = None
            return
        async with self._asking() as client:

            async def rewritten() -> bool | None:
                info = await client.info("persistence")
                if info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]:
                    return None
                return bool(info["aof_last_bgrewrite_status"] == "ok")

            try:
                await client.bgrewriteaof()
            except ResponseError as error:
                if "in progress" not in str(error):
                    raise
            try:
                done = await wait_until(rewritten, what="the append-only file", within_s=30, every_s=0.02, clock=self._clock)
            except HarnessError as error:
                raise FaultError(f"{self.name}: {error}") from error
        if not done:
            raise FaultError(f"{self.name}: {self._server.name} could not write its append-only file anew")
        self._cut = None

    async def bitten(self) -> str | None:
        """What redis-check-aof says of the file."""
        if self._cut is None:
            return None
        file, last, at, _ = self._cut
        said = await self._server.check_append_only_file(file)
        return None if said is None else f"{file.name} was cut at {at}, in the command that began at {last}: {said}"


class HoldBack(_RedisFault):
    """Keys that get their old values back as soon as somebody writes them."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str, keys: str) -> None:
        super().__init__(name, stack, process)
        self._keys = keys
        self._old: dict[bytes, bytes] = {}  # as DUMP writes them
        self._before = ""
        self._undone = 0
        self._undoing: asyncio.Task[None] | None = None

    async def inject(self) -> None:
        if self._undoing is not None and not self._undoing.done():
            return
        async with self._asking() as client:
            found = [key async for key in client.scan_iter(match=self._keys)]
            types = {key: await client.type(key) for key in found}
            dumped = {key: await client.dump(key) for key, kind in types.items() if kind in (b"hash", b"string")}
            self._old = {key: value for key, value in dumped.items() if value is not None}
            if not self._old:
                raise FaultError(f"{self.name}: {self._server.name} has no hash or text that matches {self._keys}")
            self._before = (await client.config_get("notify-keyspace-events"))["notify-keyspace-events"]
            await client.config_set("notify-keyspace-events", _OF_VALUES)
        listening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._undone = 0
        self._undoing = asyncio.create_task(self._undo(listening))
        await asyncio.wait({self._undoing, listening}, timeout=_ANSWERS_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            await self.heal()
            raise FaultError(f"{self.name}: {self._server.name} does not tell who writes")

    async def heal(self) -> None:
        if self._undoing is None:
            return
        self._undoing.cancel()
        with suppress(asyncio.CancelledError):
            await self._undoing
        self._undoing = None
        if self._server.running:
            async with self._asking() as client:
                await client.config_set("notify-keyspace-events", self._before)

    async def bitten(self) -> str | None:
        """How often somebody's write was undone."""
        if self._undoing is None or self._undoing.done() or not self._undone:
            return None
        return f"{self._undone} writes of {len(self._old)} keys that match {self._keys} have been undone"

    async def _undo(self, listening: asyncio.Future[None]) -> None:
        """Until Redis is gone."""
        with suppress(FaultError):
            async with self._asking() as client, client.pubsub() as events:
                await events.psubscribe(f"__keyspace@0__:{self._keys}")
                listening.set_result(None)
                async for event in events.listen():
                    if event["type"] != "pmessage":
                        continue
                    key = event["channel"].partition(b":")[2]
                    if (old := self._old.get(key)) is not None:
                        await client.restore(key, 0, old, replace=True)
                        self._undone += 1


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case models.FlushAll():
            return Flush(name, stack, model.process)
        case models.Eviction():
            return LimitMemory(
                name, stack, model.process, policy=model.policy, keep_percent=model.keep_percent, least=_LEAST_KEPT
            )
        case models.MemoryFull():
            return LimitMemory(name, stack, model.process, policy="noeviction")
        case models.AofTruncated():
            return TruncateAof(name, stack, model.process)
        case models.StaleCache():
            return HoldBack(name, stack, model.process, model.keys)
        case _:
            return None
