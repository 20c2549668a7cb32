"""A fake Slack: takes messages at an incoming webhook, keeps them, and answers `conversations.history` of its Web API.

    POST /services/{workspace}/{app}/{key}            200 `ok`; 400 `invalid_payload` or `no_text`; 404 `channel_not_found`
    GET  /api/conversations.history?channel=...       messages, the newest first; `oldest` (exclusive) and `limit`
    GET  /healthz  GET /metrics

A message is JSON, or a form's field `payload` that holds it: `text`, and `channel` where it is not for the first one. Each is kept
with the moment at which it arrived: `received_s` documented, `received_wall_s` wall, and Slack's `ts`, the calendar time at which
the drill began plus documented seconds. Messages stand in `messages.json` of the state folder.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from fakes.clock import Clock, PageClock
from fakes.services.config import Config
from fakes.services.logs import log_to_stderr
from fakes.services.metrics import CONTENT_TYPE, Registry
from fakes.services.outside import serve_until_ended

_log = logging.getLogger(__name__)
_MOST = 1000  # messages of one answer, as in the real API


class Messages:
    """What was said, channel by channel, as it arrived. `epoch_s` is the calendar time of documented second 0."""

    def __init__(self, path: Path, clock: Clock, epoch_s: float, channels: Sequence[str]) -> None:
        self._path, self._clock, self._epoch_s = path, clock, epoch_s
        self.channels = tuple(name.removeprefix("#") for name in channels)
        self.rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    def take(self, channel: str, text: str, by: str) -> dict[str, Any]:
        """Keep a message that arrives now."""
        now_s = self._clock.now()
        stamp = self._epoch_s + now_s
        if self.rows:
            stamp = max(stamp, float(self.rows[-1]["ts"]) + 0.000001)  # a stamp names one message
        row = {
            "type": "message", "subtype": "bot_message", "channel": channel, "username": by, "text": text, "ts": f"{stamp:.6f}",
            "received_s": round(now_s, 6), "received_wall_s": round(self._clock.wall(), 6),
        }  # fmt: skip
        self.rows.append(row)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(self.rows), encoding="utf-8")
        draft.replace(self._path)
        _log.info("#%s: %s", channel, text.partition("\n")[0])
        return row

    def since(self, channel: str, oldest: float) -> list[dict[str, Any]]:
        """Those of a channel after a stamp, the newest first."""
        return [row for row in reversed(self.rows) if row["channel"] == channel and float(row["ts"]) > oldest]

    def counts(self) -> Mapping[tuple[str, ...], float]:
        return {(name,): float(sum(row["channel"] == name for row in self.rows)) for name in self.channels}


class Chat:
    """The HTTP face of the messages."""

    def __init__(self, messages: Messages, *, version: str) -> None:
        self._messages, self._version = messages, version
        self._metrics = Registry()
        self._metrics.gauges("chat_messages", ("channel",), messages.counts)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/services/{workspace}/{app}/{key}", self._webhook)
        app.router.add_get("/api/conversations.history", self._history)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/metrics", self._scrape)
        return app

    async def _webhook(self, request: web.Request) -> web.Response:
        payload = await _payload(request)
        if payload is None:
            return web.Response(status=400, text="invalid_payload")
        text = payload.get("text")
        if not isinstance(text, str) or not text.strip():
            return web.Response(status=400, text="no_text")
        channel = str(payload.get("channel") or self._messages.channels[0]).removeprefix("#")
        if channel not in self._messages.channels:
            return web.Response(status=404, text="channel_not_found")
        self._messages.take(channel, text, str(payload.get("username") or "incoming-webhook"))
        return web.Response(text="ok")

    async def _history(self, request: web.Request) -> web.Response:
        channel = request.query.get("channel", "").removeprefix("#")
        if channel not in self._messages.channels:
            return web.json_response({"ok": False, "error": "channel_not_found"})
        try:
            oldest, limit = float(request.query.get("oldest", "0")), int(request.query.get("limit", "100"))
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_arguments"})
        if not 1 <= limit <= _MOST:
            return web.json_response({"ok": False, "error": "invalid_limit"})
        found = self._messages.since(channel, oldest)
        return web.json_response({"ok": True, "messages": found[:limit], "has_more": len(found) > limit})

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "service": "chat", "version": self._version, "dependencies": {}})

    async def _scrape(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render().encode(), headers={"Content-Type": CONTENT_TYPE})


async def _payload(request: web.Request) -> Mapping[str, Any] | None:
    """What is said, or None where that is no JSON object."""
    form = request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")
    text = str((await request.post()).get("payload", "")) if form else await request.text()
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


async def serve(config: Mapping[str, Any]) -> None:
    """Be the chat until SIGTERM."""
    given = Config.of(config)
    clock = PageClock(given.clock)
    log_to_stderr(given.name, clock)
    channels = given.settings.get("chat.channels") or ["incidents"]
    messages = Messages(given.state_dir / "messages.json", clock, time.time() - clock.wall(), channels)
    await serve_until_ended(Chat(messages, version=given.version).app(), given)


def main(config: Mapping[str, Any]) -> None:
    """What the fork server calls."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(config))
