"""Whom orders and canaries need: the parts and links of a stack on their way, from the links of its file."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from scenarios.model import Stack


@dataclass(frozen=True, slots=True)
class Path:
    """The parts that one kind of operation passes, and the links between them."""

    parts: frozenset[str]
    links: frozenset[tuple[str, str]]

    def meets(self, struck: str) -> bool:
        """Does this part, or this link `a -> b` (`*` and `any` match all names), lie on it?"""
        source, arrow, to = (each.strip() for each in struck.partition("->"))
        if not arrow:
            return any(fnmatchcase(part, struck) for part in self.parts)
        source = "*" if source == "any" else source
        return any(fnmatchcase(a, source) and fnmatchcase(b, to) for a, b in self.links)


def orders_path(stack: Stack) -> Path:
    """From the gateway to all that it needs, addresses followed to the instances that they lead to at first."""
    return _closure(stack, ("gui-gateway",), without=())


def canary_path(stack: Stack) -> Path:
    """From the ingestor to a signal. A canary is put in at the ingestor, so price providers are not on its way."""
    outside = tuple(name for name, service in stack.services.items() if service.program in {"price-provider", "rate-gate"})
    return _closure(stack, ("data-ingestor", "indicator-engine", "signal-generator"), without=outside)


def instance_of(stack: Stack, address: str) -> str | None:
    """The datastore that a service address leads to at first."""
    wanted = stack.addresses[address].selector.get("role")
    kind = address.split("-", maxsplit=1)[0]
    return next((name for name, store in stack.datastores.items() if store.role == wanted and store.kind == kind), None)


def seen_as(stack: Stack, part: str) -> frozenset[str]:
    """The scraped jobs that go down with a part: its own, and those of the addresses that lead to it."""
    jobs = {name for name in stack.addresses if instance_of(stack, name) == part} | {part}
    return frozenset(jobs & set(stack.monitoring.scrape))


def _closure(stack: Stack, starts: tuple[str, ...], *, without: tuple[str, ...]) -> Path:
    parts: set[str] = set()
    links: set[tuple[str, str]] = set()
    waiting = [name for name in starts if name in stack.services]
    while waiting:
        name = waiting.pop()
        if name in parts or name in without:
            continue
        parts.add(name)
        if name in stack.addresses and (instance := instance_of(stack, name)) is not None:
            parts.add(instance)
        for link in stack.links:
            if link.source == name and link.to not in without:
                links.add((link.source, link.to))
                waiting.append(link.to)
    return Path(frozenset(parts), frozenset(links))
