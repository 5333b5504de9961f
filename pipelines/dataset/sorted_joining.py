"""Joining two sorted streams of record batches by key, block by block, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

KeysOf = Callable[[pa.RecordBatch], list[Any]]
"""Returns the sort key of every row of a batch: comparable, hashable, unique and ascending over the whole stream."""


@dataclass(frozen=True)
class JoinedBlock:
    """A range of keys of both streams.

    Attributes:
        only_left, only_right: rows whose key the other stream lacks.
        left, right: rows with equal keys, row k of one with row k of the other.
    """

    only_left: pa.RecordBatch
    only_right: pa.RecordBatch
    left: pa.RecordBatch
    right: pa.RecordBatch


def join_sorted(
    streams: tuple[Iterator[pa.RecordBatch], Iterator[pa.RecordBatch]], keys_of: tuple[KeysOf, KeysOf], schema: pa.Schema
) -> Iterator[JoinedBlock]:
    """Yield the outer join of two sorted streams in key order; two batches of each are in memory at most.

    Args:
        streams: left and right batches.
        keys_of: gives the keys of a left and of a right batch.
        schema: columns of both.
    """
    cursors = [_Cursor(stream, keys, schema) for stream, keys in zip(streams, keys_of, strict=True)]
    while True:
        ends = [cursor.last_key() for cursor in cursors if cursor.fill()]
        if not ends:
            return
        yield _join_block(cursors[0].take_up_to(min(ends)), cursors[1].take_up_to(min(ends)))


class _Cursor:
    def __init__(self, batches: Iterator[pa.RecordBatch], keys_of: KeysOf, schema: pa.Schema) -> None:
        self._batches = batches
        self._keys_of = keys_of
        self._batch = pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
        self._keys: list[Any] = []

    def fill(self) -> bool:
        """Read on if nothing is left of the batch before; False at the end."""
        while not self._keys:
            batch = next(self._batches, None)
            if batch is None:
                return False
            self._batch, self._keys = batch, self._keys_of(batch)
        return True

    def last_key(self) -> Any:  # noqa: ANN401 - any comparable key
        return self._keys[-1]

    def take_up_to(self, key: Any) -> tuple[pa.RecordBatch, list[Any]]:  # noqa: ANN401
        count = _rows_up_to(self._keys, key)
        taken = self._batch.slice(0, count), self._keys[:count]
        self._batch, self._keys = self._batch.slice(count), self._keys[count:]
        return taken


def _rows_up_to(keys: list[Any], key: Any) -> int:  # noqa: ANN401
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] <= key:
            low = middle + 1
        else:
            high = middle
    return low


def _join_block(left: tuple[pa.RecordBatch, list[Any]], right: tuple[pa.RecordBatch, list[Any]]) -> JoinedBlock:
    (left_rows, left_keys), (right_rows, right_keys) = left, right
    if left_keys == right_keys:
        return JoinedBlock(left_rows.slice(0, 0), right_rows.slice(0, 0), left_rows, right_rows)
    position = {key: number for number, key in enumerate(right_keys)}
    match = np.array([position.get(key, -1) for key in left_keys], dtype=np.int64)
    found: npt.NDArray[np.bool_] = match >= 0
    unmatched = np.ones(len(right_keys), dtype=bool)
    unmatched[match[found]] = False
    return JoinedBlock(
        only_left=left_rows.filter(pa.array(~found)),
        only_right=right_rows.filter(pa.array(unmatched)),
        left=left_rows.filter(pa.array(found)),
        right=right_rows.take(pa.array(match[found])),
    )
