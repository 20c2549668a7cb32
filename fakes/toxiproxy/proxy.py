"""A proxy: where it listens, where it leads, its toxics and its connections; and all proxies of the server by name."""

from __future__ import annotations

import asyncio
import logging
import random

from fakes.toxiproxy.addresses import join_address, listen, resolve
from fakes.toxiproxy.connection import Connection
from fakes.toxiproxy.errors import AlreadyExists, CannotListen, NotFound
from fakes.toxiproxy.toxics import Direction, Toxic, read_changes, read_toxic

logger = logging.getLogger("proxy")


class Proxy:
    """Enabled, it listens. Disabling it, or changing where it listens or leads, cuts its connections."""

    def __init__(self, name: str, listen: str, upstream: str, seed: int | None) -> None:
        self.name, self.listen, self.upstream = name, listen, upstream
        self._seed = seed
        self._toxics: dict[Direction, list[Toxic]] = {"upstream": [], "downstream": []}
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._refusal: str | None = None

    @property
    def enabled(self) -> bool:
        return self._server is not None

    @property
    def toxics(self) -> list[Toxic]:
        return [*self._toxics["upstream"], *self._toxics["downstream"]]

    def shown(self) -> dict[str, object]:
        """The proxy as the API shows it."""
        where = {"name": self.name, "listen": self.listen, "upstream": self.upstream, "enabled": self.enabled}
        return {**where, "toxics": [toxic.shown() for toxic in self.toxics]}

    # --- listening --------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; nothing if it does already. Raises CannotListen."""
        if self._server is None:
            listener, self.listen = await listen(self.listen)
            self._server = await asyncio.get_running_loop().create_server(self._accept, sock=listener)

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._cut()

    async def update(self, listen: str, upstream: str, *, enabled: bool) -> None:
        """Raises CannotListen; the proxy is disabled then, as the real server leaves it."""
        moves = join_address((await resolve(listen))[1]) != self.listen
        leads_elsewhere = upstream != self.upstream
        self.upstream = upstream
        if moves or not enabled:
            self.stop()
        elif leads_elsewhere:
            self._cut()  # and go on listening: nobody is refused while an address is re-pointed
        if moves:
            self.listen = listen
        if enabled:
            await self.start()

    def _accept(self) -> asyncio.Protocol:
        connection = Connection(self.upstream, self._toxics, gone=self._connections.discard, refused=self._note_refusal)
        self._connections.add(connection)
        if not self.enabled:  # stopped between the kernel's accepting and ours
            connection.cut()
        return connection.client

    def _cut(self) -> None:
        for connection in list(self._connections):
            connection.cut()

    def _note_refusal(self, error: OSError | None) -> None:
        """Log a change of the upstream's answer, not each of a thousand refused connections."""
        seen = None if error is None else str(error)
        if seen != self._refusal:
            self._refusal = seen
            logger.warning("%s: %s: %s", self.name, self.upstream, seen or "connected again")

    # --- toxics -----------------------------------------------------------------------------------------------

    def toxic(self, name: str) -> Toxic:
        """Raises NotFound."""
        for toxic in self.toxics:
            if toxic.name == name:
                return toxic
        raise NotFound("toxic")

    def add_toxic(self, value: object) -> Toxic:
        """Put the described toxic at the end of its stream's chain, on live connections too. Raises ApiError."""
        toxic = read_toxic(value)
        if any(other.name == toxic.name for other in self.toxics):
            raise AlreadyExists("toxic")
        toxic.dice = random.Random(None if self._seed is None else f"{self._seed}/{self.name}/{toxic.name}")
        self._toxics[toxic.direction].append(toxic)
        for connection in list(self._connections):
            connection.links[toxic.direction].add(toxic)
        return toxic

    def change_toxic(self, name: str, value: object) -> Toxic:
        """Give a toxic other attributes or another toxicity, on live connections too. Raises ApiError, and changes nothing then."""
        toxic = self.toxic(name)
        toxic.attributes, toxic.toxicity = read_changes(toxic, value)
        for connection in list(self._connections):
            connection.links[toxic.direction].change(toxic)
        return toxic

    def remove_toxic(self, toxic: Toxic) -> None:
        self._toxics[toxic.direction].remove(toxic)
        for connection in list(self._connections):
            connection.links[toxic.direction].remove(toxic)


class Proxies:
    """All proxies of the server."""

    def __init__(self, seed: int | None = None) -> None:
        self._by_name: dict[str, Proxy] = {}
        self._seed = seed

    def __getitem__(self, name: str) -> Proxy:
        """Raises NotFound."""
        try:
            return self._by_name[name]
        except KeyError:
            raise NotFound("proxy") from None

    def shown(self) -> dict[str, object]:
        return {name: proxy.shown() for name, proxy in sorted(self._by_name.items())}

    async def add(self, name: str, listen: str, upstream: str, *, enabled: bool) -> Proxy:
        """Raises AlreadyExists, CannotListen."""
        if name in self._by_name:
            raise AlreadyExists("proxy")
        return await self._place(Proxy(name, listen, upstream, self._seed), enabled=enabled)

    async def add_or_replace(self, name: str, listen: str, upstream: str, *, enabled: bool) -> Proxy:
        """One that already listens and leads as wished is left as it is, toxics and all. Raises CannotListen."""
        existing = self._by_name.get(name)
        if existing is not None:
            same_place = join_address((await resolve(listen))[1]) == existing.listen
            if same_place and existing.upstream == upstream:
                return existing
            existing.stop()
        return await self._place(Proxy(name, listen, upstream, self._seed), enabled=enabled)

    async def _place(self, proxy: Proxy, *, enabled: bool) -> Proxy:
        if enabled:
            await proxy.start()
        self._by_name[proxy.name] = proxy
        return proxy

    def remove(self, name: str) -> None:
        """Raises NotFound."""
        self[name].stop()
        del self._by_name[name]

    async def reset(self) -> None:
        """Take every toxic away and enable every proxy. Raises CannotListen, after doing what can be done."""
        failure: CannotListen | None = None
        for proxy in list(self._by_name.values()):
            for toxic in proxy.toxics:
                proxy.remove_toxic(toxic)
            try:
                await proxy.start()
            except CannotListen as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def stop(self) -> None:
        for proxy in self._by_name.values():
            proxy.stop()
