from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dataset.sorted_joining import join_sorted

SCHEMA = pa.schema([("key", pa.int64()), ("side", pa.string())])


def batches(keys: list[int], side: str, size: int) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(keys), size):
        chosen = keys[start : start + size]
        yield pa.RecordBatch.from_arrays([pa.array(chosen, pa.int64()), pa.array([side] * len(chosen))], schema=SCHEMA)


def keys_of(batch: pa.RecordBatch) -> list[int]:
    return list(batch.column("key").to_pylist())


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.integers(1, 9), st.integers(1, 9))
def test_is_an_outer_join(left: set[int], right: set[int], left_size: int, right_size: int) -> None:
    streams = batches(sorted(left), "left", left_size), batches(sorted(right), "right", right_size)
    blocks = list(join_sorted(streams, (keys_of, keys_of), SCHEMA))
    only_left = [key for block in blocks for key in keys_of(block.only_left)]
    only_right = [key for block in blocks for key in keys_of(block.only_right)]
    both = [key for block in blocks for key in keys_of(block.left)]
    assert (only_left, only_right, both) == (sorted(left - right), sorted(right - left), sorted(left & right))
    for block in blocks:
        assert keys_of(block.left) == keys_of(block.right)
        assert set(block.left.column("side").to_pylist()) <= {"left"}
        assert set(block.right.column("side").to_pylist()) <= {"right"}
