"""The message bus: Redis streams between services, nothing lost and nothing done twice across restarts.

A consumer reads in a group under its own name. First it gets what was delivered to it before and never acknowledged, then
what is new. Its handler adds what it has to say (entries of other streams, its own state) to a transaction, and the bus
adds the acknowledgements: Redis does all of it or none. A handler that acts outside Redis must be idempotent.
Streams are bounded to about 10,000 entries.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from fakes.clock import PageClock
from fakes.services.config import Config
from fakes.services.errors import DependencyDown
from fakes.services.health import ANSWER_WITHIN_S, Dependency

ANSWER_S, ANSWER_LEAST_S = 1.0, 0.5  # documented, and at least so much of the wall
LONGEST = 10_000  # entries of a stream, about
BATCH = 100
_BLOCK_S = 0.25
_LOOK_EVERY_S = 1.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.01, 0.1  # wall, between tries to come back
_OF_A_GROUP = ("BUSYGROUP", "NOGROUP")
_BEATS_EVERY_S, _BEAT_LASTS_MS = 0.5, 2000

_log = logging.getLogger(__name__)

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a stream."""

    id: str
    fields: Fields


Handler = Callable[[list[Message], Pipeline], Awaitable[Callable[[], None]]]  # it returns what to do once Redis has it all


class Bus:
    """One service's connections to Redis."""

    def __init__(self, config: Config, clock: PageClock, dependency: Dependency) -> None:
        address = config.address(dependency.name)
        self.name = config.name
        self._dependency = dependency
        self._clock = clock
        self._answer_s = config.number("redis.timeout_s", ANSWER_S)
        self.redis = redis.asyncio.Redis(
            host=address.host,
            port=address.port,
            password=config.text("redis.password", "") or None,
            decode_responses=True,
            protocol=2,
            retry=Retry(NoBackoff(), 0),  # a request tries once; a pooled connection that has ended is replaced
            client_name=config.name,
        )

    @asynccontextmanager
    async def asking(self, within_s: float | None = None, *, block_s: float = 0.0) -> AsyncIterator[Any]:
        """The client, for commands that must be answered within this much of the wall.

        `block_s` comes on top, for a command that waits at the server. Untyped: redis-py's types leave open whether answers
        are text or bytes; here they are text. Raises DependencyDown, or ResponseError when a consumer group is there
        already or has gone.
        """
        if within_s is None:
            within_s = self._clock.wall_for(self._answer_s, least_s=ANSWER_LEAST_S)
        within_s += block_s
        try:
            async with asyncio.timeout(within_s):
                yield self.redis
        except TimeoutError:
            raise self._down(f"no answer within {within_s:.2f} s") from None
        except (RedisError, OSError) as error:
            if str(error).startswith(_OF_A_GROUP):
                raise
            raise self._down(str(error) or type(error).__name__) from error
        self._dependency.worked()

    def _down(self, why: str) -> DependencyDown:
        self._dependency.failed(why)
        return DependencyDown(self._dependency.name, why)

    async def ping(self) -> None:
        async with self.asking(ANSWER_WITHIN_S) as client:
            await client.ping()

    async def beat(self, state: Callable[[], str]) -> None:
        """Tell others, forever, how this service is: the key `heartbeat:<name>`, which ends with it."""
        while True:
            with suppress(DependencyDown):  # that stands in the health of this service already
                async with self.asking() as client:
                    await client.set(f"heartbeat:{self.name}", state(), px=_BEAT_LASTS_MS)
            await asyncio.sleep(_BEATS_EVERY_S)

    async def close(self) -> None:
        await self.redis.aclose()


class Consumer:
    """Reads one stream for one service.

    `begin` loads the service's state from Redis before anything is handled, again after every loss of the connection: what
    became of the last transaction is known only there.
    """

    def __init__(self, bus: Bus, stream: str, group: str, handle: Handler, begin: Callable[[], Awaitable[None]]) -> None:
        self._bus = bus
        self._stream = stream
        self._group = group
        self._handle = handle
        self._begin = begin
        self._stopping = False

    async def run(self) -> None:
        """Consume until stopped, whatever happens to Redis."""
        wait_s = _FIRST_WAIT_S
        while not self._stopping:
            try:
                await self._join()
                await self._begin()
                wait_s = _FIRST_WAIT_S
                await self._consume()
            except DependencyDown:
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            except ResponseError as error:  # the group has gone, with Redis' data
                _log.error("stream %s: %s", self._stream, error)
                wait_s = _LONGEST_WAIT_S
            if not self._stopping:
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))

    def stop(self) -> None:
        """Finish the batch in hand and acknowledge it, then end: within the 0.25 s that a read waits."""
        self._stopping = True

    async def _join(self) -> None:
        async with self._bus.asking() as client:
            try:
                await client.xgroup_create(self._stream, self._group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def _consume(self) -> None:
        look_s = 0.0
        while not self._stopping:
            # What was delivered to us and is not acknowledged comes before what is new: at first, from an earlier life; now
            # and then, because a request that we gave up on may have been carried out late.
            own = time.monotonic() >= look_s
            messages = await self._read("0" if own else ">")
            if messages:
                await self._work(messages)
            elif own:
                look_s = time.monotonic() + _LOOK_EVERY_S

    async def _read(self, position: str) -> list[Message]:
        async with self._bus.asking(block_s=_BLOCK_S) as client:
            found = await client.xreadgroup(
                self._group, self._bus.name, {self._stream: position}, count=BATCH, block=int(_BLOCK_S * 1000)
            )
        return [Message(key, fields) for _, entries in found or () for key, fields in entries]

    async def _work(self, messages: list[Message]) -> None:
        async with self._bus.redis.pipeline(transaction=True) as transaction:
            # An entry that was trimmed while it waited for us has no fields any more.
            afterwards = await self._handle([message for message in messages if message.fields], transaction)
            transaction.xack(self._stream, self._group, *(message.id for message in messages))
            async with self._bus.asking():
                await transaction.execute()
        afterwards()


def append(transaction: Pipeline, stream: str, fields: Fields) -> None:
    """Add an entry to a bounded stream as part of a transaction."""
    entry: dict[Any, Any] = {**fields}
    transaction.xadd(stream, entry, maxlen=LONGEST, approximate=True)


def put(transaction: Pipeline, key: str, fields: Fields) -> None:
    """Set fields of a hash as part of a transaction."""
    mapping: dict[Any, Any] = {**fields}
    transaction.hset(key, mapping=mapping)
