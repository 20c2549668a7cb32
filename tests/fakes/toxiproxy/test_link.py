"""A link between two sockets that only take notes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import cast

from fakes.toxiproxy.connection import Connection
from fakes.toxiproxy.link import Link
from fakes.toxiproxy.stages import Ending
from fakes.toxiproxy.toxics import Toxic, read_toxic


class Notes:
    """Stands for a transport."""

    def __init__(self) -> None:
        self.written = b""
        self.calls: list[str] = []

    def write(self, data: bytes) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def abort(self) -> None:
        self.calls.append("abort")

    def set_write_buffer_limits(self, high: int) -> None:
        self.calls.append(f"limit {high}")

    @property
    def transport(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self)


class Wired:
    """A link, its source, its destination and the endings that came through."""

    def __init__(self, *toxics: Toxic) -> None:
        self.source, self.destination = Notes(), Notes()
        self.endings: list[Ending] = []
        self.link = Link(asyncio.get_running_loop(), toxics, self.endings.append)
        self.link.take_from(self.source.transport)


def run(claim: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(claim())


def test_what_comes_before_the_other_socket_waits_for_it() -> None:
    """Data in its order, then the ending, of whatever kind; the source is paused meanwhile."""

    async def claim() -> None:
        for ending in Ending:
            wired = Wired()
            wired.link.feed(b"a")
            wired.link.feed(b"b")
            assert wired.source.calls == ["pause"]
            wired.link.end(ending)
            assert not wired.endings
            wired.link.give_to(wired.destination.transport)
            assert (wired.destination.written, wired.endings) == (b"ab", [ending])

    run(claim)


def test_without_toxics_data_goes_straight_to_the_other_socket() -> None:
    """There is nothing between them, and again nothing once the last toxic is gone."""

    async def claim() -> None:
        wired = Wired()
        wired.link.give_to(wired.destination.transport)
        toxic = read_toxic({"type": "noop"})
        assert wired.link.feed == wired.destination.write
        wired.link.add(toxic)
        assert wired.link.feed != wired.destination.write
        wired.link.remove(toxic)
        assert wired.link.feed == wired.destination.write

    run(claim)


def test_the_source_is_paused_while_the_other_socket_is_full() -> None:
    """With toxics and without; each change is told once."""

    async def claim() -> None:
        for toxics in ([], [read_toxic({"type": "noop"})]):
            wired = Wired(*toxics)
            wired.link.give_to(wired.destination.transport)
            for blocked in (True, True, False, False):
                wired.link.block(blocked)
            assert wired.source.calls == ["pause", "resume"]

    run(claim)


def test_a_finish_comes_through_once_and_a_reset_after_it() -> None:
    """A peer may be reset after it has finished sending; no data follows either."""

    async def claim() -> None:
        wired = Wired()
        wired.link.give_to(wired.destination.transport)
        for ending in (Ending.FINISH, Ending.FINISH, Ending.RESET):
            wired.link.end(ending)
        assert wired.endings == [Ending.FINISH, Ending.RESET]

    run(claim)


def test_a_stopped_link_drops_everything() -> None:
    """Also what toxics held, and what they would do later."""

    async def claim() -> None:
        toxic = read_toxic({"type": "latency", "attributes": {"latency": 1}})
        wired = Wired(toxic)
        wired.link.give_to(wired.destination.transport)
        wired.link.feed(b"held")
        wired.link.stop()
        wired.link.feed(b"late")
        wired.link.remove(toxic)
        await asyncio.sleep(0.01)  # the held chunk would have been due
        assert (wired.destination.written, wired.endings) == (b"", [])

    run(claim)


def test_a_socket_that_is_ready_after_its_connection_was_cut_is_closed_at_once() -> None:
    """A proxy may be disabled between a client's arrival and its reception."""

    async def claim() -> None:
        notes = Notes()
        connection = Connection("127.0.0.1:9", {"upstream": [], "downstream": []}, gone=lambda _: None, refused=lambda _: None)
        connection.cut()
        connection.client.connection_made(notes.transport)
        assert notes.calls == ["abort"]

    run(claim)
