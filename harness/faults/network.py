"""Faults of links, carried out by Toxiproxy."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import ClassVar
from weakref import WeakKeyDictionary

from harness.errors import FaultError
from harness.faults.base import Fault
from harness.faults.ongoing import Ongoing
from harness.stack.embedded import EmbeddedStack
from harness.stack.topology import Proxy
from harness.toxiproxy import Toxic
from scenarios.faults import Fault as FaultModel
from scenarios.faults.network import LinkDown, LinkFlap, LinkPartition, LinkToxic, SiteCut


class Cuts:
    """Which faults keep which proxies cut: what two of them cut opens when both are healed."""

    _of: ClassVar[WeakKeyDictionary[EmbeddedStack, Cuts]] = WeakKeyDictionary()

    def __init__(self, stack: EmbeddedStack) -> None:
        self._toxiproxy = stack.toxiproxy
        self._by: defaultdict[str, set[str]] = defaultdict(set)

    @classmethod
    def of(cls, stack: EmbeddedStack) -> Cuts:
        """Those of this stack."""
        return cls._of.setdefault(stack, cls(stack))

    async def keep(self, fault: str, proxies: Collection[str], cut: Collection[str]) -> None:
        """Of these proxies the fault wants just those cut."""
        for name in proxies:
            (self._by[name].add if name in cut else self._by[name].discard)(fault)
        await asyncio.gather(*(asyncio.to_thread(self._toxiproxy.set_enabled, name, not self._by[name]) for name in proxies))

    async def seen(self, names: Collection[str]) -> str | None:
        """Evidence that all of them are cut."""
        states = await asyncio.to_thread(self._toxiproxy.enabled)
        return f"cut: {', '.join(names)}" if names and not any(states[name] for name in names) else None


class CutLinks:
    """Existing connections are closed and new ones refused, on links and on service addresses."""

    def __init__(self, name: str, stack: EmbeddedStack, links: Sequence[str]) -> None:
        self.name = name
        self._proxies = [proxy.name for proxy in stack.topology.matching(links, with_addresses=True)]
        self._cuts = Cuts.of(stack)

    async def inject(self) -> None:
        await self._cuts.keep(self.name, self._proxies, self._proxies)

    async def heal(self) -> None:
        await self._cuts.keep(self.name, self._proxies, ())

    async def bitten(self) -> str | None:
        return await self._cuts.seen(self._proxies)


class FlapLinks(CutLinks):
    """Links that are cut and mended, again and again, until healed."""

    def __init__(self, name: str, stack: EmbeddedStack, model: LinkFlap) -> None:
        super().__init__(name, stack, model.links)
        self._down_s, self._up_s = model.down_s, model.up_s
        self._ongoing = Ongoing(stack.clock)

    async def inject(self) -> None:
        if self._ongoing.going:
            return
        await super().inject()
        self._ongoing.begin(self._flap())

    async def heal(self) -> None:
        try:
            await self._ongoing.end()
        finally:
            await super().heal()

    async def _flap(self) -> None:
        while await self._ongoing.lasts(self._down_s):
            await super().heal()
            if not await self._ongoing.lasts(self._up_s):
                return
            await super().inject()


class CutSite:
    """Parts of the stack that nothing reaches and that reach nothing, wherever service addresses lead meanwhile."""

    def __init__(self, name: str, stack: EmbeddedStack, parts: Sequence[str], *, unreachable: bool = False) -> None:
        """`unreachable`: nobody can tell the parts anything meanwhile, not even by their own control API."""
        self.name, self._unreachable = name, unreachable
        known = [*stack.services, *stack.datastores]
        for pattern in parts:
            if not any(fnmatchcase(each, pattern) for each in known):
                raise FaultError(f"{name}: {pattern} is neither a service nor a datastore of this stack")
        self._parts = {each for each in known if any(fnmatchcase(each, pattern) for pattern in parts)}
        self._stack, self._cuts, self._ongoing = stack, Cuts.of(stack), Ongoing(stack.clock)
        self._all = [proxy.name for proxy in stack.topology.proxies]

    def _crossing(self) -> list[str]:
        """What leads from the parts or to them at the moment."""
        return [proxy.name for proxy in self._stack.topology.proxies if self._crosses(proxy)]

    def _crosses(self, proxy: Proxy) -> bool:
        if proxy.is_address:
            leads = {**self._stack.pointing, **self._stack.service_pointing}
            return leads.get(proxy.target, proxy.target) in self._parts
        # A link to a service or an address leads through the address, which may lead elsewhere one day.
        return proxy.source in self._parts or (proxy.target in self._stack.datastores and proxy.target in self._parts)

    async def inject(self) -> None:
        if self._ongoing.going:
            return
        cut = self._crossing()
        if self._unreachable:
            self._stack.out_of_reach |= self._parts
        await self._cuts.keep(self.name, cut, cut)
        self._ongoing.begin(self._follow(cut))

    async def heal(self) -> None:
        try:
            await self._ongoing.end()
        finally:
            if self._unreachable:
                self._stack.out_of_reach -= self._parts
            await self._cuts.keep(self.name, self._all, ())

    async def bitten(self) -> str | None:
        return await self._cuts.seen(self._crossing())

    async def _follow(self, cut: list[str]) -> None:
        """An address that is led out of the parts is open again, one that is led into them is cut."""
        while await self._ongoing.rests():
            if (now := self._crossing()) != cut:
                await self._cuts.keep(self.name, {*cut, *now}, now)
                cut = now


class PoisonLinks:
    """A toxic on links."""

    def __init__(self, name: str, stack: EmbeddedStack, links: Sequence[str], toxic: Toxic, *, with_addresses: bool) -> None:
        self.name = name
        self._proxies = [proxy.name for proxy in stack.topology.matching(links, with_addresses=with_addresses)]
        self._toxiproxy, self._toxic = stack.toxiproxy, toxic

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
        case LinkFlap():
            return FlapLinks(name, stack, model)
        case SiteCut():
            if model.site is not None and not stack.model.at_site(model.site):
                raise FaultError(f"{name}: this stack has no site {model.site}")
            parts = stack.model.at_site(model.site) if model.site else model.parts
            return CutSite(name, stack, parts, unreachable=model.site is not None)
        case LinkToxic():
            # Named after the fault, so that several faults can put the same kind of toxic on one link.
            toxic = Toxic(f"{name}-{model.stream}", model.toxic, model.stream, model.toxicity, dict(model.attributes))
            return PoisonLinks(name, stack, model.links, toxic, with_addresses=False)
        case LinkPartition():
            silence = Toxic(f"{name}-{model.stream}", "timeout", model.stream, attributes={"timeout": 0})
            return PoisonLinks(name, stack, model.links, silence, with_addresses=True)
        case _:
            return None
