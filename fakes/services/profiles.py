"""Profiles of a running service, where it is asked to offer them (setting debug.port): GET /debug/pprof/ and /debug/pprof/heap.

The heap profile is in the format of Go's pprof (gzipped profile.proto), so `go tool pprof` reads it; with ?debug=1 it is text.
What it counts is what this process has: live Python objects by type, and, as one entry, the rest of its resident memory.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import sys
import time
from collections import Counter

from aiohttp import web

from fakes.services.base import Service, resident_bytes

_REST = "resident memory beside these objects"

_log = logging.getLogger(__name__)


def offer_profiles(service: Service) -> None:
    """Answer for profiles on a port of its own, as long as the service lives."""
    if port := int(service.config.number("debug.port", 0)):
        service.background(lambda: _serve(port))


async def _serve(port: int) -> None:
    app = web.Application()
    app.router.add_get("/debug/pprof/", _index)
    app.router.add_get("/debug/pprof/heap", _heap)
    app.router.add_get("/debug/pprof/{name}", _unknown)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()
    except OSError as error:
        _log.error("no profiles on port %d: %s", port, error.strerror)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _index(_: web.Request) -> web.Response:
    return web.Response(text="/debug/pprof/\n\nheap\n")


async def _unknown(_: web.Request) -> web.Response:
    return web.Response(status=404, text="Unknown profile\n")


async def _heap(request: web.Request) -> web.Response:
    found = heap()
    if request.query.get("debug", "0") != "0":
        lines = [f"{count}: {size} [{count}: {size}] @ {name}" for name, (count, size) in found.items()]
        total, sizes = sum(count for count, _ in found.values()), sum(size for _, size in found.values())
        return web.Response(text=f"heap profile: {total}: {sizes} [{total}: {sizes}] @ heap/1\n" + "\n".join(lines) + "\n")
    headers = {"Content-Disposition": 'attachment; filename="heap"'}
    return web.Response(body=profile(found), content_type="application/octet-stream", headers=headers)


def heap() -> dict[str, tuple[int, int]]:
    """Number and bytes of what is in memory, by type, the largest first."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for each in gc.get_objects():
        name = f"{type(each).__module__}.{type(each).__qualname__}"
        counts[name] += 1
        sizes[name] += sys.getsizeof(each, 0)
    rest = max(0, int(resident_bytes()) - sum(sizes.values()))
    return {**{name: (counts[name], size) for name, size in sizes.most_common()}, _REST: (0, rest)}


def profile(found: dict[str, tuple[int, int]]) -> bytes:
    """The same in pprof's profile.proto, gzipped."""
    texts = ["", "inuse_objects", "count", "inuse_space", "bytes"]
    parts = [_message(1, _field(1, 1) + _field(2, 2)), _message(1, _field(1, 3) + _field(2, 4))]  # the two kinds of value
    for number, (name, (count, size)) in enumerate(found.items(), start=1):
        texts.append(name)
        parts.append(_message(2, _message(1, _varint(number)) + _message(2, _varint(count) + _varint(size))))
        parts.append(_message(4, _field(1, number) + _message(4, _field(1, number))))  # a location, with one line
        parts.append(_message(5, _field(1, number) + _field(2, len(texts) - 1)))  # its function
    parts += [_message(6, text.encode()) for text in texts]
    parts += [_field(9, time.time_ns()), _message(11, _field(1, 3) + _field(2, 4)), _field(12, 1)]
    return gzip.compress(b"".join(parts))


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content
