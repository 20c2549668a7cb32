"""The rate gate: stands between the ingestor and the price providers, and keeps to what each of them allows.

    GET  /providers/<provider>/ticks?after=N   the provider's own stream; each call and each tick counts as one
         429 {"error", "provider", "retry_after_s"} with Retry-After once the quota is used up; a stream that is open ends then.
         A provider's own 429 is handed on: it is backed off from, too
    GET  /providers/<provider>/healthz
    GET  /status            quota, use and state of each provider: ok, backoff, down
    GET  /metrics           rate_gate_*
    POST /use/<provider> {amount?}   somebody else with the same key has used so much of it, or all that is left
    POST /reset             all quotas start anew        POST /reset/<provider>   that one; 404 for an unknown one

Settings: gate.providers {provider: service}, gate.quota per gate.window_s documented seconds; RATE_GATE_QUOTA in the
environment goes before gate.quota. What was used is kept in the state folder: a restart is no reset.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from fakes.services.answers import answer, body_of
from fakes.services.base import Service, run
from fakes.services.errors import BadRequest, DependencyDown
from fakes.services.quotas import Quota, QuotaFile

QUOTA, WINDOW_S = 5_000_000, 86_400.0
_PROVIDERS = {"primary": "price-primary", "backup": "price-backup"}
_CONNECT_S = 1.0  # wall
_LOOK_EVERY_S = 0.25  # wall: whether the other side of a silent stream is there still
_WRITE_EVERY_S = 1.0  # wall
_TOO_MANY = 429

_log = logging.getLogger(__name__)


class Gate:
    """The quotas, and the streams that go through."""

    def __init__(self, service: Service) -> None:
        self._clock = service.clock
        config = service.config
        providers = config.settings.get("gate.providers", _PROVIDERS)
        limit = int(config.environment.get("RATE_GATE_QUOTA") or config.number("gate.quota", QUOTA))
        window_s = config.number("gate.window_s", WINDOW_S)
        self._quotas = {name: Quota(name, str(link), limit, window_s) for name, link in providers.items()}
        self._peers = {name: service.peer(quota.service) for name, quota in self._quotas.items()}
        service.optional |= {quota.service for quota in self._quotas.values()}  # their loss is no loss of the gate
        self._dependencies = service.dependencies
        self._file = QuotaFile(config.state_dir / "quotas.json", self._quotas.values())
        self._ended = False
        metrics = service.metrics
        self._requests = metrics.counter("rate_gate_requests_total", "provider", "result")
        self._ticks = metrics.counter("rate_gate_ticks_total", "provider")
        self._backoffs = metrics.counter("rate_gate_backoff_count", "provider")
        self._resets = metrics.counter("rate_gate_resets_total", "provider")
        for name in self._quotas:
            self._backoffs.add(name, amount=0)
        metrics.gauges("rate_gate_quota_limit", ("provider",), lambda: self._each(lambda quota: quota.limit))
        metrics.gauges("rate_gate_quota_used", ("provider",), lambda: self._each(lambda quota: quota.used))
        metrics.gauges("rate_gate_quota_remaining", ("provider",), lambda: self._each(self._left))

    def _left(self, quota: Quota) -> int:
        return quota.left(self._clock.now())

    def _each(self, read: Callable[[Quota], float]) -> dict[tuple[str, ...], float]:
        return {(name,): float(read(quota)) for name, quota in self._quotas.items()}

    def _named(self, request: web.Request) -> Quota:
        name = request.match_info["provider"]
        if name not in self._quotas:
            known = sorted(self._quotas)
            raise web.HTTPNotFound(text=answer({"error": f"unknown provider {name!r}", "providers": known}).text,
                                   content_type="application/json")  # fmt: skip
        return self._quotas[name]

    # --- what goes through ---

    async def ticks(self, request: web.Request) -> web.StreamResponse:
        quota = self._named(request)
        after = request.query.get("after")
        if after is not None and not after.isdecimal():
            raise BadRequest(f"after: expected the number of a tick, found {after!r}")
        if not quota.take(self._clock.now()):
            return self._too_many(quota, "the quota is used up", quota.ends_in_s(self._clock.now()) or 0.0)
        path = "/ticks" if after is None else f"/ticks?after={after}"
        dependency = self._dependencies[quota.service]
        try:
            async with asyncio.timeout(_CONNECT_S) as opening:
                async with self._peers[quota.provider].session.get(path, raise_for_status=True) as upstream:
                    opening.reschedule(None)
                    dependency.worked()
                    self._requests.add(quota.provider, "ok")
                    return await self._pass_on(request, upstream, quota)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, aiohttp.ClientResponseError) and error.status == _TOO_MANY:
                dependency.failed("it refuses: too many requests")
                return self._too_many(quota, "the provider refuses", _waits_s(error))
            self._requests.add(quota.provider, "failed")
            dependency.failed(str(error) or type(error).__name__)
            raise DependencyDown(quota.service, str(error) or type(error).__name__) from error

    async def _pass_on(self, request: web.Request, upstream: aiohttp.ClientResponse, quota: Quota) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        reading = asyncio.ensure_future(upstream.content.readline())
        with suppress(aiohttp.ClientError, ConnectionError):  # either side has gone: that is how such a stream ends
            try:
                while not self._ended and request.transport is not None and not request.transport.is_closing():
                    done, _ = await asyncio.wait({reading}, timeout=_LOOK_EVERY_S)
                    if not done:
                        continue
                    line = reading.result()
                    if not line or not quota.take(self._clock.now()):
                        break
                    self._ticks.add(quota.provider)
                    await response.write(line)
                    reading = asyncio.ensure_future(upstream.content.readline())
            finally:
                reading.cancel()
                await asyncio.wait({reading})
        if not quota.left(self._clock.now()):
            _log.error("the quota of %s is used up: %d in this window", quota.provider, quota.used)
        return response

    def _too_many(self, quota: Quota, why: str, retry_s: float) -> web.Response:
        self._requests.add(quota.provider, "backoff")
        self._backoffs.add(quota.provider)
        quota.backoffs += 1
        if quota.backoffs % 100 == 1:
            _log.warning("backing off from %s for the %dth time: %s", quota.provider, quota.backoffs, why)
        body = {"error": why, "provider": quota.provider, "retry_after_s": retry_s}
        response = answer(body, _TOO_MANY)
        response.headers["Retry-After"] = str(int(retry_s) + 1)
        return response

    async def provider_health(self, request: web.Request) -> web.Response:
        """Whether this provider could be read now."""
        quota = self._named(request)
        state = self._state(quota)
        return answer({"status": "ok" if state == "ok" else "unavailable", "dependencies": {quota.service: state}},
                      200 if state == "ok" else 503)  # fmt: skip

    # --- what people ask and do ---

    def _state(self, quota: Quota) -> str:
        if not self._left(quota):
            return "backoff"
        return "ok" if self._dependencies[quota.service].up else "down"

    async def status(self, _: web.Request) -> web.Response:
        now_s = self._clock.now()
        providers = {
            name: {
                "service": quota.service, "state": self._state(quota), "quota": quota.limit, "used": quota.used,
                "remaining": quota.left(now_s), "window_s": quota.window_s, "resets_in_s": quota.ends_in_s(now_s),
                "backoffs": quota.backoffs,
            }
            for name, quota in self._quotas.items()
        }  # fmt: skip
        states = {each["state"] for each in providers.values()}
        return answer({"status": "backoff" if "backoff" in states else "ok", "providers": providers})

    async def reset(self, request: web.Request) -> web.Response:
        chosen = [self._named(request)] if "provider" in request.match_info else list(self._quotas.values())
        for quota in chosen:
            _log.warning("the quota of %s is reset by hand; %d of %d were used", quota.provider, quota.used, quota.limit)
            quota.reset()
            self._resets.add(quota.provider)
        self._file.write()
        return answer({"status": "reset", "providers": [quota.provider for quota in chosen]})

    async def use(self, request: web.Request) -> web.Response:
        quota, now_s = self._named(request), self._clock.now()
        amount = (await body_of(request)).get("amount", quota.left(now_s))
        if isinstance(amount, bool) or not isinstance(amount, int) or amount < 0:
            raise BadRequest(f"amount: expected a whole number, 0 or more, found {amount!r}")
        used = quota.take_many(amount, now_s)
        _log.warning("somebody else with the key of %s has used %d of its quota", quota.provider, used)
        self._file.write()
        return answer({"provider": quota.provider, "used": used, "remaining": quota.left(now_s)})

    # --- life ---

    async def keep(self) -> None:
        """Write down what was used, for ever."""
        while True:
            await asyncio.sleep(_WRITE_EVERY_S)
            self._file.write()

    def end(self) -> None:
        self._ended = True

    def close(self) -> None:
        self._file.write()


def _waits_s(refusal: aiohttp.ClientResponseError) -> float:
    """How long a provider that refuses wants to be left alone."""
    told = refusal.headers.get("Retry-After", "") if refusal.headers else ""
    return float(told) if told.isdecimal() else 0.0


async def start(service: Service) -> None:
    """Open the gate."""
    gate = Gate(service)
    service.background(gate.keep)
    service.on_stop(gate.end)
    service.on_close(gate.close)
    service.open_ended("/providers/{provider}/ticks", gate.ticks)
    service.open_ended("/providers/{provider}/healthz", gate.provider_health)  # a probe is no traffic
    service.get("/status", gate.status)
    service.post("/use/{provider}", gate.use)
    service.post("/reset", gate.reset)
    service.post("/reset/{provider}", gate.reset)


def main(config: Mapping[str, Any]) -> None:
    """Be the rate gate."""
    run(config, start)
