from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.rendering.batch.frame_batches import Run, frame_batches


def test_batches_go_across_clips() -> None:
    assert list(frame_batches([3, 1, 5], {0, 1, 2}, 4)) == [[Run(0, 0, 3), Run(1, 0, 1)], [Run(2, 0, 4)], [Run(2, 4, 1)]]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=8), st.integers(1, 9), st.data())
def test_what_is_together_does_not_depend_on_what_is_wanted(frames: list[int], size: int, data: st.DataObject) -> None:
    wanted = data.draw(st.sets(st.integers(0, len(frames) - 1)))
    whole = list(frame_batches(frames, range(len(frames)), size))

    found = list(frame_batches(frames, wanted, size))

    assert found == [batch for batch in whole if any(run.clip in wanted for run in batch)]
    assert all(sum(run.length for run in batch) == size for batch in whole[:-1])
    made = [(run.clip, frame) for batch in whole for run in batch for frame in range(run.first, run.first + run.length)]
    assert made == [(clip, frame) for clip, count in enumerate(frames) for frame in range(count)]
