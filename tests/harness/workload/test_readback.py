"""The whole way of a write: sent by the observer, booked in a real Postgres, deleted behind the stack's back, and missed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiohttp import web

from fakes.clock import ClockPage, PageClock
from harness.history import HISTORY_FILE, Event, History, Recorder
from harness.measure import measure
from harness.workload import readback
from harness.workload.invariants import check_all, record_checks
from harness.workload.readback import read_back
from harness.workload.stream import Observer
from tests.harness.workload.fake_stack import FakeStack, observer_config

pytestmark = pytest.mark.real

ORDER = "INSERT INTO orders VALUES (%s, %s, %s, %s, 'client', %s, %s)"
EXECUTION = "INSERT INTO executions VALUES (%s, %s, %s, %s, %s, %s, 1.1, %s, %s)"
POSITION = "INSERT INTO positions VALUES (%s, %s, %s) ON CONFLICT (symbol) DO UPDATE SET quantity = positions.quantity + excluded.quantity"


class Desk:
    """Books the orders of a fake stack: at a broker, and in Postgres, in one transaction."""

    def __init__(self, stack: FakeStack, connection: psycopg.AsyncConnection[Any], clock: PageClock) -> None:
        self._connection, self._clock, self._turn = connection, clock, asyncio.Lock()
        self._stack = stack
        stack.answer = self.book

    async def book(self, request: web.Request, order: dict[str, Any]) -> web.StreamResponse:
        name, symbol, side, quantity = (order[key] for key in ("client_order_id", "symbol", "side", "quantity"))
        at_s = self._clock.now()
        fill = {
            "fill_id": f"F-{name}",
            "client_order_id": name,
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
            "at_s": at_s,
        }
        self._stack.fills.append(fill)
        async with self._turn, self._connection.transaction():
            await self._connection.execute(ORDER, (name, symbol, side, quantity, at_s, at_s))
            await self._connection.execute(EXECUTION, (f"E-{name}", name, f"F-{name}", symbol, side, quantity, at_s, at_s))
            await self._connection.execute(POSITION, (symbol, quantity if side == "buy" else -quantity, at_s))
        return await FakeStack.filled(request, order)


def drilled(folder: Path, dsn: str, damage: Callable[[psycopg.AsyncConnection[Any]], Awaitable[object]]) -> History:
    """Sixty orders, a fault in the middle that does nothing, damage, and the reading back."""

    async def whole() -> None:
        async with FakeStack.running() as stack, await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            config = observer_config(folder, stack.url)
            clock = PageClock(config.clock)
            Desk(stack, connection, clock)
            with closing(Recorder(folder / HISTORY_FILE, clock)) as recorder:
                recorder.record("drill.started", "it", scenario={"detection": {"alerts": []}}, settings={}, speed=1.0)
                observer = Observer()
                await observer.start(config, folder / "observer.log")
                await stack.until_orders(30)
                recorder.record("fault.injected", "nothing")
                await stack.until_orders(60)
                await observer.stop()
                await damage(connection)
                await read_back(recorder, clock, dsn=dsn, broker=stack.url)
                record_checks(History.read(folder), recorder)

    asyncio.run(whole())
    return History.read(folder)


def verdicts(history: History) -> dict[str, bool | None]:
    return {check.name: check.ok for check in check_all(history)}


async def nothing(_connection: psycopg.AsyncConnection[Any]) -> None:
    """No damage."""


def test_data_that_nobody_touched_are_in_order(tmp_path: Path, dsn: str) -> None:
    """Every check holds on a real database, every order is found, and the recorded checks are those that are run again."""
    history = drilled(tmp_path, dsn, nothing)
    assert verdicts(history) == dict.fromkeys(verdicts(history), True)
    assert len(verdicts(history)) == 9
    readback = history.last("readback.orders")
    acknowledged = history.last("op.ok")
    assert readback is not None
    assert acknowledged is not None
    assert acknowledged.at_s <= readback.data["began_s"] < readback.at_s
    found = measure(history)
    assert (found.lost_writes, found.orders.attempted) == (0, found.orders.acknowledged)
    assert {event.subject: event.data["ok"] for event in history.of_kind("check.finished")} == verdicts(history)


@pytest.mark.parametrize("planted", [1, 7])
def test_rows_deleted_behind_the_stacks_back_are_missed_exactly(planted: int, tmp_path: Path, dsn: str) -> None:
    """The ledger finds the planted number of lost writes; the checks that rest on the same rows find them too."""
    deleted: list[str] = []

    async def damage(connection: psycopg.AsyncConnection[Any]) -> None:
        doomed = "SELECT client_order_id FROM orders ORDER BY placed_at_s OFFSET 10 LIMIT %s"
        rows = await connection.execute(
            f"DELETE FROM orders WHERE client_order_id IN ({doomed}) RETURNING client_order_id".encode(), (planted,)
        )
        deleted.extend(row[0] for row in await rows.fetchall())

    history = drilled(tmp_path, dsn, damage)
    assert len(deleted) == planted
    assert measure(history).lost_writes == planted
    found = {check.name: check for check in check_all(history)}
    assert found["lost-acknowledged-writes"].ok is False
    assert found["lost-acknowledged-writes"].counts["lost"] == planted
    assert min(deleted) in found["lost-acknowledged-writes"].detail
    assert found["executions-equal-fills"].counts["not_booked"] == planted
    assert found["unexpected-writes"].ok is True


def test_a_position_changed_by_hand_is_seen(tmp_path: Path, dsn: str) -> None:
    """One unit more than its executions."""
    history = drilled(tmp_path, dsn, lambda connection: connection.execute("UPDATE positions SET quantity = quantity + 1"))
    assert verdicts(history)["positions-equal-executions"] is False
    assert verdicts(history)["lost-acknowledged-writes"] is True


@pytest.mark.parametrize("broken", ["database", "broker"])
def test_what_cannot_be_read_is_recorded_as_not_read(broken: str, tmp_path: Path, dsn: str) -> None:
    """No database, or no broker: an event that says so, and no number."""
    ClockPage(tmp_path / "clock.page")

    async def whole() -> Event:
        async with FakeStack.running() as stack:
            clock = PageClock(tmp_path / "clock.page")
            with closing(Recorder(tmp_path / HISTORY_FILE, clock)) as recorder:
                nowhere = "host=127.0.0.1 port=9 user=eafix dbname=eafix connect_timeout=2"
                return await read_back(
                    recorder, clock, dsn=nowhere if broken == "database" else dsn,
                    broker="http://127.0.0.1:9" if broken == "broker" else stack.url,
                )  # fmt: skip

    event = asyncio.run(whole())
    assert event.kind == "readback.failed"
    assert event.data["error"]
    assert check_all(History.read(tmp_path)) == []


FILLS = [
    [f"F-{number}", f"o-{number}", "EURUSD", "buy", 1, float(at_s)] for number, at_s in enumerate((1, 2, 3, 4, 500), start=1)
]


@pytest.mark.parametrize("settled", [0, 2, 4])
def test_old_fills_are_waited_for_as_long_as_others_are_still_booked(settled: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that was cut off for minutes books one fill after the other; what it has given up is not waited for."""
    reads = 0

    async def tables(_dsn: str) -> dict[str, readback.Rows]:
        nonlocal reads
        reads += 1
        booked = ["o-5", *(f"o-{number}" for number in range(1, min(reads, settled + 1)))]  # one more with each reading
        return {"executions": [["E", name] for name in booked]}

    monkeypatch.setattr(readback, "_tables", tables)
    monkeypatch.setattr(readback, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(readback, "_GOES_ON_S", 0.2)
    found = asyncio.run(readback._read_until_booked("nowhere", FILLS))
    assert len(found["executions"]) == 1 + settled
    assert reads == 5 if settled == 4 else reads > 5
