"""Clients that look a name up: what they are told, and for how long they keep it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from harness.workload.names import CLIENTS, Doors, Names, NameService, Record, read_record

ANSWER = (
    '<ListResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ResourceRecordSets><ResourceRecordSet>'
    "<Name>{name}.</Name><Type>CNAME</Type><TTL>{ttl}</TTL><ResourceRecords><ResourceRecord><Value>{host}.</Value></ResourceRecord>"
    "</ResourceRecords></ResourceRecordSet></ResourceRecordSets></ListResourceRecordSetsResponse>"
)
HERE, THERE = (Doors(gateway=f"http://{each}", ingestor="", signals="") for each in ("here", "there"))


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def now(self) -> float:
        return self.now_s

    wall = now

    async def sleep(self, documented_s: float) -> None:
        self.now_s += documented_s


class Zone:
    """Route 53 with one record, which can be changed."""

    def __init__(self) -> None:
        self.host, self.ttl, self.asked, self.works = "primary.x", 60, 0, True

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        assert request.query["name"] == "trading.x"
        return web.Response(text=ANSWER.format(name="trading.x", ttl=self.ttl, host=self.host), status=200 if self.works else 500)


@asynccontextmanager
async def looking_up(zone: Zone, clock: Hands) -> AsyncIterator[Names]:
    app = web.Application()
    app.router.add_get("/2013-04-01/hostedzone/Z1/rrset", zone.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    service = NameService(
        api=f"127.0.0.1:{port}",
        zone="Z1",
        name="trading.x",
        ttl_s=60,
        first="primary.x",
        doors={"primary.x": HERE, "dr.x": THERE},
    )
    async with aiohttp.ClientSession() as http:
        names = Names(service, clock, http)
        try:
            yield names
        finally:
            await names.close()
            await runner.cleanup()


async def led(names: Names) -> list[str]:
    """Where each client is led, once whoever has to ask has asked."""
    for number in range(CLIENTS):
        names.doors(number)
    await asyncio.gather(*names._asking.values(), return_exceptions=True)
    return [names.host(number) for number in range(CLIENTS)]


def test_clients_follow_a_change_one_after_another_and_all_of_them_within_the_time_to_live() -> None:
    """Half of it passed: half of them have followed; all of it: every one."""

    async def followed() -> tuple[int, int, int]:
        zone, clock = Zone(), Hands()
        async with looking_up(zone, clock) as names:
            zone.host = "dr.x"
            at_once = (await led(names)).count("dr.x")
            clock.now_s += 30
            half = (await led(names)).count("dr.x")
            clock.now_s += 30
            return at_once, half, (await led(names)).count("dr.x")

    assert asyncio.run(followed()) == (0, CLIENTS // 2, CLIENTS)


def test_an_answer_is_kept_for_as_long_as_it_says() -> None:
    """Not asked again before, asked again after."""

    async def asked() -> list[int]:
        zone, clock = Zone(), Hands()
        zone.ttl = 5
        counts = []
        async with looking_up(zone, clock) as names:
            for step_s in (60, 4, 2):
                clock.now_s += step_s
                await led(names)
                counts.append(zone.asked)
        return counts

    assert asyncio.run(asked()) == [CLIENTS, CLIENTS, 2 * CLIENTS]


def test_where_nobody_answers_the_old_answer_is_used_on() -> None:
    """As resolvers do; and a host at which nobody is has no doors."""

    async def kept() -> tuple[Doors | None, Doors | None]:
        zone, clock = Zone(), Hands()
        async with looking_up(zone, clock) as names:
            zone.works = False
            clock.now_s += 100
            await led(names)
            before, zone.works, zone.host = names.doors(0), True, "nowhere.x"
            await led(names)
            return before, names.doors(0)

    assert asyncio.run(kept()) == (HERE, None)


def test_a_record_of_another_name_is_none() -> None:
    """Route 53 lists from a name on: what comes first may be the next one."""
    answer = ANSWER.format(name="zebra.x", ttl=60, host="dr.x")
    assert read_record(answer, "trading.x") is None
    assert read_record(answer, "zebra.x.") == Record("dr.x", 60.0)
    with pytest.raises(ValueError, match="can't be read"):
        read_record("<html", "trading.x")


def test_a_client_follows_in_time_though_it_sends_nothing_itself() -> None:
    """Where time is accelerated its own next order is half a minute away: whoever comes by has all ask whose answers ran out."""

    async def last() -> str:
        zone, clock = Zone(), Hands()
        async with looking_up(zone, clock) as names:
            zone.host = "dr.x"
            clock.now_s += 60
            names.doors(0)
            await asyncio.gather(*names._asking.values())
            return names.host(CLIENTS - 1)

    assert asyncio.run(last()) == "dr.x"
