import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from pipelines.reports.fit_clips import FIT_COLUMNS, FitClip, choose_fit_clips


def _batch(clips: int, speakers: int, seed: int = 0, *, fitted: bool = True) -> pa.RecordBatch:
    rng = np.random.default_rng(seed)
    rows = [
        (f"{key:016x}", f"clip{key}", f"S{number % speakers}", "sad", 75, "f", "c" if fitted else "", 75 * number, number, error, 0.0)
        for number, (key, error) in enumerate(zip(rng.permutation(clips).tolist(), rng.random(clips).tolist(), strict=True))
    ]
    return pa.RecordBatch.from_pydict(dict(zip(FIT_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))


def _cut(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    yield from (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))


def test_the_columns_read_fill_the_fields() -> None:
    assert len(dataclasses.fields(FitClip)) == len(FIT_COLUMNS)


def test_speakers_differ_and_the_worst_are_the_worst_of_the_others() -> None:
    batch = _batch(400, 40)
    chosen = choose_fit_clips([batch])
    assert len({clip.speaker for clip in chosen.chance}) == len(chosen.chance) == 4
    assert chosen.chance == sorted(chosen.chance)
    taken = {clip.clip_key for clip in chosen.chance}
    pairs = zip(batch.column("fit_error_percent_iod").to_pylist(), batch.column("clip_key").to_pylist(), strict=True)
    others = sorted((pair for pair in pairs if pair[1] not in taken), reverse=True)
    assert [clip.error_percent_iod for clip in chosen.worst] == [error for error, _ in others[:4]]


def test_batches_and_their_order_do_not_matter() -> None:
    batch = _batch(300, 7)
    whole = choose_fit_clips([batch])
    assert choose_fit_clips(_cut(batch, 17)) == whole
    assert choose_fit_clips(reversed(list(_cut(batch, 64)))) == whole


def test_few_clips_are_shown_once_each() -> None:
    chosen = choose_fit_clips([_batch(5, 2)])
    assert (len(chosen.chance), len(chosen.worst), len({clip.clip_key for clip in chosen})) == (4, 1, 5)


def test_clips_without_coefficients_are_passed_over() -> None:
    assert list(choose_fit_clips([_batch(5, 2, fitted=False)])) == []
    batch = _batch(2, 1)
    parts = pa.nulls(2, pa.string())
    columns = [parts if name == "coefficients_part" else batch.column(name) for name in FIT_COLUMNS]
    assert list(choose_fit_clips([pa.RecordBatch.from_arrays(columns, names=list(FIT_COLUMNS))])) == []
