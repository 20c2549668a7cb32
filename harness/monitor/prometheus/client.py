"""Asks Prometheus and Alertmanager over HTTP. Every question is bounded."""

from __future__ import annotations

from typing import TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from harness.errors import HarnessError
from harness.monitor.prometheus.answers import AlertmanagersAnswer, RulesAnswer, TargetsAnswer

_WITHIN_WALL_S = 1.0
T = TypeVar("T", bound=BaseModel)


class Silent(HarnessError):
    """One of the two programs did not answer, or not as it should."""


class Client:
    """Both programs, on ports of the loopback."""

    def __init__(self, prometheus_port: int, alertmanager_port: int) -> None:
        self._prometheus = f"http://127.0.0.1:{prometheus_port}"
        self._alertmanager = f"http://127.0.0.1:{alertmanager_port}"
        self._session: aiohttp.ClientSession | None = None  # made inside the running loop

    async def rules(self) -> RulesAnswer:
        """The alert rules with their active alerts. Raises Silent, as all methods do."""
        return await self._ask(RulesAnswer, "/api/v1/rules?type=alert")

    async def targets(self) -> TargetsAnswer:
        return await self._ask(TargetsAnswer, "/api/v1/targets?state=active")

    async def alertmanagers(self) -> AlertmanagersAnswer:
        return await self._ask(AlertmanagersAnswer, "/api/v1/alertmanagers")

    async def prometheus_ready(self) -> None:
        await self._get("Prometheus", f"{self._prometheus}/-/ready")

    async def alertmanager_ready(self) -> None:
        await self._get("Alertmanager", f"{self._alertmanager}/-/ready")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, model: type[T], path: str) -> T:
        body = await self._get("Prometheus", self._prometheus + path)
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            raise Silent(f"Prometheus answers {path} in a way that is not known: {first['loc']} {first['msg']}") from error

    async def _get(self, who: str, url: str) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_WITHIN_WALL_S), cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.get(url) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Silent(f"{who} does not answer: {str(error) or type(error).__name__}") from error
        if response.status != 200:
            raise Silent(f"{who} answers {response.status}: {body[:200].decode(errors='replace').strip()}")
        return body
