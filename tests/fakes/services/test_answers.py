"""Claims about requests and answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from fakes.services.answers import answer, limit_of, since_of, translated
from fakes.services.errors import BadRequest, DependencyDown, Rejected


def asked(query: str) -> web.Request:
    return make_mocked_request("GET", f"/api/signals{query}")


@pytest.mark.parametrize(
    ("query", "since_s"),
    [("?since=1h", 6400.0), ("?since=30m", 8200.0), ("?since=1.5s", 9998.5), ("?since=90", 9910.0), ("", float("-inf"))],
)
def test_since_counts_back_from_now(query: str, since_s: float) -> None:
    """Hours, minutes, seconds; a bare number is seconds; nothing is everything."""
    assert since_of(asked(query), 10_000.0) == since_s


def test_what_is_no_duration_or_number_is_told() -> None:
    """The parameter is named, with what was found."""
    with pytest.raises(BadRequest, match="since: expected a duration such as 30m or 1h, found 'soon'"):
        since_of(asked("?since=soon"), 0.0)
    with pytest.raises(BadRequest, match="limit: expected a whole number, found '-1'"):
        limit_of(asked("?limit=-1"), 10)


def test_a_limit_is_no_higher_than_the_most() -> None:
    """Asking for more gets the most there is."""
    assert [limit_of(asked(query), 10) for query in ("", "?limit=3", "?limit=99")] == [10, 3, 10]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (BadRequest("quantity: wrong"), 400, '{"error":"quantity: wrong"}'),
        (Rejected("halted", "no"), 409, '{"error":"no","reason":"halted"}'),
        (
            DependencyDown("redis", "gone"), 503,
            '{"error":"redis is down","dependency":"redis","why":"gone","outcome":"failed"}',
        ),
        (
            DependencyDown("redis", "gone", "unknown"), 503,
            '{"error":"outcome unknown","dependency":"redis","why":"gone","outcome":"unknown"}',
        ),
        (ZeroDivisionError(), 500, '{"error":"internal error","outcome":"unknown"}'),
    ],
)  # fmt: skip
def test_every_error_has_its_answer(error: Exception, status: int, text: str) -> None:
    """What went wrong is told in JSON, and whether anything was done."""

    async def fail(_: web.Request) -> web.StreamResponse:
        raise error

    response: Any = asyncio.run(translated(asked(""), fail))
    assert (response.status, response.text) == (status, text)
    assert answer({"a": 1}).content_type == "application/json"
