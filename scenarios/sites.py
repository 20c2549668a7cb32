"""Whether the two sites of a stack fit together: twins of what there is, a name for clients, and a way for the data."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.errors import Problem
from scenarios.model import Stack
from scenarios.suggestions import hint
from scenarios.yaml_source import Source

ENTRANCES = ("gui-gateway", "data-ingestor", "signal-generator")  # what clients ask: both sites need each of them


def site_problems(source: Source, stack: Stack) -> Iterator[Problem]:
    """All that is wrong with `sites` and the twins."""
    yield from _twins(source, stack)
    sites = stack.sites
    if sites is None:
        return
    if sites.first == sites.second:
        yield source.problem(f"second: {sites.second} is the name of the first site already", ("sites", "second"))
    for site in {sites.first, sites.second} - sites.hosts.keys():
        yield source.problem(f"hosts: the site {site} has none; clients could not be led there", ("sites", "hosts"))
    for site in sites.hosts.keys() - {sites.first, sites.second}:
        yield source.problem(
            f"unknown site '{site}'{hint(site, (sites.first, sites.second))}", ("sites", "hosts", site), key=True
        )
    if len(set(sites.hosts.values())) < len(sites.hosts):
        yield source.problem(
            "hosts: both sites have the same, so that clients could not be led from one to the other", ("sites", "hosts")
        )
    there = {service.twin_of for service in stack.services.values()}
    for name in ENTRANCES:
        if name not in stack.services or name not in there:
            yield source.problem(f"clients ask {name}, and one of the sites has none", ("sites",))
    if not any(store.kind == "postgres" and store.twin_of for store in stack.datastores.values()):
        yield source.problem("the second site has no Postgres of its own", ("sites",))


def _twins(source: Source, stack: Stack) -> Iterator[Problem]:
    """Each twin is of something at the first site, and of the same kind; nothing has two."""
    for group, members in (("services", stack.services), ("datastores", stack.datastores), ("addresses", stack.addresses)):
        taken: dict[str, str] = {}
        firsts = [name for name, part in members.items() if part.twin_of is None]
        for name, part in members.items():
            if part.twin_of is None:
                continue
            at = (group, name, "twin-of")
            if stack.sites is None:
                yield source.problem(f"{name} is at the second site, and there are no `sites`", at)
            if part.twin_of not in firsts:
                yield source.problem(f"twin-of: there is no '{part.twin_of}' at the first site{hint(part.twin_of, firsts)}", at)
            if part.twin_of in taken:
                yield source.problem(f"twin-of: {taken[part.twin_of]} is that of {part.twin_of} already", at)
            taken.setdefault(part.twin_of, name)
