"""Faults of Postgres: what goes wrong in its data, its sessions, its settings and on its disk."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scenarios.faults.base import BaseFault
from scenarios.fields import PositiveDuration


class _PostgresFault(BaseFault):
    strikes = "postgres"
    process: str = Field(description="An instance of Postgres of the stack.")


class ReplicationLag(_PostgresFault):
    """A replica stops replaying what it receives, or replays it late. Healed by letting it replay all of it."""

    fault: Literal["postgres.replication-lag"]
    delay_s: PositiveDuration | None = Field(
        None, description="How far it stays behind, in seconds of the machine's own clock; None: it replays nothing more."
    )


class HeapCorruption(_PostgresFault):
    """Bytes of a table's pages are overwritten on disk, past Postgres, whose checksums find it. Healing mends nothing: somebody must."""

    fault: Literal["postgres.heap-corruption"]
    table: str = Field(min_length=1, description="`table` or `schema.table`.")
    blocks: int = Field(1, ge=1, description="How many of its pages, from the first on.")


class IndexCorruption(_PostgresFault):
    """Bytes of a B-tree's pages are overwritten on disk, past Postgres. Healed by REINDEX, unless somebody did that already."""

    fault: Literal["postgres.index-corruption"]
    index: str = Field(min_length=1, description="`index` or `schema.index`.")
    blocks: int = Field(1, ge=1, description="How many of its pages, from the first behind its head on.")


class DroppedTable(_PostgresFault):
    """An operator drops a table, and all that depends on it. Healing brings nothing back: somebody must."""

    fault: Literal["postgres.dropped-table"]
    table: str = Field(min_length=1, description="`table` or `schema.table`.")


class WrongUpdate(_PostgresFault):
    """An operator's UPDATE without a WHERE: every row gets the value. Healing brings nothing back: somebody must."""

    fault: Literal["postgres.wrong-update"]
    table: str = Field(min_length=1, description="`table` or `schema.table`.")
    column: str = Field(min_length=1, description="One of its columns.")
    value: str = Field(description="What stands in every row of it afterwards, as SQL reads it between quotes.")


class ConnectionsUsedUp(_PostgresFault):
    """Sessions that are idle in a transaction take the connections that ordinary users may have: all of them, or all but some.

    Where none is left, idle sessions of others are ended first, as pools end theirs now and then, so that their next request needs a
    new one; and as long as nobody ends a session of the fault it takes what becomes free. Healed by ending its sessions.
    """

    fault: Literal["postgres.connections-used-up"]
    free: int = Field(0, ge=0, description="How many connections are left to ordinary users at first; 0: none, and none later.")


class LockPileUp(_PostgresFault):
    """A session holds a table in ACCESS EXCLUSIVE mode and does nothing; who needs the table waits. Healed by ending it."""

    fault: Literal["postgres.lock-pile-up"]
    table: str = Field(min_length=1, description="`table` or `schema.table`.")


class DiskFull(_PostgresFault):
    """A file takes the last byte of the disk that the data lie on: `postgres.disk_mb` of the stack. Healed by deleting the file.

    The disk is one of its own, and small, only where the stack's setting `postgres.disk_mb` says so; no other disk is filled.
    """

    fault: Literal["postgres.disk-full"]
    free_mb: int = Field(0, ge=0, description="How much the file leaves free, in MB; 0: nothing.")


class SlowQueries(_PostgresFault):
    """A migration gave a table a trigger that is slow: every statement that writes it takes longer. Healed by dropping the trigger."""

    fault: Literal["postgres.slow-queries"]
    table: str = Field(min_length=1, description="`table` or `schema.table`.")
    delay_s: PositiveDuration = Field(description="How much longer each statement takes, in seconds of the machine's own clock.")


class ArchiveFailing(_PostgresFault):
    """Finished WAL can't be copied to the archive. Healed by putting the archive command back; what waited is archived then."""

    fault: Literal["postgres.archive-failing"]


PostgresFault = (
    ReplicationLag | HeapCorruption | IndexCorruption | DroppedTable | WrongUpdate | ConnectionsUsedUp | LockPileUp | DiskFull
    | SlowQueries | ArchiveFailing
)  # fmt: skip
NEVER_HEALED = (HeapCorruption, DroppedTable, WrongUpdate)  # by the harness: they end when somebody restores the data
