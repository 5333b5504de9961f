from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.images.frame_plan import FramePlan

LENGTHS = [30, 20, 25, 40, 10, 35]


def _table(parts: int = 3) -> SequenceTable:
    names = [f"part-{number * parts // len(LENGTHS)}" for number in range(len(LENGTHS))]
    return SequenceTable(pa.table({"frames": pa.array(LENGTHS, pa.int32()), "coefficients_part": names}))


def _frames(plan: FramePlan, table: SequenceTable, steps: range) -> list[tuple[int, int]]:
    found = []
    for step in steps:
        buffer = plan.buffer(step)
        rows = np.repeat(buffer.rows, table.frames[buffer.rows])
        within = np.concatenate([np.arange(table.frames[row]) for row in buffer.rows])
        found += [(int(rows[number]), int(within[number])) for number in plan.batch(buffer, step)]
    return found


def test_an_epoch_shows_every_frame_once() -> None:
    table = _table()
    plan = FramePlan(table, 5, seed=1)
    seen = _frames(plan, table, range(sum(LENGTHS) // 5))
    assert len(seen) == len(set(seen)) == sum(LENGTHS)
    assert _frames(plan, table, range(32, 64)) != seen


def test_batches_depend_on_seed_and_step_alone() -> None:
    table = _table()
    whole = _frames(FramePlan(table, 4, seed=2, buffer_frames=60), table, range(200))
    late = _frames(FramePlan(table, 4, seed=2, buffer_frames=60), table, range(150, 200))
    assert late == whole[600:]
    assert _frames(FramePlan(table, 4, seed=3, buffer_frames=60), table, range(20)) != whole[:80]


def test_buffers_follow_each_other() -> None:
    plan = FramePlan(_table(), 4, seed=2, buffer_frames=60)
    buffer = plan.buffer(0)
    following = plan.following(buffer)
    assert following.first_step == buffer.batches
    assert not np.array_equal(following.rows, buffer.rows)
