"""The containers stack, seen from inside its network: datastores, Toxiproxy and monitor are containers, the rest as embedded.

The conductor, the fake services and the operator's workstation run in one container of the project's own image, which shares
its network with all others: the documented ports are those of `localhost`, as in the embedded stack's sandbox. What the
conductor wants done to a container it asks of `harness.engine.broker`, outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psycopg
from redis.asyncio import Redis

from harness.engine.layout import DATA, RUN, SOCKET
from harness.errors import SandboxError
from harness.stack.embedded import EmbeddedStack, Instance
from harness.stack.postgres import SUPERUSER, PostgresServer, PostgresSettings
from harness.stack.process import Program
from harness.stack.redis import RedisServer
from harness.stack.remote import Remote
from scenarios.model import Datastore

_SEEN = Path(RUN)  # the folder that all containers of the drill see
_IPV6 = Path("/proc/net/ipv6_route")  # not there where the kernel has no IPv6
_SOCKETS = Path("/var/run/postgresql")  # where the official image's own clients look
_STARTS_WITHIN_S = 60.0  # documented, at rate 1: the first start initialises its data


class ContainersStack(EmbeddedStack):
    """The stack of one drill. `start` and `stop` are safe to repeat."""

    kind = "containers"

    def __init__(self, *given: Any, **named: Any) -> None:
        self.remote = Remote(_SEEN / SOCKET)
        super().__init__(*given, **named)

    @property
    def shared(self) -> Path:
        return _SEEN

    def _datastore(self, name: str) -> Instance:
        model = self.model.datastores[name]
        place: dict[str, Any] = {
            "folder": self.folders.run, "port": self.ports[model.port], "log": self.folders.logs / f"{name}.log", "clock": self.clock,
        }  # fmt: skip
        if model.kind == "redis":
            return RedisContainer(self.remote, name, program=self._tools.redis_server.path, **place)
        settings = PostgresSettings.of(self.settings)
        replica = _replica(self.model.datastores)
        return PostgresContainer(
            self.remote, replica, name, programs=self._tools.postgres.path, settings=settings, uid=None, **place
        )

    async def start(self) -> float:
        _see_no_way_out()
        await self.remote.connect()
        return await super().start()

    async def _start_proxies(self) -> None:
        async def answers() -> str | None:
            return await asyncio.to_thread(self.toxiproxy.version)

        await self._populate(answers)

    async def stop(self) -> None:
        async with AsyncExitStack() as steps:
            steps.push_async_callback(self.remote.close)
            steps.push_async_callback(super().stop)

    async def memory_mb(self) -> float:
        """Of the conductor's own container and all others."""
        return await super().memory_mb() + float((await self.remote.ask("memory"))["memory_mb"])

    async def servers(self) -> dict[str, str]:
        """What the servers themselves say: a tag may name anything."""
        found = {"toxiproxy": await asyncio.to_thread(self.toxiproxy.version)}
        for store in self.datastores.values():
            found[store.name] = await (
                _postgres_version(store) if isinstance(store, PostgresServer) else _redis_version(store.port)
            )
        return found

    def versions(self) -> dict[str, str]:
        """Nothing more than the images, which the spec names."""
        return {}


class PostgresContainer(PostgresServer):
    """A Postgres server in a container of the official image (`harness/engine/entry/postgres.sh`)."""

    def __init__(self, remote: Remote, replica: str, *given: Any, **named: Any) -> None:
        """`replica` is the name that a synchronous standby of it will report."""
        super().__init__(*given, **named)
        self._remote = remote
        self._write(
            "conf", f"port = {self.port}\n" + self.configuration(replica, sockets=_SOCKETS, archive=Path(DATA) / "archive")
        )

    def _write(self, kind: str, text: str) -> None:
        (_SEEN / f"{self.name}.{kind}").write_text(text)

    async def create(self, *, replica: str) -> None:
        """Its container makes its data folder when it is first started."""

    async def copy_from(self, host_port: tuple[str, int]) -> None:
        """Its container copies them from there when it is first started."""
        host, port = host_port
        self._write("source", f"host={host} port={port} user={SUPERUSER} application_name={self.name}")

    async def start(self, *, within_s: float = _STARTS_WITHIN_S) -> None:
        await super().start(within_s=within_s)

    async def _launch(self) -> Program:
        return await self._remote.start(self.name)

    def _has_library(self, name: str) -> bool:  # noqa: ARG002
        return True  # the official image has Postgres's own extensions


class RedisContainer(RedisServer):
    """A Redis server in a container of the official image (`harness/engine/entry/redis.sh`)."""

    def __init__(self, remote: Remote, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._remote = remote
        lines = (f'{key} "{value}"\n' for key, value in self.configuration(Path(DATA) / self.name))
        (_SEEN / f"{self.name}.conf").write_text("".join(lines))

    async def _launch(self) -> Program:
        return await self._remote.start(self.name)


def _replica(stores: Mapping[str, Datastore]) -> str:
    return next((name for name, store in stores.items() if store.replica_of), "none")


def _see_no_way_out() -> None:
    """Raises SandboxError when the drill's network leads anywhere but to itself."""
    found = ways_out(Path("/proc/net/route").read_text(), _IPV6.read_text() if _IPV6.is_file() else "")
    if found:
        raise SandboxError(f"the drill's network has a way out ({', '.join(found)}); nothing is run in it.")


def ways_out(ipv4: str, ipv6: str) -> list[str]:
    """The interfaces of default routes in what the kernel says: /proc/net/route and /proc/net/ipv6_route."""
    rows = [row.split() for row in ipv4.splitlines()[1:]]
    found = [row[0] for row in rows if row[1] == row[7] == "0" * 8]
    rows = [row.split() for row in ipv6.splitlines()]
    return found + [row[9] for row in rows if row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo"]


async def _postgres_version(store: PostgresServer) -> str:
    async with await psycopg.AsyncConnection.connect(store.dsn(database="postgres")) as connection:
        row = await (await connection.execute("SHOW server_version")).fetchone()
    return str(row[0]).split()[0] if row else "unknown"


async def _redis_version(port: int) -> str:
    client = Redis(host="127.0.0.1", port=port, socket_timeout=1)
    try:
        return str((await client.info("server"))["redis_version"])
    finally:
        await client.aclose()
