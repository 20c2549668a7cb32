"""The way in from outside: the host names of the ingress, at the ports that the world uses."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack

from scenarios.model import Stack

_WEB = (443, 80)
_CHUNK = 65536


async def open_web(undo: AsyncExitStack, stack: Stack) -> None:
    """Lead 443 and 80 to the ingress, as the load balancer in front of it does. Nothing where there is no ingress."""
    ingress = next((each for each in stack.services.values() if each.program == "ingress"), None)
    if ingress is None:
        return
    port = ingress.port

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    for each in _WEB:
        with contextlib.suppress(OSError):  # the kernel keeps low ports for root: the documented address is then refused
            server = await asyncio.start_server(pass_on, "127.0.0.1", each)
            undo.callback(server.close)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
