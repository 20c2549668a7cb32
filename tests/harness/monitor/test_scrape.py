"""Scraping over HTTP."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from harness.monitor.scrape import HttpFetcher, ScrapeFailed
from tests.harness.monitor.servers import answering, serving


def test_scrapes_of_a_target_share_one_connection() -> None:
    """It stays open between them."""
    connections: set[object] = set()

    async def metrics(request: web.Request) -> web.Response:
        connections.add(request.transport)
        return web.Response(text="x 1\n")

    async def play() -> list[str]:
        fetcher = HttpFetcher()
        async with serving(answering("/metrics", metrics)) as url:
            try:
                return [await fetcher.fetch(f"{url}/metrics") for _ in range(3)]
            finally:
                await fetcher.close()

    assert asyncio.run(play()) == ["x 1\n"] * 3
    assert len(connections) == 1


def test_a_target_that_came_back_is_scraped_again() -> None:
    """A connection that died with the old process is replaced without a failure of the first scrape."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text="x 1\n")

    async def play() -> None:
        fetcher = HttpFetcher()
        async with serving(answering("/metrics", metrics)) as url:
            await fetcher.fetch(f"{url}/metrics")
        with pytest.raises(ScrapeFailed, match="Cannot connect"):
            await fetcher.fetch(f"{url}/metrics")
        port = int(url.rpartition(":")[2])
        runner = web.AppRunner(answering("/metrics", metrics), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        assert await fetcher.fetch(f"{url}/metrics") == "x 1\n"
        await fetcher.close()
        await runner.cleanup()

    asyncio.run(play())


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (web.Response(status=503, text="x 1\n"), "answered HTTP 503 Service Unavailable"),
        (web.Response(body=b"x\xff 1\n"), "utf-8"),
    ],
    ids=["503", "not text"],
)
def test_an_answer_that_is_no_good_is_a_failed_scrape(response: web.Response, words: str) -> None:
    """Whatever its body says."""

    async def metrics(_: web.Request) -> web.Response:
        return response

    async def play() -> None:
        fetcher = HttpFetcher()
        async with serving(answering("/metrics", metrics)) as url:
            try:
                with pytest.raises(ScrapeFailed, match=words):
                    await fetcher.fetch(f"{url}/metrics")
            finally:
                await fetcher.close()

    asyncio.run(play())
