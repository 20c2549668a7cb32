"""The paces of latency, bandwidth and slicer, on a clock that the test turns."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.toxiproxy.delays import Bandwidth, Latency, Slicer, slice_sizes
from fakes.toxiproxy.stages import Chunk, Ending, Stage
from fakes.toxiproxy.toxics import read_toxic


class Bucket:
    """An outlet that notes what it is given, and when."""

    def __init__(self) -> None:
        self.full = False
        self.got: list[tuple[float, bytes]] = []
        self.endings: list[Ending] = []

    def push(self, chunk: Chunk, now: float) -> None:
        self.got.append((round(now, 6), bytes(chunk.data)))

    def end(self, ending: Ending, now: float) -> None:
        self.endings.append(ending)

    @property
    def data(self) -> bytes:
        return b"".join(data for _, data in self.got)


def stage(kind: type[Stage], bucket: Bucket, **attributes: int) -> Any:
    name = kind.__name__.lower()
    return kind(read_toxic({"type": name, "attributes": attributes}), bucket, 0.0)


def run(stage: Stage, until: float, *, late_s: float = 0.0) -> None:
    """Turn the clock to each moment at which the stage wants to be asked, and `late_s` beyond it."""
    while (at := stage.next_at()) is not None and at + late_s <= until:
        stage.pump(at + late_s)


def test_latency_gives_each_chunk_on_in_its_own_time() -> None:
    """Two chunks 10 ms apart arrive 10 ms apart."""
    bucket = Bucket()
    latency = stage(Latency, bucket, latency=100)
    latency.push(Chunk(b"a", 1.00), 1.00)
    latency.push(Chunk(b"b", 1.01), 1.01)
    run(latency, 2.0)
    assert bucket.got == [(1.1, b"a"), (1.11, b"b")]


def test_latency_counts_from_when_a_chunk_came_in() -> None:
    """Not from when the stage got it: what waited before is part of the delay."""
    bucket = Bucket()
    latency = stage(Latency, bucket, latency=100)
    latency.push(Chunk(b"a", 1.00), 1.08)
    assert latency.next_at() == pytest.approx(1.1)


def test_latencies_one_behind_the_other_add_up() -> None:
    """The first one's delay is part of when a chunk came to the second."""
    bucket = Bucket()
    second = stage(Latency, bucket, latency=50)
    first = Latency(read_toxic({"type": "latency", "attributes": {"latency": 100}}), second, 0.0)
    first.push(Chunk(b"a", 1.0), 1.0)
    run(first, 2.0, late_s=0.01)
    assert second.next_at() == pytest.approx(1.15)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 2**32))
def test_jitter_stays_within_its_bounds_and_keeps_the_order(latency_ms: int, jitter_ms: int, seed: int) -> None:
    """Each chunk is given on between latency - jitter and latency + jitter, never before the one ahead of it."""
    bucket = Bucket()
    toxic = read_toxic({"type": "latency", "attributes": {"latency": latency_ms, "jitter": jitter_ms}})
    toxic.dice = random.Random(seed)
    latency = Latency(toxic, bucket, 0.0)
    for number in range(20):
        latency.push(Chunk(bytes([number]), 1.0), 1.0)
    run(latency, 2.0)
    assert bucket.data == bytes(range(20))
    assert all(
        max(latency_ms - jitter_ms, 0) <= (at - 1.0) * 1000 + 0.001 <= latency_ms + jitter_ms + 0.002 for at, _ in bucket.got
    )


def test_nothing_is_given_to_a_full_outlet() -> None:
    """It waits there, and goes on when there is room."""
    bucket = Bucket()
    for each in (stage(Latency, bucket, latency=10), stage(Bandwidth, bucket, rate=100), stage(Slicer, bucket, average_size=5)):
        bucket.full = True
        each.push(Chunk(b"wait", 1.0), 1.0)
        each.pump(5.0)
        assert (each.next_at(), bucket.data) == (None, b"")
        bucket.full = False
        run(each, 6.0)
        assert bucket.data == b"wait"
        bucket.got.clear()


def test_an_ending_waits_behind_the_data() -> None:
    """Of each kind that holds data; without data it passes at once."""
    bucket = Bucket()
    for each in (stage(Latency, bucket, latency=10), stage(Bandwidth, bucket, rate=1), stage(Slicer, bucket, average_size=1)):
        each.push(Chunk(b"data", 1.0), 1.0)
        each.end(Ending.FINISH, 1.0)
        assert not bucket.endings
        run(each, 2.0)
        assert bucket.data == b"data"
        assert bucket.endings == [Ending.FINISH]
        bucket.got.clear()
        each.end(Ending.RESET, 2.0)
        assert bucket.endings.pop() is Ending.RESET
        bucket.endings.clear()


def test_bandwidth_gives_data_on_once_it_has_been_sent() -> None:
    """10 kB/s: 100 bytes each 10 ms, the first after 10 ms."""
    bucket = Bucket()
    bandwidth = stage(Bandwidth, bucket, rate=10)
    bandwidth.push(Chunk(bytes(250), 1.0), 1.0)
    run(bandwidth, 2.0)
    assert [(at, len(data)) for at, data in bucket.got] == [(1.01, 100), (1.02, 100), (1.025, 50)]


def test_late_timers_do_not_slow_the_pace() -> None:
    """Each ring 3 ms late: the whole takes 3 ms longer, not 3 ms a piece."""
    bucket = Bucket()
    bandwidth = stage(Bandwidth, bucket, rate=10)
    bandwidth.push(Chunk(bytes(1000), 1.0), 1.0)
    run(bandwidth, 2.0, late_s=0.003)
    assert bucket.got[-1][0] == pytest.approx(1.103)


def test_idle_time_is_not_saved_up() -> None:
    """After a pause data takes as long as ever."""
    bucket = Bucket()
    bandwidth = stage(Bandwidth, bucket, rate=10)
    for began in (1.0, 9.0):
        bandwidth.push(Chunk(bytes(100), began), began)
        run(bandwidth, began + 1)
    assert [at for at, _ in bucket.got] == [1.01, 9.01]


def test_bandwidth_at_0_stands_still_until_it_is_raised() -> None:
    """Nothing is due, whatever is waiting."""
    bucket = Bucket()
    bandwidth = stage(Bandwidth, bucket, rate=0)
    bandwidth.push(Chunk(b"data", 1.0), 1.0)
    assert bandwidth.next_at() is None
    bandwidth.toxic.attributes = {"rate": 1}
    bandwidth.change(5.0)
    run(bandwidth, 6.0)
    assert bucket.got == [(5.004, b"data")]


def test_what_is_held_counts_as_full_and_no_longer_once_it_is_given_on() -> None:
    """The sender is paused while much waits."""
    bucket = Bucket()
    bandwidth = stage(Bandwidth, bucket, rate=1000)
    bandwidth.push(Chunk(bytes(70_000), 1.0), 1.0)
    assert bandwidth.full
    run(bandwidth, 2.0)
    assert not bandwidth.full
    bandwidth.push(Chunk(bytes(70_000), 2.0), 2.0)
    bandwidth.release(2.0)
    assert (bandwidth.full, len(bucket.data)) == (False, 140_000)


def test_slicer_gives_one_slice_a_time() -> None:
    """The first at once, the others its delay apart, the next chunk as well."""
    bucket = Bucket()
    slicer = stage(Slicer, bucket, average_size=4, delay=500)
    for _ in range(2):
        slicer.push(Chunk(b"abcdefgh", 1.0), 1.0)
    run(slicer, 2.0)
    assert bucket.got == [(1.0, b"abcd"), (1.0005, b"efgh"), (1.001, b"abcd"), (1.0015, b"efgh")]


@given(st.integers(1, 5_000), st.integers(1, 200), st.data())
def test_slices_add_up_and_keep_their_bounds(length: int, average: int, data: st.DataObject) -> None:
    """No slice is empty or larger than average + variation."""
    variation = data.draw(st.integers(0, average - 1))
    sizes = list(slice_sizes(length, average, variation, random.Random(length)))
    assert sum(sizes) == length
    assert all(1 <= size <= average + variation for size in sizes)
