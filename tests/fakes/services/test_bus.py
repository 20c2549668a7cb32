"""Claims about the message bus, on a live Redis behind a gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio.client import Pipeline

from fakes.clock import ClockPage
from fakes.services.bus import Bus, Consumer, Message, append
from fakes.services.errors import DependencyDown
from fakes.services.health import Dependency
from tests.fakes.services.live import Gate, Redis, config_of, run

pytestmark = pytest.mark.real


@pytest.fixture
def gate(redis: Redis) -> Iterator[Gate]:
    made = Gate(redis.port)
    yield made
    made.close()


@asynccontextmanager
async def bus_through(gate: Gate, folder: Path) -> AsyncIterator[Bus]:
    clock = ClockPage(folder / "clock.page", speed=20)
    clock.set_rate(20)  # time-outs are at their least
    bus = Bus(config_of(folder, redis=gate.port), clock, Dependency("redis"))
    try:
        yield bus
    finally:
        await bus.close()


class Copier:
    """A consumer that copies the numbers of `source` into `copy`."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.consumer = Consumer(bus, "source", "copiers", self.handle, self.begin)
        self.handled: list[str] = []
        self.done: list[str] = []
        self.begun = 0
        self.before_answer: Callable[[], None] | None = None
        self._news = asyncio.Event()

    async def begin(self) -> None:
        self.begun += 1

    async def handle(self, messages: list[Message], transaction: Pipeline) -> Callable[[], None]:
        numbers = [message.fields["n"] for message in messages]
        self.handled += numbers
        for number in numbers:
            append(transaction, "copy", {"n": number})
        if self.before_answer is not None:
            self.before_answer()

        def done() -> None:
            self.done.extend(numbers)
            self._news.set()

        return done

    async def until(self, last: str) -> None:
        """Wait until this number has been copied."""
        async with asyncio.timeout(10):
            while last not in self.done:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(copier: Copier) -> AsyncIterator[None]:
    task = asyncio.create_task(copier.consumer.run())
    try:
        yield
    finally:
        copier.consumer.stop()
        await task


@asynccontextmanager
async def copying(gate: Gate, folder: Path) -> AsyncIterator[Copier]:
    """A copier at work, on a bus through the gate."""
    async with bus_through(gate, folder) as bus:
        copier = Copier(bus)
        async with running(copier):
            yield copier


def fill(redis: Redis, *numbers: int) -> None:
    with redis.client() as client:
        for number in numbers:
            client.xadd("source", {"n": number})


def copied(redis: Redis) -> list[str]:
    return [fields["n"] for fields in redis.stream("copy")]


def test_handles_what_was_there_before_and_what_comes(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """A consumer that starts late misses nothing, and acknowledges everything."""

    async def work() -> None:
        async with bus_through(gate, tmp_path) as bus:
            copier = Copier(bus)
            fill(redis, 1, 2)
            async with running(copier):
                await copier.until("2")
                fill(redis, 3)
                await copier.until("3")

    run(work())
    assert copied(redis) == ["1", "2", "3"]
    with redis.client() as client:
        assert client.xpending("source", "copiers")["pending"] == 0


def test_an_interrupted_batch_comes_again_and_is_done_once(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """When the connection is lost in the middle of a batch, the batch is handled again; what it writes is written once."""

    async def work() -> None:
        async with bus_through(gate, tmp_path) as bus:
            copier = Copier(bus)

            def cut_once() -> None:
                copier.before_answer = None
                gate.shut()
                gate.open()

            copier.before_answer = cut_once
            fill(redis, 1, 2)
            async with running(copier):
                await copier.until("2")
            assert copier.handled == ["1", "2", "1", "2"]
            assert copier.begun == 2

    run(work())
    assert copied(redis) == ["1", "2"]


def test_a_batch_that_arrives_in_part_changes_nothing(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """Redis does all that belongs to a batch or nothing: one that is cut in the middle leaves no half behind."""

    async def work() -> None:
        async with copying(gate, tmp_path) as copier:
            fill(redis, 1)
            await copier.until("1")

            def cut_once() -> None:
                copier.before_answer = None
                gate.cut_after(100)  # enough for MULTI and XADD, not for XACK and EXEC

            copier.before_answer = cut_once
            fill(redis, 2)
            await copier.until("2")
            assert copier.handled == ["1", "2", "2"]

    run(work())
    assert copied(redis) == ["1", "2"]


def test_what_was_delivered_to_an_earlier_life_comes_first(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """Messages that a killed consumer had in hand are handled by its successor, before newer ones."""
    fill(redis, 1, 2)
    with redis.client() as client:
        client.xgroup_create("source", "copiers", id="0")
        client.xreadgroup("copiers", "tester", {"source": ">"}, count=2)
    fill(redis, 3)

    async def work() -> None:
        async with copying(gate, tmp_path) as copier:
            await copier.until("3")

    run(work())
    assert copied(redis) == ["1", "2", "3"]


def test_goes_on_after_an_outage(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """Cut off or met with silence, a consumer comes back by itself."""

    async def work() -> None:
        async with copying(gate, tmp_path) as copier:
            fill(redis, 1)
            await copier.until("1")
            gate.shut()
            fill(redis, 2)
            gate.open()
            await copier.until("2")
            gate.hush()
            fill(redis, 3)
            with pytest.raises(DependencyDown, match="no answer within"):
                await copier.bus.ping()
            gate.speak()
            await copier.until("3")

    run(work())
    assert copied(redis) == ["1", "2", "3"]


def test_goes_on_when_redis_comes_back_empty(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """A group that has gone with its data is made again."""

    async def work() -> None:
        async with copying(gate, tmp_path) as copier:
            fill(redis, 1)
            await copier.until("1")
            with redis.client() as client:
                client.flushall()
            fill(redis, 2)
            await copier.until("2")

    run(work())
    assert copied(redis) == ["2"]


def test_an_entry_that_was_trimmed_meanwhile_is_passed_over(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """What a bounded stream dropped while it waited for us can't be handled, and stops nothing."""
    fill(redis, 1, 2)
    with redis.client() as client:
        client.xgroup_create("source", "copiers", id="0")
        client.xreadgroup("copiers", "tester", {"source": ">"}, count=2)
        client.xtrim("source", maxlen=1, approximate=False)

    async def work() -> None:
        async with copying(gate, tmp_path) as copier:
            await copier.until("2")

    run(work())
    assert copied(redis) == ["2"]
    with redis.client() as client:
        assert client.xpending("source", "copiers")["pending"] == 0


def test_a_request_tries_once_and_the_next_one_succeeds(gate: Gate, tmp_path: Path) -> None:
    """A request fails at once while Redis is away; the first one after its return succeeds on a new connection."""

    async def work() -> None:
        async with bus_through(gate, tmp_path) as bus:
            await bus.ping()
            gate.shut()
            with pytest.raises(DependencyDown):
                await bus.ping()
            gate.open()
            await bus.ping()

    run(work())


def test_what_a_lost_request_took_is_found_again(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """A read that was given up on and carried out late delivers into the void; its messages are handled all the same."""

    async def work() -> None:
        async with copying(gate, tmp_path) as copier:
            fill(redis, 1)
            await copier.until("1")
            with redis.client() as client, client.pipeline() as at_once:
                at_once.xadd("source", {"n": 2}).xreadgroup("copiers", "tester", {"source": ">"})
                at_once.execute()
            await copier.until("2")

    run(work())
    assert copied(redis) == ["1", "2"]


def test_a_late_answer_is_nobody_elses(gate: Gate, tmp_path: Path) -> None:
    """The answer to a command that was given up on does not turn up as the answer to the next."""

    async def work() -> None:
        async with bus_through(gate, tmp_path) as bus:
            for number in range(3):
                await bus.redis.set("key", number)
                gate.hush()
                with pytest.raises(DependencyDown, match="no answer within"):
                    async with bus.asking() as client:
                        await client.get("key")
                gate.resume()
                async with bus.asking() as client:
                    assert await client.incr("count") == number + 1
                    assert await client.get("key") == str(number)

    run(work())


def test_streams_are_bounded(gate: Gate, redis: Redis, tmp_path: Path) -> None:
    """A stream keeps about its newest 10,000 entries."""

    async def work() -> None:
        async with bus_through(gate, tmp_path) as bus, bus.redis.pipeline(transaction=False) as commands:
            for number in range(10_500):
                append(commands, "long", {"n": str(number)})
            await commands.execute()

    run(work())
    with redis.client() as client:
        assert 10_000 <= client.xlen("long") < 10_200
