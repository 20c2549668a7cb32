"""Faults of Redis: what goes wrong in its data, its memory and its append-only file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scenarios.faults.base import BaseFault


class _RedisFault(BaseFault):
    strikes = "redis"
    process: str = Field(description="An instance of Redis of the stack.")


class FlushAll(_RedisFault):
    """FLUSHALL: every key is gone, the consumer groups of the streams too. Healing brings nothing back."""

    fault: Literal["redis.flushall"]


class Eviction(_RedisFault):
    """Its memory is limited below what it holds, and it drops keys to stay there. Healed by the limit and policy of before.

    A restart forgets the limit: it is set while Redis runs.
    """

    fault: Literal["redis.eviction"]
    keep_percent: int = Field(
        50,
        ge=0,
        lt=100,
        description="How much of its data still fits, in % of what it holds at the injection; never less than 256 KB.",
    )
    policy: Literal["allkeys-lru", "allkeys-lfu", "allkeys-random"] = Field(
        "allkeys-lru", description="Redis' own maxmemory-policy."
    )


class MemoryFull(_RedisFault):
    """Its memory is limited below what it holds, and it drops nothing: writes are refused with OOM, reads are answered.

    Healed by the limit and policy of before. A restart forgets the limit: it is set while Redis runs.
    """

    fault: Literal["redis.memory-full"]


class AofTruncated(_RedisFault):
    """Its append-only file is cut in the middle of the last command. That matters at the next start.

    What Redis writes afterwards stands behind the cut, and then it refuses to start. Healed by having it write the file anew, if
    it still runs.
    """

    fault: Literal["redis.aof-truncated"]


class StaleCache(_RedisFault):
    """Keys stay as they were: as soon as somebody writes one, its old value is put back. The latest prices of a stack grow old so.

    Healed by putting nothing back any more: the next write stays. A restart of Redis ends it too.
    """

    fault: Literal["redis.stale-cache"]
    keys: str = Field("price:*", min_length=1, description="Which, as Redis matches keys; hashes and texts.")


RedisFault = FlushAll | Eviction | MemoryFull | AofTruncated | StaleCache
NEVER_HEALED = (FlushAll,)  # by the harness: what it destroyed somebody writes anew
