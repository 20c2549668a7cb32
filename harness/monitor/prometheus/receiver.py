"""The webhook that Alertmanager posts to: POST /alerts, inside the conductor."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from pydantic import ValidationError

from harness.monitor.prometheus.answers import NotedAlert, Notice
from harness.monitor.serving import Serving

_LONGEST = 4_000_000  # bytes of a body


class Receiver:
    """Hears Alertmanager on a port of the loopback."""

    def __init__(self, port: int, on_alert: Callable[[NotedAlert], None], on_problem: Callable[[str, str], None]) -> None:
        """Port 0 takes a free one; `port` then says which."""
        self._serving = Serving("Alertmanager's webhook", "127.0.0.1", port)
        self._on_alert, self._on_problem = on_alert, on_problem

    @property
    def port(self) -> int:
        return self._serving.port

    async def start(self) -> None:
        """Raises HarnessError when the port is taken."""
        app = web.Application(client_max_size=_LONGEST)
        app.router.add_post("/alerts", self._hear)
        await self._serving.start(app)

    async def stop(self) -> None:
        """Safe to repeat."""
        await self._serving.stop()

    async def _hear(self, request: web.Request) -> web.Response:
        try:
            notice = Notice.model_validate_json(await request.read())
        except ValidationError as error:
            first = error.errors()[0]
            why = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".removeprefix(": ")
            self._on_problem("webhook", f"Alertmanager posted something that is no notice: {why}")
            return web.Response(status=400, text=why)
        for alert in notice.alerts:
            self._on_alert(alert)
        return web.Response()
