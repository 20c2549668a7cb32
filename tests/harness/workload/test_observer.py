"""The open loop against a small fake stack in the same event loop."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from fakes.clock import ClockPage, PageClock
from harness.history import LEDGER_FILE, Event, Recorder
from harness.workload.client import Client
from harness.workload.ledger import Ledger, Operation, Outcome
from harness.workload.observer import OpenLoop
from tests.harness.workload.fake_stack import FakeStack, observer_config


class Told:
    """What the ledger has been told so far."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._news = asyncio.Event()

    def hear(self, event: Event) -> None:
        self._events.append(event)
        self._news.set()

    async def until(self, kind: str, number: int) -> None:
        """Wait until this many events of a kind have come."""
        while sum(event.kind == kind for event in self._events) < number:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 20)


Act = Callable[[FakeStack, Told], Awaitable[None]]


def observe(folder: Path, act: Act, *, url: str | None = None, **changes: Any) -> tuple[list[Event], list[Operation]]:
    """Run the load while `act` plays with the stack; the ledger's events and operations."""

    async def whole() -> None:
        async with FakeStack.running() as stack:
            config = observer_config(folder, url or stack.url, **changes)
            clock = PageClock(config.clock)
            stopping = asyncio.Event()
            async with Client(config) as client:
                with closing(Recorder(config.ledger, clock)) as recorder:
                    told = Told()
                    recorder.listen(told.hear)
                    running = asyncio.create_task(OpenLoop(config, client, clock, recorder).run(stopping))
                    try:
                        await act(stack, told)
                    finally:
                        stopping.set()
                        await running

    asyncio.run(whole())
    events = [Event.from_line(line) for line in (folder / LEDGER_FILE).read_text().splitlines()]
    return events, Ledger(events).operations


def orders(operations: list[Operation]) -> list[Operation]:
    return sorted((one for one in operations if one.op == "order"), key=lambda one: one.id)


def test_a_stall_shows_in_the_latency_of_every_order_that_was_due_in_it(tmp_path: Path) -> None:
    """While the gateway answers nothing, orders go on being sent, and each one's latency counts from when it was due."""
    released_wall_s = 0.0

    async def act(stack: FakeStack, _told: Told) -> None:
        nonlocal released_wall_s
        await stack.until_orders(10)
        stack.open.clear()
        stalled_from = len(stack.orders)
        await stack.until_orders(stalled_from + 40)  # they come although none of them was answered
        released_wall_s = PageClock(tmp_path / "clock.page").wall()
        stack.open.set()
        await stack.until_orders(stalled_from + 60)

    _, operations = observe(tmp_path, act, order_timeout_s=10)
    waited = [one for one in orders(operations) if one.intended_wall_s < released_wall_s < (one.done_wall_s or 0)]
    assert len(waited) >= 40
    for one in orders(operations):
        assert one.outcome is Outcome.OK
        assert one.done_wall_s is not None
        assert one.latency_ms == pytest.approx((one.done_wall_s - one.intended_wall_s) * 1000, abs=0.01)
    for one in waited:
        assert one.latency_ms is not None
        assert one.latency_ms >= (released_wall_s - one.intended_wall_s) * 1000 - 0.01


def test_orders_are_due_on_a_fixed_schedule(tmp_path: Path) -> None:
    """Due times are evenly spaced whatever happened to the orders before."""

    async def act(stack: FakeStack, _told: Told) -> None:
        stack.open.clear()
        await stack.until_orders(30)
        stack.open.set()

    _, operations = observe(tmp_path, act)
    due = [one.intended_wall_s for one in orders(operations)]
    assert [later - earlier for earlier, later in pairwise(due)] == pytest.approx([0.01] * (len(due) - 1), abs=2e-6)


def test_what_is_due_while_too_much_is_in_flight_is_recorded_as_failed(tmp_path: Path) -> None:
    """Nothing is passed over: each due order has an invocation and an end, and those beyond the limit say why."""

    async def act(stack: FakeStack, told: Told) -> None:
        stack.open.clear()
        await told.until("op.fail", 3)
        stack.open.set()

    events, operations = observe(tmp_path, act, max_in_flight=5, canary_every_s=1000, order_timeout_s=10)
    refused = [one for one in orders(operations) if one.outcome is Outcome.FAIL]
    assert len(refused) >= 3
    assert {one.error for one in refused} == {"not sent: too many in flight"}
    kinds = Counter(event.kind for event in events)
    assert kinds["op.invoke"] == kinds["op.ok"] + kinds["op.fail"] + kinds["op.info"]


def test_an_invocation_is_on_disk_before_the_order_is_sent(tmp_path: Path) -> None:
    """Whatever arrives at the gateway already stands in the ledger."""
    unknown: list[str] = []

    async def act(stack: FakeStack, _told: Told) -> None:
        async def answer(request: web.Request, order: dict[str, Any]) -> web.StreamResponse:
            if order["client_order_id"] not in (tmp_path / LEDGER_FILE).read_text():
                unknown.append(order["client_order_id"])
            return await FakeStack.filled(request, order)

        stack.answer = answer
        await stack.until_orders(20)

    _, operations = observe(tmp_path, act)
    assert unknown == []
    assert len(orders(operations)) >= 20


def test_positions_stay_bounded(tmp_path: Path) -> None:
    """Orders come in pairs that cancel out: no symbol is ever more than one order away from nothing."""
    sent: list[dict[str, Any]] = []

    async def act(stack: FakeStack, _told: Told) -> None:
        await stack.until_orders(60)
        sent.extend(stack.orders)

    observe(tmp_path, act)
    positions: defaultdict[str, int] = defaultdict(int)
    for order in sorted(sent, key=lambda one: one["client_order_id"]):
        positions[order["symbol"]] += order["quantity"] if order["side"] == "buy" else -order["quantity"]
        assert max(map(abs, positions.values())) <= 5000
    assert {order["symbol"] for order in sent} == {"EURUSD", "GBPUSD"}


def test_an_order_without_an_answer_in_time_is_unknown(tmp_path: Path) -> None:
    """The time-out counts from when it was due, and the outcome stays open: it may have been done."""

    async def act(stack: FakeStack, _told: Told) -> None:
        stack.open.clear()
        await stack.until_orders(3)

    _, operations = observe(tmp_path, act, order_timeout_s=0.2)
    assert {(one.outcome, one.error) for one in orders(operations)} == {(Outcome.INFO, "no answer in time")}
    assert all(one.latency_ms is not None and one.latency_ms >= 199 for one in orders(operations))


def test_an_order_that_could_not_be_sent_certainly_failed(tmp_path: Path) -> None:
    """Nobody listens: refused before anything was sent."""

    async def act(_stack: FakeStack, told: Told) -> None:
        await told.until("op.fail", 3)

    _, operations = observe(tmp_path, act, url="http://127.0.0.1:9")
    assert {one.outcome for one in orders(operations)} == {Outcome.FAIL}
    assert all((one.error or "").startswith("not sent") for one in orders(operations))


def test_a_canary_succeeds_when_its_signal_shows_up(tmp_path: Path) -> None:
    """Tick in, signal out; where the pipeline is broken the canary is unknown after its time-out and says what was seen."""

    async def act(stack: FakeStack, _told: Told) -> None:
        await stack.until_orders(30)
        stack.pipeline_works = False
        await stack.until_orders(80)

    _, operations = observe(tmp_path, act, canary_timeout_s=0.2)
    canaries = sorted((one for one in operations if one.op == "canary"), key=lambda one: one.id)
    assert canaries[0].outcome is Outcome.OK
    assert canaries[-1].outcome is Outcome.INFO
    assert canaries[-1].error == "no signal within 0.2 s; last look: not among the newest signals"


def test_documented_due_times_follow_the_drills_clock(tmp_path: Path) -> None:
    """At rate 20 orders are as far apart on the wall, and twenty times as far in documented time."""

    async def act(stack: FakeStack, _told: Told) -> None:
        await stack.until_orders(5)

    ClockPage(tmp_path / "fast.page", speed=20).set_rate(20)
    events, _ = observe(tmp_path, act, clock=tmp_path / "fast.page")
    first, second = [event.data for event in events if event.kind == "op.invoke" and event.data["op"] == "order"][:2]
    assert second["intended_wall_s"] - first["intended_wall_s"] == pytest.approx(0.01, abs=1e-5)
    assert second["intended_s"] - first["intended_s"] == pytest.approx(0.2, abs=0.01)
