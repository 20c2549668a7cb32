"""A database that was in charge once follows the one that is now: pg_rewind takes back what only it has, then it streams."""

from __future__ import annotations

import psycopg

from harness.errors import HarnessError
from harness.stack.postgres import SLOT, SUPERUSER, PostgresServer
from harness.waiting import wait_until

_CAUGHT_UP_WITHIN_S = 60.0  # documented
_LOOK_EVERY_S = 0.05


async def follow(server: PostgresServer, source: PostgresServer, link: str) -> None:
    """Make a stopped server a replica of `source`, reached through `link` (host:port). What it alone has is gone afterwards.

    Raises HarnessError: when it runs, when it has no data, when pg_rewind is not there or can't do it.
    """
    if server.running:
        raise HarnessError(f"{server.name} runs: stop it first; a server that takes writes can't be rewound")
    if not (server.data / "PG_VERSION").exists():
        raise HarnessError(f"{server.name} has no data to rewind: copy or restore it instead")
    host, _, port = link.rpartition(":")
    connection = f"host={host} port={port} user={SUPERUSER} dbname=postgres"
    async with await psycopg.AsyncConnection.connect(source.dsn(database="postgres"), autocommit=True) as asked:
        # A promotion tells its new timeline at the next checkpoint: before it pg_rewind may see no difference.
        await asked.execute("CHECKPOINT")
    try:
        await server.run("pg_rewind", "--target-pgdata", str(server.data), "--source-server", connection)
    except FileNotFoundError as error:
        raise HarnessError("pg_rewind is not among these Postgres programs; `gameday doctor` says which are in use") from error
    async with await psycopg.AsyncConnection.connect(source.dsn(database="postgres"), autocommit=True) as asked:
        await asked.execute(
            "SELECT pg_create_physical_replication_slot(%s, true)"
            " WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = %s)",
            (SLOT, SLOT),
        )
    upstream = f"host={host} port={port} user={SUPERUSER} application_name={server.name}"
    with (server.data / "postgresql.auto.conf").open("a") as file:  # the files are the source's now; the last line counts
        file.write(f"primary_conninfo = '{upstream}'\nprimary_slot_name = '{SLOT}'\nsynchronous_standby_names = ''\n")
    (server.data / "standby.signal").touch()
    server.give(server.data)
    server.wiped = False
    await server.start()
    await source.streaming()


async def caught_up(server: PostgresServer, source: PostgresServer) -> str:
    """Wait until a replica has replayed all that its source has written by now; the place in the log. Raises NotReady."""
    async with await psycopg.AsyncConnection.connect(source.dsn(), autocommit=True) as asked:
        row = await (await asked.execute("SELECT pg_current_wal_flush_lsn()::text")).fetchone()
    assert row is not None
    lsn = str(row[0])

    async def replayed() -> bool | None:
        async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as asked:
            found = await (await asked.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (lsn,))).fetchone()
        return True if found is not None and found[0] else None

    await wait_until(
        replayed,
        what=f"replay of {lsn} by {server.name}",
        within_s=_CAUGHT_UP_WITHIN_S,
        every_s=_LOOK_EVERY_S,
        clock=server.clock,
    )
    return lsn


async def wait_for_no_standby(server: PostgresServer) -> None:
    """A promoted replica is a copy of its configuration too: where replication was synchronous it would wait for itself."""
    async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as connection:
        await connection.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
        await connection.execute("SELECT pg_reload_conf()")
