"""What faults of Postgres ask of a server, with its errors translated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql

from harness.errors import FaultError
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer

Connection = psycopg.AsyncConnection[Any]
# Nobody's lock is waited for forever, and no replica that is gone.
_OWN_WAYS = "SET lock_timeout = '5s'; SET synchronous_commit = local"


def server_of(name: str, stack: EmbeddedStack, process: str) -> PostgresServer:
    """The instance that a fault strikes. Raises FaultError."""
    found = stack.datastores.get(process)
    if not isinstance(found, PostgresServer):
        raise FaultError(f"{name}: {process} is no instance of Postgres")
    return found


@asynccontextmanager
async def asking(name: str, server: PostgresServer) -> AsyncIterator[Connection]:
    """A superuser's connection straight to the server. Whatever the server refuses becomes a FaultError of `name`."""
    try:
        async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as connection:
            await connection.execute(_OWN_WAYS)
            yield connection
    except psycopg.Error as error:
        raise FaultError(f"{name}: {server.name}: {first_line(error)}") from error


async def scalar(connection: Connection, query: str | sql.Composed, parameters: Sequence[Any] = ()) -> Any:
    """The first column of the first row; None when there is none."""
    text = query if isinstance(query, sql.Composed) else query.encode()
    row = await (await connection.execute(text, parameters or None)).fetchone()
    return row[0] if row else None


async def relation(name: str, connection: Connection, written: str, kinds: str) -> sql.Identifier:
    """A table or an index that stands in a scenario, `x` or `schema.x`; `kinds` are pg_class' letters. Raises FaultError."""
    found = await scalar(connection, "SELECT relkind::text FROM pg_class WHERE oid = to_regclass(%s)", [written])
    if found is None or found not in kinds:
        why = "does not exist" if found is None else "has no pages of its own" if found in "pI" else "is something else"
        raise FaultError(f"{name}: {written} {why}")
    return identifier(written)


def identifier(written: str) -> sql.Identifier:
    return sql.Identifier(*written.split("."))


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
