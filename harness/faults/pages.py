"""Faults of Postgres' pages: bytes of a table or an index overwritten on disk, past the server.

A page that stands in the server's memory is not read from disk, and written over what stands there. So the relation first gets a
new file that the server writes past its memory, with its lock held; the pages are overwritten before anybody can read them.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
from psycopg import sql

from harness.errors import FaultError
from harness.faults.sql import Connection, asking, first_line, identifier, relation, scalar, server_of
from harness.stack.embedded import EmbeddedStack
from scenarios.faults.postgres import HeapCorruption, IndexCorruption

PAGE = 8192
_FROM, _JUNK = 3072, b"gameday!" * 64  # bytes within a page, and what is written there
_SPACE = sql.Identifier("moved_by_a_fault")


class CorruptHeap:
    """The first pages of a table. Healing mends nothing: the data are gone until somebody restores them."""

    def __init__(self, name: str, stack: EmbeddedStack, model: HeapCorruption) -> None:
        self.name, self._model = name, model
        self._server = server_of(name, stack, model.process)
        _own_files(name, stack)
        self._blocks = 0

    async def inject(self) -> None:
        if await self.bitten():
            return
        async with asking(self.name, self._server) as connection:
            table = await relation(self.name, connection, self._model.table, "rm")
            await connection.execute("SET allow_in_place_tablespaces = on")
            await connection.execute(sql.SQL("CREATE TABLESPACE {} LOCATION ''").format(_SPACE))
            try:
                async with connection.transaction():
                    # A table that is moved is copied file to file; there and back, and it is where it was.
                    for place in (_SPACE, sql.Identifier("pg_default")):
                        await connection.execute(sql.SQL("ALTER TABLE {} SET TABLESPACE {}").format(table, place))
                    self._blocks = await _overwrite(
                        self.name, connection, self._server.data, self._model.table, 0, self._model.blocks
                    )
            finally:
                await connection.execute(sql.SQL("DROP TABLESPACE {}").format(_SPACE))

    async def heal(self) -> None:
        return

    async def bitten(self) -> str | None:
        """What Postgres says to whoever reads the first of the pages, and which they are."""
        if not self._blocks:
            return None
        query = sql.SQL("SELECT count(*) FROM {} WHERE ctid = '(0,1)'").format(identifier(self._model.table))
        async with asking(self.name, self._server) as connection:
            said = await _refusal(connection, query)
        return None if said is None else f"{_places(0, self._blocks)} of {self._model.table}: {said}"


class CorruptIndex:
    """Pages of a B-tree behind its head. Healed by REINDEX, unless somebody did that already."""

    def __init__(self, name: str, stack: EmbeddedStack, model: IndexCorruption) -> None:
        self.name, self._model = name, model
        self._server = server_of(name, stack, model.process)
        _own_files(name, stack)
        self._file: str | None = None
        self._blocks = 0

    async def inject(self) -> None:
        if await self.bitten():
            return
        async with asking(self.name, self._server) as connection:
            index = await relation(self.name, connection, self._model.index, "i")
            method = "SELECT amname FROM pg_class JOIN pg_am ON pg_am.oid = relam WHERE pg_class.oid = to_regclass(%s)"
            if (found := await scalar(connection, method, [self._model.index])) != "btree":
                raise FaultError(
                    f"{self.name}: {self._model.index} is a {found} index; only B-trees are written past the server's memory"
                )
            async with connection.transaction():
                await connection.execute(sql.SQL("REINDEX INDEX {}").format(index))
                self._blocks = await _overwrite(
                    self.name, connection, self._server.data, self._model.index, 1, self._model.blocks
                )
                self._file = await _file_of(connection, self._model.index)

    async def heal(self) -> None:
        if self._file is None or not self._server.running:
            return
        async with asking(self.name, self._server) as connection:
            if await _file_of(connection, self._model.index) == self._file:  # REINDEX gives it another one
                await connection.execute(sql.SQL("REINDEX INDEX {}").format(identifier(self._model.index)))
        self._file = None

    async def bitten(self) -> str | None:
        """What Postgres says to whoever reads along the index, and which pages they are."""
        if self._file is None:
            return None
        async with asking(self.name, self._server) as connection:
            if await _file_of(connection, self._model.index) != self._file:
                return None
            await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
            said = await _refusal(connection, await _along(connection, self._model.index))
        if said is None or self._file not in said:
            return None
        return f"{_places(1, self._blocks)} of {self._model.index}: {said}"


def _own_files(name: str, stack: EmbeddedStack) -> None:
    if stack.kind != "embedded":
        raise FaultError(f"{name}: the files of a stack on {stack.kind} are not the drill's to overwrite; use an embedded stack")


async def _overwrite(name: str, connection: Connection, data: Path, written: str, first: int, blocks: int) -> int:
    """Overwrite bytes of a relation's pages from `first` on; how many pages. To be called while nobody else can read it."""
    # Whatever comes before a checkpoint is not done again after a crash: it would mend what is overwritten here.
    await connection.execute("CHECKPOINT")
    path = data / str(await _file_of(connection, written))
    there = path.stat().st_size // PAGE - first
    if there < 1:
        raise FaultError(f"{name}: {written} has no page that could be overwritten: nothing stands in it")
    file = os.open(path, os.O_WRONLY)
    try:
        for block in range(first, first + min(blocks, there)):
            os.pwrite(file, _JUNK, block * PAGE + _FROM)
        os.fsync(file)
    finally:
        os.close(file)
    return min(blocks, there)


def _places(first: int, blocks: int) -> str:
    return f"block {first}" if blocks == 1 else f"blocks {first} to {first + blocks - 1}"


async def _file_of(connection: Connection, written: str) -> str | None:
    """Where a relation's pages are, below the data folder; None when there is no such relation."""
    found = await scalar(connection, "SELECT pg_relation_filepath(to_regclass(%s))", [written])
    return None if found is None else str(found)


async def _along(connection: Connection, index: str) -> sql.Composed:
    """A query that reads along an index."""
    found = await connection.execute(
        "SELECT indrelid::regclass::text, pg_get_indexdef(indexrelid, 1, true), coalesce(pg_get_expr(indpred, indrelid), 'true')"
        " FROM pg_index WHERE indexrelid = to_regclass(%s)", [index],
    )  # fmt: skip
    row = await found.fetchone()
    assert row is not None
    table, key, condition = (sql.SQL(part) for part in row)
    return sql.SQL("SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} LIMIT 1").format(
        key=key, table=table, condition=condition
    )


async def _refusal(connection: Connection, query: sql.Composed) -> str | None:
    """What Postgres says of damaged data when it is asked this; None when it answers."""
    try:
        await connection.execute(query)
    except psycopg.errors.DataCorrupted as error:
        return first_line(error)
    return None
