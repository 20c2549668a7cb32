"""The toxics that hold no data, on a clock that the test turns."""

from __future__ import annotations

import pytest

from fakes.toxiproxy.stages import Chunk, Ending, LimitData, Pass, ResetPeer, SlowClose, Stage, Timeout
from fakes.toxiproxy.toxics import read_toxic


class Bucket:
    """An outlet that keeps what it is given."""

    full = False

    def __init__(self) -> None:
        self.data = b""
        self.endings: list[Ending] = []

    def push(self, chunk: Chunk, now: float) -> None:
        self.data += bytes(chunk.data)

    def end(self, ending: Ending, now: float) -> None:
        self.endings.append(ending)


def poured(stage: Stage, data: bytes, now: float) -> None:
    stage.push(Chunk(data, now), now)
    stage.pump(now)


def made(kind: type[Stage], bucket: Bucket, toxic: str, **attributes: int) -> Stage:
    return kind(read_toxic({"type": toxic, "attributes": attributes}), bucket, 10.0)


def test_a_timeout_counts_from_the_last_data() -> None:
    """Each chunk that is dropped starts it anew, as in the real server; without any it counts from when it was put on."""
    bucket = Bucket()
    timeout = made(Timeout, bucket, "timeout", timeout=1000)
    assert timeout.next_at() == 11.0
    poured(timeout, b"lost", 10.9)
    timeout.pump(11.0)
    assert (bucket.endings, timeout.next_at()) == ([], 11.9)
    timeout.pump(11.9)
    assert (bucket.data, bucket.endings, timeout.next_at()) == (b"", [Ending.CLOSE], None)


def test_a_changed_timeout_counts_from_the_change() -> None:
    """And at 0 it never rings."""
    timeout = made(Timeout, Bucket(), "timeout", timeout=0)
    assert timeout.next_at() is None
    timeout.toxic.attributes = {"timeout": 500}
    timeout.change(20.0)
    assert timeout.next_at() == 20.5


@pytest.mark.parametrize("ending", list(Ending))
def test_slow_close_keeps_every_kind_of_ending_back(ending: Ending) -> None:
    """And gives on just that kind."""
    bucket = Bucket()
    slow = made(SlowClose, bucket, "slow_close", delay=500)
    poured(slow, b"at once", 10.0)
    slow.end(ending, 10.0)
    slow.pump(10.4)
    assert (bucket.data, bucket.endings, slow.next_at()) == (b"at once", [], 10.5)
    slow.pump(10.5)
    assert bucket.endings == [ending]


def test_a_changed_slow_close_counts_from_the_ending() -> None:
    """Shortened, it may be due already."""
    slow = made(SlowClose, Bucket(), "slow_close", delay=60_000)
    slow.end(Ending.FINISH, 10.0)
    slow.toxic.attributes = {"delay": 100}
    slow.change(12.0)
    assert slow.next_at() == 10.1


def test_reset_peer_counts_from_the_first_data() -> None:
    """Later data does not put it off."""
    bucket = Bucket()
    reset = made(ResetPeer, bucket, "reset_peer", timeout=1000)
    assert reset.next_at() is None
    poured(reset, b"a", 10.0)
    poured(reset, b"b", 10.5)
    assert reset.next_at() == 11.0
    reset.pump(11.0)
    assert (bucket.data, bucket.endings) == (b"", [Ending.RESET])


def test_reset_peer_resets_at_an_ending_too() -> None:
    """A connection that is closed in order is reset all the same."""
    bucket = Bucket()
    reset = made(ResetPeer, bucket, "reset_peer")
    reset.end(Ending.FINISH, 10.0)
    reset.pump(10.0)
    assert bucket.endings == [Ending.RESET]


def test_reset_peer_that_never_acted_is_taken_away_without_a_trace() -> None:
    """No data, no reset."""
    bucket = Bucket()
    made(ResetPeer, bucket, "reset_peer").release(10.0)
    assert not bucket.endings


@pytest.mark.parametrize(
    ("parts", "data"), [([b"abc", b"de"], b"abcde"), ([b"abc", b"def"], b"abcde"), ([b"abcdefgh"], b"abcde")]
)
def test_limit_data_closes_with_its_last_byte(parts: list[bytes], data: bytes) -> None:
    """However the bytes come; what comes after is dropped."""
    bucket = Bucket()
    limit = made(LimitData, bucket, "limit_data", bytes=5)
    for part in parts:
        assert not bucket.endings
        poured(limit, part, 10.0)
    assert bucket.endings == [Ending.CLOSE]
    poured(limit, b"more", 10.0)
    assert (bucket.data, bucket.endings) == (data, [Ending.CLOSE])


def test_a_stage_is_full_when_what_follows_is() -> None:
    """Unless it holds data of its own."""
    bucket = Bucket()
    stages = [made(Pass, bucket, "noop"), made(Timeout, bucket, "timeout"), made(LimitData, bucket, "limit_data")]
    assert not any(stage.full for stage in stages)
    bucket.full = True
    assert all(stage.full for stage in stages)
