from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.training.buffered_reading import BufferedReading
from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.window_plan import IntArray, WindowPlan


def plan(buffer_frames: int) -> WindowPlan:
    rows = {"frames": pa.array([40] * 8, pa.int32()), "part": ["a", "a", "b", "b", "c", "c", "d", "d"]}
    return WindowPlan(SequenceTable(pa.table(rows), "part"), 10, 4, seed=1, buffer_frames=buffer_frames)


def test_every_buffer_is_read_once_in_a_row_and_the_next_ahead() -> None:
    read: list[tuple[int, ...]] = []

    def note(rows: IntArray) -> IntArray:
        read.append(tuple(rows.tolist()))
        return rows

    planned = plan(buffer_frames=100)
    reading = BufferedReading(planned, note)
    wanted = []
    for step in range(12):
        buffer = planned.buffer(step)
        assert np.array_equal(reading.loaded(buffer), buffer.rows)
        if not wanted or wanted[-1] != tuple(buffer.rows.tolist()):
            wanted.append(tuple(buffer.rows.tolist()))
    reading.close()
    assert len(wanted) > 1
    assert read[: len(wanted)] == wanted


def test_what_fits_into_memory_is_read_once() -> None:
    read = []
    planned = plan(buffer_frames=10_000)
    reading = BufferedReading(planned, lambda rows: read.append(len(rows)))
    for step in range(30):
        reading.loaded(planned.buffer(step))
    reading.close()
    assert read == [8]
