"""Claims about the faults of Redis, seen by whoever asks it or depends on it; booted once for all of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from signal import SIGKILL
from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis.exceptions import OutOfMemoryError

from harness.errors import FaultError, HarnessError
from harness.stack.redis import RedisServer
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform, booted
from tests.harness.faults.injecting import evidence_of, fault_of, injected

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    folder = Path(tempfile.mkdtemp(prefix="gameday-"))
    folder.chmod(0o711)
    try:
        # A price is too old for an order after 1.5 s, so that nobody waits for a minute to see it.
        with booted("eafix", folder, {"risk.stale_after_s": 1.5}) as found:
            filled(found, "warm")
            yield found
    finally:
        shutil.rmtree(folder)


def filled(platform: Platform, order_id: str) -> None:
    """A client's order goes through, soon."""
    eventually(lambda: platform.order(order_id).is_success or None)


def answer(platform: Platform, command: str, *words: Any) -> Any:
    with platform.redis() as client:
        return client.execute_command(command, *words)


def server(platform: Platform) -> RedisServer:
    found = platform.stack.datastores["redis"]
    assert isinstance(found, RedisServer)
    return found


def prices(platform: Platform) -> float:
    """When the price of EURUSD was quoted, as whoever reads Redis sees it."""
    return float(answer(platform, "HGET", "price:EURUSD", "at_s") or 0)


def test_flushall_takes_every_key(platform: Platform) -> None:
    """What stood in Redis is gone, and healing does not bring it back; what services write anew is there soon."""
    answer(platform, "SET", "of-before", "1")
    with injected(platform, fault_of(platform, "redis.flushall", "redis")) as fault:
        assert "keys were there, and 0 after it" in evidence_of(platform, fault)
        assert answer(platform, "GET", "of-before") is None
    assert answer(platform, "GET", "of-before") is None
    filled(platform, "after-the-flush")


def test_keys_are_dropped_while_memory_is_short(platform: Platform) -> None:
    """Keys that nobody deleted go, writes are taken all the same, and what the limit was comes back."""
    for number in range(200):
        answer(platform, "SET", f"filler:{number}", "x" * 10_000)
    before = answer(platform, "CONFIG", "GET", "maxmemory*")
    with injected(platform, fault_of(platform, "redis.eviction", "redis", **{"keep-percent": 30})) as fault:
        assert "allkeys-lru: " in evidence_of(platform, fault)
        assert len(answer(platform, "KEYS", "filler:*")) < 200
        assert answer(platform, "SET", "filler:0", "") in (True, "OK")
    assert answer(platform, "CONFIG", "GET", "maxmemory*") == before
    filled(platform, "after-the-eviction")


def test_a_full_memory_refuses_writes_until_healed(platform: Platform) -> None:
    """Clients read, and are told OOM when they write; ticks wait at the ingestor meanwhile."""
    with injected(platform, fault_of(platform, "redis.memory-full", "redis")) as fault:
        assert "noeviction: a write is told: command not allowed when used memory > 'maxmemory'" in evidence_of(platform, fault)
        with pytest.raises(OutOfMemoryError):
            answer(platform, "SET", "one", "more")
        assert answer(platform, "PING")
        eventually(lambda: (platform.metric("data-ingestor", "market_data_ticks_waiting") or 0) > 0 or None)
    assert answer(platform, "SET", "one", "more")
    assert platform.call(fault.bitten()) is None
    filled(platform, "after-the-oom")


def test_a_limit_that_somebody_raised_is_not_put_back(platform: Platform) -> None:
    """The responder's CONFIG SET ends the fault, and stays."""
    with injected(platform, fault_of(platform, "redis.memory-full", "redis")) as fault:
        evidence_of(platform, fault)
        answer(platform, "CONFIG", "SET", "maxmemory", "2gb")
        assert platform.call(fault.bitten()) is None
    assert answer(platform, "CONFIG", "GET", "maxmemory")["maxmemory"] == str(2 << 30)
    answer(platform, "CONFIG", "SET", "maxmemory", "0")


def test_a_cut_append_only_file_is_written_anew_when_healed(platform: Platform) -> None:
    """redis-check-aof finds the cut; after healing the file is whole, and Redis starts from it with all that stood there."""
    answer(platform, "SET", "kept", "yes")
    with injected(platform, fault_of(platform, "redis.aof-truncated", "redis")) as fault:
        assert "was cut at " in evidence_of(platform, fault)
    assert platform.call(fault.bitten()) is None
    platform.call(restarted(server(platform)))
    assert answer(platform, "GET", "kept") == "yes"
    filled(platform, "after-the-rewrite")


async def restarted(store: RedisServer) -> None:
    await store.signal(SIGKILL)
    await store.gone()
    await store.start()


def test_from_a_cut_append_only_file_redis_does_not_start(platform: Platform) -> None:
    """It matters at the next start: Redis refuses until somebody mends the file, and healing later does nothing."""
    with injected(platform, fault_of(platform, "redis.aof-truncated", "redis")) as fault:
        evidence_of(platform, fault)
        before = server(platform).append_only_file
        assert before is not None
        size = before.stat().st_size
        eventually(lambda: before.stat().st_size > size or None)  # it goes on behind the cut
        with pytest.raises(HarnessError, match="redis ended with exit code 1"):
            platform.call(restarted(server(platform)))
        assert not server(platform).running
    shutil.copy(before, before.with_suffix(".damaged"))
    before.unlink()
    platform.call(server(platform).start())
    filled(platform, "after-the-loss")


def test_prices_grow_old_for_their_readers_while_the_feed_runs(platform: Platform) -> None:
    """The feed is alive and orders are refused over a stale price, until it is healed."""
    filled(platform, "fresh")
    eventually(lambda: prices(platform) or None)
    with injected(platform, fault_of(platform, "redis.stale-cache", "redis")) as fault:
        assert "that match price:* have been undone" in evidence_of(platform, fault)
        old, numbers = prices(platform), count()
        refused = eventually(lambda: found if (found := platform.order(f"stale-{next(numbers)}")).is_error else None)
        assert "stale_market_data" in refused.text
        assert prices(platform) == old
        age_s = platform.metric("data-ingestor", 'market_data_age_seconds{symbol="EURUSD"}')
        assert age_s is not None
        assert age_s < 1.5
    eventually(lambda: prices(platform) > old or None)
    assert answer(platform, "CONFIG", "GET", "notify-keyspace-events") == {"notify-keyspace-events": ""}
    filled(platform, "fresh-again")


def test_a_restart_of_redis_ends_what_makes_it_stale(platform: Platform) -> None:
    """Nothing is put back any more, and healing has nothing left to do."""
    with injected(platform, fault_of(platform, "redis.stale-cache", "redis")) as fault:
        evidence_of(platform, fault)
        platform.call(restarted(server(platform)))
        eventually(lambda: platform.call(fault.bitten()) is None or None)
    filled(platform, "after-the-restart")


def test_what_is_not_there_cannot_be_struck(platform: Platform) -> None:
    """A fault that could not be injected says so; so does one that the stack's containers do not permit."""
    with pytest.raises(FaultError, match="no hash or text that matches nothing"):
        platform.call(fault_of(platform, "redis.stale-cache", "redis", keys="nothing:*").inject())
    with pytest.raises(FaultError, match="postgres-primary is no instance of Redis"):
        fault_of(platform, "redis.flushall", "postgres-primary")
    contained = SimpleNamespace(kind="containers", datastores=platform.stack.datastores, clock=platform.clock)
    with pytest.raises(FaultError, match="use an embedded stack"):
        fault_of(cast("Platform", SimpleNamespace(stack=contained)), "redis.aof-truncated", "redis")
