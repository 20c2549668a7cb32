"""What is wrong with a bad version of a service: it fails, is slow, crashes or leaks."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from fakes.services.answers import Handler, answer

_SLOWER_S = 1.5  # wall, of each request
_CRASHES_AFTER_S = 1.0  # wall
_LEAK_EVERY_S = 0.1
_LEAK_BYTES = 2_000_000
_LEAK_MOST = 300_000_000  # it is stopped there: the machine is not ours

_log = logging.getLogger(__name__)


def defective(defect: str, handler: Handler) -> Handler:
    """The handler as a bad version has it; probes and scrapes are not touched, so that a bad version still looks healthy."""
    if defect not in ("errors", "slow"):
        return handler
    numbers = itertools.count()

    async def failing(request: web.Request) -> web.StreamResponse:
        if next(numbers) % 2:
            return await handler(request)
        _log.error("Exception in %s %s: unexpected None", request.method, request.path)
        return answer({"error": "internal error"}, 500)

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(_SLOWER_S)
        return await handler(request)

    return failing if defect == "errors" else slow


def work_of(defect: str) -> Callable[[], Coroutine[Any, Any, None]] | None:
    """What a bad version does in the background; None when that is nothing."""
    return {"crash": _crash, "leak": _leak}.get(defect)


async def _crash() -> None:
    await asyncio.sleep(_CRASHES_AFTER_S)
    raise RuntimeError("configuration of this version is missing a required key")


async def _leak() -> None:
    kept: list[bytearray] = []
    while len(kept) * _LEAK_BYTES < _LEAK_MOST:
        kept.append(bytearray(_LEAK_BYTES))
        await asyncio.sleep(_LEAK_EVERY_S)
    await asyncio.Event().wait()
