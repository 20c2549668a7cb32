"""The observer's requests, and what each answer says about whether the thing was done.

aiohttp, because measured at 25 orders and 2 canaries a second it takes 1.8 % of a core where httpx takes 5.2 %.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from fakes.clock import Clock
from harness.workload.config import ObserverConfig
from harness.workload.ledger import Outcome
from harness.workload.names import Doors, Names

CANARY_SYMBOL = "CANARY"
SIGNALS_READ = 100  # the newest ones; a canary's is among them unless that many others came between two looks
_LOOK_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request says about the thing asked for."""

    outcome: Outcome
    status: int | None = None
    error: str | None = None


class Client:
    """Speaks to the stack as an outsider. Never retries: a repeated order would hide what the first one met."""

    def __init__(self, config: ObserverConfig, clock: Clock | None = None) -> None:
        """`clock` is needed where names are looked up: answers are kept for a documented time."""
        self._config = config
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # each caller sets its own, from the intended send time
        )
        self._names = Names(config.names, clock, self._http) if config.names is not None and clock is not None else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._names is not None:
            await self._names.close()
        await self._http.close()

    def _doors(self, number: int) -> Doors | None:
        """Where this client goes in; None where its name leads nowhere."""
        return self._config.doors if self._names is None else self._names.doors(number)

    async def order(self, name: str, symbol: str, side: str, quantity: int, *, within_s: float) -> Answer:
        """Place an order; `within_s` wall seconds from now its outcome is unknown."""
        body = {"client_order_id": name, "symbol": symbol, "side": side, "quantity": quantity}
        return await self._post(self._doors(_number(name)), "gateway", "/api/orders", body, "client_order_id", within_s)

    async def tick(self, name: str, *, within_s: float) -> Answer:
        """Hand in a canary tick."""
        body = {"tick_id": name, "symbol": CANARY_SYMBOL}
        return await self._post(self._doors(0), "ingestor", "/test/simulate-tick", body, "tick_id", within_s)

    async def signalled_ticks(self) -> set[str]:
        """The tick ids of the newest signals. Raises OSError when they can't be read."""
        if (doors := self._doors(0)) is None:
            raise OSError("the name of the platform leads nowhere")
        try:
            async with asyncio.timeout(_LOOK_WITHIN_S):
                async with self._http.get(f"{doors.signals}/api/signals?limit={SIGNALS_READ}") as response:
                    rows = json.loads(await response.read()) if response.status == 200 else []
                    if response.status != 200:
                        raise OSError(f"signals answered {response.status}")
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise OSError(f"signals could not be read: {_told(error)}") from error
        return {str(row.get("tick_id")) for row in rows}

    async def _post(self, doors: Doors | None, door: str, path: str, body: dict[str, Any], key: str, within_s: float) -> Answer:
        if doors is None:
            return Answer(Outcome.FAIL, error="not sent: the name of the platform leads nowhere")
        url = f"{getattr(doors, door)}{path}"
        try:
            async with asyncio.timeout(max(within_s, 0)), self._http.post(url, json=body) as response:
                return classify(response.status, await response.read(), key, body[key])
        except aiohttp.ClientConnectorError as error:
            return Answer(Outcome.FAIL, error=f"not sent: {_told(error)}")
        except TimeoutError:
            return Answer(Outcome.INFO, error="no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(Outcome.INFO, error=_told(error))


def classify(status: int, body: bytes, key: str, name: str) -> Answer:
    """What an answer says: a success must name what was asked for; a refusal (4xx, or 503 that says it failed) is certain.

    Any other answer leaves it open.
    """
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    said = said if isinstance(said, dict) else {}
    if status in (200, 201, 202):
        if said.get(key) == name:
            return Answer(Outcome.OK, status)
        return Answer(Outcome.INFO, status, f"the answer names {said.get(key)!r}")
    why = ": ".join(str(said[part]) for part in ("error", "dependency", "reason") if said.get(part)) or f"HTTP {status}"
    outcome = said.get("outcome")
    certain = (400 <= status < 500 and outcome != "unknown") or (status == 503 and outcome == "failed")
    return Answer(Outcome.FAIL if certain else Outcome.INFO, status, why)


def _number(name: str) -> int:
    """`drill-o-000123` -> 123: which of the clients it is. Orders come in pairs, of which both are the same client's."""
    return int(name[-6:]) // 2 if name[-6:].isdigit() else 0


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
