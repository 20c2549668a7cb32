"""One proxied connection: two sockets, a link each way, and how they end together."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from fakes.toxiproxy.addresses import split_address
from fakes.toxiproxy.link import Link
from fakes.toxiproxy.stages import Ending
from fakes.toxiproxy.toxics import Direction, Toxic

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST
_WRITE_BUFFER = 256 * 1024


class Connection:
    """Born when a client connects; `gone` hears of its end, `refused` of an upstream that can't be reached."""

    def __init__(
        self, upstream: str, toxics: Mapping[Direction, Sequence[Toxic]], *, gone: Callable[[Connection], None],
        refused: Callable[[OSError | None], None],
    ) -> None:  # fmt: skip
        self._loop = asyncio.get_running_loop()
        self._upstream_address = upstream
        self._gone, self._refused = gone, refused
        upward = Link(self._loop, toxics["upstream"], lambda ending: self._ended(self.upstream, ending))
        downward = Link(self._loop, toxics["downstream"], lambda ending: self._ended(self.client, ending))
        self.links: Mapping[Direction, Link] = {"upstream": upward, "downstream": downward}
        self.client = Peer(self, outgoing=upward, incoming=downward)
        self.upstream = Peer(self, outgoing=downward, incoming=upward)
        self._finished = 0
        self.over = False  # one of close, reset and cut has begun
        self._connecting: asyncio.Task[None] | None = None

    def connect(self) -> None:
        """Reach for the upstream. Until it answers the client's data waits."""
        self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            host, port = split_address(self._upstream_address)
            await self._loop.create_connection(lambda: self.upstream, host or "localhost", port)
        except (OSError, ValueError) as error:
            self._connecting = None
            self._refused(error if isinstance(error, OSError) else OSError(str(error)))
            self.cut()
        else:
            self._refused(None)
        finally:
            self._connecting = None
            self._farewell()

    def cut(self) -> None:
        """Close both sockets now, whatever is still under way."""
        self._stop()
        for peer in (self.client, self.upstream):
            if peer.transport is not None:
                peer.transport.abort()

    def close(self) -> None:
        """Close both sockets once what was written is out."""
        self._stop()
        for peer in (self.client, self.upstream):
            if peer.transport is not None:
                peer.transport.close()

    def reset(self) -> None:
        """Close both sockets so that both peers see a reset."""
        for peer in (self.client, self.upstream):
            if peer.transport is not None:
                peer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.cut()

    def _stop(self) -> None:
        self.over = True
        if self._connecting is not None:
            self._connecting.cancel()
        for link in self.links.values():
            link.stop()

    def _ended(self, receiver: Peer, ending: Ending) -> None:
        """An ending has come through all toxics towards `receiver`."""
        if ending is Ending.RESET:
            self.reset()
        elif ending is Ending.CLOSE:
            self.close()
        else:
            self._finished += 1
            if self._finished == len(self.links):
                self.close()
            elif receiver.transport is not None:
                with contextlib.suppress(OSError):  # it has just been reset: connection_lost tells
                    receiver.transport.write_eof()

    def lost(self, peer: Peer) -> None:
        """A peer's socket is gone. Unless we closed it, it was reset, and so the other one is once it got the rest."""
        peer.incoming.stop()
        if not self.over:
            peer.outgoing.end(Ending.RESET)
        self._farewell()

    def _farewell(self) -> None:
        if self.client.transport is None and self.upstream.transport is None and self._connecting is None:
            self._stop()
            self._gone(self)


class Peer(asyncio.Protocol):
    """One of the two sockets: feeds the link `outgoing` and is written to by `incoming`."""

    def __init__(self, connection: Connection, *, outgoing: Link, incoming: Link) -> None:
        self.transport: asyncio.Transport | None = None
        self.outgoing, self.incoming = outgoing, incoming
        self._connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        if self._connection.over:  # cut while it was being made
            transport.abort()
            return
        transport.set_write_buffer_limits(high=_WRITE_BUFFER)
        self.outgoing.take_from(transport)
        self.incoming.give_to(transport)
        if self is self._connection.client:
            self._connection.connect()

    def data_received(self, data: bytes) -> None:
        self.outgoing.feed(data)

    def eof_received(self) -> bool:
        self.outgoing.end(Ending.FINISH)
        return True  # half-closed: this socket may still be written to

    def pause_writing(self) -> None:
        self.incoming.block(True)

    def resume_writing(self) -> None:
        self.incoming.block(False)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.transport = None
        self._connection.lost(self)
