"""Requests and answers in JSON, and how errors become answers."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from fakes.services.errors import BadRequest, DependencyDown, Rejected

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")

_log = logging.getLogger(__name__)


def answer(body: object, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(text=json.dumps(body, separators=(",", ":")), status=status, content_type="application/json")


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object in a request's body; no body is an empty object. Raises BadRequest."""
    raw = await request.read()
    try:
        found = json.loads(raw) if raw.strip() else {}
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadRequest("the body is not a JSON object")
    return found


async def reason_of(request: web.Request, otherwise: str) -> str:
    """The `reason` in a request's body, or what stands for it. Raises BadRequest."""
    return str((await body_of(request)).get("reason", otherwise))


def since_of(request: web.Request, now_s: float) -> float:
    """`?since=1h`: the documented time an hour ago; without it, the beginning. Raises BadRequest."""
    text = request.query.get("since")
    if text is None:
        return float("-inf")
    if (ago := _AGO.fullmatch(text)) is None:
        raise BadRequest(f"since: expected a duration such as 30m or 1h, found {text!r}")
    return now_s - float(ago[1]) * _UNITS[ago[2]]


def limit_of(request: web.Request, most: int) -> int:
    """`?limit=20`, and at most `most`. Raises BadRequest."""
    text = request.query.get("limit", str(most))
    if not text.isdecimal():
        raise BadRequest(f"limit: expected a whole number, found {text!r}")
    return min(int(text), most)


async def translated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the handler answers, or the answer that its error stands for (see `errors`)."""
    try:
        return await handler(request)
    except DependencyDown as down:
        error = "outcome unknown" if down.outcome == "unknown" else f"{down.dependency} is down"
        return answer({"error": error, "dependency": down.dependency, "why": down.why, "outcome": down.outcome}, 503)
    except Rejected as rejected:
        return answer({"error": str(rejected), "reason": rejected.reason}, 409)
    except BadRequest as bad:
        return answer({"error": str(bad)}, 400)
    except web.HTTPException:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer and the log the trace
        _log.exception("Exception while answering %s %s", request.method, request.path)
        return answer({"error": "internal error", "outcome": "unknown"}, 500)
