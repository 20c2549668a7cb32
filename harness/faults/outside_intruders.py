"""Intruders: somebody guesses passwords, somebody uses a token that is not theirs. Both knock at the gateway as any client does."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from harness.errors import FaultError
from harness.faults.base import Fault
from harness.faults.ongoing import Ongoing
from harness.stack.embedded import EmbeddedStack
from scenarios.faults import Fault as FaultModel
from scenarios.faults.outside import GATEWAYS, Intrusion, KeyLeaked, LoginsBruteForce

_AT_ONCE = 8  # requests under way: more would starve a small machine of what it measures with
_ANSWERED_WITHIN_S = 5.0  # wall
_USED = {
    "orders": (201, "orders"),
    "reads": (200, "looks"),
    "admin": (403, "tries to act as an operator"),
}  # the answer that shows it
_Request = Callable[[int], dict[str, Any]]


class Intrude:
    """Requests from one address, evenly and up to a number, in the background. It ends by itself, or by healing."""

    def __init__(self, name: str, stack: EmbeddedStack, model: Intrusion, request: _Request, *, bites: int, means: str) -> None:
        """`request` makes the n-th one, as httpx takes it; `bites` is the answer that shows it, and `means` what that is."""
        self.name = name
        if model.process not in stack.services or stack.model.services[model.process].program not in GATEWAYS:
            raise FaultError(f"{name}: {model.process} is no gateway of this stack")
        port = stack.ports[stack.model.services[model.process].port]
        self._base, self._clock, self._model, self._request = f"http://127.0.0.1:{port}", stack.clock, model, request
        self._bites, self._means = bites, means
        self._answers: Counter[int] = Counter()
        self._knocking = Ongoing(stack.clock)

    async def inject(self) -> None:
        if not self._knocking.going:
            self._answers.clear()
            self._knocking.begin(self._go_on())

    async def heal(self) -> None:
        await self._knocking.end()

    async def bitten(self) -> str | None:
        count = self._answers[self._bites] if self._knocking.going else 0
        return f"{count} {self._means} from {self._model.address}" if count else None

    async def _go_on(self) -> None:
        """All attempts. A gateway that is down does not deter anybody."""
        began_s, numbers = self._clock.now(), iter(range(self._model.attempts))
        headers = {"X-Forwarded-For": self._model.address}  # as the load balancer says who it was
        client = httpx.AsyncClient(base_url=self._base, headers=headers, trust_env=False, timeout=_ANSWERED_WITHIN_S)
        async with client, asyncio.TaskGroup() as tasks:
            for _ in range(_AT_ONCE):
                tasks.create_task(self._knock(client, numbers, began_s))

    async def _knock(self, client: httpx.AsyncClient, numbers: Iterator[int], began_s: float) -> None:
        for number in numbers:
            early_s = began_s + number * self._model.every_s - self._clock.now()
            if not self._knocking.going or (early_s > 0 and not await self._knocking.lasts(early_s)):
                return
            with contextlib.suppress(httpx.HTTPError):
                self._answers[(await client.request(**self._request(number))).status_code] += 1


def _guess(model: LoginsBruteForce) -> _Request:
    return lambda number: {
        "method": "POST", "url": "/auth/login", "json": {"user": model.user, "password": f"guess-{number}"},
    }  # fmt: skip


def _use(name: str, model: KeyLeaked) -> _Request:
    shown = {"Authorization": f"Bearer {model.token}"}
    placed = itertools.count(1)  # over all injections: no order is another's

    def order(_: int) -> dict[str, Any]:
        wanted = {"client_order_id": f"{name}-{next(placed)}", "symbol": "EURUSD", "side": "buy", "quantity": 1}
        return {"method": "POST", "url": "/api/orders", "headers": shown, "json": wanted}

    def look(_: int) -> dict[str, Any]:
        return {"method": "GET", "url": "/api/positions", "headers": shown}

    def administer(_: int) -> dict[str, Any]:
        return {"method": "POST", "url": "/emergency/resume-trading", "headers": shown, "json": {}}

    return {"orders": order, "reads": look, "admin": administer}[model.does]


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case LoginsBruteForce():
            return Intrude(name, stack, model, _guess(model), bites=401, means=f"wrong logins as {model.user}")
        case KeyLeaked():
            bites, done = _USED[model.does]
            return Intrude(name, stack, model, _use(name, model), bites=bites, means=f"{done} with the token")
        case _:
            return None
