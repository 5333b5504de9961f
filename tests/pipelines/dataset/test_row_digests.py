from __future__ import annotations

import hashlib
import itertools
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dataset.row_digests import RowDigest
from storage_schemas.identifiers import content_hash

SCHEMA = pa.schema([("name", pa.string()), ("count", pa.int32()), ("rate", pa.float64())])


def _digest(rows: list[tuple[str, int, float]], cuts: list[int] | None = None, schema: pa.Schema = SCHEMA) -> str:
    digest = RowDigest(schema)
    columns = [pa.array(list(values), field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    edges = [0, *sorted(cuts or []), len(rows)]
    for start, end in itertools.pairwise(edges):
        digest.update(batch.slice(start, end - start))
    return digest.hexdigest()


ROWS = [("a", 1, 0.5), ("", -2, float("inf")), ("Grüße 😀", 3, -0.0)]


def test_is_what_the_description_says() -> None:
    names = [row[0].encode() for row in ROWS]
    lengths = np.array([len(name) for name in names], "<i8").tobytes()
    expected = content_hash(
        {
            "rows": 3,
            "columns": [
                ["name", "string", hashlib.sha256(b"".join(names)).hexdigest(), hashlib.sha256(lengths).hexdigest()],
                ["count", "int32", hashlib.sha256(np.array([1, -2, 3], "<i4").tobytes()).hexdigest()],
                ["rate", "double", hashlib.sha256(np.array([0.5, np.inf, -0.0], "<f8").tobytes()).hexdigest()],
            ],
        }
    )
    assert _digest(ROWS) == expected


@given(
    st.lists(st.tuples(st.text(), st.integers(-5, 5), st.floats(allow_nan=False)), min_size=1, max_size=20), st.lists(st.integers(0, 20))
)
def test_does_not_depend_on_batch_boundaries(rows: list[tuple[str, int, float]], cuts: list[int]) -> None:
    assert _digest(rows, [min(cut, len(rows)) for cut in cuts]) == _digest(rows)


def test_tells_apart_what_concatenation_would_not() -> None:
    assert _digest([("ab", 0, 0.0), ("c", 0, 0.0)]) != _digest([("a", 0, 0.0), ("bc", 0, 0.0)])


def test_depends_on_order_names_and_types() -> None:
    other_name = pa.schema([("title", pa.string()), ("count", pa.int32()), ("rate", pa.float64())])
    other_type = pa.schema([("name", pa.string()), ("count", pa.int64()), ("rate", pa.float64())])
    assert len({_digest(ROWS), _digest(ROWS[::-1]), _digest(ROWS, schema=other_name), _digest(ROWS, schema=other_type)}) == 4


def test_survives_parquet_whatever_the_compression_and_row_groups(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in ROWS * 100], schema=SCHEMA)
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=7, compression="snappy", use_dictionary=["name"])
    digest = RowDigest(SCHEMA)
    with pq.ParquetFile(tmp_path / "t.parquet") as file:
        for batch in file.iter_batches(13):
            digest.update(batch)
    assert digest.hexdigest() == _digest(ROWS * 100)
    assert digest.rows == 300


def test_refuses_nulls_and_other_columns() -> None:
    digest = RowDigest(SCHEMA)
    with pytest.raises(ValueError, match="column count: expected no nulls, found 1 in 1 rows"):
        digest.update(pa.RecordBatch.from_pylist([{"name": "a", "count": None, "rate": 0.0}], schema=SCHEMA))
    with pytest.raises(ValueError, match="expected columns"):
        digest.update(pa.RecordBatch.from_pylist([{"name": "a"}]))


def test_300000_rows_take_no_time() -> None:
    schema = pa.schema([(f"text_{number}", pa.string()) for number in range(20)])
    values = pa.array([f"value {number}" for number in range(300_000)])
    batch = pa.RecordBatch.from_arrays([values] * 20, schema=schema)
    started = time.perf_counter()
    digest = RowDigest(schema)
    digest.update(batch)
    digest.hexdigest()
    assert time.perf_counter() - started < 5
