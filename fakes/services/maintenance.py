"""The gateway's two modes: maintenance, in which it takes no orders, and security monitoring, in which it logs every request.

    GET  /api/maintenance    {"active", "kind", "message", "since_s"}
    POST /api/maintenance {active, kind?, message?}     kind: scheduled or security
    GET  /admin/monitoring   {"security", "since_s"}
    POST /admin/monitoring {security}

Both stand in Postgres, so they hold across restarts and for every gateway: the one that was told knows at once, the others
within a quarter of a second.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict, dataclass

from aiohttp import web

from fakes.clock import PageClock
from fakes.services.answers import answer, body_of
from fakes.services.base import Service
from fakes.services.database import Database, Statement
from fakes.services.errors import BadRequest, DependencyDown

READ_EVERY_S = 0.25  # wall
KINDS = ("", "scheduled", "security")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Whether orders are refused, and what clients are told; `since_s` is documented time."""

    active: bool
    kind: str
    message: str
    since_s: float


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Whether every request is logged."""

    security: bool
    since_s: float


class Modes:
    """What the gateway knows of both. What it has read once holds while the database is away."""

    def __init__(self, database: Database, clock: PageClock) -> None:
        self._database = database
        self._clock = clock
        self._maintenance: Maintenance | None = None
        self._monitoring: Monitoring | None = None
        self._halted: bool | None = None

    async def watch(self) -> None:
        """Read them, for ever."""
        while True:
            try:
                await self._read()
            except DependencyDown as down:
                _log.debug("the modes can't be read: %s", down)
            await asyncio.sleep(READ_EVERY_S)

    async def refusal(self) -> dict[str, object] | None:
        """What an order is answered with in maintenance; None when orders are taken. Raises DependencyDown when nobody knows."""
        found = self._maintenance or (await self._read())[0]
        if not found.active:
            return None
        why = f"maintenance: {found.message or 'no orders are taken'}"
        return {"error": why, "reason": "maintenance", "why": why, "since_s": found.since_s, "outcome": "failed"}

    @property
    def active(self) -> bool:
        return self._maintenance is not None and self._maintenance.active

    @property
    def halted(self) -> float | None:
        """1 while trading is halted; None until it has been read. What the metric is made of, nothing decides by it."""
        return None if self._halted is None else float(self._halted)

    @property
    def security(self) -> bool:
        return self._monitoring is not None and self._monitoring.security

    async def maintain(self, request: web.Request) -> web.Response:
        """Change the maintenance mode; whoever changes nothing leaves its beginning as it was."""
        given = await body_of(request)
        active, kind, message = given.get("active"), given.get("kind", ""), given.get("message", "")
        if not isinstance(active, bool) or kind not in KINDS or not isinstance(message, str):
            raise BadRequest("expected active: true or false, kind: scheduled or security, message: text")
        at_s = self._clock.now()
        await self._write(
            (
                "UPDATE maintenance SET since_s = CASE WHEN active = %s THEN since_s ELSE %s END, active = %s, kind = %s, message = %s",
                (active, at_s, active, kind, message),
            ),
            ("INSERT INTO maintenance_log (at_s, active, kind, message) VALUES (%s, %s, %s, %s)", (at_s, active, kind, message)),
        )
        _log.warning("maintenance mode %s: %s", "on" if active else "off", message or kind or "no reason given")
        return answer(asdict((await self._read())[0]))

    async def monitor(self, request: web.Request) -> web.Response:
        """Change the security monitoring."""
        security = (await body_of(request)).get("security")
        if not isinstance(security, bool):
            raise BadRequest("expected security: true or false")
        await self._write(
            (
                "UPDATE monitoring_mode SET since_s = CASE WHEN security = %s THEN since_s ELSE %s END, security = %s",
                (security, self._clock.now(), security),
            )
        )
        _log.warning("security monitoring %s", "on" if security else "off")
        return answer(asdict((await self._read())[1]))

    async def tell_maintenance(self, _: web.Request) -> web.Response:
        return answer(asdict((await self._read())[0]))

    async def tell_monitoring(self, _: web.Request) -> web.Response:
        return answer(asdict((await self._read())[1]))

    async def tell_request(self, request: web.Request, response: web.StreamResponse) -> None:
        """A line in the log for each request, while security monitoring is on; probes and scrapes are left out."""
        if self.security and request.path not in ("/healthz", "/metrics"):
            level = logging.WARNING if response.status in (401, 403) else logging.INFO
            _log.log(level, "security: %s %s from %s: %d", request.method, request.path, request.remote, response.status)

    async def _read(self) -> tuple[Maintenance, Monitoring]:
        """Raises DependencyDown."""
        rows = await self._database.rows(
            # No join: of tables that were never analyzed Postgres expects so many rows that it would compile the query first.
            "SELECT (SELECT active FROM maintenance), (SELECT kind FROM maintenance), (SELECT message FROM maintenance),"
            " (SELECT since_s FROM maintenance), (SELECT security FROM monitoring_mode), (SELECT since_s FROM monitoring_mode),"
            " (SELECT halted FROM trading_halt)"
        )
        if None in rows[0]:
            raise DependencyDown("postgres", "the modes are not there: is the schema loaded?")
        [(active, kind, message, since_s, security, security_since_s, self._halted)] = rows
        self._maintenance = Maintenance(active, kind, message, since_s)
        self._monitoring = Monitoring(security, security_since_s)
        return self._maintenance, self._monitoring

    async def _write(self, *statements: Statement) -> None:
        """In one transaction. Raises DependencyDown, which says whether it may have been done."""
        committing = False
        try:
            async with self._database.session() as session:
                await session.batch([("BEGIN", ()), *statements])
                committing = True
                await session.batch([("COMMIT", ())])
        except DependencyDown as down:
            raise DependencyDown(down.dependency, down.why, "unknown" if committing else "failed") from down


def offer(service: Service, modes: Modes) -> None:
    """Have a gateway answer for its modes."""
    service.get("/api/maintenance", modes.tell_maintenance)
    service.post("/api/maintenance", modes.maintain)
    service.get("/admin/monitoring", modes.tell_monitoring)
    service.post("/admin/monitoring", modes.monitor)
    service.on_response(modes.tell_request)
    service.background(modes.watch)
    service.metrics.gauge("maintenance_mode", lambda: float(modes.active))
    service.metrics.gauge("trading_halted", lambda: modes.halted)
    service.metrics.gauge("security_monitoring", lambda: float(modes.security))
