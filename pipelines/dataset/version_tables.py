"""The three Parquet tables of a dataset version: where they are, how they are written and read, in bounded memory."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.dataset.row_digests import RowDigest
from storage_schemas.clips import CLIP_COLUMNS_BY_FORMAT, CLIP_SCHEMA
from storage_schemas.dataset_version import OBJECT_SCHEMA
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.rejections import REJECTION_SCHEMA

ROW_GROUP_ROWS = 32_768
_HASH_BLOCK_BYTES = 2**20
_ZSTD_LEVEL = 3

Row = tuple[Any, ...]


class VersionTable(StrEnum):
    """The tables of a version; the value is the key in the manifest's `content` and `files`."""

    CLIPS = "clips"
    REJECTIONS = "rejections"
    OBJECTS = "objects"

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table."""
        return _SCHEMAS[self]

    def schema_of_format(self, version_format: int) -> pa.Schema:
        """Return the columns that the table has in a version of a manifest format; those of earlier formats are the first ones."""
        columns = CLIP_COLUMNS_BY_FORMAT.get(version_format) if self is VersionTable.CLIPS else None
        return pa.schema(list(self.schema)[:columns])

    @property
    def file_name(self) -> str:
        """Name of the Parquet file."""
        return f"{self.value}.parquet"


_SCHEMAS = {VersionTable.CLIPS: CLIP_SCHEMA, VersionTable.REJECTIONS: REJECTION_SCHEMA, VersionTable.OBJECTS: OBJECT_SCHEMA}


def version_folder(version_id: str) -> str:
    """Return the folder of a version relative to the store."""
    return f"versions/{version_id}"


def table_path(version_id: str, table: VersionTable) -> str:
    """Return the path of a version's table relative to the store."""
    return f"{version_folder(version_id)}/{table.file_name}"


def rows_to_batch(rows: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Return rows (tuples in schema order) as one record batch."""
    values_by_column = zip(*rows, strict=True) if rows else itertools.repeat((), len(schema))
    columns = [pa.array(values, type=field.type) for values, field in zip(values_by_column, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class TableWriter:
    """Writes one table row by row: fixed row groups, no timestamps, digest of the rows on the way.

    The bytes are a function of the rows and the pyarrow version alone: the row groups are cut every `ROW_GROUP_ROWS` rows
    however the rows arrive. Use as a context manager; `digest` and `rows` are final once it is closed.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._pending: list[Row] = []
        self._digest = RowDigest(schema)
        self._writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=_ZSTD_LEVEL)

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows: tuples in schema order."""
        self._pending.extend(rows)
        while len(self._pending) >= ROW_GROUP_ROWS:
            self._write(self._pending[:ROW_GROUP_ROWS])
            del self._pending[:ROW_GROUP_ROWS]

    def close(self) -> None:
        """Write what is pending and the footer; further calls do nothing."""
        if self._pending:
            self._write(self._pending)
            self._pending = []
        self._writer.close()

    def _write(self, rows: list[Row]) -> None:
        batch = rows_to_batch(rows, self._schema)
        self._digest.update(batch)
        self._writer.write_batch(batch, row_group_size=ROW_GROUP_ROWS)

    @property
    def digest(self) -> str:
        """Digest of the rows written so far (see row_digests)."""
        return self._digest.hexdigest()

    @property
    def rows(self) -> int:
        """Number of rows written so far."""
        return self._digest.rows


def read_batches(
    store: ObjectStore, version_id: str, table: VersionTable, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield a table of a version in record batches of at most `ROW_GROUP_ROWS` rows, all columns or the named ones.

    Raises:
        FileNotFoundError: if the table is not in the store.
        pyarrow.ArrowException: if the file is damaged.
    """
    with store.open(table_path(version_id, table)) as file:
        yield from (completed_batch(batch, table.schema, columns) for batch in parquet_batches(file, columns))


def completed_batch(batch: pa.RecordBatch, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.RecordBatch:
    """Return a batch with the columns that an earlier format lacks, empty or 0; all of the schema's or the named ones."""
    names = schema.names if columns is None else list(columns)
    found = set(batch.schema.names)
    if names == batch.schema.names or not found <= set(schema.names):
        return batch
    fields = [schema.field(name) for name in names]
    arrays = [batch.column(field.name) if field.name in found else _blank(field.type, batch.num_rows) for field in fields]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _blank(kind: pa.DataType, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar("" if pa.types.is_string(kind) else 0, kind), rows)


def parquet_batches(file: BinaryIO, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield an open Parquet file in record batches of at most `ROW_GROUP_ROWS` rows, reading one row group at a time.

    `ParquetFile.iter_batches` would keep every byte it has read until its end: 0.8 GB for 3,000,000 clips.
    """
    with pq.ParquetFile(file) as parquet:
        for number in range(parquet.num_row_groups):
            group = parquet.read_row_group(number, columns=None if columns is None else list(columns))
            yield from group.combine_chunks().to_batches(max_chunksize=ROW_GROUP_ROWS)


def read_rows(store: ObjectStore, version_id: str, table: VersionTable, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of a version as dictionaries; convenient, and slower than `read_batches`."""
    for batch in read_batches(store, version_id, table, columns):
        yield from batch.to_pylist()


def sha256_of(file: BinaryIO) -> tuple[str, int]:
    """Return the SHA-256 (64 hex digits) and the size in bytes of what remains in an open file, read in blocks."""
    digest = hashlib.sha256()
    size = 0
    for block in iter(lambda: file.read(_HASH_BLOCK_BYTES), b""):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
