"""Price providers, the rate gate before them, and the broker do something wrong: they are told to, and tell how often they did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from fakes.services.behaviours import PATH
from harness.errors import FaultError
from harness.faults.base import Fault
from harness.stack.embedded import EmbeddedStack
from harness.stack.services import RunningService
from scenarios.faults import Fault as FaultModel
from scenarios.faults.outside import (
    BrokerDisconnects,
    BrokerDoubleFills,
    BrokerRejects,
    BrokerSlow,
    FeedDuplicated,
    FeedOutOfOrder,
    FeedSpikes,
    FeedStale,
    FeedStopped,
    ProviderQuota,
    ProviderRefuses,
)

_ANSWERS_WITHIN_S = 5.0  # wall


def service_of(name: str, stack: EmbeddedStack, process: str, program: str) -> RunningService:
    """The service that a fault strikes. Raises FaultError when it is none that runs this program."""
    found = stack.services.get(process)
    if found is None or stack.model.services[process].program != program:
        there = [each for each, model in stack.model.services.items() if model.program == program]
        raise FaultError(f"{name}: {process} is no {program} of this stack; there {_are(there)}")
    return found


def _are(names: list[str]) -> str:
    return f"is {names[0]}" if len(names) == 1 else f"are {', '.join(names) or 'none'}"


class _Asking:
    """What both kinds below share: a service that is asked over HTTP."""

    def __init__(self, name: str, stack: EmbeddedStack, service: RunningService) -> None:
        self.name = name
        self._service, self._http = service, stack.http

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What it answers. Raises FaultError when it does not, or refuses."""
        url = f"http://127.0.0.1:{self._service.port}{path}"
        try:
            answer = await self._http.request(method, url, json=body, timeout=_ANSWERS_WITHIN_S)
        except httpx.HTTPError as error:
            raise FaultError(
                f"{self.name}: {self._service.name} does not answer: {str(error) or type(error).__name__}"
            ) from error
        if answer.status_code != 200:
            raise FaultError(f"{self.name}: {self._service.name} refused: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def _must_run(self) -> None:
        if not self._service.running:
            raise FaultError(f"{self.name}: {self._service.name} was not running, so it could not be told")


class Misbehave(_Asking):
    """A party behaves in a way that it has (`fakes.services.behaviours`). A restart of it heals, too."""

    def __init__(self, name: str, stack: EmbeddedStack, service: RunningService, behaviour: str, value: float) -> None:
        super().__init__(name, stack, service)
        self._behaviour, self._value = behaviour, value

    async def inject(self) -> None:
        self._must_run()
        await self._ask("POST", PATH, {self._behaviour: self._value})

    async def heal(self) -> None:
        if self._service.running:
            await self._ask("POST", PATH, {self._behaviour: None})

    async def bitten(self) -> str | None:
        if not self._service.running:
            return None
        acts = (await self._ask("GET", PATH)).get(self._behaviour, {}).get("acts", 0)
        return f"{self._service.name}: {self._behaviour}, {acts} times" if acts else None


class UseUpQuota(_Asking):
    """The quota of providers is used up at the rate gate, by somebody else. Healed by a reset, where that is still so."""

    def __init__(self, name: str, stack: EmbeddedStack, service: RunningService, provider: str | None) -> None:
        super().__init__(name, stack, service)
        self._only = provider
        self._struck: list[str] = []

    async def inject(self) -> None:
        self._must_run()
        wanted = [self._only] if self._only else list((await self._ask("GET", "/status"))["providers"])
        for provider in wanted:
            await self._ask("POST", f"/use/{provider}", {})
        self._struck = wanted

    async def heal(self) -> None:
        for provider in await self._used_up():
            await self._ask("POST", f"/reset/{provider}", {})
        self._struck = []

    async def bitten(self) -> str | None:
        used_up = await self._used_up()
        return f"used up: {', '.join(used_up)}" if used_up and used_up == self._struck else None

    async def _used_up(self) -> list[str]:
        """Those of the struck ones that are backed off from."""
        if not self._struck or not self._service.running:
            return []
        providers = (await self._ask("GET", "/status"))["providers"]
        return [provider for provider in self._struck if providers[provider]["remaining"] == 0]


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case ProviderQuota():
            gate = service_of(name, stack, model.process, "rate-gate")
            return UseUpQuota(name, stack, gate, model.provider)
        case FeedStopped() | FeedStale() | FeedOutOfOrder() | FeedDuplicated() | FeedSpikes() | ProviderRefuses():
            program = "price-provider"
        case BrokerRejects() | BrokerDisconnects() | BrokerDoubleFills() | BrokerSlow():
            program = "broker"
        case _:
            return None
    match model:
        case FeedDuplicated() | BrokerRejects() | BrokerDisconnects() | BrokerDoubleFills():
            value = model.share
        case FeedSpikes():
            value = model.factor
        case BrokerSlow():
            value = model.delay_s
        case _:
            value = 1.0
    behaviour = model.fault.partition(".")[2]  # the parties call them as the faults are called
    return Misbehave(name, stack, service_of(name, stack, model.process, program), behaviour, value)
