"""The observer: an open-loop client. It sends on a fixed schedule of wall time, whatever the stack does, and keeps the ledger.

Latency counts from the instant an operation was due, so a stall delays no measurement (no coordinated omission). What is
due while too much is in flight is recorded as failed, never passed over. An operation's `op.invoke` is in the ledger
before anything of it is sent.
"""

from __future__ import annotations

import asyncio
import os
import queue
import random
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from itertools import count
from typing import Any

from fakes.clock import PageClock
from harness.history import Event, Recorder
from harness.sandbox import linux
from harness.workload.client import Answer, Client
from harness.workload.config import ObserverConfig
from harness.workload.ledger import INVOKE, Outcome

_UNIT = 1000  # quantities are one to five of these
_LOOK_EVERY_S = 0.02  # for a canary's signal, while the newest canary is young
_LOOK_LATER_EVERY_S = 0.1
_YOUNG_S = 0.3
_LAST_WORDS_S = 1.0  # for standard output, after the last line was written


class OpenLoop:
    """Carries the load out until it is stopped."""

    def __init__(self, config: ObserverConfig, client: Client, clock: PageClock, recorder: Recorder) -> None:
        self._config, self._client, self._clock, self._recorder = config, client, clock, recorder
        self._flying: set[asyncio.Task[None]] = set()
        self._awaited: dict[str, asyncio.Future[None]] = {}  # canaries whose signal hasn't shown up, by tick id
        self._awaiting = asyncio.Event()
        self._newest_wall_s = 0.0
        self._looking = "not looked yet"
        self._random = random.Random(config.seed)
        self._pair = ("buy", _UNIT)
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until `stopping` is set, then wait for what is in flight. Raises OSError when the ledger can't be written."""
        config = self._config
        senders = [
            asyncio.create_task(self._paced(1 / config.orders_per_s, self._send_order)),
            asyncio.create_task(self._paced(config.canary_every_s, self._send_canary)),
            asyncio.create_task(self._look()),
        ]
        stopped = asyncio.create_task(stopping.wait())
        try:
            ends_it: list[asyncio.Future[Any]] = [stopped, self._failure, *senders]
            await asyncio.wait(ends_it, return_when=asyncio.FIRST_COMPLETED)
            for sender in senders[:2]:
                sender.cancel()
            if self._flying and not self._failure.done():
                await asyncio.wait(self._flying, timeout=max(config.order_timeout_s, config.canary_timeout_s) + 0.5)
        finally:
            left: list[asyncio.Task[Any]] = [*senders, stopped, *self._flying]
            for task in left:
                task.cancel()
            ends = await asyncio.gather(*left, return_exceptions=True)
        for end in [self._failure.exception() if self._failure.done() else None, *ends]:
            if isinstance(end, Exception):
                raise end

    async def _paced(self, every_s: float, send: Callable[[int, float], None]) -> None:
        """Call `send` with the number and the due wall time of each operation; at once for those that are overdue."""
        start_s = self._clock.wall()
        for number in count():
            due_s = start_s + number * every_s
            if (early_s := due_s - self._clock.wall()) > 0:
                await asyncio.sleep(early_s)
            send(number, due_s)

    def _send_order(self, number: int, due_s: float) -> None:
        if number % 2 == 0:  # orders come in pairs that cancel out, so positions stay bounded
            self._pair = self._random.choice(("buy", "sell")), _UNIT * self._random.randint(1, 5)
        side, quantity = self._pair
        if number % 2:
            side = "sell" if side == "buy" else "buy"
        symbol = self._config.symbols[number // 2 % len(self._config.symbols)]
        name = f"{self._config.prefix}o-{number + 1:06d}"
        self._invoke(name, due_s, op="order", symbol=symbol, side=side, qty=quantity)

        async def placed() -> Answer:
            within_s = due_s + self._config.order_timeout_s - self._clock.wall()
            return await self._client.order(name, symbol, side, quantity, within_s=within_s)

        self._fly(name, "order", due_s, placed)

    def _send_canary(self, number: int, due_s: float) -> None:
        name = f"c-{number + 1:06d}"
        self._invoke(name, due_s, op="canary")
        self._fly(name, "canary", due_s, lambda: self._canary(name, due_s))

    def _invoke(self, name: str, due_s: float, **data: Any) -> None:
        late_s = self._clock.wall() - due_s
        documented_s = self._clock.now() - late_s * self._clock.rate
        self._recorder.record(INVOKE, name, **data, intended_s=round(documented_s, 6), intended_wall_s=round(due_s, 6))

    def _fly(self, name: str, op: str, due_s: float, send: Callable[[], Coroutine[None, None, Answer]]) -> None:
        if len(self._flying) >= self._config.max_in_flight:
            self._ended(name, op, due_s, Answer(Outcome.FAIL, error="not sent: too many in flight"))
            return

        async def flight() -> None:
            try:
                answer = await send()
            except asyncio.CancelledError:
                self._ended(name, op, due_s, Answer(Outcome.INFO, error="the observer was stopped before the answer came"))
                raise
            self._ended(name, op, due_s, answer)

        task = asyncio.create_task(flight())
        self._flying.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._failure.done():
            self._failure.set_exception(error)

    def _ended(self, name: str, op: str, due_s: float, answer: Answer) -> None:
        wall_s = self._clock.wall()
        told: dict[str, Any] = {
            key: value for key, value in (("status", answer.status), ("error", answer.error)) if value is not None
        }
        latency_ms = round((wall_s - due_s) * 1000, 3)
        self._recorder.record(f"op.{answer.outcome.value}", name, wall_s=wall_s, op=op, latency_ms=latency_ms, **told)

    async def _canary(self, name: str, due_s: float) -> Answer:
        """Hand a tick in and wait until its signal shows up. A tick that may have been lost is waited for all the same."""
        limit_s = self._config.canary_timeout_s
        seen = self._awaited[name] = asyncio.get_running_loop().create_future()
        self._newest_wall_s = self._clock.wall()
        self._awaiting.set()
        try:
            async with asyncio.timeout(max(due_s + limit_s - self._clock.wall(), 0)):
                answer = await self._client.tick(name, within_s=limit_s)
                if answer.outcome is not Outcome.FAIL:
                    await seen
                    return Answer(Outcome.OK, answer.status)
                return answer
        except TimeoutError:
            return Answer(Outcome.INFO, error=f"no signal within {limit_s:g} s; last look: {self._looking}")
        finally:
            self._awaited.pop(name, None)

    async def _look(self) -> None:
        """One reader for all canaries: marks those whose signal shows up, for as long as any is awaited."""
        while True:
            if not self._awaited:
                self._awaiting.clear()
                await self._awaiting.wait()
            try:
                for name in await self._client.signalled_ticks() & self._awaited.keys():
                    if not self._awaited[name].done():
                        self._awaited[name].set_result(None)
                self._looking = "not among the newest signals"
            except OSError as error:
                self._looking = str(error)
            young = self._clock.wall() - self._newest_wall_s < _YOUNG_S
            await asyncio.sleep(_LOOK_EVERY_S if young else _LOOK_LATER_EVERY_S)


class Teller:
    """Writes lines to standard output from a thread of its own: a reader that is slow or gone never holds the observer up."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        self._lines.put(event.to_line().encode() + b"\n")

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                return  # nobody listens; the ledger has it all

    def close(self) -> None:
        self._lines.put(None)
        self._thread.join(_LAST_WORDS_S)


async def observe(config: ObserverConfig) -> None:
    """Carry the load out until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    clock = PageClock(config.clock)
    recorder = Recorder(config.ledger, clock)
    teller = Teller(sys.stdout.fileno())
    recorder.listen(teller.tell)
    with closing(teller), closing(recorder):
        async with Client(config, clock) as client:
            await OpenLoop(config, client, clock, recorder).run(stopping)


def main(config: ObserverConfig) -> None:
    """Run the observer in this process. It ends with the process that started it."""
    if config.parent is not None:
        linux.die_with_parent(config.parent)
    asyncio.run(observe(config))
