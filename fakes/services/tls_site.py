"""One port that speaks TLS to whoever begins with it, and plain HTTP to everybody else: the first byte tells."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

from aiohttp import web

_HELLO = b"\x16"  # the first byte of a TLS handshake
_FIRST_BYTE_S = 10.0  # wall
_BACKLOG = 128

_log = logging.getLogger(__name__)


class TlsSite(web.BaseSite):
    """A site of an aiohttp runner."""

    def __init__(self, runner: web.AppRunner, host: str, port: int, *, tls: Callable[[], ssl.SSLContext]) -> None:
        """`tls` is asked at each handshake."""
        super().__init__(runner)
        self._host, self._port, self._tls = host, port, tls
        self._accepting: asyncio.Task[None] | None = None
        self._welcoming: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return f"https://{self._host}:{self._port}"

    async def start(self) -> None:
        await super().start()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((self._host, self._port))
        listener.listen(_BACKLOG)
        self._accepting = asyncio.create_task(self._accept(listener))

    async def stop(self) -> None:
        tasks = [task for task in (self._accepting, *self._welcoming) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().stop()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                connection, _ = await loop.sock_accept(listener)
                connection.setblocking(False)
                task = asyncio.create_task(self._welcome(connection))
                self._welcoming.add(task)
                task.add_done_callback(self._welcoming.discard)

    async def _welcome(self, connection: socket.socket) -> None:
        handed_over = False
        try:
            async with asyncio.timeout(_FIRST_BYTE_S):
                first = await _peek(connection)
            server = self._runner.server
            if first and server is not None:
                handed_over = True
                tls = self._tls() if first == _HELLO else None
                await asyncio.get_running_loop().connect_accepted_socket(server, connection, ssl=tls)
        except (ssl.SSLError, OSError, TimeoutError) as error:
            _log.info("a connection came to nothing: %s", error)
        finally:
            if not handed_over:
                connection.close()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _peek(connection: socket.socket) -> bytes:
    """The first byte that the other side sends, left where it is; nothing when it has gone."""
    loop = asyncio.get_running_loop()
    there: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connection.fileno(), _settle, there)
    try:
        await there
    finally:
        loop.remove_reader(connection.fileno())
    with contextlib.suppress(BlockingIOError):
        return connection.recv(1, socket.MSG_PEEK)
    return b""
