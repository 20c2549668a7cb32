"""Prometheus' HTTP API over the embedded monitor, so that whoever knows Prometheus can look into a drill:

curl 'http://localhost:9090/api/v1/query?query=up'
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import promql_parser
from aiohttp import web

from harness.monitor.answers import RangeAnswer, alerts_answer, instant_answer, instants, rules_answer, targets_answer
from harness.monitor.errors import BadQuery, QueryFailed
from harness.monitor.monitor import Monitor
from harness.monitor.promql import Query
from harness.monitor.serving import Serving

Answer = Callable[[Mapping[str, Any]], Awaitable[Any]]


class Api:
    """Serves one monitor on one port of the loopback."""

    def __init__(self, monitor: Monitor, port: int, *, host: str = "127.0.0.1") -> None:
        """Port 0 takes a free one; `port` then says which."""
        self._monitor = monitor
        self._serving = Serving("the monitor's API", host, port)

    @property
    def port(self) -> int:
        return self._serving.port

    async def start(self) -> None:
        """Raises HarnessError when the port is taken."""
        app = web.Application()
        for path, answer in {
            "/api/v1/query": self._query,
            "/api/v1/query_range": self._query_range,
            "/api/v1/alerts": self._alerts,
            "/api/v1/rules": self._rules,
            "/api/v1/targets": self._targets,
        }.items():
            app.router.add_route("GET", path, _as_handler(answer))
            app.router.add_route("POST", path, _as_handler(answer))
        app.router.add_get("/-/ready", _ready)
        app.router.add_get("/-/healthy", _healthy)
        await self._serving.start(app)

    async def stop(self) -> None:
        await self._serving.stop()

    async def _query(self, given: Mapping[str, Any]) -> Any:
        monitor = self._monitor
        query = Query(_required(given, "query"))
        at_s = self._documented(given, "time", monitor.clock.now())
        result = query.at(monitor.store, at_s, epoch_s=monitor.epoch_s, dialect=monitor.dialect)
        return instant_answer(query.result_type, result, at_s, monitor.epoch_s)

    async def _query_range(self, given: Mapping[str, Any]) -> Any:
        now_s = self._monitor.clock.now()
        answer = RangeAnswer(self._monitor, _required(given, "query"))
        start_s, end_s = self._documented(given, "start", 0.0), self._documented(given, "end", now_s)
        step_s = _duration(_required(given, "step")) if "step" in given else self._monitor.evaluate_every_s
        for at_s in instants(start_s, end_s, step_s):
            answer.add(at_s)
            await asyncio.sleep(0)  # a drill goes on meanwhile
        return answer.data

    async def _alerts(self, _: Mapping[str, Any]) -> Any:
        return {"alerts": alerts_answer(self._monitor.alerts, self._monitor.epoch_s)}

    async def _rules(self, _: Mapping[str, Any]) -> Any:
        return rules_answer(self._monitor)

    async def _targets(self, _: Mapping[str, Any]) -> Any:
        return targets_answer(self._monitor)

    def _documented(self, given: Mapping[str, Any], name: str, default_s: float) -> float:
        """A Unix or RFC 3339 time in the request as documented seconds."""
        text = given.get(name)
        if text is None:
            return default_s
        try:
            return float(text) - self._monitor.epoch_s
        except ValueError:
            pass
        try:
            stamp = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadQuery(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from error
        if stamp.tzinfo is None:
            raise BadQuery(f'invalid parameter "{name}": "{text}" has no time zone; end it with Z')
        return stamp.timestamp() - self._monitor.epoch_s


async def _ready(_: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Ready.\n")


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Healthy.\n")


def _as_handler(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        given = request.query if request.method == "GET" else await request.post()
        try:
            return web.json_response({"status": "success", "data": await answer(given)})
        except BadQuery as error:
            return _refusal(400, "bad_data", error)
        except QueryFailed as error:
            return _refusal(422, "execution", error)

    return handle


def _refusal(status: int, kind: str, error: Exception) -> web.Response:
    return web.json_response({"status": "error", "errorType": kind, "error": str(error)}, status=status)


def _required(given: Mapping[str, Any], name: str) -> str:
    text = given.get(name)
    if not isinstance(text, str) or not text.strip():
        raise BadQuery(f'invalid parameter "{name}": it is missing or empty')
    return text


def _duration(text: str) -> float:
    """`15s` or seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(promql_parser.parse_duration(text).total_seconds())
    except ValueError as error:
        raise BadQuery(f'invalid parameter "step": cannot parse "{text}" to a valid duration') from error
