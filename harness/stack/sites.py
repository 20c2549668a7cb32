"""The two sites of a stack: fencing one off, bringing the other up, and handing over from one to the other."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.errors import HarnessError
from harness.faults.network import CutSite
from harness.stack.embedded import WRITTEN_TO, EmbeddedStack, Instance
from harness.stack.postgres import PostgresServer
from harness.stack.rewind import caught_up, follow, wait_for_no_standby
from harness.stack.services import RunningService


class SiteControl:
    """What a cluster's operators can do with a site. Every verb raises HarnessError with what stands against it."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self._stack = stack
        self._fences: dict[str, CutSite] = {}

    # --- what there is ----------------------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        sites = self._stack.model.sites
        return (sites.first, sites.second) if sites else ()

    def reachable(self, site: str) -> bool:
        """Whether its own control API answers."""
        return not self._stack.out_of_reach & set(self._stack.model.at_site(site))

    def facts(self) -> dict[str, Any]:
        """What the control API says of the sites."""
        return {
            site: {
                "active": site == self._stack.active_site,
                "fenced": site in self._stack.fenced,
                "reachable": self.reachable(site),
                "database": self.database(site).name,
                "running": [name for name in self._stack.model.at_site(site) if self._stack.process(name).running],
            }
            for site in self.names()
        }

    def database(self, site: str) -> PostgresServer:
        """The Postgres of a site that is not another's replica within it."""
        for name in self._stack.model.at_site(site):
            found = self._stack.datastores.get(name)
            model = self._stack.model.datastores.get(name)
            if not isinstance(found, PostgresServer) or model is None:
                continue
            if model.replica_of is None or self._stack.model.site_of(model.replica_of) != site:
                return found
        raise HarnessError(f"the site {site} has no Postgres")

    # --- fencing ----------------------------------------------------------------------------------------------

    async def fence(self, site: str) -> None:
        """Cut all links of a site from outside it, for good: whether or not it comes back. Done by the network, so nothing of it is asked.

        The site in charge, if that is not this one, must not be fenced while it serves: then nobody would.
        """
        parts = self._stack.model.at_site(site)
        if site not in self._fences:
            self._fences[site] = CutSite(f"fence of {site}", self._stack, parts)
        await self._fences[site].inject()
        self._stack.fenced.add(site)

    async def unfence(self, site: str) -> None:
        """Take the fence away. Refused while a database that takes writes, or a service, would come out from behind it."""
        self._ask(site)
        dangerous = [name for name in self._stack.model.at_site(site) if self._could_act(name)]
        if site != self._stack.active_site and dangerous:
            raise HarnessError(
                f"{', '.join(dangerous)} of {site} still run: behind the fence they do no harm, without it two sites trade"
            )
        if site in self._fences:
            await self._fences[site].heal()
        self._stack.fenced.discard(site)

    def _could_act(self, name: str) -> bool:
        """A service, or a database that is no replica any more. A Redis by itself does nothing."""
        part = self._stack.process(name)
        if isinstance(part, RunningService):
            return part.running
        return isinstance(part, PostgresServer) and part.running and not (part.data / "standby.signal").exists()

    # --- taking over ------------------------------------------------------------------------------------------

    async def activate(self, site: str) -> str:
        """Promote the site's database if it is a replica, and start its services; what was done. The other site is not asked."""
        self._ask(site)
        database, said = self.database(site), "its database is empty: restore it"
        if database.running:
            await database.promote()
            await wait_for_no_standby(database)
            self._lead(site)
            said = f"{database.name} takes writes"
        await self.start(site)
        return said

    async def restore(self, site: str) -> dict[str, Any] | None:
        """Bring the site's database back from what lies off site; None, and nothing, where it lives: it is newer than any backup."""
        self._ask(site)
        database = self.database(site)
        if database.running:
            return None
        found = await self._stack.restore(database, source="off-site", to="latest")
        self._lead(site)
        return dict(found.to_json())

    async def start(self, site: str) -> None:
        """Its datastores but the database, then its services."""
        self._ask(site)
        database, services = self.database(site), self._services(site)
        others: list[Instance] = [
            self._stack.datastores[name]
            for name in self._stack.model.at_site(site)
            if name in self._stack.datastores and name != database.name
        ]
        await asyncio.gather(*(self._stack.start_store(each) for each in others if not each.running))
        for service in services:
            service.present = True
        await asyncio.gather(*(service.start() for service in services))

    async def stop(self, site: str) -> None:
        """Its services and its database; refused of the site in charge. Its Redis stays: it is asked by nobody."""
        self._ask(site)
        if site == self._stack.active_site and site not in self._stack.fenced:
            raise HarnessError(f"{site} is in charge: without it nobody is served; switch to the other site first")
        await asyncio.gather(*(service.stop() for service in self._services(site)))
        await self.database(site).stop()

    async def follow(self, site: str) -> None:
        """Its database, stopped, becomes a replica of the one in charge: pg_rewind takes back what only it has."""
        self._ask(site)
        assert self._stack.active_site is not None
        if site == self._stack.active_site:
            raise HarnessError(f"{site} is in charge: there is nothing that it could follow")
        if site in self._stack.fenced:
            raise HarnessError(f"{site} is fenced: it reaches nothing that it could follow; take the fence away first")
        database, source = self.database(site), self.database(self._stack.active_site)
        link = self._stack.topology.links_of(database.name).get(source.name)
        if link is None:
            raise HarnessError(f"there is no link {database.name} -> {source.name}, which replication needs")
        await follow(database, source, link)

    async def switch(self, site: str) -> str:
        """Hand over as planned: nothing is taken any more, all is replayed, then the other database takes writes. Nothing is lost."""
        self._ask(site)
        old = self._stack.active_site
        if old is None or site == old:
            raise HarnessError(f"{site} is in charge already")
        here, there = self.database(site), self.database(old)
        if not here.running or not (here.data / "standby.signal").exists():
            raise HarnessError(f"{here.name} is no replica of {there.name}: let it follow first")
        self._ask(old)
        await asyncio.gather(*(service.stop() for service in self._services(old)))
        lsn = await caught_up(here, there)
        await there.stop()  # a fast shutdown sends its last words to the replica before it ends
        await here.promote()
        await wait_for_no_standby(here)
        self._lead(site)
        await self.start(site)
        return lsn

    def _lead(self, site: str) -> None:
        """Put a site in charge: its database takes writes from now on."""
        stack = self._stack
        if site != stack.active_site:
            old = stack.serving(WRITTEN_TO).name
            stack.active_site = site
            stack.on_cutover(WRITTEN_TO, old, stack.serving(WRITTEN_TO).name)

    def _services(self, site: str) -> list[RunningService]:
        return [self._stack.services[name] for name in self._stack.model.at_site(site) if name in self._stack.services]

    def _ask(self, site: str) -> None:
        """Whatever is done at a site is done by its own control API. Raises HarnessError."""
        if not self.reachable(site):
            raise HarnessError(f"no answer from the site {site}")
