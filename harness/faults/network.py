"""Faults of links, carried out by Toxiproxy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from harness.faults.base import Fault
from harness.stack.embedded import EmbeddedStack
from harness.toxiproxy import Toxic
from scenarios.faults import Fault as FaultModel
from scenarios.faults.network import LinkDown, LinkToxic


class CutLinks:
    """Existing connections are closed and new ones refused, on links and on service addresses."""

    def __init__(self, name: str, stack: EmbeddedStack, links: Sequence[str]) -> None:
        self.name = name
        self._proxies = [proxy.name for proxy in stack.topology.matching(links, with_addresses=True)]
        self._toxiproxy = stack.toxiproxy

    async def inject(self) -> None:
        await self._set(enabled=False)

    async def heal(self) -> None:
        await self._set(enabled=True)

    async def _set(self, *, enabled: bool) -> None:
        await asyncio.gather(*(asyncio.to_thread(self._toxiproxy.set_enabled, name, enabled) for name in self._proxies))

    async def bitten(self) -> str | None:
        states = await asyncio.to_thread(self._toxiproxy.enabled)
        cut = [name for name in self._proxies if not states[name]]
        return f"cut: {', '.join(cut)}" if len(cut) == len(self._proxies) else None


class PoisonLinks:
    """A toxic on links."""

    def __init__(self, name: str, stack: EmbeddedStack, model: LinkToxic) -> None:
        self.name = name
        self._proxies = [proxy.name for proxy in stack.topology.matching(model.links, with_addresses=False)]
        self._toxiproxy = stack.toxiproxy
        # Named after the fault, so that several faults can put the same kind of toxic on one link.
        self._toxic = Toxic(f"{name}-{model.stream}", model.toxic, model.stream, model.toxicity, dict(model.attributes))

    async def inject(self) -> None:
        await self.heal()
        await asyncio.gather(*(asyncio.to_thread(self._toxiproxy.add_toxic, name, self._toxic) for name in self._proxies))

    async def heal(self) -> None:
        present = await asyncio.to_thread(self._toxiproxy.toxics)
        stricken = [name for name in self._proxies if self._toxic.name in present[name]]
        await asyncio.gather(*(asyncio.to_thread(self._toxiproxy.remove_toxic, name, self._toxic.name) for name in stricken))

    async def bitten(self) -> str | None:
        present = await asyncio.to_thread(self._toxiproxy.toxics)
        missing = [name for name in self._proxies if self._toxic.name not in present[name]]
        return None if missing else f"{self._toxic.type} on {', '.join(self._proxies)}"


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case LinkDown():
            return CutLinks(name, stack, model.links)
        case LinkToxic():
            return PoisonLinks(name, stack, model)
        case _:
            return None
