"""Serves a web application on a port of the loopback."""

from __future__ import annotations

from aiohttp import web

from harness.errors import HarnessError


class Serving:
    """One application on one port; port 0 takes a free one, and `port` then says which."""

    def __init__(self, what: str, host: str, port: int) -> None:
        """`what` cannot listen, an error says."""
        self._what, self._host, self.port = what, host, port
        self._runner: web.AppRunner | None = None

    async def start(self, app: web.Application) -> None:
        """Raises HarnessError when the port is taken."""
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            raise HarnessError(
                f"{self._what} cannot listen on port {self.port}: {error.strerror}. End what listens there."
            ) from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Safe to repeat."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
