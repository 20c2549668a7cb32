"""How the parties outside the platform are served: plain HTTP on the loopback, until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal

from aiohttp import web

from fakes.services.config import Config

_log = logging.getLogger(__name__)


async def serve_until_ended(app: web.Application, given: Config) -> None:
    """Answer at the service's port until SIGTERM or SIGINT. Raises OSError when the port is taken."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", given.port).start()
    _log.info("version %s listens on port %d", given.version, given.port)
    await end.wait()
    await runner.cleanup()
    _log.info("has stopped")
