"""Nights on disk: one Parquet file per campaign, some chunks to a row group, read again a column at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.chunk import Columns

_META = b"gameday"
_CHUNKS = 20  # of one row group: what a file knows of each of its groups stays small


class Writer(Protocol):
    """Takes chunks, in order."""

    def add(self, chunk: Columns) -> None: ...


class _Writer:
    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self._path, self._about = path, about
        self._file: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []

    def add(self, chunk: Columns) -> None:
        table = pa.table({name: pa.array(column, from_pandas=False) for name, column in chunk.items()})
        if self._file is None:
            schema = table.schema.with_metadata({_META: json.dumps(self._about, sort_keys=True).encode()})
            self._file = pq.ParquetWriter(self._path, schema, compression="zstd")
        self._waiting.append(table.cast(self._file.schema))
        if len(self._waiting) == _CHUNKS:
            self._flush()

    def _flush(self) -> None:
        if self._file is not None and self._waiting:
            self._file.write_table(pa.concat_tables(self._waiting).combine_chunks())
        self._waiting.clear()

    def close(self) -> None:
        self._flush()
        if self._file is not None:
            self._file.close()


@contextmanager
def writing(path: Path, about: dict[str, Any]) -> Iterator[Writer]:
    """Write a campaign's nights. The file has its name once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unborn = path.with_name(f".{path.name}.new")
    writer = _Writer(unborn, about)
    try:
        yield writer
    except BaseException:
        writer.close()
        unborn.unlink(missing_ok=True)
        raise
    writer.close()
    unborn.replace(path)


class Nights:
    """The nights of a campaign. A column at a time is in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = pq.ParquetFile(path)
        self.about: dict[str, Any] = json.loads((self._file.schema_arrow.metadata or {}).get(_META, b"{}"))
        self.count = self._file.metadata.num_rows
        self.names = tuple(self._file.schema_arrow.names)

    def column(self, name: str) -> NDArray[Any]:
        """All nights' values of a column, in their order."""
        parts = (
            self._file.read_row_group(number, columns=[name]).column(0).to_numpy() for number in range(self._file.num_row_groups)
        )
        return _joined(parts, self.count)


def _joined(parts: Iterable[NDArray[Any]], count: int) -> NDArray[Any]:
    found: NDArray[Any] | None = None
    at = 0
    for part in parts:
        if found is None:
            found = np.empty(count, dtype=part.dtype)
        found[at : at + len(part)] = part
        at += len(part)
    return np.empty(0) if found is None else found
